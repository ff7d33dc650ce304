import { assert, assertEquals } from "jsr:@std/assert@^1.0.0";
import { findPlace, listTowns } from "./places.ts";

const EAST_AFRICA = { north: 25, south: -14, west: 19, east: 55 };

Deno.test("towns of a region lie in it, the capitals among them, by name", () => {
  const towns = listTowns(EAST_AFRICA);
  const names = towns.map(([name]) => name);
  for (
    const capital of [
      "Nairobi",
      "Kampala",
      "Addis Ababa",
      "Mogadishu",
      "Khartoum",
      "Juba",
      "Djibouti",
    ]
  ) {
    assert(names.includes(capital), capital);
  }
  assertEquals(names, names.toSorted((a, b) => a.localeCompare(b, "en")));
  for (const [name, , latitude, longitude] of towns) {
    assert(latitude > -14 && latitude < 25 && longitude > 19 && longitude < 55, name);
  }
});

Deno.test("across the date line towns are on the side of the map that shows them", () => {
  const fiji = listTowns({ north: -10, south: -25, west: 170, east: 200 });
  assert(fiji.length > 0);
  for (const [name, , , longitude] of fiji) assert(longitude > 170 && longitude < 200, name);
});

Deno.test("a place is found by its name in any case, with or without its country, or by degrees", () => {
  const towns = listTowns(EAST_AFRICA);
  const nairobi = { town: "Nairobi", latitude: -1.28, longitude: 36.81 };
  assertEquals(findPlace(towns, " nairobi"), nairobi);
  assertEquals(findPlace(towns, "Nairobi, Kenya"), nairobi);
  assertEquals(findPlace(towns, "−1.25, 36.75"), { latitude: -1.25, longitude: 36.75 });
  assertEquals(findPlace(towns, "5 40"), { latitude: 5, longitude: 40 });
  assertEquals([findPlace(towns, "Atlantis"), findPlace(towns, "5")], [undefined, undefined]);
});
