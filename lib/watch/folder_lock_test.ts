import { assert, assertEquals } from "jsr:@std/assert@^1.0.0";
import { DEAD_AFTER_MS, FolderLock } from "./folder_lock.ts";

const HERE = { host: "here", pid: 1 };
const THERE = { host: "there", pid: 2 };
const NOW_MS = Date.parse("2026-02-06T07:00:00Z");

async function withFolder(test: (folder: string) => Promise<void>): Promise<void> {
  const folder = await Deno.makeTempDir();
  try {
    await test(folder);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

const take = (folder: string, contender = HERE, nowMs = NOW_MS) =>
  FolderLock.acquire(folder, contender, () => nowMs);

async function hold(folder: string, contender = HERE, nowMs = NOW_MS): Promise<FolderLock> {
  const lock = await take(folder, contender, nowMs);
  if (lock instanceof FolderLock) return lock;
  throw new Error(`${lock.host} has the lock`);
}

const listNames = (folder: string) => Array.from(Deno.readDirSync(folder), ({ name }) => name);

/** The lock of a process on another machine that was killed. */
async function leaveLock(folder: string, time: string): Promise<string> {
  const path = `${folder}/watch-${crypto.randomUUID()}.lock`;
  await Deno.writeTextFile(path, JSON.stringify({ ...THERE, time }));
  return path;
}

Deno.test("a lock is held by one, who is named, until it is released; nothing is left of it", async () => {
  await withFolder(async (folder) => {
    {
      using _lock = await hold(folder);
      for (const contender of [HERE, THERE]) {
        const holder = await take(folder, contender);
        assertEquals(holder, { ...HERE, time: "2026-02-06T07:00:00.000Z" });
      }
      assertEquals(listNames(folder).length, 1);
    }
    assertEquals(listNames(folder), []);
    using _other = await hold(folder, THERE);
  });
});

Deno.test("the lock of a dead process of another machine is taken over after five minutes, not before", async () => {
  await withFolder(async (folder) => {
    const path = await leaveLock(folder, new Date(NOW_MS).toISOString());
    const early = await take(folder, HERE, NOW_MS + DEAD_AFTER_MS);
    assertEquals("host" in early && early.host, "there");
    using _lock = await hold(folder, HERE, NOW_MS + DEAD_AFTER_MS + 1);
    assertEquals(listNames(folder).includes(path.slice(folder.length + 1)), false);
  });
});

Deno.test("the lock of a dead process of this machine is taken over at once", async () => {
  await withFolder(async (folder) => {
    const path = await leaveLock(folder, new Date(NOW_MS).toISOString());
    await Deno.writeTextFile(
      path,
      JSON.stringify({ ...HERE, time: new Date(NOW_MS).toISOString() }),
    );
    using _lock = await hold(folder);
  });
});

Deno.test("a holder that gives signs of life keeps its lock, and one that was taken for dead is told so", async () => {
  await withFolder(async (folder) => {
    using lock = await hold(folder, THERE);
    for (let minutes = 1; minutes <= 10; minutes++) {
      assert(await lock.beat(NOW_MS + minutes * 60_000));
    }
    const holder = await take(folder, HERE, NOW_MS + 11 * 60_000);
    assertEquals(holder, { ...THERE, time: "2026-02-06T07:10:00.000Z" });
    using _other = await hold(folder, HERE, NOW_MS + 60 * 60_000);
    assertEquals(await lock.beat(NOW_MS + 61 * 60_000), false);
    assertEquals(listNames(folder).length, 1);
  });
});

Deno.test("of many that come at the same time, also to a dead lock, one at most gets the lock", async () => {
  for (let round = 0; round < 5; round++) {
    await withFolder(async (folder) => {
      await leaveLock(folder, "2026-02-06T05:00:00.000Z");
      const contenders = Array.from({ length: 8 }, (_, pid) => ({ host: `host ${pid}`, pid }));
      const taken = await Promise.all(contenders.map((contender) => take(folder, contender)));
      const locks = taken.filter((it) => it instanceof FolderLock);
      assert(locks.length <= 1, `${locks.length} have the lock`);
      for (const lock of locks) lock[Symbol.dispose]();
      using _lock = await hold(folder);
    });
  }
});

for (
  const { what, time, isTaken } of [
    { what: "an hour ahead", time: new Date(NOW_MS + 3_600_000).toISOString(), isTaken: true },
    { what: "a minute ahead", time: new Date(NOW_MS + 60_000).toISOString(), isTaken: false },
    { what: "no time", time: "soon", isTaken: true },
  ]
) {
  Deno.test(`a lock of another machine whose time is ${what} is ${isTaken ? "" : "not "}that of a dead process`, async () => {
    await withFolder(async (folder) => {
      const path = await leaveLock(folder, time);
      await Deno.utime(path, NOW_MS / 1000 - 3600, NOW_MS / 1000 - 3600);
      const taken = await take(folder);
      assertEquals(taken instanceof FolderLock, isTaken);
      if (taken instanceof FolderLock) taken[Symbol.dispose]();
    });
  });
}

Deno.test("a process of this machine keeps its lock when the clock is set back", async () => {
  await withFolder(async (folder) => {
    using _lock = await hold(folder);
    const holder = await take(folder, { host: "here", pid: 3 }, NOW_MS - 3_600_000);
    assertEquals("host" in holder && holder.pid, 1);
  });
});

Deno.test("a lock file without text is one that is just made; other files are none", async () => {
  await withFolder(async (folder) => {
    await Deno.writeTextFile(`${folder}/watch-notes.lock`, "");
    await Deno.mkdir(`${folder}/watch-${crypto.randomUUID()}.lock`);
    {
      using _lock = await hold(folder);
    }
    await Deno.writeTextFile(`${folder}/watch-${crypto.randomUUID()}.lock`, "");
    const holder = await take(folder, THERE, Date.now());
    assertEquals("host" in holder && holder.host, "unknown");
    using _later = await hold(folder, THERE, Date.now() + 2 * DEAD_AFTER_MS);
  });
});
