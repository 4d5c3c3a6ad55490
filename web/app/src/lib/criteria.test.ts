import { describe, expect, it } from "vitest";
import { counted, inWords, kept, type Node, parse, parsePath, replaceAt, shown, toJson } from "./criteria";

const json = { all: [{ metric: "total_seconds", gte: 720000, last_days: 30 }, { not: { metric: "best_day_seconds", gt: 36000 } }, { any: [{ metric: "project_seconds", gte: 3600, project_id: 7 }] }] };

describe("criteria", () => {
  it("come back as they were", () => {
    expect(toJson(parse(json)!)).toEqual(json);
  });

  it("are none when they are not understood", () => {
    for (const wrong of [null, 7, {}, { all: [{}] }, { metric: "nonsense", gte: 1 }, { metric: "entry_count" }, { not: 1 }]) expect(parse(wrong)).toBeNull();
  });

  it("keep project and window only where the metric takes them", () => {
    const node: Node = { kind: "condition", metric: "badges_earned", compare: "gte", number: 3, projectId: 7, lastDays: 30 };
    expect(toJson(node)).toEqual({ metric: "badges_earned", gte: 3 });
  });

  it("are read aloud", () => {
    expect(inWords(parse(json)!)).toBe(
      "time in all in the last 30 days at least 200 hours, and not (best day more than 10 hours), and (time on one project (project 7) at least 1 hour)",
    );
  });
});

describe("a path", () => {
  it("is read as the server writes it", () => {
    expect(parsePath("$.all[1].gte")).toEqual(["all", 1, "gte"]);
    expect(parsePath("$")).toEqual([]);
    expect(parsePath("$.all[0].not.any[12]")).toEqual(["all", 0, "not", "any", 12]);
  });

  it("replaces and takes out what is there, and nothing else", () => {
    const tree = parse(json)!;
    const other: Node = { kind: "condition", metric: "entry_count", compare: "gte", number: 1 };
    expect(toJson(replaceAt(tree, ["all", 1, "not"], other))).toEqual({ all: [json.all[0], { not: { metric: "entry_count", gte: 1 } }, json.all[2]] });
    expect(toJson(replaceAt(tree, ["all", 0], null))).toEqual({ all: json.all.slice(1) });
    expect(toJson(replaceAt(tree, [], other))).toEqual({ metric: "entry_count", gte: 1 });
    expect(toJson(tree)).toEqual(json);
  });
});

describe("counts", () => {
  it("have a unit of one or of many", () => {
    expect([counted(1, "entries"), counted(1, "days"), counted(0, "days"), counted(2500, "entries")]).toEqual(["1 entry", "1 day", "0 days", "2,500 entries"]);
  });
});

describe("hours", () => {
  it("are seconds for the server", () => {
    expect(shown("total_seconds", 5400)).toBe(1.5);
    expect(kept("total_seconds", 1.5)).toBe(5400);
    expect(kept("entry_count", 25)).toBe(25);
  });
});
