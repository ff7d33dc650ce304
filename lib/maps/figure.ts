/**
 * A forecast, a step and a choice of panels go in; a figure comes out: one SVG page of maps of
 * statistics of the members. `render_png.ts` makes a PNG of it.
 *
 * @module
 */
import { findField, isValue } from "../output/forecast_fields.ts";
import type { ForecastFile } from "../output/forecast_file.ts";
import type { PanelChoice } from "./choose_panels.ts";
import { type ColorScale, findExtent, planColorScale } from "./color_scale.ts";
import { findBounds, fitFrame, type Frame } from "./frame.ts";
import { traceLines } from "./geography.ts";
import { findDisplay } from "./palettes.ts";
import { drawPanel, LINES_ID, MISSING_ID, PANEL_MARGIN } from "./panel.ts";
import { drawFonts, drawText, element, type Svg, TEXT_ATTRIBUTES } from "./svg.ts";
import {
  describeForecast,
  describePanel,
  describeSources,
  describeTime,
} from "./describe_panel.ts";

/** How a figure shows values. */
export interface FigureOptions {
  /** Whether temperatures are in °C. @default {false} */
  celsius?: boolean;
}

/** A page and the frames of its maps. */
export interface Figure {
  /** A whole SVG file, {@linkcode PAGE_INCHES} wide. */
  svg: string;
  /** Size in the units of the frames. */
  width: number;
  height: number;
  panels: FigurePanel[];
}

/** A map of a figure. */
export interface FigurePanel extends PanelChoice {
  frame: Frame;
  scale: ColorScale | undefined;
  /** Why the map is empty. */
  message: string | undefined;
  /** Whether nothing is wrong with that: ECMWF published none, or no period ends at the step. */
  isSound: boolean;
}

/** Width of a page: A4 landscape without margins. */
const PAGE_INCHES = 10;
/** Width of a page in the units of the drawing. */
const PAGE_WIDTH = 2000;

/** Units of a degree from which on the borders of provinces do not crowd the map. */
const PROVINCES_SCALE = 30;
const MARGIN = 28;
const HEAD = 122;
const FOOT = 36;
/** A map of a tall region is not higher than this share of the page's width. */
const MAX_MAP_HEIGHT = 0.4;

/**
 * One colour scale for each panel, over all steps of the file, so that its steps can be compared, and
 * over mean, percentiles and extremes of a variable, so that these can.
 */
export function planScales(
  file: ForecastFile,
  choices: readonly PanelChoice[],
  { celsius }: FigureOptions = {},
): (ColorScale | undefined)[] {
  const chosen = choices.map(({ name, statistic: key }) => {
    const variable = file.variables.find((variable) => variable.name === name);
    const field = variable && findField(variable, key);
    return field ? { variable, field } : undefined;
  });
  return chosen.map((choice) => {
    if (!choice) return undefined;
    const { variable, field } = choice;
    const { factor, offset, shading } = findDisplay(variable, { ...field, celsius });
    const isLike = (it: typeof choice | undefined) =>
      it === choice ||
      it?.variable === variable && [it, choice].every(({ field }) => isValue(field.statistic));
    const fields = chosen.filter(isLike).flatMap((it) =>
      variable.steps.map((stepIndex) => it!.field.values(stepIndex))
    );
    const extent = findExtent(fields, factor, offset);
    return extent && planColorScale(shading, extent);
  });
}

/**
 * Draws a step of a forecast.
 *
 * @param scales of the choices, from {@linkcode planScales}.
 */
