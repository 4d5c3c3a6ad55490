// A year of days as columns of weeks, Monday first, for the heatmap; and the
// weeks themselves, for bars.

import { addDays, daysBetween, monthName, weekday } from "./time";

export interface Cell {
  day: string;
  seconds: number;
  level: 0 | 1 | 2 | 3 | 4;
}

export interface Column {
  monday: string;
  /** Seven, null outside the range. */
  cells: (Cell | null)[];
  /** The month's name where one begins. */
  month: string;
}

/** From how many seconds on a day has which level. */
const LEVELS = [1, 3600, 3 * 3600, 6 * 3600];

export function levelOf(seconds: number): Cell["level"] {
  return LEVELS.filter((least) => seconds >= least).length as Cell["level"];
}

export function mondayOf(day: string): string {
  return addDays(day, -weekday(day));
}

export function columnsOf(from: string, to: string, secondsOf: (day: string) => number, locale?: string): Column[] {
  const columns: Column[] = [];
  for (let monday = mondayOf(from); monday <= to; monday = addDays(monday, 7)) {
    const cells = Array.from({ length: 7 }, (_, index) => {
      const day = addDays(monday, index);
      if (day < from || day > to) return null;
      const seconds = secondsOf(day);
      return { day, seconds, level: levelOf(seconds) };
    });
    const first = cells.find((cell) => cell !== null && cell.day.endsWith("-01"));
    const begins = first ?? (columns.length === 0 && Number(monday.slice(8)) <= 14 ? cells.find((cell) => cell !== null) : undefined);
    columns.push({ monday, cells, month: begins ? monthName(begins.day, locale) : "" });
  }
  return columns;
}

/** The sum of each week from one to another, the empty ones included. */
export function weeksOf(from: string, to: string, days: { day: string; seconds: number }[]): { monday: string; seconds: number }[] {
  const first = mondayOf(from);
  const count = Math.floor(daysBetween(first, to) / 7) + 1;
  const weeks = Array.from({ length: count }, (_, index) => ({ monday: addDays(first, 7 * index), seconds: 0 }));
  for (const { day, seconds } of days) {
    const week = weeks[Math.floor(daysBetween(first, day) / 7)];
    if (week !== undefined) week.seconds += seconds;
  }
  return weeks;
}
