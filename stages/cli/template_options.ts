/**
 * Options on the template of stage 1, of stage 1 and the pipeline.
 *
 * @module
 */
import type { OptionSpec, OptionValues } from "../../lib/cli/command.ts";
import { DEFAULT_MODEL } from "../../lib/ecmwf/datasets.ts";
import { UsageError } from "../../lib/errors.ts";
import type { TemplateOptions } from "../../lib/template/open_template.ts";
import { parseModelName } from "./run_options.ts";

const PUBLISHED_TEMPLATE =
  "https://huggingface.co/datasets/Nishadhka/gfs_s3_gik_refs/resolve/main/gik-fmrc-v2ecmwf_fmrc.tar.gz";

/** Options of stage 1 and the pipeline. */
export const TEMPLATE_OPTIONS: readonly OptionSpec[] = [
  {
    name: "template",
    value: "<path or URL>",
    default: PUBLISHED_TEMPLATE,
    defaultName: "the archive published on Hugging Face, of the IFS",
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
 * Runs of other models than the IFS have no published one.
 *
 * @throws {UsageError} for flags that contradict each other.
 */
export function parseTemplateOptions(values: OptionValues): TemplateOptions {
  const requireTemplate = values.flag("require-template");
  if (values.flag("no-template") && requireTemplate) {
    throw new UsageError("Cannot use --no-template with --require-template: choose one");
  }
  const template = values.required("template");
  const model = parseModelName(values);
  const isOfOther = template === PUBLISHED_TEMPLATE && model !== DEFAULT_MODEL;
  if (isOfOther && requireTemplate) {
    throw new UsageError(
      `Cannot use --require-template with --model ${model}: no template of it is published; ` +
        "give --template, made by stage1 --scan --save-template",
    );
  }
  return {
    ...(values.flag("no-template") || isOfOther ? {} : { template }),
    requireTemplate,
    requireFit: requireTemplate || template !== PUBLISHED_TEMPLATE,
    templateCache: values.required("template-cache"),
  };
}
