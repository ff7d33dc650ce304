import {
  assert,
  assertEquals,
  assertMatch,
  assertStringIncludes,
  assertThrows,
} from "jsr:@std/assert@^1.0.0";
import axe from "npm:axe-core@4.14.1";
import { hasChromium, openBrowser, savePicture } from "../../fixtures/chromium.ts";
import { makeAxes, makeSyntheticForecast } from "../../fixtures/synthetic_forecast.ts";
import { UserError } from "../errors.ts";
import { formatDate, parseRun, runLabel } from "../ecmwf/run.ts";
import { plotForecast } from "../maps/plot_forecast.ts";
import { encodeNetcdf } from "../netcdf/encode_netcdf.ts";
import { GIK } from "../output/profile.ts";
import { Ledger, type LedgerEntry } from "../runs/ledger.ts";
import { openStorage } from "../storage/mod.ts";
import { silentReporter } from "../util/reporter.ts";
import { viewForecast } from "../viewer/view_forecast.ts";
import { formatMetrics, metricsPath } from "./metrics_text.ts";
import { createHandler, serveFolder } from "./watch_server.ts";
import { formatStatus, startStatus, statusPath, type WatchStatus } from "./watch_status.ts";

const NOW_MS = Date.parse("2026-02-06T08:00:00Z");
const STATUS: WatchStatus = {
  ...startStatus({ host: "forecast.example", pid: 7, time: "2026-02-06T07:59:30.000Z" }),
  lastGood: {
    run: "20260206_00z",
    output: "IFS_20260206_00Z_cgan.nc",
    complete: true,
    time: "2026-02-06T07:12:00.000Z",
    ageSeconds: 28_800,
  },
  next: { run: "20260207_00z", due: "2026-02-07T06:37:00.000Z" },
  freeBytes: 5e9,
};

/** An entry of the ledger of a day in February 2026. */
function makeEntry(day: number, change: Partial<LedgerEntry> = {}): LedgerEntry {
  const run = parseRun(formatDate(new Date(Date.UTC(2026, 1, day))), "00");
  const output = GIK.fileName(run);
  const stem = output.replace(".nc", "");
  return {
    run: runLabel(run),
    output,
    state: "complete",
    messages: { used: 5508, wanted: 5508 },
    files: [`${stem}.png`, `${stem}.html`],
    options: {},
    command: "watch",
    time: `2026-02-06T07:12:00.000Z`,
    ...change,
  };
}

const ENTRIES: readonly LedgerEntry[] = [
  makeEntry(6),
  makeEntry(5, { state: "incomplete", reason: "8 of 5508 messages are missing <b>", files: [] }),
  makeEntry(4, { state: "not published", reason: "not published yet" }),
  makeEntry(3, { removed: "2026-02-06T07:00:00.000Z" }),
  makeEntry(-40),
];

/** A folder with a ledger, a status, a forecast with its picture and page, and other files. */
async function makeFolder(status: WatchStatus | undefined = STATUS): Promise<string> {
  const folder = await Deno.makeTempDir();
  const ledger = await Ledger.open(folder, openStorage());
  for (const entry of ENTRIES) await ledger.record(entry);
  const path = `${folder}/IFS_20260206_00Z_cgan.nc`;
  for (
    const name of ["IFS_20260205_00Z_cgan.nc", "IFS_20260204_00Z_cgan.nc", "secret.nc", "x.png"]
  ) {
    await Deno.writeTextFile(`${folder}/${name}`, `text of ${name}`);
  }
  await Deno.writeTextFile(path, "the values");
  await Deno.writeTextFile(path.replace(".nc", ".png"), "a picture");
  await Deno.writeTextFile(path.replace(".nc", ".html"), "a page");
  if (!status) return folder;
  await Deno.writeTextFile(statusPath(folder), formatStatus(status));
  await Deno.writeTextFile(metricsPath(folder), formatMetrics(status));
  return folder;
}

