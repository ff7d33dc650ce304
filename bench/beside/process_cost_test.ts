import { assert, assertEquals } from "jsr:@std/assert@^1.0.0";
import { runCommand } from "./process_cost.ts";

const isLinux = Deno.build.os === "linux";

Deno.test({
  name: "runCommand() counts processor time and memory of a process's children",
  ignore: !isLinux,
  fn: async () => {
    const work = "const b = new Uint8Array(2e8).fill(1); for (let i = 0; i < 3e8; i++) b[0] += i;";
    const child = [Deno.execPath(), "eval", work];
    const alone = await runCommand(["/bin/sh", "-c", ":"]);
    const { processorSeconds, peakBytes } = await runCommand([
      "/bin/sh",
      "-c",
      '"$@"; :',
      "",
      ...child,
    ]);
    assert(processorSeconds > alone.processorSeconds + 0.1, `${processorSeconds}`);
    assert(peakBytes > 2e8 && alone.peakBytes < 2e7, `${peakBytes}`);
  },
});

Deno.test({
  name: "runCommand() fails with what a command printed",
  ignore: !isLinux,
  fn: async () => {
    const error = await runCommand(["/bin/sh", "-c", "echo no data; exit 3"]).then(
      () => undefined,
      (error: Error) => error.message,
    );
    assertEquals(error, "/bin/sh -c echo no data; exit 3 ended with exit code 3:\nno data\n");
  },
});
