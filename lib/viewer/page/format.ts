/**
 * Numbers, places and times as people read them.
 *
 * @module
 */

/** A value with all its decimals and a true minus sign, or "missing". */
export function formatValue(value: number, digits: number): string {
  if (Number.isNaN(value)) return "missing";
  const text = value.toFixed(digits);
  return Number(text) === 0 ? text.replace("-", "") : text.replace("-", "−");
}

/** A value and its unit, or "missing". */
export function formatQuantity(value: number, digits: number, units: string): string {
  const text = formatValue(value, digits);
  return Number.isNaN(value) || units === "" ? text : `${text} ${units}`;
}

/** A bound with two digits, rounded up: what is told is never less than what is. */
export function formatBound(bound: number): string {
  if (bound === 0) return "0";
  const unit = 10 ** (Math.floor(Math.log10(bound)) - 1);
  return String(Number((Math.ceil(bound / unit - 1e-6) * unit).toPrecision(2)));
}

/** A time in UTC, for example `Sat 7 Feb 2026, 12:00 UTC`. */
export function formatUtc(time: number): string {
  return `${formatDay(time)}, ${formatHour(time)} UTC`;
}

/** The same time in East Africa Time (UTC+3), with the day where that is another one. */
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
