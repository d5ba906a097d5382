"""Answers `/units`: what every unit has open, how many promises it kept, and its reports."""

from __future__ import annotations

from flask import Blueprint, render_template, request

from portal import clock
from portal.errors import NotFound
from portal.i18n import N_, Message
from portal.queries.public_reports import ReportFilter, public_reports
from portal.queries.unit_figures import SMALLEST_SAMPLE, UnitFigures, unit_figures
from portal.queries.unit_ratings import SMALLEST_SAMPLE as SMALLEST_RATING
from portal.queries.unit_ratings import UnitRatings, unit_ratings
from portal.web import access
from portal.web.history import STATES
from portal.web.services import city, reading, services
from routing.units import Directory, Unit

pages = Blueprint("units", __name__)
PAGE_SIZE = 25


@pages.get("/units")
@access.public
def board() -> str:
    """All units; two statements."""
    with reading() as tx:
        figures = unit_figures(tx, services().jurisdiction_id, clock.now())
    rows = [
        (unit, depth, figures.get(unit.code, UnitFigures(unit.code)))
        for unit, depth in in_order(city().directory)
    ]
    return render_template("public/units.html", rows=rows, smallest=SMALLEST_SAMPLE)


@pages.get("/units/<unit_code>")
@access.public
def one(unit_code: str) -> str:
    """One unit and its reports, a page at a time; four statements."""
    directory = city().directory
    if unit_code not in directory:
        raise NotFound(Message(N_("There is no unit with this code.")))
    state, after = request.args.get("state", ""), request.args.get("after", "")
    wanted = ReportFilter.of(state=state, unit=unit_code)
    with reading() as tx:
        figures = unit_figures(tx, services().jurisdiction_id, clock.now(), unit_code)
        rated = unit_ratings(tx, services().jurisdiction_id, clock.now(), unit_code)
        page = public_reports(tx, services().jurisdiction_id, wanted, limit=PAGE_SIZE, after=after)
    return render_template(
        "public/unit.html",
        unit=directory.unit(unit_code),
        supervisor=directory.supervisor_of(unit_code),
        figures=figures.get(unit_code, UnitFigures(unit_code)),
        ratings=rated.get(unit_code, UnitRatings(unit_code)),
        smallest_rating=SMALLEST_RATING,
        page=page,
        state=state,
        smallest=SMALLEST_SAMPLE,
        words={"states": STATES},
        now=clock.now(),
    )


def in_order(directory: Directory) -> list[tuple[Unit, int]]:
    """Units below their parents, in the order of the pack, each with its depth."""
    below: dict[str, list[Unit]] = {}
    for unit in directory:
        below.setdefault(unit.parent, []).append(unit)
    found: list[tuple[Unit, int]] = []
    waiting = [(unit, 0) for unit in reversed(below.get("", []))]
    while waiting:
        unit, depth = waiting.pop()
        found.append((unit, depth))
        waiting += [(child, depth + 1) for child in reversed(below.get(unit.code, []))]
    return found
