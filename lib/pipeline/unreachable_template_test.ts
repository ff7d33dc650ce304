import { assertEquals, assertStringIncludes } from "jsr:@std/assert@^1.0.0";
import { AFTER_50R1, openWorkplace } from "../../fixtures/embedded_run.ts";
import { pipelineOptions } from "./pipeline_fixture.ts";
import { runPipeline } from "./run_pipeline.ts";
import { runStage1 } from "./run_stage1.ts";
import { HOURS } from "./stale_template_fixture.ts";

/** A server that fails, and how often it was connected to. */
interface FailingServer extends AsyncDisposable {
  url: string;
  connections(): number;
}

/** A server that accepts connections and never answers. */
function startSilent(): FailingServer {
  const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const accepted: Deno.Conn[] = [];
  const accepting = (async () => {
    for await (const connection of listener) accepted.push(connection);
  })();
  return {
    url: `http://127.0.0.1:${listener.addr.port}/template.tar.gz`,
    connections: () => accepted.length,
    async [Symbol.asyncDispose]() {
      for (const connection of accepted) connection.close();
      listener.close();
      await accepting;
    },
  };
}

const at = (url: string) => (): FailingServer => ({
  url,
  connections: () => 2,
  [Symbol.asyncDispose]: () => Promise.resolve(),
});

function closedPort(): number {
  using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  return listener.addr.port;
}

const CASES: readonly [name: string, start: () => FailingServer][] = [
  ["accepts and never answers", startSilent],
  ["refuses connections", at(`http://127.0.0.1:${closedPort()}/template.tar.gz`)],
  ["has no address", at("http://template.invalid/template.tar.gz")],
];

for (const [name, start] of CASES) {
  Deno.test(`runPipeline() asks a server of templates that ${name} twice, warns once and goes on`, async () => {
    await using place = await openWorkplace();
    await using server = start();
    const template = { template: server.url, templateTryMs: 50 };
    const options = { ...pipelineOptions(AFTER_50R1, place.folder), ...template };
    const { complete, stage1, stage2 } = await runPipeline(options, place.context);
    assertEquals([complete, stage1.fromTemplate, stage2.missingFiles], [true, false, []]);
    assertEquals([server.connections(), place.warnings.length], [2, 1]);
    assertStringIncludes(place.warnings[0]!, "(gave up after 2 attempts); going on without");
  });
}

/** Counts the requests to Hugging Face, which are refused, while `work` runs. */
async function countDownloads(work: () => Promise<unknown>): Promise<string[]> {
  const original = globalThis.fetch;
  const urls: string[] = [];
  globalThis.fetch = (input, init) => {
    const url = String(input instanceof Request ? input.url : input);
    if (!url.startsWith("https://huggingface.co/")) return original(input, init);
    urls.push(url);
    return Promise.reject(new TypeError("no network"));
  };
  try {
    await work();
  } finally {
    globalThis.fetch = original;
  }
  return urls;
}

/** Stage 1 with the published template, which is not required. */
const stage1Options = (folder: string) => ({
  ...pipelineOptions(AFTER_50R1, folder),
  published: true,
  hours: HOURS,
});

Deno.test("runStage1() asks for the published template of the run's era, twice", async () => {
  await using place = await openWorkplace();
  const options = stage1Options(place.folder);
  const urls = await countDownloads(() => runStage1(options, place.context));
  const url = "https://huggingface.co/datasets/E4DRR/grib-index-kerchunk-templates/resolve/main/" +
    "gik-fmrc-v2ecmwf_fmrc-50r1.tar.gz";
  assertEquals(urls, [url, url]);
});

for (const scan of ["if-needed", "always"] as const) {
  Deno.test(`runStage1() scans ${scan} without a request for the published template`, async () => {
    await using place = await openWorkplace();
    const options = { ...stage1Options(place.folder), scan };
    const urls = await countDownloads(async () => {
      const { scanned, complete } = await runStage1(options, place.context);
      assertEquals([scanned, complete], [true, true]);
    });
    assertEquals([urls, place.warnings], [[], []]);
  });
}
