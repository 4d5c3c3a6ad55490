"""Line charts as SVG: one or more panels in a row, each with logarithmic or
linear axes, and one legend for all. Nothing but text is written; a browser draws it."""

import math
from dataclasses import dataclass, field
from xml.sax.saxutils import escape

# Blue, orange, green, purple, red, grey: told apart by those who see colours differently, too.
COLOURS = ("#0072b2", "#d55e00", "#009e73", "#aa4499", "#882255", "#777777")
WIDTH, HEIGHT = 440, 300
LEFT, RIGHT, TOP, BOTTOM = 64, 16, 36, 48
LEGEND_LINE = 20

STYLE = """
    .page { fill: #ffffff; }
    .title { font-size: 17px; font-weight: 600; fill: #1d2b3a; }
    .panel { font-size: 14px; font-weight: 600; fill: #1d2b3a; }
    .text { font-size: 12px; fill: #3c4b5c; }
    .grid { stroke: #e1e6ec; stroke-width: 1; }
    .frame { fill: none; stroke: #8695a8; stroke-width: 1; }
    .line { fill: none; stroke-width: 2.2; stroke-linejoin: round; }
"""


@dataclass
class Series:
    """points: [(x, y), …]. A dashed one is a reference."""

    name: str
    points: list
    dashed: bool = False
    colour: int | None = None


@dataclass
class Panel:
    title: str
    x_label: str
    series: list = field(default_factory=list)
    log_x: bool = True
    log_y: bool = True


class Axis:
    """From values to places between `start` and `end`."""

    def __init__(self, values, logarithmic, start, end, exact=False):
        """exact: it ends at the least and the greatest value; else at whole steps around them."""
        self.logarithmic = logarithmic
        self.start, self.end = start, end
        least, most = min(values), max(values)
        if logarithmic:
            least, most = (least, most) if exact else (_step_down(least), _step_up(most))
            self.ticks = [tick for tick in _logarithmic_ticks(least, most) if least <= tick <= most]
            if least == most:
                most *= 2
        else:
            step = _step_up(most / 5)
            least, most = 0, step * math.ceil(most / step)
            self.ticks = [step * number for number in range(round(most / step) + 1)]
        self.low, self.high = self._scale(least), self._scale(most)

    def _scale(self, value):
        return math.log10(value) if self.logarithmic else value

    def place(self, value):
        part = (self._scale(value) - self.low) / (self.high - self.low)
        return round(self.start + part * (self.end - self.start), 1)


def _decade(value):
    return 10 ** math.floor(math.log10(value))


def _step_down(value):
    return max(factor * _decade(value) for factor in (1, 2, 5) if factor * _decade(value) <= value)


def _step_up(value):
    return min(factor * _decade(value) for factor in (1, 2, 5, 10) if factor * _decade(value) >= value)


def _logarithmic_ticks(least, most):
    """1, 2, 5, 10, …; powers of ten alone where that is too many."""
    decades = range(math.floor(math.log10(least)), math.ceil(math.log10(most)) + 1)
    factors = (1, 2, 5) if len(decades) <= 4 else (1,)
    return [factor * 10**decade for decade in decades for factor in factors]


def label(value):
    """1500 as 1.5k, 2000000 as 2M."""
    for size, letter in ((10**9, "G"), (10**6, "M"), (10**3, "k")):
        if value >= size:
            return f"{value / size:g}{letter}"
    return f"{value:g}"


def _text(x, y, words, kind="text", anchor="start"):
    return f'  <text class="{kind}" x="{x:g}" y="{y:g}" text-anchor="{anchor}">{escape(words)}</text>'


def _panel(panel, left, top, colours):
    xs = [x for series in panel.series for x, _ in series.points]
    ys = [y for series in panel.series for _, y in series.points]
    right, bottom = left + WIDTH - RIGHT, top + HEIGHT - BOTTOM
    x_axis = Axis(xs, panel.log_x, left + LEFT, right, exact=True)
    y_axis = Axis(ys, panel.log_y, bottom, top + TOP)
    # Measured places get the labels of a logarithmic axis, when they are few.
    x_ticks = sorted(set(xs)) if panel.log_x and len(set(xs)) <= 10 else x_axis.ticks
    parts = [_text(left + LEFT, top + 20, panel.title, "panel")]
    for tick in y_axis.ticks:
        y = y_axis.place(tick)
        parts.append(f'  <path class="grid" d="M{left + LEFT} {y:g} H{right}"/>')
        parts.append(_text(left + LEFT - 8, y + 4, label(tick), anchor="end"))
    for tick in x_ticks:
        x = x_axis.place(tick)
        parts.append(f'  <path class="grid" d="M{x:g} {top + TOP} V{bottom}"/>')
        parts.append(_text(x, bottom + 18, label(tick), anchor="middle"))
    frame = f'x="{left + LEFT}" y="{top + TOP}" width="{right - left - LEFT}" height="{bottom - top - TOP}"'
    parts.append(f'  <rect class="frame" {frame}/>')
    parts.append(_text((left + LEFT + right) / 2, bottom + 38, panel.x_label, anchor="middle"))
    for series in panel.series:
        parts += _drawn(series, x_axis, y_axis, colours[series.name])
    return parts


def _drawn(series, x_axis, y_axis, colour):
    places = [(x_axis.place(x), y_axis.place(y)) for x, y in series.points]
    path = "M" + " L".join(f"{x:g} {y:g}" for x, y in places)
    yield f'  <path class="line" stroke="{colour}"{_dashes(series)} d="{path}"/>'
    for x, y in places:
        yield f'  <circle cx="{x:g}" cy="{y:g}" r="3.4" fill="{colour}"/>'


def _dashes(series):
    return ' stroke-dasharray="6 4"' if series.dashed else ""


def _legend(series, colours, top, width):
    """In as many columns as fit, in the order of the series."""
    columns = max(1, (width - LEFT) // 280)
    for number, one in enumerate(series):
        x = LEFT + (number % columns) * 280
        y = top + (number // columns) * LEGEND_LINE
        yield f'  <path class="line" stroke="{colours[one.name]}"{_dashes(one)} d="M{x} {y} h28"/>'
        yield _text(x + 36, y + 4, one.name)


def chart(title, panels):
    """The document. Series of the same name in several panels look alike, and are in the legend once."""
    series = list({one.name: one for panel in panels for one in panel.series}.values())
    colours = {
        one.name: COLOURS[(number if one.colour is None else one.colour) % len(COLOURS)]
        for number, one in enumerate(series)
    }
    width = WIDTH * len(panels)
    lines = math.ceil(len(series) / max(1, (width - LEFT) // 280))
    top = 44
    height = top + HEIGHT + lines * LEGEND_LINE + 12
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}"'
        " font-family=\"system-ui, 'Segoe UI', Helvetica, Arial, sans-serif\" role=\"img\" aria-labelledby=\"title\">",
        f'  <title id="title">{escape(title)}</title>',
        f"  <style>{STYLE}  </style>",
        f'  <rect class="page" width="{width}" height="{height}" rx="12"/>',
        _text(LEFT, 30, title, "title"),
    ]
    for number, panel in enumerate(panels):
        parts += _panel(panel, number * WIDTH, top, colours)
    parts += _legend(series, colours, top + HEIGHT + 6, width)
    return "\n".join([*parts, "</svg>"]) + "\n"
