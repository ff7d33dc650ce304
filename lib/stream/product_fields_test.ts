import { assertEquals, assertRejects, assertThrows } from "jsr:@std/assert@^1.0.0";
import { BEFORE_50R1, openWorkplace } from "../../fixtures/embedded_run.ts";
import { parseRun } from "../ecmwf/run.ts";
import { findVariable } from "../ecmwf/variables.ts";
import { type FieldProduct, plainProduct } from "../ensemble/field_product.ts";
import { UsageError } from "../errors.ts";
import { GIK } from "../output/profile.ts";
import {
  openImplausibleWorkplace,
  readVariable,
  streamOptions,
  writeFinalStores,
} from "./final_stores_fixture.ts";
import {
  chooseFieldSteps,
  FieldDemands,
  listFieldSteps,
  listStepsOfAnyRun,
} from "./product_fields.ts";
import { runStream } from "./run_stream.ts";

const RUN = parseRun("20260206", "00");
const [TP, U700, V700] = ["tp", "u700", "v700"].map((name) => findVariable(name)!);
const DAY: FieldProduct = { ...plainProduct(TP!), name: "tp_day", period: "day" };
const WIND: FieldProduct = { name: "wind700", inputs: [U700!, V700!], derive: "speed" };

Deno.test("the profile gik takes the steps that it writes, and asks for nothing but mean and deviation", () => {
  assertEquals(chooseFieldSteps({ profile: GIK }, RUN), [...GIK.steps]);
  const demands = new FieldDemands(GIK.products, RUN, GIK.steps, GIK);
  const field = { variable: TP!, stepHours: 36, messages: [], rejections: [] };
  assertEquals([demands.includes(field), demands.find(field)], [true, undefined]);
});

Deno.test("a period takes the fields that bound it, at steps that are not written, too", () => {
  assertEquals(listFieldSteps([DAY], RUN, [36, 54]), [30, 54]);
  assertEquals(listFieldSteps([DAY, WIND], RUN, [36, 54]), [30, 36, 54]);
  // A day of a run at 06 UTC ends at step 48.
  assertEquals(listStepsOfAnyRun([DAY], undefined, [48, 54]), [24, 30, 48, 54]);
});

Deno.test("members are kept where a product takes several fields, and further statistics computed where it takes one", () => {
  const statistics = [{ kind: "mean" }, { kind: "minimum" }] as const;
  const demands = new FieldDemands([plainProduct(U700!), WIND, DAY], RUN, [36, 54], { statistics });
  const find = (name: string, stepHours: number) => {
    const field = { variable: findVariable(name)!, stepHours, messages: [], rejections: [] };
    return demands.includes(field) ? demands.find(field) : "not taken";
  };
  const least = { kind: "minimum" } as const;
  assertEquals(find("u700", 36), { statistics: [least], keepsMembers: true });
  assertEquals(find("v700", 54), { statistics: [], keepsMembers: true });
  assertEquals(find("tp", 30), { statistics: [], keepsMembers: true });
  assertEquals(find("tp", 36), "not taken");
  assertEquals(find("u700", 30), "not taken");
});

Deno.test("the steps of an output are refused before any is read where they end no period, or the run is not the profile's", () => {
  const steps = [36, 39];
  assertThrows(
    () => chooseFieldSteps({ profile: GIK, products: [DAY], steps }, RUN),
    UsageError,
    'Cannot write "tp_day": none of steps 36, 39 ends the day',
  );
  const profile = { ...GIK, name: "noon", runHours: ["12"] as const };
  assertThrows(
    () => chooseFieldSteps({ profile }, RUN),
    UsageError,
    'Cannot use profile "noon" for 20260206 00 UTC: it is for runs of 12 UTC; give --run 12',
  );
});

Deno.test("runStream() refuses a product that no step ends a period of", async () => {
  await using place = await openWorkplace();
  await writeFinalStores(place);
  const options = { ...streamOptions(place.folder), products: [DAY] };
  await assertRejects(
    () => runStream(options, place.context),
    UsageError,
    'Cannot write "tp_day": none of steps 36, 39 ends the day from 06 to 06 UTC',
  );
});

Deno.test("of perturbed members, a control with absurd values changes nothing", async () => {
  const perturbed = { ...GIK, members: "perturbed" as const };
  const stream = async (raises: Parameters<typeof openImplausibleWorkplace>[1]) => {
    await using place = await openImplausibleWorkplace(new Map(), raises);
    const options = { ...streamOptions(place.folder, ["t2m", "tp"]), profile: perturbed };
    const { path, complete } = await runStream(options, place.context);
    assertEquals(complete, true);
    assertEquals(await readVariable(path, "t2m_members_used"), [3, 3]);
    return await Deno.readFile(path);
  };
  assertEquals(BEFORE_50R1.members, 4);
  const absurd = await stream([[0, "step_036/2t", 1e6], [0, "step_039/tp", -3]]);
  assertEquals(absurd, await stream([]));
});
