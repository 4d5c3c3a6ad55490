// Instants (ms since 1970) and what clocks on the wall show of them in a time
// zone, days of 23 and 25 hours included. A day is "YYYY-MM-DD".

export interface Wall {
  year: number;
  month: number;
  day: number;
  hour: number;
  minute: number;
  second: number;
}

const SECOND = 1000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

const formats = new Map<string, Intl.DateTimeFormat>();

/** A format that is made once: making one is slow. */
function format(zone: string, options: Intl.DateTimeFormatOptions, locale?: string): Intl.DateTimeFormat {
  const key = JSON.stringify([locale, zone, options]);
  let found = formats.get(key);
  if (found === undefined) {
    found = new Intl.DateTimeFormat(locale, { timeZone: zone, ...options });
    formats.set(key, found);
  }
  return found;
}

/** What the wall's clock shows. */
export function wallOf(instant: number, zone: string): Wall {
  const numbers: Record<string, number> = {};
  const parts = format(
    zone,
    { calendar: "iso8601", numberingSystem: "latn", hourCycle: "h23", year: "numeric", month: "numeric", day: "numeric", hour: "numeric", minute: "numeric", second: "numeric" },
    "en-US",
  ).formatToParts(instant);
  for (const part of parts) numbers[part.type] = Number(part.value);
  const { year = 0, month = 0, day = 0, hour = 0, minute = 0, second = 0 } = numbers;
  return { year, month, day, hour, minute, second };
}

function asUtc(wall: Wall): number {
  return Date.UTC(wall.year, wall.month - 1, wall.day, wall.hour, wall.minute, wall.second);
}

/** How far the wall's clock is ahead of UTC, in ms. */
export function offsetOf(instant: number, zone: string): number {
  const whole = Math.floor(instant / SECOND) * SECOND;
  return asUtc(wallOf(whole, zone)) - whole;
}

/** The instant at which the wall shows this: the first one where it does so twice; where never, as far after the jump. */
export function instantOf(wall: Wall, zone: string): number {
  const guess = asUtc(wall);
  const before = guess - offsetOf(guess - DAY, zone);
  const after = guess - offsetOf(guess + DAY, zone);
  const fitting = [before, after].filter((instant) => asUtc(wallOf(instant, zone)) === guess);
  return fitting.length > 0 ? Math.min(...fitting) : before;
}

function pad(number: number, digits = 2): string {
  return String(number).padStart(digits, "0");
}

export function dayOf(instant: number, zone: string): string {
  const { year, month, day } = wallOf(instant, zone);
  return `${pad(year, 4)}-${pad(month)}-${pad(day)}`;
}

export function addDays(day: string, days: number): string {
  return new Date(Date.parse(`${day}T00:00:00Z`) + days * DAY).toISOString().slice(0, 10);
}

/** Days from one to another. */
export function daysBetween(from: string, to: string): number {
  return Math.round((Date.parse(`${to}T00:00:00Z`) - Date.parse(`${from}T00:00:00Z`)) / DAY);
}

/** Monday 0 to Sunday 6. */
export function weekday(day: string): number {
  return (new Date(`${day}T00:00:00Z`).getUTCDay() + 6) % 7;
}

/** The first instant of a day. */
export function startOfDay(day: string, zone: string): number {
  const [year = 0, month = 1, date = 1] = day.split("-").map(Number);
  return instantOf({ year, month, day: date, hour: 0, minute: 0, second: 0 }, zone);
}

/** The first instant after a day. */
export function endOfDay(day: string, zone: string): number {
  return startOfDay(addDays(day, 1), zone);
}

/** Every whole hour of a day with its label, as many as there are. */
export function hoursOf(day: string, zone: string): { instant: number; hour: number }[] {
  const start = startOfDay(day, zone);
  const end = endOfDay(day, zone);
  const hours = [];
  for (let instant = start; instant < end; instant += HOUR) hours.push({ instant, hour: wallOf(instant, zone).hour });
  return hours;
}

