/** What an object that is refused, or fails for ever, costs a stream. */
import { assert, assertEquals, assertRejects, assertStringIncludes } from "jsr:@std/assert@^1.0.0";
import { openWorkplace, type Workplace } from "../../fixtures/embedded_run.ts";
import type { Fault, FaultRule } from "../../fixtures/s3_server.ts";
import { describeRejections } from "../ensemble/field_result.ts";
import { openStorage, type Storage, StorageError } from "../storage/mod.ts";
import { streamOptions, writeFinalStores } from "./final_stores_fixture.ts";
import { runStream } from "./run_stream.ts";
import { runTask } from "./run_task.ts";
import type { StreamOptions } from "./stream_options.ts";

/** Of t2m and u700, at two steps, for four members. */
const MESSAGES = 16;
const MAX_ATTEMPTS = 5;

/** Refusals, and how often each is asked for before it is believed. */
const REFUSALS: [fault: Extract<Fault, { kind: "status" }>, attempts: number][] = [
  [{ kind: "status", status: 401, code: "Unauthorized" }, 3],
  [{ kind: "status", status: 403, code: "AccessDenied" }, 3],
  [{ kind: "status", status: 400, code: "RequestTimeout" }, 3],
  [{ kind: "status", status: 500, code: "InternalError" }, MAX_ATTEMPTS],
];

/** A storage that nothing was served by. */
function openQuickly(endpoint: string): Storage {
  return openStorage({ endpoint, maxAttempts: MAX_ATTEMPTS, minDelayMs: 1, maxDelayMs: 2 });
}

/** Streams with a storage that nothing was served by, and lists the ranges that it asked for. */
async function stream(
  { server, folder, context }: Workplace,
  faults: FaultRule,
  options: Partial<StreamOptions> = {},
) {
  const storage = openQuickly(server.url);
  const before = server.requests.length;
  server.setFaults(faults);
  const streaming = runStream(
    { ...streamOptions(folder), parallelFetches: 1, fresh: true, ...options },
    { ...context, storage },
  );
  const result = await streaming.catch((error) => error as Error);
  server.setFaults(undefined);
  const asked = server.requests.slice(before).map(({ key, range }) => `${key} ${range}`);
  return { result, asked };
}

async function openSoundWorkplace(): Promise<{ workplace: Workplace; ranges: string[] }> {
  const workplace = await openWorkplace();
  await writeFinalStores(workplace);
  const { asked } = await stream(workplace, () => undefined);
  assertEquals([asked.length, new Set(asked).size], [MESSAGES, MESSAGES]);
  return { workplace, ranges: asked };
}

for (const [fault, attempts] of REFUSALS) {
  Deno.test(`one message that is always answered ${fault.status} is missing, wherever it stands`, async () => {
    const { workplace, ranges } = await openSoundWorkplace();
    await using _ = workplace;
    const chosen = [ranges[0], ranges[7], ranges.at(-1)];
    for (const [struck, parallelFetches] of chosen.flatMap((it) => [[it, 1], [it, 4]] as const)) {
      const isStruck: FaultRule = ({ key, range }) =>
        `${key} ${range}` === struck ? fault : undefined;
      const { result, asked } = await stream(workplace, isStruck, { parallelFetches });
      assert("fields" in result, `${result}`);
      assertEquals([result.complete, result.messagesUsed], [false, MESSAGES - 1]);
      assertEquals(asked.filter((it) => it === struck).length, attempts);
      // At most one request shows that the server serves others.
      const others = asked.length - attempts;
      assert([MESSAGES - 1, MESSAGES].includes(others), `${others}`);
      const lines = describeRejections(result.fields);
      assertEquals(lines.length, 1);
      assertStringIncludes(lines[0]!, `(${fault.status} ${fault.code})`);
    }
  });

  Deno.test(`a file that is always answered ${fault.status} costs its messages, in joined requests too`, async () => {
    const { workplace } = await openSoundWorkplace();
    await using _ = workplace;
    for (const step of ["-36h-", "-39h-"]) {
      for (const policy of [streamOptions("").policy, undefined]) {
        const isStruck: FaultRule = ({ key }) => key.includes(step) ? fault : undefined;
        const { result, asked } = await stream(workplace, isStruck, { policy });
        assert("fields" in result, `${result}`);
        assertEquals([result.complete, result.messagesUsed], [false, MESSAGES / 2]);
        if (policy === undefined) continue;
        // Once it has failed, the file is believed sooner; each time, one request may be a probe.
        const { length } = asked.filter((it) => it.includes(step));
        assertEquals(length, attempts + 3 * (MESSAGES / 2 - 1));
        assert(asked.length - length <= MESSAGES, `${asked.length - length}`);
      }
    }
  });

  Deno.test(`a task of which all files are always answered ${fault.status} asks one of the others`, async () => {
    const { workplace } = await openSoundWorkplace();
    await using _ = workplace;
    const { server, folder } = workplace;
    server.setFaults(({ key }) => key.includes("-39h-") ? fault : undefined);
    const before = server.requests.length;
    const context = { ...workplace.context, storage: openQuickly(server.url) };
    const result = await runTask({ index: 1, count: 2 }, streamOptions(folder), context);
    assertEquals([result.complete, result.messagesUsed], [false, 0]);
    assertStringIncludes(describeRejections(result.fields).join(), `(${fault.status} `);
    const others = server.requests.slice(before).filter(({ key }) => !key.includes("-39h-"));
    assertEquals(others.length, 1);
    server.setFaults(() => fault);
    const fail = () =>
      runTask({ index: 1, count: 2 }, streamOptions(folder), {
        ...context,
        storage: openQuickly(server.url),
      });
    await assertRejects(fail, StorageError, `(${fault.status} `);
  });

  Deno.test(`a server that answers ${fault.status} from some request on ends the stream`, async () => {
    const { workplace } = await openSoundWorkplace();
    await using _ = workplace;
    let left = 5;
    // A server that has served others and denies all from now on cannot be told from one that denies
    // each of these objects.
    const isDenial = fault.status < 500;
    const { result } = await stream(workplace, () => left-- > 0 ? undefined : fault);
    if (isDenial) {
      assert("fields" in result, `${result}`);
      assertEquals(result.messagesUsed, 5);
    } else {
      assert(result instanceof StorageError, `${result}`);
      assertEquals([result.status, result.category], [fault.status, "unreachable"]);
    }
  });

  Deno.test(`a server that answers all requests ${fault.status} ends the stream, after few of them`, async () => {
    const { workplace } = await openSoundWorkplace();
    await using _ = workplace;
    const options = streamOptions(workplace.folder, ["t2m", "u700", "v700", "sp", "tp", "tcwv"]);
    const { result, asked } = await stream(workplace, () => fault, options);
    assert(result instanceof StorageError, `${result}`);
    assertEquals([result.status, result.category], [fault.status, "unreachable"]);
    // 20 of 48 messages, and those whose turn comes before the twentieth counts: two a fetch.
    const { parallelFetches } = options;
    assert(asked.length <= (20 + 2 * parallelFetches) * attempts, `${asked.length}`);
  });
}
