"""A line of the table of goals: what was measured, beside what it is compared
with, and how much is wanted. Every module that contributes to the table has
lines(scale), which returns a list of them."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Scale:
    """How much to measure: rounds of each figure, taken in turns, and the seconds of each."""

    rounds: int = 5
    seconds: int = 3


@dataclass
class Line:
    """figure and reference are medians with their units. ratio is the figure by the
    reference, of each round, None where a bound is absolute; met is None where
    there is no goal, or nothing to decide it by."""

    work: str
    figure: str
    reference: str
    ratio: float | None
    target: str
    met: bool | None


HEADINGS = ("work", "measured", "reference", "ratio", "target", "")


def cells(line):
    """The line as text, in the order of HEADINGS."""
    ratio = "" if line.ratio is None else f"{line.ratio:.2f}"
    verdict = {True: "met", False: "missed", None: ""}[line.met]
    return line.work, line.figure, line.reference, ratio, line.target, verdict


def text_table(lines):
    """Aligned columns, for a terminal."""
    rows = [HEADINGS, *(cells(line) for line in lines)]
    widths = [max(len(row[column]) for row in rows) for column in range(len(HEADINGS))]
    return "".join("  ".join(cell.ljust(width) for cell, width in zip(row, widths)).rstrip() + "\n" for row in rows)


def markdown_table(lines):
    rows = [HEADINGS, ["---"] * len(HEADINGS), *(cells(line) for line in lines)]
    return "".join("| " + " | ".join(cell.replace("|", "\\|") for cell in row) + " |\n" for row in rows)
