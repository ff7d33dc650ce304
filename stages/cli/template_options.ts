/**
 * Options on the template of stage 1, of stage 1 and the pipeline.
 *
 * @module
 */
import type { OptionSpec, OptionValues } from "../../lib/cli/command.ts";
import { UsageError } from "../../lib/errors.ts";
import type { TemplateOptions } from "../../lib/template/open_template.ts";

/** Options of stage 1 and the pipeline. */
export const TEMPLATE_OPTIONS: readonly OptionSpec[] = [
  {
    name: "template",
    value: "<path or URL>",
    defaultName: "ICPAC's for the era of the run, from Hugging Face",
    help: "template archive (.tar.gz), or stage 1 zip of the Python tools",
  },
  { name: "no-template", help: "make empty skeletons: references only" },
  { name: "require-template", help: "fail when the template cannot be read or does not fit" },
  {
    name: "template-cache",
    value: "<dir>",
    default: "gik_template_cache",
    help: "folder of downloaded templates",
  },
];

/**
 * Parses {@linkcode TEMPLATE_OPTIONS}. A template that is given must fit; the published one need not.
 *
 * @throws {UsageError} for flags that contradict each other.
 */
export function parseTemplateOptions(values: OptionValues): TemplateOptions {
  const requireTemplate = values.flag("require-template");
  if (values.flag("no-template") && requireTemplate) {
    throw new UsageError("Cannot use --no-template with --require-template: choose one");
  }
  const template = values.text("template");
  return {
    ...(values.flag("no-template") ? {} : { template, published: true }),
    requireTemplate,
    requireFit: requireTemplate || template !== undefined,
    templateCache: values.required("template-cache"),
  };
}
