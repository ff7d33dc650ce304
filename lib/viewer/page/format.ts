/**
 * Numbers, units and times as text.
 *
 * @module
 */

/** A value with all its decimals and a true minus sign, or "missing". */
export function formatValue(value: number, digits: number): string {
  if (Number.isNaN(value)) return "missing";
  const text = value.toFixed(digits);
  return Number(text) === 0 ? text.replace("-", "") : text.replace("-", "−");
}

/** A number and its unit; a range, like the 0–1 of a fraction, is no unit. */
export function appendUnits(number: string, units: string): string {
  return units === "" || /^\d/.test(units) ? number : `${number} ${units}`;
}

/** A bound above zero with two significant digits, rounded up: the text never understates it. */
export function formatBound(bound: number): string {
  const unit = 10 ** (Math.floor(Math.log10(bound)) - 1);
  return String(Number((Math.ceil(bound / unit - 1e-6) * unit).toPrecision(2)));
}

/** A time in UTC, for example `Sat 7 Feb 2026, 12:00 UTC`. */
export function formatUtc(time: number): string {
  return `${formatDay(time)}, ${formatHour(time)} UTC`;
}

/** The same time in East Africa Time (UTC+3), with the day if it differs. */
export function formatEastAfrica(time: number): string {
  const shifted = time + 3 * 3_600_000;
  const day = formatDay(shifted) === formatDay(time) ? "" : `${formatDay(shifted)}, `;
  return `${day}${formatHour(shifted)} East Africa Time`;
}

/** The day of a time in UTC. */
export function formatDay(time: number): string {
  const date = new Date(time);
  const weekday = "Sun Mon Tue Wed Thu Fri Sat".split(" ")[date.getUTCDay()];
  return `${weekday} ${formatShortDay(time)} ${date.getUTCFullYear()}`;
}

/** Day and month of a time in UTC. */
export function formatShortDay(time: number): string {
  const date = new Date(time);
  const months = "Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec".split(" ");
  return `${date.getUTCDate()} ${months[date.getUTCMonth()]}`;
}

/** Hour and minute of a time in UTC. */
export function formatHour(time: number): string {
  return new Date(time).toISOString().slice(11, 16);
}
