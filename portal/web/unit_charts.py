"""Knows how the year of a unit is put into charts, sentences and tables, in the reader's language."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from babel.dates import format_skeleton
from markupsafe import Markup

from portal.i18n import N_
from portal.queries.area_days import MonthFigures, summed
from portal.queries.unit_year import UnitYear
from portal.web.charts import Month, Words, flow_chart, survival_chart
from portal.web.locale import duration_text, gettext, number, percent, safe_locale
from routing.shares import SMALLEST_SAMPLE
from routing.survival import Step, ended_by, survival

HOURS, HOUR_S = 24, 3600
SHOWN_DAYS = (1, 3, 7, 14, 30, 60, 90)
LONGEST_DAYS, SHORTEST_DAYS = 120.0, 4.0
FLOW_TITLE = N_("Twelve months: came in, dealt with, late, open")
FLOW_WORDS = N_(
    "In twelve months %(opened)s came in and %(closed)s were dealt with; "
    "%(late)s promises were not kept; %(open)s are open now."
)
CURVE_TITLE = N_("How long reports stay open")
HALF = N_("Half are dealt with within %(time)s.")
MOST = N_("Nine in ten are dealt with within %(time)s.")
NOT_HALF = N_("Fewer than half have been dealt with so far.")
NOT_MOST = N_("Fewer than nine in ten have been dealt with so far.")


@dataclass(frozen=True, slots=True)
class Curve:
    """How long reports stay open: the chart, two sentences, and the share still open after so many days."""

    chart: Markup
    sentences: Sequence[str]
    rows: Sequence[tuple[int, float]]


def flow_of(months: Sequence[MonthFigures]) -> Markup:
    """The chart of the months of a unit."""
    total = summed(months)
    words = {name: number(getattr(total, name)) for name in ("opened", "closed", "late", "open")}
    drawn = [Month(month_name(row.month), row.opened, row.closed, row.late, row.open) for row in months]
    return flow_chart(drawn, Words("flow", gettext(FLOW_TITLE), gettext(FLOW_WORDS, **words)))


def curve_of(year: UnitYear) -> Curve | None:
    """The curve of what is still open, cases that are not over yet included; None for too few."""
    if sum(span.count for span in year.spans) < SMALLEST_SAMPLE:
        return None
    steps = survival(year.spans)
    half, most = ended_by(steps, 0.5), ended_by(steps, 0.9)
    sentences = [_sentence(half, HALF, NOT_HALF), _sentence(most, MOST, NOT_MOST)]
    longest = _longest(year, most)
    marks = [
        (hours / HOURS, f"{percent(share)} · {duration_text(hours * HOUR_S)}")
        for hours, share in ((half, 0.5), (most, 0.9))
        if hours
    ]
    drawn = [(step.length / HOURS, step.share) for step in steps]
    chart = survival_chart(drawn, longest, marks, Words("curve", gettext(CURVE_TITLE), " ".join(sentences)))
    rows = [(days, open_after(steps, days * HOURS)) for days in SHOWN_DAYS if days <= longest]
    return Curve(chart, sentences, rows)


def open_after(steps: Sequence[Step], hours: float) -> float:
    """The share that is still open after so many hours."""
    return next((step.share for step in reversed(steps) if step.length <= hours), 1.0)


def month_name(month: date) -> str:
    """A month in a few letters."""
    return str(format_skeleton("MMM", month, locale=safe_locale()))


def month_year(month: date) -> str:
    """A month with its year in words."""
    return str(format_skeleton("yMMM", month, locale=safe_locale()))


def _longest(year: UnitYear, most: float | None) -> float:
    """How many days the chart shows: some way beyond where nine in ten have ended."""
    seen = max(span.length for span in year.spans) / HOURS
    wanted = seen if most is None else most / HOURS * 1.6
    return min(LONGEST_DAYS, max(SHORTEST_DAYS, min(seen, wanted)))


def _sentence(hours: float | None, done: str, not_yet: str) -> str:
    return gettext(not_yet) if hours is None else gettext(done, time=duration_text(hours * HOUR_S))
