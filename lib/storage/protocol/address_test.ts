import { assertEquals } from "jsr:@std/assert@^1.0.0";
import { isRemote, parseScheme } from "./address.ts";

const SCHEMES: [address: string, scheme: string][] = [
  ["s3://ecmwf-forecasts/20260206/00z", "s3"],
  ["GS://gik-ecmwf-aws-tf", "gs"],
  ["https://example.org/a", "https"],
  ["file:///tmp/a", "file"],
  ["/tmp/a", "file"],
  ["folder/with:colon", "file"],
];

for (const [address, scheme] of SCHEMES) {
  Deno.test(`parseScheme("${address}") is "${scheme}"`, () => {
    assertEquals(parseScheme(address), scheme);
    assertEquals(isRemote(address), scheme !== "file");
  });
}
