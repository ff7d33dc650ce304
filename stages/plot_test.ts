import { assert, assertEquals, assertStringIncludes } from "jsr:@std/assert@^1.0.0";
import { makeSyntheticForecast } from "../fixtures/synthetic_forecast.ts";
import { listNames, OCEAN, readPng, ROOT, withForecast } from "../lib/maps/plot_fixture.ts";

/** Runs the command under its permission set. */
async function runStage(...args: string[]): Promise<{ code: number; errors: string }> {
  const command = new Deno.Command(Deno.execPath(), {
    args: ["run", "--no-prompt", "--quiet", "-P=plot", "stages/plot.ts", ...args],
    cwd: ROOT,
    env: { NO_COLOR: "1" },
  });
  const { code, stderr } = await command.output();
  return { code, errors: new TextDecoder().decode(stderr) };
}

Deno.test("the command draws under its permission set: files of the working folder, no network", () =>
  withForecast(makeSyntheticForecast({ steps: [36, 39], axes: OCEAN }), async (_, folder) => {
    const { code, errors } = await runStage("--input", `${folder}/IFS.nc`, "--step-index", "1");
    assertEquals(code, 0, errors);
    assertStringIncludes(errors, `39 h → ${folder}/IFS_039h.png`);
    assertEquals(readPng(Deno.readFileSync(`${folder}/IFS_039h.png`)).width, 2000);
    assertEquals(listNames(folder), ["IFS.nc", "IFS_039h.png"]);
  }));

Deno.test("the command exits 5 and names what is not in the file", () =>
  withForecast(
    makeSyntheticForecast({ steps: [36], variables: ["tp"], axes: OCEAN }),
    async (_, folder) => {
      const output = `${folder}/two.svg`;
      const input = ["--input", `${folder}/IFS.nc`, "--output", output, "--variables", "tp,t2m"];
      const { code, errors } = await runStage(...input);
      assertEquals(code, 5, errors);
      assertStringIncludes(errors, `warning: ${output}: t2m is not in the file`);
      const svg = Deno.readTextFileSync(output);
      assertStringIncludes(svg, ">t2m is not in the file</text>");
      assertStringIncludes(svg, ">tp mean (mm)</text>");
    },
  ));

Deno.test("the command says what is wrong and leaves no file", async () => {
  const folder = await Deno.makeTempDir({ dir: ROOT, prefix: "cgan_output_" });
  try {
    const input = `${folder}/a.nc`;
    const cases = [
      { args: [], code: 2, says: "Cannot run without --input" },
      { args: ["--input", input], code: 3, says: "there is no such file" },
      { args: ["--input", "deno.json"], code: 1, says: "it is no NetCDF file" },
      { args: ["--input", `${folder}/a.png`], code: 2, says: "it is the input" },
      { args: ["--input", input, "--format", "pdf"], code: 2, says: "it is png or svg" },
      {
        args: ["--input", input, "--step", "36", "--all-steps"],
        code: 2,
        says: "give one of them",
      },
      { args: ["--input", input, "--dpi", "0"], code: 2, says: "at least 20" },
      { args: ["--inputs", input], code: 2, says: "did you mean --input?" },
    ];
    for (const { args, code, says } of cases) {
      const output = args.includes("--input") ? ["--output", `${folder}/a.png`] : [];
      const result = await runStage(...args, ...output);
      assertEquals([args, result.code], [args, code], result.errors);
      assertStringIncludes(result.errors, says);
      assert(!result.errors.includes("    at "), result.errors);
    }
    assertEquals(listNames(folder), []);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});
