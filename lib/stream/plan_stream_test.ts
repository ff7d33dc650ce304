import { assertEquals, assertRejects, assertStringIncludes } from "jsr:@std/assert@^1.0.0";
import { stub } from "jsr:@std/testing@^1.0.0/mock";
import { openWorkplace } from "../../fixtures/embedded_run.ts";
import { waitUntil } from "../../fixtures/wait_until.ts";
import { UsageError } from "../errors.ts";
import { describeRejections } from "../ensemble/field_result.ts";
import type { Reference, StoreValue } from "../references/store.ts";
import { changeStore, streamOptions, writeFinalStores } from "./final_stores_fixture.ts";
import { planStream } from "./plan_stream.ts";
import { runStream } from "./run_stream.ts";

const KEY = "step_036/2t/sfc/ens02/0.0.0";

/** What a final store may have in place of a reference, and how its member is rejected. */
const BAD_REFERENCES: [name: string, change: (good: Reference) => StoreValue, says: string][] = [
  ["of another scheme", (good) => moveTo("ftp://b", good), 'the scheme "ftp" is not supported'],
  ["to no address", (good) => moveTo("http://[bad", good), "it is no address"],
  ["to another host", (good) => moveTo("https://evil.example", good), "names evil.example"],
  ["to an address of the network", (good) => moveTo("http://169.254.169.254", good), "only s3://"],
  ["to another bucket", (good) => moveTo("s3://other", good), "names s3://other"],
  ["to a path", (good) => moveTo("/etc", good), "only s3://ecmwf-forecasts/"],
  ["to a file", (good) => moveTo("file:///etc", good), "only s3://ecmwf-forecasts/"],
  ["out of the bucket", (good) => moveTo("s3://ecmwf-forecasts/..", good), "plain names"],
  ["at offset -5", (good) => ({ ...good, offset: -5 }), ",-5,"],
  ["of length 0", (good) => ({ ...good, length: 0 }), ",0] is not [url, offset, length]"],
  ["at half a byte", (good) => ({ ...good, offset: 0.5 }), ",0.5,"],
  ["that is no JSON", () => new TextEncoder().encode('["s3:'), '["s3: is not [url, offset'],
];

/** The same file at another server. */
function moveTo(server: string, { url, ...range }: Reference): Reference {
  return { url: server + url.slice(url.lastIndexOf("/")), ...range };
}

for (const [name, change, says] of BAD_REFERENCES) {
  Deno.test(`a reference ${name} costs its message, is named, and the output is incomplete`, async () => {
    await using workplace = await openWorkplace();
    await writeFinalStores(workplace);
    await changeStore(workplace, 2, (store) => store.set(KEY, change(store.get(KEY) as Reference)));
    const result = await runStream(streamOptions(workplace.folder), workplace.context);
    assertEquals(result.messagesWanted - result.messagesUsed, 1);
    assertEquals(result.complete, false);
    const [line, ...others] = describeRejections(result.fields);
    assertStringIncludes(line!, "t2m (36 h), members 2: its reference ");
    assertStringIncludes(line!, says);
    assertEquals(others, []);
  });
}

Deno.test("no more than two local stores are read at once", async () => {
  await using workplace = await openWorkplace();
  await writeFinalStores(workplace);
  const options = streamOptions(workplace.folder);
  const { storage } = workplace.context;
  const opened = Promise.withResolvers<void>();
  const { head } = storage;
  using heads = stub(storage, "head", async (url) => {
    await opened.promise;
    return await head.call(storage, url);
  });
  const planned = planStream(options, workplace.context);
  await waitUntil(() => heads.calls.length > 0);
  assertEquals(heads.calls.length, 2);
  opened.resolve();
  await planned;
  assertEquals([heads.calls.length, options.maxMembers > 2], [options.maxMembers, true]);
});

Deno.test("streaming twice at once in one folder ends well twice, with the same file", async () => {
  await using workplace = await openWorkplace();
  const { context, folder, server } = workplace;
  await writeFinalStores(workplace);
  const alone = await Deno.readFile((await runStream(streamOptions(folder), context)).path);
  const isShared = (line: string) => line.startsWith("another command is making");
  // Neither is over before the other one has begun.
  const sharing = waitUntil(() => workplace.warnings.some(isShared));
  server.setFaults(({ range }) => range ? { kind: "hold", until: sharing } : undefined);
  const both = await Promise.all(
    [1, 2].map(() => runStream({ ...streamOptions(folder), fresh: true }, context)),
  );
  for (const { complete, path } of both) {
    assertEquals([complete, await Deno.readFile(path)], [true, alone]);
  }
  assertEquals(workplace.warnings.filter(isShared), [
    `another command is making ${
      both[0]!.path
    }, too: harmless if it is the same one, else stop one of them`,
  ]);
});

Deno.test("a region whose west is east of its east is streamed, and what it is taken for is reported", async () => {
  await using workplace = await openWorkplace();
  await writeFinalStores(workplace);
  const lines: string[] = [];
  const info = (line: string) => void lines.push(line);
  const reporter = { ...workplace.context.reporter, info };
  const region = { north: 0.5, west: 34.5, south: 0, east: 33 };
  const options = { ...streamOptions(workplace.folder), region };
  await planStream(options, { ...workplace.context, reporter });
  assertEquals(
    lines.filter((line) => line.startsWith("region ")),
    [
      "region 0.5,34.5,0,33: its west is east of its east, so it goes east from 34.5° to 393°, " +
      "358.5° and 3 × 1435 points",
    ],
  );
});

Deno.test("a region without a point of the run's grid is refused before anything is fetched", async () => {
  await using workplace = await openWorkplace();
  await writeFinalStores(workplace);
  const before = workplace.server.requests.length;
  const region = { north: 0.45, west: 33.55, south: 0.35, east: 33.65 };
  const options = { ...streamOptions(workplace.folder), region };
  await assertRejects(() => runStream(options, workplace.context), UsageError, "no grid point");
  assertEquals(workplace.server.requests.length, before);
  const entries = [...Deno.readDirSync(workplace.folder)].map(({ name }) => name);
  assertEquals(entries.filter((name) => !name.startsWith("stage")), []);
});
