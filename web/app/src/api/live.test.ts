import { expect, it } from "vitest";
import { pauseBefore } from "./live";

it("waits longer each time, up to half a minute, and never all at once", () => {
  expect(pauseBefore(0, 1)).toBe(500);
  expect(pauseBefore(0, 0)).toBe(250);
  expect(pauseBefore(3, 1)).toBe(4000);
  expect(pauseBefore(20, 1)).toBe(30_000);
  expect(pauseBefore(20, 0)).toBe(15_000);
});
