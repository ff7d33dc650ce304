import { assert, assertEquals } from "jsr:@std/assert@^1.0.0";
import { VARIABLES } from "../ecmwf/variables.ts";
import { type DisplayChoice, findDisplay, type Palette, PALETTE_COLORS } from "./palettes.ts";

const DEVIATION: DisplayChoice = { statistic: { kind: "standard_deviation", ddof: 0 } };
const PROBABILITY: DisplayChoice = {
  statistic: { kind: "exceedance", comparison: "above", threshold: "20mm" },
};

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
    const isDiverging = findDisplay(variable).shading.palette.kind === "diverging";
    assertEquals(isDiverging, /^[uv]700$/.test(variable.name), variable.name);
    assertEquals(findDisplay(variable, DEVIATION).shading.palette.kind, "sequential");
  }
});

Deno.test("lightness alone separates the values of every palette", () => {
  const palettes = new Set(
    [...VARIABLES, { name: "wind10m", units: "m s-1" }].flatMap((variable) =>
      [{}, DEVIATION, PROBABILITY].map((choice) => findDisplay(variable, choice).shading.palette)
    ),
  );
  assert(palettes.size >= 7);
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
  const variableOf = (name: string) => VARIABLES.find((it) => it.name === name)!;
  const viridis = findDisplay(variableOf("tp"), DEVIATION).shading.palette;
  assertEquals([colorAt(viridis, 0), colorAt(viridis, 255)], [[68, 1, 84], [253, 231, 37]]);
  const wind = findDisplay(variableOf("u700")).shading.palette;
  assertEquals([colorAt(wind, 0), colorAt(wind, 255)], [[5, 48, 97], [103, 0, 31]]);
});

Deno.test("sums over periods are shown as their variable is, probabilities in percent, temperatures in °C on request", () => {
  const show = (name: string, units: string, choice: DisplayChoice = {}) => {
    const display = findDisplay({ name, units }, choice);
    return [display.units, display.factor, display.offset, display.shading.palette.name];
  };
  assertEquals(show("tp_24h", "m"), ["mm", 1000, 0, "YlGnBu"]);
  assertEquals(show("tp_day", "m"), ["mm", 1000, 0, "YlGnBu"]);
  assertEquals(show("tp_24h", "m", PROBABILITY), ["%", 100, 0, "YlOrRd"]);
  assertEquals(show("wind700", "m s-1"), ["m s⁻¹", 1, 0, "BuPu"]);
  assertEquals(show("t2m", "K", { celsius: true }), ["°C", 1, -273.15, "plasma"]);
  assertEquals(show("t2m", "K", { ...DEVIATION, celsius: true }), ["K", 1, 0, "viridis"]);
  assertEquals(show("tp", "m", { celsius: true }), ["mm", 1000, 0, "YlGnBu"]);
});
