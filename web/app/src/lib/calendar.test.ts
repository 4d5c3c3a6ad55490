import { describe, expect, it } from "vitest";
import { columnsOf, levelOf, mondayOf, weeksOf } from "./calendar";

describe("the calendar", () => {
  it("has whole weeks, and only the days asked for", () => {
    const columns = columnsOf("2025-12-31", "2026-03-04", (day) => (day === "2026-01-01" ? 7200 : 0), "en-GB");
    expect(columns[0]?.monday).toBe("2025-12-29");
    expect(columns[0]?.cells.map((cell) => cell?.day ?? null)).toEqual([null, null, "2025-12-31", "2026-01-01", "2026-01-02", "2026-01-03", "2026-01-04"]);
    expect(columns[0]?.cells[3]).toEqual({ day: "2026-01-01", seconds: 7200, level: 2 });
    expect(columns.at(-1)?.cells.filter((cell) => cell !== null)).toHaveLength(3);
  });

  it("names a month where it begins, once", () => {
    const named = columnsOf("2026-01-01", "2026-12-31", () => 0, "en-GB").filter(({ month }) => month !== "");
    expect(named.map(({ month }) => month.slice(0, 3))).toEqual(["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"]);
  });

  it("counts each day once over changes of clocks", () => {
    const days = columnsOf("2026-01-01", "2026-12-31", () => 0).flatMap(({ cells }) => cells).filter((cell) => cell !== null);
    expect(new Set(days.map(({ day }) => day)).size).toBe(365);
  });

  it("has five levels", () => {
    expect([0, 1, 3599, 3600, 10800, 21600, 90000].map(levelOf)).toEqual([0, 1, 1, 2, 3, 4, 4]);
  });
});

describe("weeks", () => {
  it("begin on Monday and add up", () => {
    expect(mondayOf("2026-11-29")).toBe("2026-11-23");
    expect(mondayOf("2026-11-30")).toBe("2026-11-30");
    const weeks = weeksOf("2026-11-18", "2026-11-30", [{ day: "2026-11-22", seconds: 1 }, { day: "2026-11-23", seconds: 2 }, { day: "2026-11-29", seconds: 3 }]);
    expect(weeks).toEqual([{ monday: "2026-11-16", seconds: 1 }, { monday: "2026-11-23", seconds: 5 }, { monday: "2026-11-30", seconds: 0 }]);
  });
});
