import { assert, assertEquals } from "jsr:@std/assert@^1.0.0";
import { BEFORE_50R1, EMBEDDED_STEPS, openWorkplace } from "../fixtures/embedded_run.ts";
import { hasOpenssl, startHttpsProxy } from "../fixtures/https_proxy.ts";
import { BUCKET, BUCKET_REGION } from "../lib/ecmwf/files.ts";
import { GIK } from "../lib/output/profile.ts";

const ROOT = decodeURIComponent(new URL("../", import.meta.url).pathname);
const { run, members } = BEFORE_50R1;
const canSign = await hasOpenssl();

/** Ways to ECMWF's files: through the SDK of AWS, and as any file on the web. */
const WAYS = [
  {
    set: "forecast",
    host: `${BUCKET}.s3.${BUCKET_REGION}.amazonaws.com`,
    folder: "/",
    args: [],
  },
  {
    set: "forecast-mirrors",
    host: "storage.googleapis.com",
    folder: "/ecmwf-open-data/",
    args: ["--source", "gcs"],
  },
];

for (const { set, host, folder, args } of WAYS) {
  Deno.test({
    name: `under -P=${set} a forecast reads ${host} through HTTPS_PROXY, and nothing else` +
      (canSign ? "" : " (ignored: there is no openssl)"),
    ignore: !canSign,
    async fn() {
      await using place = await openWorkplace();
      await using proxy = await startHttpsProxy({
        [host]: ({ method, headers, url }) => {
          const key = url.slice(`https://${host}${folder}`.length);
          const address = `${place.server.url}/${BUCKET}/${key}`;
          return place.server.answer(new Request(address, { method, headers }));
        },
      });
      const output = await Deno.makeTempDir({ dir: ROOT, prefix: "ecmwf_three_stage_" });
      try {
        const { code, stderr } = await new Deno.Command(Deno.execPath(), {
          args: [
            ...["run", "--no-prompt", "--quiet", `-P=${set}`, "stages/forecast.ts", ...args],
            ...["--date", run.date, "--max-members", `${members}`, "--output-dir", output],
            ...["--steps", EMBEDDED_STEPS.join(",")],
          ],
          cwd: ROOT,
          // Deno itself looks for newer versions of Deno.
          env: { NO_COLOR: "1", DENO_NO_UPDATE_CHECK: "1", ...proxy.environment },
        }).output();
        assertEquals(code, 0, new TextDecoder().decode(stderr));
        assert((await Deno.stat(`${output}/${GIK.fileName(run)}`)).size > 0);
        assertEquals([...new Set(proxy.tunnels)], [`${host}:443`]);
        assert(place.server.requests.length > 0);
      } finally {
        await Deno.remove(output, { recursive: true });
      }
    },
  });
}
