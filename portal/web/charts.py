"""Knows how figures are drawn as small SVG charts: plain shapes with classes, readable without colour or script."""

from __future__ import annotations

from collections.abc import Sequence

from markupsafe import Markup

SPARK_WIDTH, SPARK_HEIGHT = 84, 20


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
