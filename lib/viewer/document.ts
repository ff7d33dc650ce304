/**
 * A forecast, packed by `content.ts`, goes in; a page comes out: one HTML file that needs nothing
 * else.
 *
 * @module
 */
import page from "./page.html" with { type: "text" };
import style from "./page.css" with { type: "text" };
import type { PageContent } from "./page/data.ts";
import { formatUtc } from "./page/format.ts";
import { formatScript } from "./script.ts";

/**
 * The HTML of a forecast's page. Its Content Security Policy allows its own style and script, by
 * their hashes, and no request of any kind.
 */
export async function formatDocument(data: PageContent): Promise<string> {
  const script = formatScript();
  const policy = [
    "default-src 'none'",
    `script-src '${await hashSource(script)}'`,
    `style-src '${await hashSource(style)}'`,
    "base-uri 'none'",
    "form-action 'none'",
  ].join("; ");
  const slots: Record<string, string> = {
    policy: `<meta http-equiv="Content-Security-Policy" content="${policy}">`,
    title: `<title>ECMWF ensemble, run of ${formatUtc(data.forecasts[0]!.runTime)}</title>`,
    style: `<style>${style}</style>`,
    data: `<script type="application/json" id="forecast">${escapeJson(data)}</script>`,
    script: `<script>${script}</script>`,
  };
  return page.replaceAll(/<!-- (\w+) -->/g, (_, name) => slots[name]!);
}

/** A source of the policy: the hash of an embedded text. */
async function hashSource(text: string): Promise<string> {
  const digest = await crypto.subtle.digest("SHA-256", new TextEncoder().encode(text));
  return `sha256-${new Uint8Array(digest).toBase64()}`;
}

/** JSON that cannot end the element around it. */
function escapeJson(data: PageContent): string {
  return JSON.stringify(data).replaceAll("<", "\\u003c");
}
