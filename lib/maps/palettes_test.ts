import { assert, assertEquals } from "jsr:@std/assert@^1.0.0";
import { VARIABLES } from "../ecmwf/variables.ts";
import { findDisplay, type Palette, PALETTE_COLORS } from "./palettes.ts";

function colorAt({ colors }: Palette, index: number): number[] {
  return [...colors.subarray(3 * index, 3 * index + 3)];
}

/** Lightness L* of CIE 1976, from sRGB (IEC 61966-2-1). */
function lightness(rgb: number[]): number {
  const [red, green, blue] = rgb.map((byte) => {
    const share = byte / 255;
    return share <= 0.04045 ? share / 12.92 : ((share + 0.055) / 1.055) ** 2.4;
  });
  const luminance = 0.2126 * red! + 0.7152 * green! + 0.0722 * blue!;
  return 116 * Math.cbrt(luminance) - 16;
}

Deno.test("every variable that can be written has a display in the unit of the table", () => {
  const shown = VARIABLES.map((variable) => [variable.name, findDisplay(variable).units]);
  assertEquals(Object.fromEntries(shown), {
    tp: "mm",
    t2m: "K",
    sp: "hPa",
    ssr: "MJ m⁻²",
    ssrd: "MJ m⁻²",
    tcw: "kg m⁻²",
    tcwv: "kg m⁻²",
    tcc: "0–1",
    u700: "m s⁻¹",
    v700: "m s⁻¹",
    sf: "mm",
    ro: "mm",
    cape: "J kg⁻¹",
  });
});

Deno.test("a variable in an unknown unit is shown unscaled, in the unit of the file", () => {
  const display = findDisplay({ name: "tp", units: "kg m-2" });
  assertEquals([display.units, display.factor], ["kg m-2", 1]);
});

Deno.test("winds diverge from zero, their deviations and all others are sequential", () => {
  for (const variable of VARIABLES) {
    const { mean, deviation } = findDisplay(variable);
    assertEquals(mean.palette.kind === "diverging", /^[uv]700$/.test(variable.name), variable.name);
    assertEquals(deviation.palette.kind, "sequential");
  }
});

Deno.test("lightness alone separates the values of every palette", () => {
  const palettes = new Set(
    VARIABLES.map(findDisplay).flatMap((it) => [
      it.mean.palette,
      it.deviation.palette,
    ]),
  );
  assert(palettes.size >= 5);
  for (const palette of palettes) {
    const half = PALETTE_COLORS / 2;
    const levels = [0, half / 2, half, half * 1.5, PALETTE_COLORS - 1].map((index) =>
      lightness(colorAt(palette, index))
    );
    const steps = levels.slice(1).map((level, i) => Math.sign(level - levels[i]!));
    const expected = palette.kind === "diverging" ? [1, 1, -1, -1] : Array(4).fill(steps[0]);
    assertEquals(steps, expected, palette.name);
    assert(Math.max(...levels) - Math.min(...levels) > 55, palette.name);
  }
});

Deno.test("palettes have the colours that their makers publish", () => {
  const paletteOf = (name: string) => findDisplay(VARIABLES.find((it) => it.name === name)!);
  const viridis = paletteOf("tp").deviation.palette;
  assertEquals([colorAt(viridis, 0), colorAt(viridis, 255)], [[68, 1, 84], [253, 231, 37]]);
  const wind = paletteOf("u700").mean.palette;
  assertEquals([colorAt(wind, 0), colorAt(wind, 255)], [[5, 48, 97], [103, 0, 31]]);
});
