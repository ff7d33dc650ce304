import { assertEquals } from "jsr:@std/assert@^1.0.0";
import { assertSpyCalls, stub } from "jsr:@std/testing@^1.0.0/mock";
import { listNames, withFolder } from "../../../fixtures/folder.ts";
import { openStorage, removePartialFiles, useFolder } from "../mod.ts";

const storage = openStorage();
const BYTES = new Uint8Array(1000).fill(7);

const isOurs = (name: string) => name === "out.nc";

/** Leaves a partial file, as a killed writer does. */
async function leavePartialFile(folder: string, name: string): Promise<string> {
  const partial = `.${name}.${crypto.randomUUID()}.part`;
  await Deno.writeFile(`${folder}/${partial}`, BYTES);
  return partial;
}

Deno.test("removePartialFiles() removes what killed writers left, and nothing else", () =>
  withFolder(async (folder) => {
    for (let i = 0; i < 3; i++) await leavePartialFile(folder, "out.nc");
    const others = [await leavePartialFile(folder, "out.nc.json"), ".out.nc.mine.part", "out.nc"];
    for (const name of others.slice(1)) await Deno.writeFile(`${folder}/${name}`, BYTES);
    await removePartialFiles(folder, isOurs);
    assertEquals(await listNames(folder), others.sort());
  }));

Deno.test("removePartialFiles() leaves a file that this process or another one is writing", () =>
  withFolder(async (folder) => {
    async function* pieces() {
      yield BYTES;
      await removePartialFiles(folder, isOurs);
      const code = `import { removePartialFiles } from "${new URL("../mod.ts", import.meta.url)}";
        await removePartialFiles("${folder}", (name) => name === "out.nc");`;
      const command = new Deno.Command(Deno.execPath(), {
        args: ["eval", "--quiet", code],
        stderr: "inherit",
      });
      assertEquals((await command.output()).code, 0);
      assertEquals((await listNames(folder)).length, 2);
      yield BYTES;
    }
    await leavePartialFile(folder, "out.nc");
    await Deno.mkdir(`${folder}/below`);
    await storage.put(`${folder}/out.nc`, pieces());
    assertEquals((await Deno.stat(`${folder}/out.nc`)).size, 2000);
    assertEquals(await listNames(folder), ["below", "out.nc"]);
  }));

/** What another process may remove while a partial file is opened. */
const REMOVALS: [what: string, remove: (folder: string, opened: boolean) => Promise<void>][] = [
  ["the folder before the file is in it", async (folder, opened) => {
    if (!opened) await Deno.remove(folder);
  }],
  ["the file before it is locked", async (folder, opened) => {
    if (!opened) return;
    for (const name of await listNames(folder)) await Deno.remove(`${folder}/${name}`);
  }],
];

for (const [what, remove] of REMOVALS) {
  Deno.test(`put() writes a file although another process removes ${what}`, () =>
    withFolder(async (folder) => {
      const work = `${folder}/work`;
      const { open } = Deno;
      let opened = 0;
      using opens = stub(Deno, "open", async (...given) => {
        if (++opened > 2) return await open(...given);
        await remove(work, false);
        const file = await open(...given);
        await remove(work, true);
        return file;
      });
      await storage.put(`${work}/out.nc`, [BYTES]);
      assertSpyCalls(opens, 3);
      assertEquals(await listNames(work), ["out.nc"]);
      assertEquals((await Deno.stat(`${work}/out.nc`)).size, BYTES.length);
    }));
}

Deno.test("removePartialFiles() does nothing in a missing folder, or on a server", async () => {
  await removePartialFiles("nowhere/at/all", isOurs);
  await removePartialFiles("gs://bucket/folder", isOurs);
});

Deno.test("list() hides partial files", () =>
  withFolder(async (folder) => {
    await leavePartialFile(folder, "out.nc");
    await storage.put(`${folder}/out.nc`, [BYTES]);
    const listed = await Array.fromAsync(storage.list(`${folder}/`));
    assertEquals(listed, [{ url: `${folder}/out.nc`, size: 1000 }]);
  }));

Deno.test("useFolder() removes a folder that it created and nothing was put in, no other", async () => {
  const parent = await Deno.makeTempDir();
  const exists = (name: string) => [...Deno.readDirSync(parent)].some((it) => it.name === name);
  {
    using first = await useFolder(`${parent}/new`);
    using second = await useFolder(`${parent}/new`);
    assertEquals([first.isShared, exists("new")], [false, true]);
    if (Deno.build.os !== "windows") assertEquals(second.isShared, true);
  }
  assertEquals(exists("new"), false);
  await Deno.mkdir(`${parent}/old`);
  for (const name of ["old", "full"]) {
    using use = await useFolder(`${parent}/${name}`);
    if (name === "full") await Deno.writeTextFile(`${parent}/full/file`, "");
    assertEquals(use.isShared, false);
  }
  assertEquals([exists("old"), exists("full")], [true, true]);
  using remote = await useFolder("gs://bucket/folder");
  assertEquals(remote.isShared, false);
  await Deno.remove(parent, { recursive: true });
});

Deno.test("useFolder() tells the last of several processes that it is alone", () =>
  withFolder(async (folder) => {
    const uses = [];
    for (let i = 0; i < 3; i++) uses.push(await useFolder(folder));
    const alone: boolean[] = [];
    for (const use of uses) {
      alone.push(await use.isAlone());
      use[Symbol.dispose]();
    }
    const isLocked = Deno.build.os !== "windows";
    assertEquals(alone, [!isLocked, !isLocked, true]);
  }));
