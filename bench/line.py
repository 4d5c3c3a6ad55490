"""A line of the table of goals: what was measured, beside what it is compared
with, and how much is wanted. Every module that contributes to the table has
lines(scale), which returns a list of them."""

from dataclasses import dataclass
from itertools import zip_longest


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
    """Aligned columns, for a terminal; what a semicolon separates stands below each other."""
    rows = [[cell.split("; ") for cell in row] for row in (HEADINGS, *map(cells, lines))]
    widths = [max(len(part) for row in rows for part in row[column]) for column in range(len(HEADINGS))]
    text = ""
    for row in rows:
        for parts in zip_longest(*row, fillvalue=""):
            text += "  ".join(part.ljust(width) for part, width in zip(parts, widths)).rstrip() + "\n"
    return text


def markdown_table(lines):
    rows = [HEADINGS, ["---"] * len(HEADINGS), *map(cells, lines)]
    return "".join("| " + " | ".join(_markdown(cell) for cell in row) + " |\n" for row in rows)


def _markdown(cell):
    return cell.replace("|", "\\|").replace("; ", "<br>")
