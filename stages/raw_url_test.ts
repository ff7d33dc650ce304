import { assertEquals, assertStringIncludes } from "jsr:@std/assert@^1.0.0";
import { BEFORE_50R1, EMBEDDED_FOLDER, EMBEDDED_STEPS } from "../fixtures/embedded_run.ts";
import { flagsForCode } from "../fixtures/remote_code.ts";
import { startS3Server } from "../fixtures/s3_server.ts";
import { findPermissions } from "../lib/cli/task_permissions.ts";

const ROOT = decodeURIComponent(new URL("../", import.meta.url).pathname);

Deno.test("every stage runs straight from a URL, with the flags of its help, in an empty folder", async () => {
  await using server = startS3Server({
    buckets: { "ecmwf-forecasts": EMBEDDED_FOLDER },
    root: ROOT,
  });
  const folder = await Deno.makeTempDir();
  const { host } = new URL(server.url);
  try {
    const run = ["--date", BEFORE_50R1.run.date, "--max-members", "4", "--endpoint", server.url];
    const steps = ["--steps", EMBEDDED_STEPS.join(",")];
    const stages = [
      { name: "stage1", args: [...run, "--no-template"] },
      { name: "stage2", args: [...run, ...steps] },
      { name: "stage3", args: run },
      { name: "pipeline", args: [...run, ...steps, "--no-template"] },
      { name: "stream", args: [...run, ...steps] },
      { name: "forecast", args: [...run, ...steps, "--output-dir", "cgan_output"] },
      { name: "plot", args: ["--input", "cgan_output/IFS_20260206_00Z_cgan.nc"] },
      { name: "view", args: ["cgan_output/IFS_20260206_00Z_cgan.nc"] },
    ];
    for (const { name, args } of stages) {
      const url = `${server.url}/stages/${name}.ts`;
      const command = new Deno.Command(Deno.execPath(), {
        args: [
          ...["run", "--no-prompt", ...flagsForCode(server.url)],
          ...findPermissions(name)[0]!.flags,
          ...[`--allow-import=${host}`, `--allow-net=${host}`],
          ...[url, ...args],
        ],
        cwd: folder,
        env: { NO_COLOR: "1" },
      });
      const { code, stderr } = await command.output();
      const errors = new TextDecoder().decode(stderr);
      assertEquals(code, 0, errors);
      assertStringIncludes(errors, BEFORE_50R1.run.date);
    }
    const output = [...Deno.readDirSync(`${folder}/cgan_output`)].map((entry) => entry.name);
    const endings = [".html", ".nc", "_036h.png"];
    assertEquals(output.toSorted(), [
      ...endings.map((it) => `IFS_20260206_00Z_cgan${it}`),
      "runs.json",
    ]);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});
