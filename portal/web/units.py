"""Answers `/units`: what every unit has open, how many promises it kept, and its reports."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from flask import Blueprint, render_template, request
from markupsafe import Markup

from portal import clock
from portal.errors import NotFound
from portal.i18n import N_, Message
from portal.queries.area_days import UNIT, MonthFigures, months_of_layer
from portal.queries.duties import led_by
from portal.queries.public_reports import ReportFilter, public_reports
from portal.queries.unit_figures import UnitFigures, unit_figures
from portal.queries.unit_ratings import SMALLEST_SAMPLE as SMALLEST_RATING
from portal.queries.unit_year import unit_year
from portal.web import access
from portal.web.aims import aims_of
from portal.web.charts import spark
from portal.web.history import STATES
from portal.web.locale import local
from portal.web.services import city, reading, services
from portal.web.unit_charts import curve_of, flow_of, month_year
from routing.shares import SMALLEST_SAMPLE
from routing.units import Directory, Unit

pages = Blueprint("units", __name__)
PAGE_SIZE = 25


@pages.get("/units")
@access.public
def board() -> str:
    """All units, with what was open month by month; three statements."""
    today = local(clock.now()).date()
    with reading() as tx:
        figures = unit_figures(tx, services().jurisdiction_id, clock.now())
        months = months_of_layer(tx, services().jurisdiction_id, UNIT, today)
    rows = [
        (unit, depth, figures.get(unit.code, UnitFigures(unit.code)), _trend(months.get(unit.code, ())))
        for unit, depth in in_order(city().directory)
    ]
    aims = aims_of(figures.values())
    return render_template("public/units.html", rows=rows, smallest=SMALLEST_SAMPLE, aims=aims)


@pages.get("/units/<unit_code>")
@access.public
def one(unit_code: str) -> str:
    """One unit: its year, what it answers for, and its reports a page at a time; four statements."""
    directory, now = city().directory, clock.now()
    if unit_code not in directory:
        raise NotFound(Message(N_("There is no unit with this code.")))
    state, after = request.args.get("state", ""), request.args.get("after", "")
    wanted = ReportFilter.of(state=state, unit=unit_code)
    with reading() as tx:
        figures = unit_figures(tx, services().jurisdiction_id, now, unit_code)
        year = unit_year(tx, services().jurisdiction_id, unit_code, local(now).date(), now)
        page = public_reports(tx, services().jurisdiction_id, wanted, limit=PAGE_SIZE, after=after)
    return render_template(
        "public/unit.html",
        **_about(directory.unit(unit_code)),
        figures=figures.get(unit_code, UnitFigures(unit_code)),
        aims=aims_of(figures.values()),
        year=year,
        flow=flow_of(year.months),
        curve=curve_of(year),
        page=page,
        state=state,
        now=now,
    )


def _about(unit: Unit) -> dict[str, Any]:
    """What stands about a unit in the catalogue, and the words of its page; no statement."""
    directory = city().directory
    return {
        "unit": unit,
        "supervisor": directory.supervisor_of(unit.code),
        "below": [each for each in directory if each.parent == unit.code],
        "leads": led_by(city(), unit),
        "is_centre": unit.code == directory.coordination_unit,
        "smallest": SMALLEST_SAMPLE,
        "smallest_rating": SMALLEST_RATING,
        "month_year": month_year,
        "words": {"states": STATES},
    }


def _trend(months: Sequence[MonthFigures]) -> Markup:
    return spark([each.open for each in months])


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