async function withHandler(
  test: (
    ask: (path: string, init?: RequestInit) => Promise<Response>,
    folder: string,
  ) => Promise<void>,
  status: WatchStatus | undefined = STATUS,
): Promise<void> {
  const folder = await makeFolder(status);
  const handle = createHandler({ folder, files: openStorage(), now: () => NOW_MS });
  try {
    await test((path, init) => handle(new Request(`http://127.0.0.1:8080${path}`, init)), folder);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

for (
  const { what, change, code, text } of [
    { what: "the newest run is there", change: {}, code: 200, text: "ok\n" },
    {
      what: "the newest run is late",
      change: { healthy: false, problem: "20260206 00 UTC is later than usual" },
      code: 503,
      text: "20260206 00 UTC is later than usual\n",
    },
    {
      what: "the watch gives no sign of life",
      change: { time: "2026-02-06T07:54:00.000Z" },
      code: 503,
      text: "the watch gives no sign of life since 2026-02-06T07:54:00.000Z\n",
    },
    {
      what: "the last sign of life is of another year",
      change: { time: "2030-02-06T07:54:00.000Z" },
      code: 503,
      text: "the watch gives no sign of life since 2030-02-06T07:54:00.000Z\n",
    },
    {
      what: "the last sign of life has no time",
      change: { time: "soon" },
      code: 503,
      text: "the watch gives no sign of life since soon\n",
    },
    {
      what: "a run failed that is not late",
      change: { problem: "Cannot read" },
      code: 200,
      text: "ok\n",
    },
  ]
) {
  Deno.test(`/healthz answers ${code} when ${what}`, async () => {
    await withHandler(async (ask) => {
      const answer = await ask("/healthz");
      assertEquals([answer.status, await answer.text()], [code, text]);
    }, { ...STATUS, ...change });
  });
}

Deno.test("/healthz and /metrics answer 503 before anything is written", async () => {
  const folder = await Deno.makeTempDir();
  const handle = createHandler({ folder, files: openStorage(), now: () => NOW_MS });
  for (const path of ["/healthz", "/metrics"]) {
    const answer = await handle(new Request(`http://127.0.0.1:8080${path}`));
    assertEquals(answer.status, 503);
    await answer.body?.cancel();
  }
  await Deno.remove(folder, { recursive: true });
});

Deno.test("/metrics has the text of metrics.prom and its type", async () => {
  await withHandler(async (ask) => {
    const answer = await ask("/metrics");
    assertEquals(answer.headers.get("content-type"), "text/plain; version=0.0.4; charset=utf-8");
    assertEquals(await answer.text(), formatMetrics(STATUS));
  });
});

Deno.test("files of the ledger are served, with their type and length", async () => {
  await withHandler(async (ask) => {
    const file = await ask("/files/IFS_20260206_00Z_cgan.nc");
    assertEquals(await file.text(), "the values");
    const { headers } = file;
    assertEquals(
      headers.get("content-disposition"),
      'attachment; filename="IFS_20260206_00Z_cgan.nc"',
    );
    assertEquals(headers.get("x-content-type-options"), "nosniff");
    const head = await ask("/files/IFS_20260206_00Z_cgan.png", { method: "HEAD" });
    assertEquals([head.headers.get("content-type"), head.headers.get("content-length")], [
      "image/png",
      "9",
    ]);
    assertEquals(await head.text(), "");
  });
});

const CLOSED = [
  "/files/secret.nc",
  "/files/x.png",
  "/files/runs.json",
  "/files/status.json",
  "/files/",
  "/files/../runs.json",
  "/files/..%2Fruns.json",
  "/files/%2e%2e/%2e%2e/etc/passwd",
  "/files/..%2f..%2f..%2fetc%2fpasswd",
  "/files/%2Fetc%2Fpasswd",
  "/files//etc/passwd",
  "/files/IFS_20260206_00Z_cgan.nc%00.png",
  "/files/./IFS_20260206_00Z_cgan.nc/..",
  "/files/ifs_20260206_00z_cgan.nc",
  // Not published, and removed: what has these names is not of the ledger.
  "/files/IFS_20260204_00Z_cgan.nc",
  "/files/IFS_20260203_00Z_cgan.nc",
  "/runs.json",
  "/%2e%2e/runs.json",
];

Deno.test("a request with a Host that is none is answered with 400", async () => {
  await withHandler(async (_, folder) => {
    const signal = new AbortController();
    let address = "";
    const served = { folder, files: openStorage(), now: () => NOW_MS };
    const server = serveFolder(
      { hostname: "127.0.0.1", port: 0 },
      served,
      signal.signal,
      (url) => void (address = url),
    );
    using connection = await Deno.connect({
      hostname: "127.0.0.1",
      port: Number(new URL(address).port),
    });
    const request = "GET / HTTP/1.1\r\nHost: a b<>\r\nConnection: close\r\n\r\n";
    await connection.write(new TextEncoder().encode(request));
    assertMatch(await new Response(connection.readable).text(), /^HTTP\/1.1 400 /);
    signal.abort();
    await server.finished;
  });
});

Deno.test("no other path leads to a file", async () => {
  await withHandler(async (ask, folder) => {
    await Deno.remove(`${folder}/IFS_20260206_00Z_cgan.png`);
    await Deno.symlink("/etc/passwd", `${folder}/IFS_20260206_00Z_cgan.png`);
    for (const path of [...CLOSED, "/files/IFS_20260206_00Z_cgan.png"]) {
      const answer = await ask(path);
      assertEquals([path, answer.status], [path, 404]);
      await answer.text();
    }
    const posted = await ask("/files/IFS_20260206_00Z_cgan.nc", { method: "DELETE" });
    assertEquals([posted.status, await posted.text()], [405, "use GET\n"]);
  });
});

Deno.test("a ledger that someone changed opens no other file", async () => {
  await withHandler(async (ask, folder) => {
    const ledger = await Ledger.open(folder, openStorage());
    await ledger.record({
      ...makeEntry(2),
      output: "../../etc/passwd",
      files: ["../x.png", "runs.json"],
    });
    await ledger.record({ ...makeEntry(1), output: "status.json", files: ["x.png"] });
    for (const name of ["../../etc/passwd", "../x.png", "runs.json", "status.json", "x.png"]) {
      const answer = await ask(`/files/${encodeURIComponent(name)}`);
      assertEquals([name, answer.status], [name, 404]);
      await answer.text();
    }
  });
});

Deno.test("the page lists the runs of thirty days, the newest first, with their files as far as they are there", async () => {
  await withHandler(async (ask) => {
    const answer = await ask("/");
    assertMatch(
      answer.headers.get("content-security-policy")!,
      /^default-src 'none'; img-src 'self' data:;/,
    );
    const html = await answer.text();
    const titles = [...html.matchAll(/<h2>(.*?)<\/h2>/g)].map(([, title]) => title);
    assertEquals(titles, [
      "20260206 00 UTC",
      "20260205 00 UTC",
      "20260204 00 UTC",
      "20260203 00 UTC",
    ]);
    const links = [...html.matchAll(/<a href="(.*?)"/g)].map(([, link]) => link);
    assertEquals(links, [
      "/files/IFS_20260206_00Z_cgan.png",
      "/files/IFS_20260206_00Z_cgan.html",
      "/files/IFS_20260206_00Z_cgan.nc",
      "/files/IFS_20260205_00Z_cgan.nc",
    ]);
    for (const link of links) assertEquals((await (await ask(link!)).text()).length > 0, true);
    assertStringIncludes(html, "8 of 5508 messages are missing &lt;b&gt;");
    assertEquals(html.includes("<script"), false);
  });
});

Deno.test("an address that is in use is an error in words", async () => {
  await using taken = Deno.serve(
    { hostname: "127.0.0.1", port: 0, onListen() {} },
    () => new Response(),
  );
  const { port } = taken.addr as Deno.NetAddr;
  const served = { folder: ".", files: openStorage(), now: Date.now };
  assertThrows(
    () => serveFolder({ hostname: "127.0.0.1", port }, served, AbortSignal.timeout(1), () => {}),
    UserError,
    `Cannot listen on "127.0.0.1:${port}": `,
  );
});

/** Forecasts that can be drawn, of four days. */
async function makeGallery(): Promise<string> {
  const folder = await Deno.makeTempDir();
  const storage = openStorage();
  const ledger = await Ledger.open(folder, storage);
  const input = `${folder}/IFS_20260206_00Z_cgan.nc`;
  const axes = makeAxes({ north: 12, south: -12, west: 28, east: 52 });
  await storage.put(
    input,
    encodeNetcdf(makeSyntheticForecast({ variables: ["tp", "t2m"], steps: [36], axes })),
  );
  await plotForecast(
    { input, output: input.replace(".nc", ".png"), format: "png", dpi: 100, steps: { index: 0 } },
    silentReporter,
  );
  await viewForecast({ input, output: input.replace(".nc", ".html") }, silentReporter);
  for (const entry of [...ENTRIES, makeEntry(2)]) await ledger.record(entry);
  for (const ending of ["nc", "png", "html"]) {
    await Deno.copyFile(
      input.replace(".nc", `.${ending}`),
      `${folder}/IFS_20260202_00Z_cgan.${ending}`,
    );
  }
  await Deno.copyFile(input, `${folder}/IFS_20260205_00Z_cgan.nc`);
  await Deno.writeTextFile(statusPath(folder), formatStatus(STATUS));
  return folder;
}

Deno.test({
  name: "the page is usable on a phone, on a desktop, by keyboard, without a script (Chromium)",
  ignore: !hasChromium(),
  async fn(t) {
    const folder = await makeGallery();
    const controller = new AbortController();
    const { promise, resolve } = Promise.withResolvers<string>();
    const served = { folder, files: openStorage(), now: () => NOW_MS };
    const server = serveFolder(
      { hostname: "127.0.0.1", port: 0 },
      served,
      controller.signal,
      resolve,
    );
    const url = await promise;
    await using browser = await openBrowser();
    for (const [place, width, height] of [["phone", 375, 740], ["desktop", 1280, 800]] as const) {
      await t.step(`on a ${place}`, async () => {
        const options = { viewport: { width, height } };
        const { page, complaints, requests } = await browser.open(url, options);
        await page.locator("img").first().scrollIntoViewIfNeeded();
        await page.waitForFunction(() =>
          [...document.images].every((image) => image.complete && image.naturalWidth > 0)
        );
        const { scrollWidth } = await page.evaluate(() => ({
          scrollWidth: document.documentElement.scrollWidth,
        }));
        assert(scrollWidth <= width, `${scrollWidth} px`);
        await page.evaluate(axe.source);
        const violations = await page.evaluate(
          "axe.run().then(({violations}) => violations.map(" +
            "({id, nodes}) => `${id}: ${nodes.map(({html}) => html)}`))",
        );
        assertEquals(violations, []);
        await savePicture(page, `watch_${place}`);
        assertEquals(complaints, []);
        assert(requests.every((it) => it.startsWith(url)), requests.join());
      });
    }
    await t.step("by keyboard, without scripts", async () => {
      const { page } = await browser.open(url, { javaScriptEnabled: false });
      await page.keyboard.press("Tab");
      await page.keyboard.press("Tab");
      await page.keyboard.press("Enter");
      await page.waitForURL(`${url}files/IFS_20260206_00Z_cgan.html`);
      await page.goto(url);
      for (const _ of [1, 2, 3]) await page.keyboard.press("Tab");
      const download = page.waitForEvent("download");
      await page.keyboard.press("Enter");
      assertEquals((await download).suggestedFilename(), "IFS_20260206_00Z_cgan.nc");
    });
    controller.abort();
    await server.finished;
    await Deno.remove(folder, { recursive: true });
  },
});
