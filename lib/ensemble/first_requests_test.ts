import { assert, assertEquals } from "jsr:@std/assert@^1.0.0";
import { bucketKey, openWorkplace, planRun } from "../../fixtures/embedded_run.ts";
import { stepFiles } from "../ecmwf/files.ts";
import { parseRun } from "../ecmwf/run.ts";
import { findVariables, GIK_VARIABLES } from "../ecmwf/variables.ts";
import { parseIndex } from "../index/entries.ts";
import { GIK } from "../output/profile.ts";
import { DEFAULT_POLICY, type FetchPolicy } from "./fetch_plan.ts";
import { PrefixNeeds } from "./prefix_need.ts";
import { reduceFields } from "./reduce_fields.ts";

const TOOL = new URL("../../../shared/tools/make_run.py", import.meta.url);
const RUN = parseRun("20260206", "00");
const STEP = 36;
const MEMBERS = 8;
const VARIABLES = findVariables(GIK_VARIABLES);

/** Messages are a thirteenth as long as at a quarter of a degree, and so is what a request costs. */
const SMALL = 1 / 13;
const { gapBytes, maxJoinedBytes, wholeBytes } = DEFAULT_POLICY;
const GAP = SMALL * gapBytes;
const POLICY: FetchPolicy = {
  prefixes: true,
  ...{ gapBytes: GAP, leastGapBytes: GAP, throttledGapBytes: GAP },
  maxJoinedBytes: SMALL * maxJoinedBytes,
  wholeBytes: SMALL * wholeBytes,
};

/** The messages of the default variables of 8 members, by ecCodes; `undefined` where it is missing. */
async function makeBucket(): Promise<Map<string, Uint8Array<ArrayBuffer>> | undefined> {
  const folder = await Deno.makeTempDir();
  try {
    const args = [
      ...[decodeURIComponent(TOOL.pathname), folder, "--date", RUN.date, "--run", RUN.hour],
      ...["--steps", `${STEP}`, "--members", `${MEMBERS}`, "--grid", "1"],
    ];
    const made = await new Deno.Command("/usr/bin/python3", { args }).output();
    return made.success ? await readWanted(folder) : undefined;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return undefined;
    throw error;
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

/** A file that has the messages of the default variables alone, in their order. */
async function readWanted(folder: string): Promise<Map<string, Uint8Array<ArrayBuffer>>> {
  const [{ url, indexUrl }] = stepFiles(RUN, STEP) as [ReturnType<typeof stepFiles>[number]];
  const grib = await Deno.readFile(`${folder}/${bucketKey(url)}`);
  const text = await Deno.readTextFile(`${folder}/${bucketKey(indexUrl)}`);
  const { entries } = parseIndex(text);
  const lines = text.split("\n");
  const messages: Uint8Array[] = [];
  let [index, offset] = ["", 0];
  for (const [i, { param, levelist, _offset, _length }] of entries.entries()) {
    const isWanted = VARIABLES.some((it) =>
      it.param === param && `${it.level ?? ""}` === (levelist ?? "")
    );
    if (!isWanted) continue;
    index += `${JSON.stringify({ ...JSON.parse(lines[i]!), _offset: offset })}\n`;
    messages.push(grib.subarray(_offset, _offset + _length));
    offset += _length;
  }
  const bytes = new Uint8Array(await new Blob(messages as BlobPart[]).arrayBuffer());
  return new Map([[bucketKey(url), bytes], [bucketKey(indexUrl), new TextEncoder().encode(index)]]);
}

const bucket = await makeBucket();

Deno.test({
  name:
    "of 8 members and one step, seven tenths of the bytes are fetched in two requests for three " +
    "messages, and hardly any twice (needs ../shared, python3-eccodes)",
  ignore: bucket === undefined,
  async fn() {
    await using workplace = await openWorkplace(bucket);
    const { server, context: { storage } } = workplace;
    const plan = await planRun({ run: RUN, members: MEMBERS }, storage, VARIABLES, [STEP]);
    const references = plan.flatMap(({ messages }) => messages.map(({ reference }) => reference));
    const allBytes = references.reduce((sum, { length }) => sum + length, 0);
    const before = server.requests.length;
    let secondRequests = 0;
    const given = { storage, run: RUN, region: GIK.region, parallelFetches: 16, workers: 2 };
    const needs = new PrefixNeeds(GIK.region);
    const reduced = await reduceFields(plan, {
      ...{ ...given, needs, policy: POLICY },
      onSecondRequest: () => secondRequests++,
    });
    const requests = server.requests.slice(before);
    const bytes = requests.reduce((sum, { bytesSent }) => sum + bytesSent, 0);
    const counts = [references.length, requests.length, bytes / allBytes, secondRequests];
    assertEquals(references.length, MEMBERS * VARIABLES.length);
    assert(requests.length <= 0.68 * references.length, `${counts}`);
    assert(bytes <= 0.7 * allBytes, `${counts}`);
    assert(secondRequests <= 3, `${counts}`);

    // What was learnt makes the same of fewer bytes.
    const again = server.requests.length;
    assertEquals(await reduceFields(plan, { ...given, needs, policy: POLICY }), reduced);
    const later = server.requests.slice(again).reduce((sum, it) => sum + it.bytesSent, 0);
    assert(later < bytes, `${later} of ${bytes} bytes`);

    const whole = { ...POLICY, prefixes: false };
    assertEquals(await reduceFields(plan, { ...given, policy: whole }), reduced);
  },
});
