/**
 * The template of stage 1: its options, where it comes from, and whether it fits the run.
 *
 * @module
 */
import type { OptionSpec, OptionValues } from "../../lib/cli/command.ts";
import { UsageError } from "../../lib/errors.ts";
import type { TemplateOptions } from "../../lib/template/open_template.ts";

/** Where the published template is. */
const PUBLISHED_TEMPLATE =
  "https://huggingface.co/datasets/Nishadhka/gfs_s3_gik_refs/resolve/main/gik-fmrc-v2ecmwf_fmrc.tar.gz";

/** Options of stage 1 that the pipeline has too. */
export const TEMPLATE_OPTIONS: readonly OptionSpec[] = [
  {
    name: "template",
    value: "<path or URL>",
    default: PUBLISHED_TEMPLATE,
    defaultName: "the archive published on Hugging Face",
    help: "template archive (.tar.gz), or stage 1 zip of the Python tools",
  },
  { name: "no-template", help: "make empty skeletons: references only" },
  { name: "require-template", help: "stop when the template cannot be had or does not fit" },
  {
    name: "template-cache",
    value: "<dir>",
    default: "gik_template_cache",
    help: "folder in which downloaded templates are kept",
  },
];

/**
 * Reads the template options. A template that is named must fit; the published one need not.
 *
 * @throws {UsageError} for a combination that asks for two things.
 */
export function parseTemplateOptions(values: OptionValues): TemplateOptions {
  const requireTemplate = values.flag("require-template");
  if (values.flag("no-template") && requireTemplate) {
    throw new UsageError("Cannot use --no-template with --require-template: choose one");
  }
  const template = values.required("template");
  return {
    ...(values.flag("no-template") ? {} : { template }),
    requireTemplate,
    requireFit: requireTemplate || template !== PUBLISHED_TEMPLATE,
    templateCache: values.required("template-cache"),
  };
}
