import { assert, assertEquals } from "jsr:@std/assert@^1.0.0";
import {
  type Extent,
  findExtent,
  formatTick,
  indexColor,
  placeValue,
  planColorScale,
} from "./color_scale.ts";
import { findDisplay } from "./palettes.ts";

const DEVIATION = { statistic: { kind: "standard_deviation", ddof: 0 } } as const;
const shade = (name: string, units: string) => ({
  mean: findDisplay({ name, units }).shading,
  deviation: findDisplay({ name, units }, DEVIATION).shading,
});
const TP = shade("tp", "m");
const T2M = shade("t2m", "K");
const TCC = shade("tcc", "1");
const WIND = shade("u700", "m s-1");

function planEnds(...args: Parameters<typeof planColorScale>): Extent {
  const { least, most } = planColorScale(...args);
  return [least, most];
}

Deno.test("findExtent() leaves missing values out and converts to the shown unit", () => {
  const fields = [Float32Array.of(NaN, 2, 5), Float32Array.of(-1, NaN, Infinity)];
  assertEquals(findExtent(fields, 10), [-10, 50]);
  assertEquals(findExtent([Float32Array.of(NaN)], 10), undefined);
});

Deno.test("a scale holds every value and ends at round ones", () => {
  const scale = planColorScale(T2M.mean, [271.3, 308.9]);
  assertEquals([scale.least, scale.most], [270, 310]);
  assertEquals(scale.ticks, [270, 280, 290, 300, 310]);
  assertEquals(planEnds(TCC.mean, [0.2, 0.7]), [0, 1]);
  assertEquals(planEnds(TCC.mean, [-1e-9, 1 + 1e-7]), [0, 1]);
  assertEquals(planEnds(TCC.mean, [0, 1.3]), [0, 1.4]);
  assertEquals(planEnds(T2M.deviation, [0.4, 3.7]), [0, 4]);
});

Deno.test("the scale of one value is near to it", () => {
  assertEquals(planEnds(T2M.mean, [255.3, 255.3]), [252, 258]);
  assertEquals(planEnds(TP.mean, [0, 0]), [0, 1]);
});

Deno.test("a diverging scale is symmetric, with zero in the middle", () => {
  const scale = planColorScale(WIND.mean, [-3.2, 17.1]);
  assertEquals([scale.least, scale.most], [-20, 20]);
  assertEquals(scale.ticks, [-20, -10, 0, 10, 20]);
  assertEquals([indexColor(scale, -1e-6), indexColor(scale, 0)], [127, 128]);
  assertEquals(planEnds(WIND.mean, [-17.1, 3.2]), [-20, 20]);
  assertEquals(planEnds(WIND.mean, [0, 0]), [-1, 1]);
});

Deno.test("amounts have their small values spread out, with ticks at 1, 2 and 5", () => {
  const scale = planColorScale(TP.mean, [0, 137]);
  assertEquals([scale.least, scale.most], [0, 140]);
  assertEquals(scale.ticks, [0, 5, 20, 50, 100]);
  assertEquals(placeValue(scale, 35), 0.5);
  assertEquals(planColorScale(TP.mean, [0, 0.07]).ticks, [0, 0.005, 0.02, 0.05]);
});

Deno.test("ticks lie within the scale and apart, whatever the values", () => {
  for (const shading of [TP.mean, TP.deviation, T2M.mean, TCC.mean, WIND.mean]) {
    for (const extent of [[0, 0], [3, 3], [-2, -2], [-5, 1e-4], [1e-7, 2e-7], [0, 9e9]] as const) {
      const scale = planColorScale(shading, extent);
      assert(scale.least <= extent[0] && scale.most >= extent[1] && scale.least < scale.most);
      const positions = scale.ticks.map((tick) => placeValue(scale, tick));
      assert(positions.length >= 2 && positions.length <= 11, String(scale.ticks));
      assert(positions.every((it, i) => it <= 1 && it - (positions[i - 1] ?? -1) > 0.05));
    }
  }
});

Deno.test("indexColor() gives each value its share of the palette, the ends included", () => {
  const scale = planColorScale(TCC.mean, [0, 1]);
  const indices = [-1, 0, 0.0039, 0.0040, 0.5, 1, 2].map((value) => indexColor(scale, value));
  assertEquals(indices, [0, 0, 0, 1, 128, 255, 255]);
});

Deno.test("formatTick() writes short numbers with a true minus sign", () => {
  assertEquals([0, -20, 0.30000000000000004, 1015].map(formatTick), ["0", "−20", "0.3", "1015"]);
});
