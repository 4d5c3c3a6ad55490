import { expect, it } from "vitest";
import { middleSquare } from "./picture";

it("takes the middle of a picture, upright or lying", () => {
  expect(middleSquare(400, 300)).toEqual({ left: 50, top: 0, side: 300 });
  expect(middleSquare(301, 400)).toEqual({ left: 0, top: 49, side: 301 });
  expect(middleSquare(10, 10)).toEqual({ left: 0, top: 0, side: 10 });
});
