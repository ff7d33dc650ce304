import { assertEquals, assertThrows } from "jsr:@std/assert@^1.0.0";
import { parseCommandLine } from "../../lib/cli/command.ts";
import type { FieldProduct } from "../../lib/ensemble/field_product.ts";
import { nameStatisticKind } from "../../lib/ensemble/statistic.ts";
import { UsageError } from "../../lib/errors.ts";
import { GIK_VARIABLES } from "../../lib/ecmwf/variables.ts";
import { GIK } from "../../lib/output/profile.ts";
import { command } from "../stream.ts";

const parse = (...args: string[]) =>
  command.parse(parseCommandLine(command, ["--date", "20260206", ...args]));

/** `tp_24h(tp) above 20mm: 0.02` of each product. */
function describe(products: readonly FieldProduct[] = []): string[] {
  return products.map(({ name, inputs, statistics }) => {
    const names = inputs.map((input) => input.name).join();
    return `${name}(${names})${
      statistics ? ` ${statistics.map(nameStatisticKind).join("; ")}` : ""
    }`;
  });
}

Deno.test("without options all is as the profile says", () => {
  const { profile, products, variables } = parse();
  assertEquals([profile, products, variables], [GIK, undefined, undefined]);
  const named = parse("--variables", "tp,t2m");
  assertEquals(named.products, undefined);
  assertEquals(named.variables?.map(({ name }) => name), ["tp", "t2m"]);
});

Deno.test("--statistics takes percentiles and the names of all others", () => {
  const { profile } = parse("--statistics", "mean,p10,p2.5,standard_deviation_sample,members");
  assertEquals(profile.statistics, [
    { kind: "mean" },
    { kind: "percentile", percent: 10 },
    { kind: "percentile", percent: 2.5 },
    { kind: "standard_deviation", ddof: 1 },
    { kind: "members" },
  ]);
});

Deno.test("--exceed takes the names that a profile has for its fields", () => {
  const { products } = parse("--profile", "ep-cgan", "--exceed", "mucape>1000J/kg,tp_3h>1mm");
  assertEquals(describe(products).filter((it) => it.includes("exceedance")), [
    "tp_3h(tp) members; exceedance > 0.001 1mm",
    "mucape(cape) members; exceedance > 1000 1000J/kg",
  ]);
});

Deno.test("a statistic that is asked for twice, in other words, is written once", () => {
  const { profile, products } = parse(
    ...["--statistics", "p10,p10.0,p010", "--variables", "t2m"],
    ...["--exceed", "t2m>20C,t2m>20.0C,t2m>20°C,tp_3h>1mm,tp_3h>1.0mm"],
  );
  assertEquals(profile.statistics, [{ kind: "percentile", percent: 10 }]);
  assertEquals(products?.map(({ name, statistics }) => [name, statistics?.length]), [
    ...[["t2m", 2], ["tp_3h", 1]],
  ]);
});

Deno.test("--periods adds what accumulates to the variables, of the default ones, too", () => {
  assertEquals(describe(parse("--variables", "tp,t2m,ssr", "--periods", "24h,day").products), [
    ...["tp(tp)", "t2m(t2m)", "ssr(ssr)"],
    ...["tp_24h(tp)", "ssr_24h(ssr)", "tp_day(tp)", "ssr_day(ssr)"],
  ]);
  const { products, variables } = parse("--periods", "3h");
  assertEquals(describe(products).slice(GIK_VARIABLES.length), [
    ...["tp_3h(tp)", "ssr_3h(ssr)", "ssrd_3h(ssrd)", "sf_3h(sf)", "ro_3h(ro)"],
  ]);
  assertEquals(variables, undefined); // what ECMWF did not publish of the default is left out
});

