/**
 * The script of the page: the functions of the modules in `page/`, as text.
 *
 * The text of a function is what Deno runs, without types, so the page needs no bundler and no
 * second copy of its code. This works because those modules contain only functions, call only each
 * other and the browser, and never rename an import.
 *
 * @module
 */
// @ts-types="npm:@types/d3-array@3.2.2"
import { range } from "npm:d3-array@3.2.5";
import { formatTick, placeValue } from "../maps/color_scale.ts";
import { fitFrame, placePoint } from "../maps/frame.ts";
import { formatLatitude, formatLongitude, planGraticule } from "../maps/graticule.ts";
import { findPlace } from "../maps/places.ts";
import { planArrows } from "../maps/wind_arrows.ts";
import * as actions from "./page/actions.ts";
import * as address from "./page/view_address.ts";
import * as chart from "./page/chart.ts";
import * as controls from "./page/controls.ts";
import * as describe from "./page/describe_view.ts";
import * as elements from "./page/elements.ts";
import * as format from "./page/format.ts";
import * as grid from "./page/page_grid.ts";
import * as keys from "./page/keys.ts";
import * as paint from "./page/paint.ts";
import * as predict from "./page/predict.ts";
import * as render from "./page/render_page.ts";
import * as save from "./page/save_files.ts";
import * as series from "./page/series.ts";
import * as table from "./page/table.ts";
import * as unpack from "./page/unpack.ts";
import * as view from "./page/view_state.ts";
import * as viewer from "./page/viewer.ts";

/** The functions of the page, by name. */
const PAGE_FUNCTIONS = {
  ...{ fitFrame, formatLatitude, formatLongitude, formatTick, placePoint, placeValue },
  ...{ findPlace, planArrows, planGraticule, range },
  ...actions,
  ...address,
  ...chart,
  ...controls,
  ...describe,
  ...elements,
  ...format,
  ...grid,
  ...keys,
  ...paint,
  ...predict,
  ...render,
  ...save,
  ...series,
  ...table,
  ...unpack,
  ...view,
  ...viewer,
};

/** The whole script; the page is there before it runs. */
export function formatScript(): string {
  const texts = Object.values(PAGE_FUNCTIONS).map(String);
  return ['"use strict";', ...texts, `${viewer.startViewer.name}();`].join("\n");
}
