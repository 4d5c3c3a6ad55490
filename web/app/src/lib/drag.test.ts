import { describe, expect, it } from "vitest";
import { dragEdge, fractionOf, instantAtFraction, lanesOf, nudgeEdge, roomOf } from "./drag";
import { endOfDay, startOfDay } from "./time";

const at = (time: string) => Date.parse(`2026-06-01T${time}Z`);
const day = { start: at("00:00:00"), end: at("00:00:00") + 24 * 3600_000 };
const span = { start: at("10:00:00"), end: at("11:00:00") };
const limits = { others: [{ start: at("08:00:00"), end: at("09:00:00") }, { start: at("12:00:00"), end: at("13:00:00") }], now: at("18:00:00"), day };

describe("an edge that is dragged", () => {
  it("snaps to five minutes, or to one", () => {
    expect(dragEdge(span, "end", at("11:22:40"), limits)).toEqual({ start: span.start, end: at("11:25:00") });
    expect(dragEdge(span, "start", at("10:11:20"), limits, 60_000)).toEqual({ start: at("10:11:00"), end: span.end });
  });

  it("stops at its neighbours, to the second", () => {
    expect(dragEdge(span, "start", at("07:00:00"), limits).start).toBe(at("09:00:00"));
    expect(dragEdge(span, "end", at("14:00:00"), limits).end).toBe(at("12:00:00"));
    const odd = { ...limits, others: [{ start: at("11:13:07"), end: at("12:00:00") }] };
    expect(dragEdge(span, "end", at("11:30:00"), odd).end).toBe(at("11:13:07"));
  });

  it("never passes the other edge, now, or the day", () => {
    expect(dragEdge(span, "start", at("12:00:00"), limits).start).toBe(at("10:59:00"));
    expect(dragEdge(span, "end", at("09:00:00"), limits).end).toBe(at("10:01:00"));
    const alone = { others: [], now: at("11:42:10"), day };
    expect(dragEdge(span, "end", at("23:00:00"), alone).end).toBe(at("11:42:10"));
    expect(dragEdge(span, "start", day.start - 9e6, { ...alone }).start).toBe(day.start);
    expect(dragEdge(span, "end", day.end + 9e6, { ...alone, now: day.end + 9e9 }).end).toBe(day.end);
  });

  it("leaves what has no room as it is", () => {
    const short = { start: at("10:00:00"), end: at("10:00:30") };
    expect(dragEdge(short, "start", at("10:00:10"), { others: [{ start: at("09:00:00"), end: short.start }], now: at("18:00:00"), day })).toEqual(short);
  });

  it("of an entry from yesterday goes on beginning then", () => {
    const night = { start: day.start - 3600_000, end: at("01:00:00") };
    expect(roomOf(night, "start", limits).start).toBe(night.start);
    expect(dragEdge(night, "end", at("02:00:00"), limits)).toEqual({ start: night.start, end: at("02:00:00") });
  });
});

describe("an edge that is moved by keys", () => {
  it("goes from mark to mark", () => {
    const odd = { start: at("10:02:00"), end: span.end };
    expect(nudgeEdge(odd, "start", 1, limits).start).toBe(at("10:05:00"));
    expect(nudgeEdge(odd, "start", -1, limits).start).toBe(at("10:00:00"));
    expect(nudgeEdge(span, "end", 1, limits).end).toBe(at("11:05:00"));
    expect(nudgeEdge(span, "end", -1, limits, 60_000).end).toBe(at("10:59:00"));
  });
});

describe("the strip", () => {
  it("is as long as the day", () => {
    const zone = "Europe/Berlin";
    const long = { start: startOfDay("2026-10-25", zone), end: endOfDay("2026-10-25", zone) };
    expect(fractionOf(long.start + 12.5 * 3600_000, long)).toBe(0.5);
    expect(instantAtFraction(0.5, long)).toBe(long.start + 12.5 * 3600_000);
    expect(fractionOf(long.start - 1, long)).toBe(0);
    expect(instantAtFraction(7, long)).toBe(long.end);
  });

  it("puts what overlaps into rows", () => {
    expect(lanesOf([{ start: 0, end: 10 }, { start: 10, end: 20 }, { start: 5, end: 12 }])).toEqual([0, 0, 1]);
  });
});