/** The instant of a day and a time of the day, "09:05" or "09:05:30"; NaN when they are none. */
export function instantAt(day: string, time: string, zone: string): number {
  const date = /^(\d{4})-(\d{2})-(\d{2})$/.exec(day);
  const clock = /^(\d{1,2}):(\d{2})(?::(\d{2}))?$/.exec(time.trim());
  if (date === null || clock === null) return NaN;
  const [hour, minute, second] = [Number(clock[1]), Number(clock[2]), Number(clock[3] ?? 0)];
  if (hour > 23 || minute > 59 || second > 59) return NaN;
  return instantOf({ year: Number(date[1]), month: Number(date[2]), day: Number(date[3]), hour, minute, second }, zone);
}

/** The time of the day as instantAt() reads it; seconds only where there are any. */
export function timeOf(instant: number, zone: string): string {
  const { hour, minute, second } = wallOf(instant, zone);
  return `${pad(hour)}:${pad(minute)}${second === 0 ? "" : `:${pad(second)}`}`;
}

// ---- in words ----

/** "1:05:09", as a timer shows it. */
export function ticking(seconds: number): string {
  const whole = Math.max(0, Math.floor(seconds));
  return `${Math.floor(whole / 3600)}:${pad(Math.floor(whole / 60) % 60)}:${pad(whole % 60)}`;
}

/** "2 h 05 min", "45 min", "30 s", which no end of line comes between. */
export function duration(seconds: number): string {
  const whole = Math.max(0, Math.round(seconds));
  const minutes = Math.floor(whole / 60);
  const hours = Math.floor(minutes / 60).toLocaleString("en");
  const rest = minutes % 60;
  const parts = whole < 60 ? [whole, "s"] : minutes < 60 ? [minutes, "min"] : rest === 0 ? [hours, "h"] : [hours, "h", pad(rest), "min"];
  return parts.join("\u00a0");
}

/** The same for ears: "2 hours 5 minutes". */
export function spoken(seconds: number): string {
  const whole = Math.max(0, Math.round(seconds));
  const parts = [
    [Math.floor(whole / 3600), "hour"],
    [Math.floor(whole / 60) % 60, "minute"],
    [whole < 60 ? whole : 0, "second"],
  ] as const;
  const said = parts.filter(([count]) => count > 0).map(([count, unit]) => `${count} ${unit}${count === 1 ? "" : "s"}`);
  return said.length > 0 ? said.join(" ") : "0 seconds";
}

export function clock(instant: number, zone: string, locale?: string): string {
  return format(zone, { hour: "2-digit", minute: "2-digit" }, locale).format(instant);
}

/** "Monday, 3 November": of a day, or of an instant's day. */
export function longDay(day: string, locale?: string): string {
  return format("UTC", { weekday: "long", day: "numeric", month: "long" }, locale).format(Date.parse(`${day}T12:00:00Z`));
}

export function shortDay(day: string, locale?: string): string {
  return format("UTC", { day: "numeric", month: "short" }, locale).format(Date.parse(`${day}T12:00:00Z`));
}

export function fullDay(day: string, locale?: string): string {
  return format("UTC", { day: "numeric", month: "long", year: "numeric" }, locale).format(Date.parse(`${day}T12:00:00Z`));
}

export function monthName(day: string, locale?: string): string {
  return format("UTC", { month: "short" }, locale).format(Date.parse(`${day}T12:00:00Z`));
}

/** "Today", "Yesterday", or the day itself. */
export function relativeDay(day: string, today: string, locale?: string): string {
  const ago = daysBetween(day, today);
  if (ago === 0) return "Today";
  if (ago === 1) return "Yesterday";
  return ago > 300 ? fullDay(day, locale) : longDay(day, locale);
}

/** "just now", "5 min ago", "3 h ago", then the day. */
export function ago(instant: number, now: number, zone: string, locale?: string): string {
  const seconds = (now - instant) / 1000;
  if (seconds < 60) return "just now";
  if (seconds < 3600) return `${Math.floor(seconds / 60)} min ago`;
  if (seconds < 12 * 3600) return `${Math.floor(seconds / 3600)} h ago`;
  const day = dayOf(instant, zone);
  const today = dayOf(now, zone);
  const days = daysBetween(day, today);
  if (days <= 1) return `${relativeDay(day, today, locale)}, ${clock(instant, zone, locale)}`;
  return days > 300 ? fullDay(day, locale) : shortDay(day, locale);
}
