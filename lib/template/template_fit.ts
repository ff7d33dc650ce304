/**
 * Whether a template was made for the grid and the parameters of a run.
 *
 * @module
 */
import { findCodes, isNamedByCode } from "../ecmwf/parameters.ts";
import { isReference } from "../references/store.ts";
import { describeGrid, type GridDescription } from "../kerchunk/grid_coordinates.ts";
import { parseMetadata } from "../kerchunk/zarr_nodes.ts";
import { fetchHeader } from "../kerchunk/message_header.ts";
import { storeParameters } from "../references/skeleton.ts";
import type { IndexedField } from "../references/step_index.ts";
import type { Storage } from "../storage/mod.ts";
import type { Template } from "./template_archive.ts";

/** How a template and a run differ. */
export interface TemplateFit {
  /** The two grids in words, where they differ. */
  grids?: { template: string; run: string };
  /** Published parameters that the template does not describe: it is stale. */
  undescribed: string[];
  /** Described parameters that the run does not have in these files; harmless. */
  unpublished: string[];
}

/**
 * Compares a template with a run.
 *
 * Costs one ranged GET: the header of a message, for the grid.
 *
 * @param fields of the run's first step.
 * @throws {StorageError} {GribError} when that header cannot be read.
 */
export async function compareTemplate(
  template: Template,
  fields: readonly IndexedField[],
  storage: Storage,
): Promise<TemplateFit> {
  const described = new Set<string>();
  for (const store of template.stores.values()) {
    for (const name of storeParameters(store)) described.add(name);
  }
  const published = new Set(fields.map(({ field }) => field.param));
  const ofTemplate = templateGrid(template);
  const header = fields[0] && await fetchHeader(storage, fields[0].reference);
  const ofRun = header && formatGrid(describeGrid(header.grid));
  const differ = ofTemplate !== undefined && ofRun !== undefined && ofTemplate !== ofRun;
  return {
    ...(differ ? { grids: { template: ofTemplate, run: ofRun } } : {}),
    undescribed: subtract(published, described),
    unpublished: subtract(described, published),
  };
}

/**
 * Names of a set that another lacks. Parameters named by their code are not compared; and where the
 * other set has some, a name without a code in the table of parameters may be one of them.
 */
function subtract(names: ReadonlySet<string>, others: ReadonlySet<string>): string[] {
  const mayHideNames = [...others].some(isNamedByCode);
  return [...names].filter((name) => {
    if (others.has(name) || isNamedByCode(name)) return false;
    return !mayHideNames || findCodes(name).length > 0;
  });
}

/** What makes a template unfit, in words; `undefined` when nothing does. */
export function describeMisfit({ grids, undescribed }: TemplateFit): string | undefined {
  const grid = grids ? [`the template has ${grids.template}, the run ${grids.run}`] : [];
  const parameters = undescribed.length > 0
    ? [`the template does not describe ${undescribed.join(", ")}`]
    : [];
  const reasons = [...grid, ...parameters];
  return reasons.length === 0 ? undefined : reasons.join("; ");
}

const decoder = new TextDecoder();

/** The grid of the first variable that names its grid. */
function templateGrid({ stores }: Template): string | undefined {
  for (const store of stores.values()) {
    for (const [key, value] of store) {
      if (!key.endsWith("/.zattrs") || isReference(value)) continue;
      const text = decoder.decode(value);
      if (!text.includes('"GRIB_Nx"')) continue;
      const entries = Object.entries(parseMetadata(key, value) as GridDescription);
      return formatGrid(
        Object.fromEntries(entries.map(([name, it]) => [name.replace(/^GRIB_/, ""), it])),
      );
    }
  }
  return undefined;
}

/** A grid in words. Longitudes are from 0 to 360°, as -180° and 180° are one meridian. */
function formatGrid(grid: GridDescription): string {
  const longitude = (name: string) => (Number(grid[`longitudeOf${name}InDegrees`]) + 360) % 360;
  const latitude = (name: string) => Number(grid[`latitudeOf${name}InDegrees`]);
  const [first, last] = ["FirstGridPoint", "LastGridPoint"] as const;
  return `${grid.Nx} × ${grid.Ny} points from ${latitude(first)}N ${longitude(first)}E ` +
    `to ${latitude(last)}N ${longitude(last)}E`;
}