Deno.test("--variables takes winds, and means and sums over periods, whose inputs must be published", () => {
  const { products, variables } = parse("--variables", "wind10m,wind925,tp_day,t2m_24h,wind700_6h");
  assertEquals(describe(products), [
    ...["wind10m(u10,v10)", "wind925(u925,v925)", "tp_day(tp)", "t2m_24h(t2m)"],
    "wind700_6h(u700,v700)",
  ]);
  assertEquals(products?.map(({ period }) => period), [undefined, undefined, "day", 24, 6]);
  const params = variables?.map(({ param, level }) => `${param}@${level}`);
  assertEquals(params?.slice(0, 4), ["10u@undefined", "10v@undefined", "u@925", "v@925"]);
});

Deno.test("--exceed adds probabilities to what is written, and products for these alone", () => {
  const { products, variables } = parse(
    ...["--variables", "tp,t2m", "--statistics", "mean", "--periods", "24h"],
    ...["--exceed", "tp_24h>20mm, tp_24h>=50mm,t2m>35C,wind700>15,t2m<0.5°C"],
  );
  assertEquals(describe(products), [
    "tp(tp)",
    "t2m(t2m) mean; exceedance > 308.15 35C; exceedance < 273.65 0.5°C",
    "tp_24h(tp) mean; exceedance > 0.02 20mm; exceedance >= 0.05 50mm",
    "wind700(u700,v700) exceedance > 15 15",
  ]);
  assertEquals(variables?.map(({ name }) => name), ["tp", "t2m", "u700", "v700"]);
});

const THRESHOLDS = [
  ["tp>5cm", 0.05],
  ["sp<950hPa", 95000],
  ["tcc>=80%", 0.8],
  ["wind10m>36km/h", 10],
  ["wind10m>10kt", 18520 / 3600],
  ["tcwv>40mm", 40],
  ["ssr_24h>5MJ/m2", 5e6],
  ["cape>1000J/kg", 1000],
  ["u700<-5 m/s", -5],
] as const;

for (const [text, expected] of THRESHOLDS) {
  Deno.test(`--exceed ${text} is ${expected} in the units of the variable`, () => {
    const [statistic] = parse("--exceed", text).products!.flatMap(({ statistics = [] }) =>
      statistics.filter(({ kind }) => kind === "exceedance")
    );
    assertEquals(statistic!.kind === "exceedance" && statistic!.threshold, expected);
  });
}

const REFUSED: readonly (readonly [args: string[], says: string])[] = [
  [["--statistics", "median"], 'Cannot use --statistics "median": it is not known'],
  [["--statistics", "p101"], "and percentiles from p0 to p100"],
  [["--statistics", "minimun"], "did you mean minimum?"],
  [
    ["--profile", "sewaa-6h", "--statistics", "standard_deviation,standard_deviation_sample"],
    'Cannot write both deviations with profile "sewaa-6h": it has one name for them; leave',
  ],
  [["--periods", "24"], 'Cannot use --periods "24": give hours, as 3h, 6h or 24h, or day'],
  [["--periods", "0h"], 'Cannot use --periods "0h"'],
  [
    ["--variables", "t2m,u700", "--periods", "24h"],
    "Cannot use --periods 24h: none of t2m, u700 accumulates; name means as t2m_24h",
  ],
  [["--exceed", "tp_24h"], 'Cannot use --exceed "tp_24h": give a variable, > or <, and a number'],
  [
    ["--exceed", "tp>20hPa"],
    'Cannot use --exceed "tp>20hPa": "hPa" is no unit of tp, which is in m; give one of mm, cm, m',
  ],
  [["--exceed", "t2m>5m/s"], "give one of K, C"],
  [
    ["--exceed", "tp_24h>20"],
    'Cannot use --exceed "tp_24h>20": no value is near 20 m; give another number, or a unit as mm',
  ],
  [["--exceed", "t2m>35"], "no value is near 35 K"],
  [["--exceed", "wind701>5"], 'Cannot write variable "wind701": it is not known'],
  [["--variables", "tp_0h"], 'Cannot write variable "tp_0h": it is not known'],
  [["--variables", "tp_24"], 'Cannot write variable "tp_24"'],
];

for (const [args, says] of REFUSED) {
  Deno.test(`${args.join(" ")} is refused: ${says}`, () => {
    assertThrows(() => parse(...args), UsageError, says);
  });
}
