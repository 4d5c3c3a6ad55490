import { describe, expect, it } from "vitest";
import * as time from "./time";

const BERLIN = "Europe/Berlin";
const utc = (text: string) => Date.parse(text);
const HOUR = 3600_000;

describe("days", () => {
  it("have 23, 24 or 25 hours", () => {
    const length = (day: string, zone: string) => (time.endOfDay(day, zone) - time.startOfDay(day, zone)) / HOUR;
    expect(length("2026-03-29", BERLIN)).toBe(23);
    expect(length("2026-06-01", BERLIN)).toBe(24);
    expect(length("2026-10-25", BERLIN)).toBe(25);
    expect(length("2026-10-04", "Australia/Lord_Howe")).toBe(23.5);
  });

  it("begin after midnight where the clock jumps over it", () => {
    // Chile's clocks go from 24:00 to 01:00 on 6 September 2026
    const start = time.startOfDay("2026-09-06", "America/Santiago");
    expect(time.wallOf(start, "America/Santiago").hour).toBe(1);
    expect(time.dayOf(start, "America/Santiago")).toBe("2026-09-06");
    expect(time.dayOf(start - 1000, "America/Santiago")).toBe("2026-09-05");
  });

  it("are those of the zone", () => {
    const late = utc("2026-01-31T23:30:00Z");
    expect(time.dayOf(late, "UTC")).toBe("2026-01-31");
    expect(time.dayOf(late, BERLIN)).toBe("2026-02-01");
    expect(time.dayOf(late, "America/Los_Angeles")).toBe("2026-01-31");
  });

  it("are added over months and leap years", () => {
    expect(time.addDays("2028-02-28", 1)).toBe("2028-02-29");
    expect(time.addDays("2026-01-01", -1)).toBe("2025-12-31");
    expect(time.daysBetween("2026-03-28", "2026-03-30")).toBe(2);
    expect(time.weekday("2026-11-30")).toBe(0);
    expect(time.weekday("2026-11-29")).toBe(6);
  });

  it("name each hour that there is", () => {
    const hours = (day: string) => time.hoursOf(day, BERLIN).map(({ hour }) => hour);
    expect(hours("2026-03-29").slice(0, 4)).toEqual([0, 1, 3, 4]);
    expect(hours("2026-10-25").slice(0, 5)).toEqual([0, 1, 2, 2, 3]);
    expect(hours("2026-06-01")).toHaveLength(24);
  });
});

describe("a time on the wall", () => {
  it("is the first of two where clocks go back", () => {
    expect(time.instantAt("2026-10-25", "02:30", BERLIN)).toBe(utc("2026-10-25T00:30:00Z"));
    expect(time.instantAt("2026-10-25", "03:30", BERLIN)).toBe(utc("2026-10-25T02:30:00Z"));
  });

  it("is as far after the jump where there is none", () => {
    expect(time.instantAt("2026-03-29", "02:30", BERLIN)).toBe(utc("2026-03-29T01:30:00Z"));
    expect(time.timeOf(utc("2026-03-29T01:30:00Z"), BERLIN)).toBe("03:30");
  });

  it("comes back as it was written", () => {
    for (const zone of [BERLIN, "UTC", "Asia/Kolkata", "America/St_Johns", "Pacific/Auckland"])
      for (const text of ["00:00", "09:05", "23:59:59"])
        expect(time.timeOf(time.instantAt("2026-07-15", text, zone), zone)).toBe(text);
  });

  it("is none when it is malformed", () => {
    for (const text of ["24:00", "9", "09:60", "", "09:05:61", "x"]) expect(time.instantAt("2026-07-15", text, BERLIN)).toBeNaN();
    expect(time.instantAt("15.7.2026", "09:00", BERLIN)).toBeNaN();
  });
});

describe("durations", () => {
  it("tick", () => {
    expect(time.ticking(0)).toBe("0:00:00");
    expect(time.ticking(3909.9)).toBe("1:05:09");
    expect(time.ticking(360000)).toBe("100:00:00");
    expect(time.ticking(-5)).toBe("0:00:00");
  });

  it("are short for eyes and whole for ears", () => {
    expect([30, 60, 2700, 3600, 7500, 4500000].map((seconds) => time.duration(seconds).replaceAll("\u00a0", " "))).toEqual(["30 s", "1 min", "45 min", "1 h", "2 h 05 min", "1,250 h"]);
    expect(time.spoken(7500)).toBe("2 hours 5 minutes");
    expect(time.spoken(3660)).toBe("1 hour 1 minute");
    expect(time.spoken(0)).toBe("0 seconds");
  });

  it("count real seconds over a change of clocks", () => {
    const night = time.instantAt("2026-10-25", "04:00", BERLIN) - time.instantAt("2026-10-25", "01:00", BERLIN);
    expect(time.duration(night / 1000)).toBe("4\u00a0h");
  });
});

describe("how long ago", () => {
  it("is told in the nearest unit, then as a day", () => {
    const now = utc("2026-03-29T12:00:00Z");
    const said = (before: number) => time.ago(now - before, now, BERLIN, "en-GB");
    expect(said(5_000)).toBe("just now");
    expect(said(5 * 60_000)).toBe("5 min ago");
    expect(said(3 * HOUR)).toBe("3 h ago");
    expect(said(20 * HOUR)).toBe("Yesterday, 17:00");
    expect(said(5 * 24 * HOUR)).toBe("24 Mar");
  });

  it("knows today and yesterday by the calendar, not by hours", () => {
    expect(time.relativeDay("2026-10-25", "2026-10-25")).toBe("Today");
    expect(time.relativeDay("2026-10-24", "2026-10-25")).toBe("Yesterday");
    expect(time.relativeDay("2026-10-20", "2026-10-25", "en-GB")).toMatch(/^Tuesday,? 20 October$/);
  });
});
