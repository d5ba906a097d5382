"""Answers `/desk/unit`: a unit and those below it in small bars, each leading to the list behind it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from flask import Blueprint, g, make_response, render_template, request
from werkzeug.wrappers import Response

from portal import clock
from portal.errors import NotFound
from portal.i18n import N_, Message
from portal.queries.case_lines import Cursor
from portal.queries.city import CityView
from portal.queries.crews import CrewView, crews_now
from portal.queries.staff_rights import kept_from, part_of, units_of
from portal.queries.unit_figures import UnitFigures
from portal.queries.unit_moves import MOVED_WHATS, moved_page_of
from portal.queries.unit_ratings import UnitRatings
from portal.queries.unit_standing import unit_standing
from portal.queries.unit_work import Counts, PersonLoad, unit_work
from portal.web import access, bulk_words, staff_words
from portal.web.desk_case import NOT_HERE
from portal.web.services import city, reading
from routing.shares import SMALLEST_SAMPLE

pages = Blueprint("desk_unit", __name__, url_prefix="/desk")
MOST_BARS = 12
READERS = ("unit_head", "dispatcher", "admin", "auditor")
INBOX, MOVED = "/desk/", "/desk/unit/moved"
# What is counted: its title, how grave it looks, and the list behind it with what chooses the cases there.
CHARTS: Mapping[str, tuple[str, str, str, Mapping[str, str]]] = {
    "late": (bulk_words.ABOUT["late"], "late", INBOX, {"about": "late"}),
    "risk": (bulk_words.ABOUT["risk"], "soon", INBOX, {"about": "risk"}),
    "unaccepted": (bulk_words.ABOUT["unaccepted"], "soon", INBOX, {"about": "unaccepted"}),
    "open": (N_("Open"), "", INBOX, {}),
    "into": (N_("Handed to them, 30 days"), "", MOVED, {"what": "into"}),
    "out": (N_("Handed on by them, 30 days"), "", MOVED, {"what": "out"}),
    "disputed": (N_("Disputes that they opened"), "soon", MOVED, {"what": "disputed"}),
    "contested": (N_("Closings contested, 30 days"), "late", MOVED, {"what": "contested"}),
    "reopened": (bulk_words.ABOUT["reopened"], "late", INBOX, {"about": "reopened"}),
    "asked": (bulk_words.ABOUT["asked"], "soon", INBOX, {"about": "asked"}),
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
    href: str


@pages.get("/unit")
@access.staff(*READERS)
def unit_page() -> Response:
    """The units that one leads, or one of them; four statements with the session's."""
    view, now = city(), clock.now()
    reach, chosen, units = _chosen_units(view)
    with reading() as tx:
        counts, people = unit_work(
            tx, view.jurisdiction_id, units, now, kept_from(g.staff.grants, view.directory)
        )
        crews = crews_now(tx, view, now, units=units)
        figures, ratings = unit_standing(tx, view.jurisdiction_id, now, chosen)
    page = render_template(
        "staff/unit.html", city=view, staff=g.staff, words=staff_words, chosen=chosen,
        mine=[unit for unit in view.directory if reach is None or unit.code in reach],
        charts=charts_of(counts, view, chosen), crews=crew_bars(crews), people=people_bars(people, chosen),
        figures=_of(figures.values(), units), ratings=_of(ratings.values(), units), smallest=SMALLEST_SAMPLE,
    )  # fmt: skip
    return make_response(page)


@pages.get("/unit/moved")
@access.staff(*READERS)
def moved_page() -> Response:
    """The cases behind a number of what was handed on, disputed or contested: another unit may lead them by now."""
    view, now = city(), clock.now()
    _, chosen, units = _chosen_units(view)
    what = request.args.get("what", "out")
    if what not in MOVED_WHATS:
        raise NotFound(Message(NOT_HERE))
    barred = kept_from(g.staff.grants, view.directory)
    after = Cursor.read(request.args.get("after", ""))
    with reading() as tx:
        page = moved_page_of(tx, what, view.jurisdiction_id, units, now, barred, after)
    on_desk = {row.token for row in page.rows if part_of(g.staff.grants, row, view.directory) is not None}
    return make_response(
        render_template(
            "staff/moved.html", city=view, staff=g.staff, words=staff_words, title=CHARTS[what][0], page=page,
            chosen=chosen, here=_href(MOVED, {"what": what}, chosen), on_desk=on_desk,
        )
    )  # fmt: skip


def charts_of(counts: Counts, view: CityView, chosen: str) -> list[Chart]:
    """A chart for everything that is counted and is not nought, the longest bar first."""
    made = []
    for what, (title, look, path, query) in CHARTS.items():
        found = sorted(counts.get(what, {}).items(), key=lambda one: (-one[1], one[0]))
        top = found[0][1] if found else 0
        bars = [
            Bar(
                view.unit_names(unit),
                number,
                round(100 * number / top, 1),
                _href(path, query, unit) if unit in view.directory else "",
            )
            for unit, number in found[:MOST_BARS]
        ]
        total = sum(number for _, number in found)
        made.append(Chart(what, title, look, total, bars, _href(path, query, chosen)))
    return made


def crew_bars(crews: Iterable[CrewView]) -> list[Bar]:
    """How full each crew is, the fullest first."""
    bars = [
        Bar(one.names, one.load, min(100.0, round(100 * one.load / max(one.capacity, 1), 1)),
            "/desk/crew?" + urlencode({"crew": one.code}), str(one.capacity))
        for one in crews
    ]  # fmt: skip
    return sorted(bars, key=lambda bar: (-bar.share, -bar.number))


def people_bars(people: Sequence[PersonLoad], chosen: str) -> list[Bar]:
    """How many jobs each person has, the most first."""
    top = max((one.jobs for one in people), default=1)
    return [
        Bar(
            one.name,
            one.jobs,
            round(100 * one.jobs / top, 1),
            _href(INBOX, {"who": str(one.account_id)}, chosen),
        )
        for one in sorted(people, key=lambda one: (-one.jobs, one.name))
    ]


def _chosen_units(view: CityView) -> tuple[frozenset[str] | None, str, frozenset[str] | None]:
    """The units one answers for, the one of them that was chosen ("" for none), and those that are shown."""
    reach = units_of(g.staff.grants, view.directory)
    asked = request.args.get("unit", "")
    chosen = asked if asked in view.directory and (reach is None or asked in reach) else ""
    return reach, chosen, frozenset({chosen}) if chosen else reach


def _href(path: str, query: Mapping[str, str], unit: str) -> str:
    chosen = urlencode({**({"unit": unit} if unit else {}), **query})
    return f"{path}?{chosen}" if chosen else path


def _of(found: Iterable[Any], units: frozenset[str] | None) -> list[Any]:
    """Those of the units that are shown, the one with most behind it first."""
    mine: list[UnitFigures | UnitRatings] = [one for one in found if units is None or one.unit_code in units]
    mine = [one for one in mine if _weight(one)]
    return sorted(mine, key=_weight, reverse=True)[:MOST_BARS]


def _weight(one: UnitFigures | UnitRatings) -> int:
    return one.ended + one.judged if isinstance(one, UnitFigures) else one.count + one.by_code
