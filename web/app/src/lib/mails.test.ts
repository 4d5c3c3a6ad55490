import { expect, test } from "vitest";
import { choiceOf, choose, isSame } from "./mails";

const SOME = { also: ["badge_awarded", "of_an_application"], never: ["role_changed"] };

test("a kind in neither list follows the rule", () => {
  expect(choiceOf(SOME, "member_left")).toBe("rule");
  expect(choiceOf(SOME, "badge_awarded")).toBe("always");
  expect(choiceOf(SOME, "role_changed")).toBe("never");
  expect(choiceOf({ also: ["x"], never: ["x"] }, "x")).toBe("never");
});

test("a choice moves a kind and leaves the others", () => {
  const never = choose(SOME, "badge_awarded", "never");
  expect(never).toEqual({ also: ["of_an_application"], never: ["role_changed", "badge_awarded"] });
  expect(choiceOf(never, "badge_awarded")).toBe("never");
  expect(isSame(choose(never, "badge_awarded", "always"), SOME)).toBe(true);
  expect(choose(never, "role_changed", "rule").never).toEqual(["badge_awarded"]);
});

test("the order of a list does not matter, its members do", () => {
  expect(isSame(SOME, { also: ["of_an_application", "badge_awarded"], never: ["role_changed"] })).toBe(true);
  expect(isSame(SOME, { also: ["role_changed"], never: ["badge_awarded", "of_an_application"] })).toBe(false);
});
