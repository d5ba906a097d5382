"""Answers `/desk/unit`: a unit and those below it in small bars, each leading to the list behind it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from flask import Blueprint, g, make_response, render_template, request
from werkzeug.wrappers import Response

from portal import clock
from portal.i18n import N_
from portal.queries.city import CityView
from portal.queries.crews import CrewView, crews_now
from portal.queries.staff_rights import units_of
from portal.queries.unit_figures import UnitFigures, unit_figures
from portal.queries.unit_ratings import UnitRatings, unit_ratings
from portal.queries.unit_work import PERSON, Counts, unit_work
from portal.web import access, staff_words
from portal.web.services import city, reading
from routing.shares import SMALLEST_SAMPLE

pages = Blueprint("desk_unit", __name__, url_prefix="/desk")
MOST_BARS = 12
# What is counted: its title, how grave it looks, and the list behind it ({unit} is filled in).
CHARTS: Mapping[str, tuple[str, str, str]] = {
    "late": (N_("Overdue"), "late", "/desk/?unit={unit}&colour=red"),
    "risk": (N_("At risk"), "soon", "/desk/?unit={unit}&colour=yellow"),
    "unaccepted": (N_("Not accepted yet"), "soon", "/desk/?unit={unit}&state=routed"),
    "open": (N_("Open"), "", "/desk/?unit={unit}"),
    "into": (N_("Handed to them, 30 days"), "", "/desk/?unit={unit}"),
    "out": (N_("Handed on by them, 30 days"), "", "/units/{unit}"),
    "disputed": (N_("Disputes that they opened"), "soon", "/desk/disputes"),
    "contested": (N_("Closings contested, 30 days"), "late", "/units/{unit}"),
    "reopened": (N_("Open again after a closing"), "late", "/desk/?unit={unit}&state=accepted"),
    "asked": (N_("More time asked for"), "soon", "/desk/extensions"),
}


@dataclass(frozen=True, slots=True)
class Bar:
    """One bar: what it is of, its number, its length from 0 to 100, and the list behind it."""

    names: Mapping[str, str] | str
    number: int
    share: float
    href: str = ""
    more: str = ""


@dataclass(frozen=True, slots=True)
class Chart:
    """Some bars under a title; `total` counts those that are not drawn, too."""

    what: str
    title: str
    look: str
    total: int
    bars: Sequence[Bar]


@pages.get("/unit")
@access.staff("unit_head", "dispatcher", "admin", "auditor")
def unit_page() -> Response:
    """The units that one leads, or one of them; five statements with the session's."""
    view, now = city(), clock.now()
    reach = units_of(g.staff.grants, view.directory)
    chosen = request.args.get("unit", "")
    is_mine = chosen in view.directory and (reach is None or chosen in reach)
    units = frozenset({chosen}) if is_mine else reach
    with reading() as tx:
        counts = unit_work(tx, view.jurisdiction_id, units, now)
        crews = crews_now(tx, view, now, units=units)
        figures = unit_figures(tx, view.jurisdiction_id, now, chosen if is_mine else "")
        ratings = unit_ratings(tx, view.jurisdiction_id, now, chosen if is_mine else "")
    page = render_template(
        "staff/unit.html", city=view, staff=g.staff, words=staff_words, chosen=chosen if is_mine else "",
        mine=[unit for unit in view.directory if reach is None or unit.code in reach],
        charts=charts_of(counts, view), crews=crew_bars(crews), people=people_bars(counts.get(PERSON, {})),
        figures=_of(figures.values(), units), ratings=_of(ratings.values(), units), smallest=SMALLEST_SAMPLE,
    )  # fmt: skip
    return make_response(page)


def charts_of(counts: Counts, view: CityView) -> list[Chart]:
    """A chart for everything that is counted and is not nought, the longest bar first."""
    made = []
    for what, (title, look, href) in CHARTS.items():
        found = sorted(counts.get(what, {}).items(), key=lambda one: (-one[1], one[0]))
        top = found[0][1] if found else 0
        bars = [
            Bar(view.unit_names(unit), number, round(100 * number / top, 1), _href(href, unit))
            for unit, number in found[:MOST_BARS]
        ]
        made.append(Chart(what, title, look, sum(number for _, number in found), bars))
    return made


def crew_bars(crews: Iterable[CrewView]) -> list[Bar]:
    """How full each crew is, the fullest first."""
    bars = [
        Bar(one.names, one.load, min(100.0, round(100 * one.load / max(one.capacity, 1), 1)),
            "/desk/crew?" + urlencode({"crew": one.code}), str(one.capacity))
        for one in crews
    ]  # fmt: skip
    return sorted(bars, key=lambda bar: (-bar.share, -bar.number))


def people_bars(jobs: Mapping[str, int]) -> list[Bar]:
    """How many jobs each person has, the most first."""
    top = max(jobs.values(), default=1)
    return [
        Bar(name, number, round(100 * number / top, 1))
        for name, number in sorted(jobs.items(), key=lambda one: -one[1])
    ]


def _href(pattern: str, unit: str) -> str:
    return pattern.replace("{unit}", unit)


def _of(found: Iterable[Any], units: frozenset[str] | None) -> list[Any]:
    """Those of the units that are shown, the one with most behind it first."""
    mine: list[UnitFigures | UnitRatings] = [one for one in found if units is None or one.unit_code in units]
    mine = [one for one in mine if _weight(one)]
    return sorted(mine, key=_weight, reverse=True)[:MOST_BARS]


def _weight(one: UnitFigures | UnitRatings) -> int:
    return one.ended + one.judged if isinstance(one, UnitFigures) else one.count + one.by_code
