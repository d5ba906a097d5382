"""Knows how figures are drawn as small SVG charts: plain shapes with classes, readable without colour or script."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from markupsafe import Markup, escape

SPARK_WIDTH, SPARK_HEIGHT = 84, 20
WIDTH, LEFT, RIGHT, TOP = 360, 34, 6, 8
FLOW_HEIGHT, OPEN_HEIGHT, GAP, FOOT = 110, 62, 20, 18
CURVE_HEIGHT = 190


@dataclass(frozen=True, slots=True)
class Month:
    """One month of a flow, with its short name."""

    name: str
    opened: int
    closed: int
    late: int
    open: int


@dataclass(frozen=True, slots=True)
class Words:
    """What a chart is called, and what it shows in a sentence, for those who do not see it."""

    key: str
    title: str
    description: str


def spark(values: Sequence[float | None]) -> Markup:
    """A line of a few values without axes, with a gap where a value is missing; the last one is marked."""
    known = [value for value in values if value is not None]
    if len(known) < 2:
        return Markup("")
    low, high = min(known), max(known)
    room = (high - low) or 1.0
    step = (SPARK_WIDTH - 6) / max(1, len(values) - 1)

    def place(at: int, value: float) -> str:
        return f"{3 + at * step:.1f} {SPARK_HEIGHT - 3 - (value - low) / room * (SPARK_HEIGHT - 6):.1f}"

    path, is_drawing, last = "", False, ""
    for at, value in enumerate(values):
        if value is not None:
            last = place(at, value)
            path += f"{'L' if is_drawing else 'M'}{last}"
        is_drawing = value is not None
    x, y = last.split()
    return Markup(  # noqa: S704 - numbers alone
        f'<svg class="spark" viewBox="0 0 {SPARK_WIDTH} {SPARK_HEIGHT}" width="{SPARK_WIDTH}" '
        f'height="{SPARK_HEIGHT}" aria-hidden="true"><path d="{path}"/><circle cx="{x}" cy="{y}" r="2.5"/></svg>'
    )


def flow_chart(months: Sequence[Month], words: Words) -> Markup:
    """What came in, what was dealt with and what was late, month by month; below it, what stayed open."""
    step = (WIDTH - LEFT - RIGHT) / len(months)
    flow = nice_ticks(max(max(each.opened, each.closed, each.late) for each in months))
    still = nice_ticks(max(each.open for each in months), 2)
    base, floor = TOP + FLOW_HEIGHT, TOP + FLOW_HEIGHT + GAP + OPEN_HEIGHT
    parts = [_lines(flow, TOP, base), _lines(still, floor - OPEN_HEIGHT, floor)]
    bar = step * 0.25
    points = []
    for number, month in enumerate(months):
        left = LEFT + number * step + step * 0.1
        for at, (css, value) in enumerate(
            (("is-in", month.opened), ("is-done", month.closed), ("is-late", month.late))
        ):
            high = value / flow[-1] * FLOW_HEIGHT
            parts.append(_bar(css, left + at * (bar + 0.6), base - high, bar, high) if value else "")
        middle = LEFT + (number + 0.5) * step
        points.append((middle, floor - month.open / still[-1] * OPEN_HEIGHT))
        parts.append(f'<text x="{middle:.1f}" y="{floor + 14}" class="is-middle">{escape(month.name)}</text>')
    way = "L".join(f"{x:.1f} {y:.1f}" for x, y in points)
    parts.append(
        f'<path class="is-area" d="M{points[0][0]:.1f} {floor}L{way}L{points[-1][0]:.1f} {floor}z"/>'
    )
    parts.append(f'<path class="is-line" d="M{way}"/>')
    parts += [f'<circle class="is-dot" cx="{x:.1f}" cy="{y:.1f}" r="2.2"/>' for x, y in points]
    return _svg("flow-chart", floor + FOOT, parts, words)


def survival_chart(
    steps: Sequence[tuple[float, float]], longest: float, marks: Sequence[tuple[float, str]], words: Words
) -> Markup:
    """What share is still open after so many days: `steps` of (days, share), and lines at `marks`."""
    base = TOP + CURVE_HEIGHT

    def across(days: float) -> float:
        return LEFT + days / longest * (WIDTH - LEFT - RIGHT)

    way = f"M{LEFT} {TOP}"
    for days, share in steps:
        if days <= longest:
            way += f"H{across(days):.1f}V{base - share * CURVE_HEIGHT:.1f}"
    way += f"H{WIDTH - RIGHT}"
    parts = [_grid(part / 100, f"{part}%", TOP, base) for part in (0, 25, 50, 75, 100)]
    parts += [
        f'<text x="{across(tick):.1f}" y="{base + 14}" class="is-middle">{tick:g}</text>'
        for tick in nice_ticks(longest, 5)
        if tick <= longest
    ]
    parts.append(f'<path class="is-area" d="{way}V{base}H{LEFT}z"/><path class="is-line" d="{way}"/>')
    told = [(across(days), label) for days, label in marks if days <= longest]
    parts += [_mark(x, TOP + 10 + 14 * number, label, base) for number, (x, label) in enumerate(told)]
    return _svg("curve", base + FOOT, parts, words)


def nice_ticks(most: float, wanted: int = 4) -> list[float]:
    """Round steps from 0 to at least `most`, about as many as wanted."""
    if most <= 0:
        return [0.0, 1.0]
    rough = most / wanted
    size = 10.0 ** math.floor(math.log10(rough))
    step = max(1.0, next(each * size for each in (1, 2, 2.5, 5, 10) if each * size >= rough))
    step = math.ceil(step) if step < 10 else step
    return [step * number for number in range(math.ceil(most / step) + 1)]


def _lines(ticks: Sequence[float], top: float, base: float) -> str:
    return "".join(_grid(tick / ticks[-1], f"{tick:g}", top, base) for tick in ticks)


def _grid(part: float, label: str, top: float, base: float) -> str:
    """A line across at a part of the height, with its value before it."""
    y = base - part * (base - top)
    return (
        f'<path class="is-grid" d="M{LEFT} {y:.1f}H{WIDTH - RIGHT}"/>'
        f'<text x="{LEFT - 5}" y="{y + 4:.1f}" class="is-end">{label}</text>'
    )


def _mark(x: float, y: float, label: str, base: float) -> str:
    """A line down at a place worth telling of, its label on the side where there is room."""
    side, beside = ("is-end", x - 4) if x > WIDTH * 0.72 else ("is-start", x + 4)
    return (
        f'<path class="is-mark" d="M{x:.1f} {TOP}V{base}"/>'
        f'<text x="{beside:.1f}" y="{y}" class="{side} is-told">{escape(label)}</text>'
    )


def _bar(css: str, x: float, y: float, width: float, height: float) -> str:
    return f'<rect class="{css}" x="{x:.1f}" y="{y:.1f}" width="{width:.1f}" height="{height:.1f}"/>'


def _svg(css: str, height: float, parts: Sequence[str], words: Words) -> Markup:
    return Markup(  # noqa: S704 - every text is escaped, the rest are numbers
        f'<svg class="chart {css}" viewBox="0 0 {WIDTH} {height:g}" role="img" '
        f'aria-labelledby="{words.key}-title {words.key}-desc"><title id="{words.key}-title">{escape(words.title)}'
        f'</title><desc id="{words.key}-desc">{escape(words.description)}</desc>{"".join(parts)}</svg>'
    )
