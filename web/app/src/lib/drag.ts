// Dragging the edge of an entry on the day strip: where it may go. Times are
// instants in ms; what the entry touches are its neighbours, now, and itself.

export interface Span {
  start: number;
  end: number;
}

export type Edge = "start" | "end";

export interface Limits {
  /** The other entries, in any order. */
  others: Span[];
  /** Nothing ends or begins later. */
  now: number;
  /** The part of time that the strip shows. */
  day: Span;
}

export const LEAST = 60_000;
export const STEP = 5 * 60_000;
export const FINE_STEP = 60_000;

/** How far along the day an instant is, from 0 to 1. */
export function fractionOf(instant: number, day: Span): number {
  return Math.min(1, Math.max(0, (instant - day.start) / (day.end - day.start)));
}

export function instantAtFraction(fraction: number, day: Span): number {
  return day.start + Math.min(1, Math.max(0, fraction)) * (day.end - day.start);
}

export function snap(instant: number, step: number): number {
  return Math.round(instant / step) * step;
}

/** Where an edge may be at the earliest and at the latest. */
export function roomOf(span: Span, edge: Edge, { others, now, day }: Limits): Span {
  const before = others.filter((other) => other.end <= span.start).map((other) => other.end);
  const after = others.filter((other) => other.start >= span.end).map((other) => other.start);
  if (edge === "start")
    // an entry that began before the day keeps that: its edge is not in sight
    return { start: Math.max(Math.min(day.start, span.start), ...before), end: span.end - LEAST };
  return { start: span.start + LEAST, end: Math.min(Math.max(day.end, span.end), now, ...after) };
}

/** The span with an edge dragged to an instant: snapped to the step, kept within its room. */
export function dragEdge(span: Span, edge: Edge, to: number, limits: Limits, step = STEP): Span {
  const room = roomOf(span, edge, limits);
  if (room.start > room.end) return span;
  const placed = Math.min(room.end, Math.max(room.start, snap(to, step)));
  return { ...span, [edge]: placed };
}

/** The same by a key: so many steps on, from one step's mark to the next. */
export function nudgeEdge(span: Span, edge: Edge, steps: number, limits: Limits, step = STEP): Span {
  const from = span[edge];
  const mark = steps > 0 ? Math.floor(from / step) : Math.ceil(from / step);
  return dragEdge(span, edge, (mark + steps) * step, limits, step);
}

/** Entries of a day in rows, so that none hides another: usually one row. */
export function lanesOf(spans: Span[]): number[] {
  const ends: number[] = [];
  const order = spans.map((_, index) => index).sort((a, b) => spans[a]!.start - spans[b]!.start);
  const lanes: number[] = new Array<number>(spans.length).fill(0);
  for (const index of order) {
    const span = spans[index]!;
    let lane = ends.findIndex((end) => end <= span.start);
    if (lane < 0) lane = ends.length;
    ends[lane] = span.end;
    lanes[index] = lane;
  }
  return lanes;
}
