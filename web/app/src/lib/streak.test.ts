import { describe, expect, it } from "vitest";
import { longestRun, streakDays } from "./streak";

const of = (days: Record<string, number>) => (day: string) => days[day] ?? 0;

describe("the days of a streak", () => {
  it("go back from today when today counts", () => {
    const { days, includesToday } = streakDays(3, "2026-03-30", of({ "2026-03-30": 3600, "2026-03-29": 3600, "2026-03-28": 3600 }));
    expect(includesToday).toBe(true);
    expect([...days]).toEqual(["2026-03-30", "2026-03-29", "2026-03-28"]);
  });

  it("go back from yesterday while today is open", () => {
    const { days, includesToday } = streakDays(2, "2026-03-01", of({ "2026-02-28": 3600, "2026-02-27": 3600 }));
    expect(includesToday).toBe(false);
    expect([...days]).toEqual(["2026-02-28", "2026-02-27"]);
  });

  it("leave today out while it has too little", () => {
    const { includesToday } = streakDays(2, "2026-03-03", of({ "2026-03-03": 60, "2026-03-02": 3600, "2026-03-01": 3600 }));
    expect(includesToday).toBe(false);
  });

  it("leave out a day in front that had too little", () => {
    const { days } = streakDays(2, "2026-03-03", of({ "2026-03-03": 3600, "2026-03-02": 3600, "2026-03-01": 60 }));
    expect([...days]).toEqual(["2026-03-03", "2026-03-02"]);
  });

  it("are none without one", () => {
    expect(streakDays(0, "2026-03-03", of({ "2026-03-03": 60 })).days.size).toBe(0);
  });
});

describe("the longest run", () => {
  it("is found over months and in any order", () => {
    const days = ["2026-03-01", "2026-02-27", "2026-02-28", "2026-03-05", "2026-03-06"].map((day) => ({ day, seconds: 60 }));
    expect(longestRun(days)).toEqual({ length: 3, last: "2026-03-01" });
  });

  it("passes over days without time, and is none of none", () => {
    expect(longestRun([{ day: "2026-03-01", seconds: 9 }, { day: "2026-03-02", seconds: 0 }, { day: "2026-03-03", seconds: 9 }])?.length).toBe(1);
    expect(longestRun([])).toBeNull();
  });
});
