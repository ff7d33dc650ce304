/**
 * Which phase of streaming a function belongs to, by its file: for sampled profiles of the engine.
 *
 * @module
 */

/** The phases, in the order of a message's way. */
export const PHASES = [
  "start-up, options, references",
  "fetch",
  "copy",
  "parse",
  "CCSDS",
  "unpack and scale",
  "pack and keep",
  "check",
  "reduce",
  "write",
  "collect garbage",
  "compile, collect (helper threads)",
] as const;

export type Phase = typeof PHASES[number];

/** Files and native functions of a phase; a function is of the first rule that it matches. */
interface PhaseRule {
  phase: Phase;
  /** Parts of the addresses of files. */
  files?: readonly string[];
  /** Names of native functions, and of those that belong elsewhere than their file. */
  functions?: readonly string[];
}

/** The first that matches counts. What none matches is of the phase of its caller. */
const RULES: readonly PhaseRule[] = [
  { phase: "collect garbage", functions: ["(garbage collector)"] },
  {
    phase: "copy",
    files: ["lib/storage/protocol/body.ts", "decode_pool.ts", "decode_worker.ts"],
    functions: [
      "op_host_post_message",
      "op_worker_post_message",
      "op_host_recv_message",
      "op_serialize",
      "op_deserialize",
      "serialize",
      "deserialize",
      "structuredClone",
    ],
  },
  // Time without a function is that of the event loop, which reads sockets.
  { phase: "fetch", functions: ["(program)"] },
  { phase: "CCSDS", files: ["lib/grib/ccsds/"] },
  {
    phase: "unpack and scale",
    files: [
      "lib/grib/scaling.ts",
      "lib/grib/packing_",
      "lib/grib/open_packing.ts",
      "lib/grib/decode.ts",
      "lib/grib/bit",
    ],
  },
  { phase: "parse", files: ["lib/grib/", "check_message.ts"] },
  { phase: "pack and keep", files: ["kept_members.ts", "packed_values.ts"] },
  {
    phase: "check",
    files: [
      "plausible.ts",
      "compare_members.ts",
      "compare_packing.ts",
      "member_points.ts",
    ],
  },
  { phase: "reduce", files: ["statistics.ts", "field_reducer.ts", "measure_members.ts"] },
  {
    phase: "fetch",
    files: [
      "lib/storage/",
      "@smithy",
      "@aws-sdk",
      "deno_fetch",
      "reduce_fields.ts",
      "schedule_requests.ts",
      "prefix_",
      "fetch_plan.ts",
      "lib/util/parallel.ts",
    ],
  },
  {
    phase: "write",
    files: [
      "lib/output/",
      "lib/netcdf/",
      "lib/checkpoint/",
      "write_output.ts",
      "output_fields.ts",
      "variable_ranges.ts",
    ],
  },
  {
    phase: "start-up, options, references",
    files: ["lib/", "stages/", "hyparquet", "npm/registry"],
  },
];

/** The phase of a function; `undefined` when it is that of its caller. */
export function findPhase(functionName: string, url: string): Phase | undefined {
  return RULES.find(({ files, functions }) =>
    functions?.includes(functionName) || files?.some((part) => url.includes(part))
  )?.phase;
}
