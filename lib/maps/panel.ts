/**
 * One map of a figure: a field in its colours, with lines, degrees and colour bar.
 *
 * @module
 */
import { type ColorScale, formatTick, placeValue } from "./color_scale.ts";
import { type Frame, placePoint } from "./frame.ts";
import { formatLatitude, formatLongitude, planGraticule } from "./graticule.ts";
import { drawCells, drawPalette } from "./raster.ts";
import { drawText, element, type Svg } from "./svg.ts";
import { planArrows, type WindField } from "./wind_arrows.ts";

/** What a panel shows. */
export interface PanelContent {
  /** For example `tp mean (mm)`. */
  heading: string;
  /** The variable in full. */
  caption: string;
  /** The field in shown units, row-major, north first; a panel without a field has a message. */
  field?: {
    values: Float32Array;
    columns: number;
    scale: ColorScale;
    /** Components of a wind, for arrows. @default {undefined} (none) */
    wind?: WindField;
  };
  /** Shown in the middle of the map. */
  message?: string;
  /** Whether nothing is wrong with that: ECMWF published none, or no period ends at the step. */
  isSound?: boolean;
}

/** Room around the map of a panel. */
export const PANEL_MARGIN = { top: 62, bottom: 104, left: 60, right: 14 };

/** Id of the lines of every map, drawn for a frame at (0, 0). */
export const LINES_ID = "lines";
/** Id of the pattern where there is no value. */
export const MISSING_ID = "missing";

const LABEL = { size: 19 };
const BAR = { gap: 36, height: 16, tick: 6, leastWidth: 360 };

/**
 * Draws a panel around its map.
 *
 * @param room width for text and colour bar, from the left of the map.
 */
export function drawPanel(content: PanelContent, frame: Frame, room: number): Svg {
  const { x, y, width, height } = frame;
  const { heading, caption, field, message } = content;
  return element(
    "g",
    {},
    drawText(heading, x, y - 36, { size: 25, weight: "bold", width: room }),
    drawText(caption, x, y - 11, { size: 19, width: room }),
    element("rect", { x, y, width, height, fill: field ? `url(#${MISSING_ID})` : "#f4f4f4" }),
    ...(field
      ? [drawCells(field.values, field.columns, field.scale, { x, y, width, height })]
      : []),
    element("use", { href: `#${LINES_ID}`, x, y }),
    ...(field?.wind ? [drawArrows(field.wind, field.columns, frame)] : []),
    ...(message ? [drawMessage(message, frame)] : []),
    drawGraticule(frame),
    element("rect", { x, y, width, height, fill: "none", stroke: "#1a1a1a", "stroke-width": 1.5 }),
    ...(field ? [drawColorBar(field.scale, frame, room)] : []),
  );
}

/** Units between arrows. */
const ARROW_SPACING = 36;

function drawArrows(wind: WindField, columns: number, frame: Frame): Svg {
  const rows = wind.u.length / columns;
  const path = planArrows(wind, { rows, columns }, frame, ARROW_SPACING)
    .map((points) =>
      points.map(([x, y], i) => `${i === 0 ? "M" : "L"}${x.toFixed(1)} ${y.toFixed(1)}`).join("")
    ).join("");
  const line = (stroke: string, width: number, opacity: number) =>
    element("path", {
      d: path,
      fill: "none",
      stroke,
      "stroke-width": width,
      "stroke-opacity": opacity,
      "stroke-linecap": "round",
      "stroke-linejoin": "round",
    });
  return element("g", {}, line("#fff", 3.2, 0.7), line("#000", 1.6, 1));
}

function drawMessage(message: string, { x, y, width, height }: Frame): Svg {
  const middle = y + height / 2;
  return element(
    "g",
    {},
    element("rect", {
      x: x + 12,
      y: middle - 24,
      width: width - 24,
      height: 48,
      fill: "#fff",
      "fill-opacity": 0.9,
    }),
    drawText(message, x + width / 2, middle + 7, {
      size: 22,
      anchor: "middle",
      width: width - 48,
    }),
  );
}

/** Lines at round degrees; their labels are left of the map and below it. */
function drawGraticule(frame: Frame): Svg {
  const { x, y, width, height } = frame;
  const { meridians, parallels } = planGraticule(frame, 76);
  const positions = {
    meridians: meridians.map((degrees) => placePoint(frame, degrees, 0)[0]),
    parallels: parallels.map((degrees) => placePoint(frame, 0, degrees)[1]),
  };
  const lines = [
    ...positions.meridians.map((at) => `M${at.toFixed(2)} ${y}v${height}`),
    ...positions.parallels.map((at) => `M${x} ${at.toFixed(2)}h${width}`),
  ];
  return element(
    "g",
    {},
    element("path", {
      d: lines.join(""),
      fill: "none",
      stroke: "#000",
      "stroke-opacity": 0.35,
      "stroke-width": 1,
      "stroke-dasharray": "2 5",
    }),
    ...meridians.map((degrees, i) =>
      drawText(formatLongitude(degrees), positions.meridians[i]!, y + height + 22, {
        ...LABEL,
        anchor: "middle",
      })
    ),
    ...parallels.map((degrees, i) =>
      drawText(formatLatitude(degrees), x - 7, positions.parallels[i]! + 7, {
        ...LABEL,
        anchor: "end",
      })
    ),
  );
}

/** As wide as the map, or wider if its numbers need more room. */
function drawColorBar(scale: ColorScale, frame: Frame, room: number): Svg {
  const bar = {
    x: frame.x,
    y: frame.y + frame.height + BAR.gap,
    width: Math.min(room, Math.max(frame.width, BAR.leastWidth)),
    height: BAR.height,
  };
  const foot = bar.y + bar.height;
  const marks = scale.ticks.map((value) => ({
    at: bar.x + placeValue(scale, value) * bar.width,
    text: formatTick(value),
  }));
  return element(
    "g",
    {},
    drawPalette(scale.palette, bar),
    element("path", {
      d: marks.map(({ at }) => `M${at.toFixed(2)} ${foot}v${BAR.tick}`).join(""),
      stroke: "#1a1a1a",
      "stroke-width": 1.5,
    }),
    element("rect", { ...bar, fill: "none", stroke: "#1a1a1a", "stroke-width": 1 }),
    ...marks.map(({ at, text }) =>
      drawText(text, at, foot + BAR.tick + 18, { ...LABEL, anchor: "middle" })
    ),
  );
}
