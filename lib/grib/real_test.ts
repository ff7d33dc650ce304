import { assertEquals } from "jsr:@std/assert@^1.0.0";
import { decodeField, type GribField, parseFields, selectWindow } from "./mod.ts";

interface ExpectedValues {
  readonly rowCount: number;
  readonly columnCount: number;
  readonly sha256: string;
}

interface ExpectedWindow extends ExpectedValues {
  readonly name: string;
  /** North, west, south, east. */
  readonly region: readonly [number, number, number, number];
}

interface ExpectedMessage extends ExpectedValues {
  readonly file: string;
  readonly shortName: string;
  readonly windows: readonly ExpectedWindow[];
}

const expectedMessages: readonly ExpectedMessage[] = JSON.parse(
  Deno.readTextFileSync(new URL("../../fixtures/grib/real_expected.json", import.meta.url)),
);

for (const [file, messages] of Map.groupBy(expectedMessages, (message) => message.file)) {
  const url = new URL(`../../../shared/data/${file}`, import.meta.url);
  Deno.test({
    name: `decodeField() equals ecCodes to the last bit on the real ${file} (needs ../shared)`,
    ignore: !fileExists(url),
    fn: async () => {
      const fields = parseFields(Deno.readFileSync(url));
      assertEquals(fields.length, messages.length);
      for (const [i, field] of fields.entries()) await checkField(field, messages[i]!);
    },
  });
}

async function checkField(field: GribField, expected: ExpectedMessage): Promise<void> {
  await checkHash(expected.shortName, decodeField(field), expected);
  for (const window of expected.windows) {
    const [north, west, south, east] = window.region;
    const selected = selectWindow(field.grid, { north, west, south, east });
    await checkHash(
      `${expected.shortName}, ${window.name}`,
      decodeField(field, selected),
      window,
    );
  }
}

async function checkHash(
  name: string,
  values: Float64Array,
  expected: ExpectedValues,
): Promise<void> {
  assertEquals(values.length, expected.rowCount * expected.columnCount, name);
  // A plain copy: digest() takes no view whose buffer might be shared.
  const digest = await crypto.subtle.digest("SHA-256", new Float64Array(values).buffer);
  assertEquals(new Uint8Array(digest).toHex(), expected.sha256, name);
}

function fileExists(url: URL): boolean {
  try {
    return Deno.statSync(url).isFile;
  } catch {
    return false;
  }
}
