// Which kinds of notifications are mailed: two lists of exceptions from a rule,
// and one choice for each kind as a form shows it.

export type Choice = "rule" | "always" | "never";

export interface Exceptions {
  also: readonly string[];
  never: readonly string[];
}

export function choiceOf({ also, never }: Exceptions, kind: string): Choice {
  // As the server has it: what is named in both lists is mailed never.
  if (never.includes(kind)) return "never";
  return also.includes(kind) ? "always" : "rule";
}

/** The lists with another choice for a kind; other kinds, an application's own among them, stay. */
export function choose({ also, never }: Exceptions, kind: string, choice: Choice): Exceptions {
  const others = (list: readonly string[]) => list.filter((one) => one !== kind);
  return {
    also: choice === "always" ? [...others(also), kind] : others(also),
    never: choice === "never" ? [...others(never), kind] : others(never),
  };
}

export function isSame(a: Exceptions, b: Exceptions): boolean {
  const text = ({ also, never }: Exceptions) => JSON.stringify([[...also].sort(), [...never].sort()]);
  return text(a) === text(b);
}
