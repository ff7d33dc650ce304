import { assertEquals } from "jsr:@std/assert@^1.0.0";
import { command as forecast } from "../../stages/forecast.ts";
import { command as pipeline } from "../../stages/pipeline.ts";
import { command as plot } from "../../stages/plot.ts";
import { command as stream } from "../../stages/stream.ts";
import { explainRefusal, type RefusedCommand } from "./allow_more.ts";
import { findPermissions } from "./task_permissions.ts";

const COMMANDS = { forecast, pipeline, plot, stream };
const AWS = "ecmwf-forecasts.s3.eu-central-1.amazonaws.com:443";
const HUB = "huggingface.co:443,*.huggingface.co:443,*.hf.co:443,*.xethub.hf.co:443";

/** The command that is advised, without its beginning, for a line in /work. */
function advise(
  line: string,
  message: string,
  { granted = [AWS, ...HUB.split(",")], servers = [] }: {
    granted?: string[];
    servers?: string[];
  } = {},
): string | undefined {
  const [name, ...args] = line.split(" ");
  const text = explainRefusal({
    command: COMMANDS[name as keyof typeof COMMANDS] as RefusedCommand["command"],
    args,
    message,
    permissions: findPermissions(name!),
    isGranted: (host) =>
      granted.some((it) => it.startsWith("*") ? host.endsWith(it.slice(1)) : it === host),
    folder: "/work",
    servers,
  });
  const advised = text?.split("; this command allows it:\n  deno run --no-prompt ")[1];
  return advised?.replace(/^--v8-flags=\S+ /, ""); // of its task
}

const refuse = (kind: string, name: string) =>
  `Cannot use "${name}": Deno refuses ${kind} access to "${name}", add --allow-${kind}=${name}`;

Deno.test("a refusal under a task is followed by the whole command, with all that it needs", () => {
  const line = "pipeline --date 20260206 --output-dir /data/x";
  const command = "-P=pipeline --allow-read=.,/data/x --allow-write=.,/data/x stages/pipeline.ts " +
    "--date 20260206 --output-dir /data/x";
  assertEquals(advise(line, refuse("read", "/data/x/stage1_a")), command);
  assertEquals(advise(line, refuse("write", "/data/x")), command);
  const deno = 'Requires read access to "/data/x", run again with the --allow-read flag';
  assertEquals(advise(line, deno), command);
});

Deno.test("a server of --endpoint, --source or the environment is allowed beside those of the set", () => {
  const net = (host: string) => `'--allow-net=${AWS},${HUB},${host}'`;
  const at = refuse("net", "host:9000");
  assertEquals(
    advise("pipeline --endpoint http://host:9000", at),
    `-P=pipeline ${net("host:9000")} stages/pipeline.ts --endpoint http://host:9000`,
  );
  assertEquals(
    advise(
      "pipeline --source aws,https://mirror.example/ecmwf",
      refuse("net", "mirror.example:443"),
    ),
    `-P=pipeline ${net("mirror.example:443")} stages/pipeline.ts ` +
      "--source aws,https://mirror.example/ecmwf",
  );
  assertEquals(
    advise("pipeline --output-dir /d", refuse("write", "/d"), { servers: ["http://host:9000"] }),
    `-P=pipeline ${net("host:9000")} --allow-read=.,/d --allow-write=.,/d stages/pipeline.ts ` +
      "--output-dir /d",
  );
});

Deno.test("the folders of references and of copies are written, too, unless they are on a server", () => {
  const more = "--keep-references /refs --publish /srv/forecasts";
  const paths = ".,/refs,/srv/forecasts";
  assertEquals(
    advise(`forecast ${more}`, refuse("write", "/srv/forecasts"), { granted: [AWS] }),
    `-P=forecast --allow-read=${paths} --allow-write=${paths} stages/forecast.ts ${more}`,
  );
  assertEquals(
    advise("forecast --output /d/a.nc --publish s3://b/f", refuse("read", "/d"), {
      granted: [AWS],
    }),
    "-P=forecast --allow-read=.,/d --allow-write=.,/d stages/forecast.ts --output /d/a.nc " +
      "--publish s3://b/f",
  );
});

Deno.test("what is read is not opened for writing, and a file is written in its folder", () => {
  assertEquals(
    advise("stream /stores --output-dir ../out", refuse("read", "/stores"), { granted: [AWS] }),
    "-P=stream --allow-read=.,/stores,../out --allow-write=.,../out stages/stream.ts /stores " +
      "--output-dir ../out",
  );
  assertEquals(
    advise("plot a.nc --output /web/it's.png", refuse("write", "/web/it's.png.part")),
    "-P=plot --allow-read=.,/web --allow-write=.,/web stages/plot.ts a.nc --output " +
      "'/web/it'\\''s.png'",
  );
});

Deno.test("the set in use is the one of which all is granted; its own flags stay", () => {
  const granted = [
    AWS,
    "storage.googleapis.com:443",
    "oauth2.googleapis.com:443",
    "metadata.google.internal:80",
  ];
  assertEquals(
    advise("stream /stores", refuse("read", "/stores"), { granted }),
    '-P=stream-gcs "--allow-read=.,$HOME/.config/gcloud,/stores" stages/stream.ts /stores',
  );
  assertEquals(advise("stream /stores", refuse("read", "/stores"), { granted: [] }), undefined);
});

Deno.test("what is closed on purpose stays closed, and other messages stay as they are", () => {
  for (const name of ["keys/a.nc", "/work/lib/a.png", "."]) {
    assertEquals(advise(`plot ${name}`, refuse("read", name)), undefined);
  }
  assertEquals(advise("plot a.nc", 'Cannot read "a.nc": there is no such file'), undefined);
  assertEquals(advise("plot a.nc", refuse("env", "HOME")), undefined);
});
