// Streaks as the calendar shows them. How long one is, and what makes a day
// count, is the server's to say: here is only which days it is made of.

import { addDays } from "./time";

export interface Streak {
  days: Set<string>;
  /** Does today count already, or is it still open? */
  includesToday: boolean;
}

/**
 * The days of a current streak of so many days: back from today, or while today is open from yesterday. Of
 * today and the day in front of the streak exactly one counts, so it is the one with more time.
 */
export function streakDays(length: number, today: string, secondsOf: (day: string) => number): Streak {
  const includesToday = length > 0 && secondsOf(today) > secondsOf(addDays(today, -length));
  const last = includesToday ? today : addDays(today, -1);
  const days = new Set<string>();
  for (let back = 0; back < length; back++) days.add(addDays(last, -back));
  return { days, includesToday };
}

/** The longest run of days with any time, with its last day; null when there is none. */
export function longestRun(days: { day: string; seconds: number }[]): { length: number; last: string } | null {
  let best: { length: number; last: string } | null = null;
  let length = 0;
  let previous = "";
  for (const { day, seconds } of [...days].sort((a, b) => (a.day < b.day ? -1 : 1))) {
    if (seconds <= 0) continue;
    length = previous !== "" && addDays(previous, 1) === day ? length + 1 : 1;
    previous = day;
    if (best === null || length > best.length) best = { length, last: day };
  }
  return best;
}