export function drawFigure(
  file: ForecastFile,
  stepIndex: number,
  choices: readonly PanelChoice[],
  scales: readonly (ColorScale | undefined)[],
  { celsius }: FigureOptions = {},
): Figure {
  const { frames, room, height } = layOut(file, choices);
  const contents = choices.map((choice, i) =>
    describePanel(file, stepIndex, choice, { scale: scales[i], celsius })
  );
  const page = element(
    "svg",
    {
      xmlns: "http://www.w3.org/2000/svg",
      width: `${PAGE_INCHES}in`,
      height: `${PAGE_INCHES * height / PAGE_WIDTH}in`,
      viewBox: `0 0 ${PAGE_WIDTH} ${height}`,
      ...TEXT_ATTRIBUTES,
    },
    drawFonts(),
    drawDefinitions(frames[0]!),
    element("rect", { width: PAGE_WIDTH, height, fill: "#fff" }),
    ...drawHead(file, stepIndex),
    ...contents.map((content, i) => drawPanel(content, frames[i]!, room)),
    drawFoot(file, height),
  );
  const panels = choices.map((choice, i) => ({
    ...choice,
    frame: frames[i]!,
    scale: scales[i],
    message: contents[i]!.message,
    isSound: contents[i]!.isSound ?? false,
  }));
  return { svg: page.markup, width: PAGE_WIDTH, height, panels };
}

/** Equal frames, at most four in a row. */
function layOut(file: ForecastFile, choices: readonly PanelChoice[]) {
  const columns = Math.min(4, choices.length);
  const columnWidth = (PAGE_WIDTH - 2 * MARGIN) / columns;
  const { left, right, top, bottom } = PANEL_MARGIN;
  const mapWidth = columnWidth - left - right;
  const bounds = findBounds(file.latitudes, file.longitudes);
  const frames: Frame[] = [];
  let y = HEAD;
  for (let i = 0; i < choices.length; i += columns) {
    const row = choices.slice(i, i + columns).map((_, column) =>
      fitFrame(bounds, {
        x: MARGIN + column * columnWidth + left,
        y: y + top,
        width: mapWidth,
        height: MAX_MAP_HEIGHT * PAGE_WIDTH,
      })
    );
    frames.push(...row);
    y += top + row[0]!.height + bottom;
  }
  return { frames, room: mapWidth + right, height: Math.ceil(y + FOOT) };
}

/** What all panels share: the lines of the map, and the hatching. */
function drawDefinitions(frame: Frame): Svg {
  const { coast, borders, lakes, provinces } = traceLines({ ...frame, x: 0, y: 0 });
  const { west, east } = frame.bounds;
  const isNear = frame.width / (east - west) > PROVINCES_SCALE;
  const line = (d: string, stroke: string, width: number, opacity = 1) =>
    element("path", {
      d,
      stroke,
      "stroke-width": width,
      "stroke-opacity": opacity,
      "stroke-linejoin": "round",
    });
  return element(
    "defs",
    {},
    element(
      "pattern",
      {
        id: MISSING_ID,
        width: 10,
        height: 10,
        patternUnits: "userSpaceOnUse",
        patternTransform: "rotate(45)",
      },
      element("rect", { width: 10, height: 10, fill: "#dcdcdc" }),
      element("rect", { width: 3, height: 10, fill: "#9c9c9c" }),
    ),
    element(
      "g",
      { id: LINES_ID, fill: "none" },
      // A light seam keeps dark lines visible on dark colours.
      line(coast + lakes, "#fff", 3.6, 0.55),
      line(borders, "#fff", 2.4, 0.35),
      ...(isNear ? [line(provinces, "#3a3a3a", 0.7, 0.6)] : []),
      line(borders, "#3a3a3a", 0.9),
      line(lakes, "#111", 1.3),
      line(coast, "#111", 1.6),
    ),
  );
}

function drawHead(file: ForecastFile, stepIndex: number): Svg[] {
  const width = PAGE_WIDTH - 2 * MARGIN;
  const time = describeTime(file, stepIndex);
  const facts = describeForecast(file, stepIndex);
  return [
    drawText(time, MARGIN, 52, { size: 38, weight: "bold", width }),
    drawText(facts, MARGIN, 94, { size: 26, width }),
  ];
}

function drawFoot(file: ForecastFile, height: number): Svg {
  const width = PAGE_WIDTH - 2 * MARGIN;
  return drawText(describeSources(file), MARGIN, height - 20, { size: 19, fill: "#555", width });
}
