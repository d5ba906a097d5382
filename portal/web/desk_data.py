"""Answers what the desk's lists hand out besides pages: the points of their map, and a list as a CSV file."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime
from typing import Any

from flask import Blueprint, g, jsonify, request, stream_with_context
from sqlalchemy import Row
from werkzeug.wrappers import Response

from portal import clock
from portal.api.reports import read_box
from portal.i18n import N_
from portal.masking import mask
from portal.queries.case_filter import NEVER, Wanted
from portal.queries.case_places import case_places
from portal.queries.case_table import case_table
from portal.spreadsheet import guarded
from portal.web import access, clock_words, staff_words
from portal.web.forms.case_filter import read_filter, wanted_of
from portal.web.locale import boundary_name, gettext, local, service_name, unit_name
from portal.web.services import city, reading, services

pages = Blueprint("desk_data", __name__, url_prefix="/desk")
HEADINGS = (
    N_("Number"), N_("Kind of problem"), N_("State"), N_("Priority"), N_("Colour"), N_("Unit"), N_("Assisting"),
    N_("Reported"), N_("Accepted"), N_("Closed"), N_("Ending"), N_("Next due"), N_("Promise to the resident"),
    N_("Hand-overs"), N_("Area"), N_("Latitude"), N_("Longitude"), N_("What the public reads"),
)  # fmt: skip


@pages.get("/places.json")
@access.staff()
def places() -> Response:
    """The cases of a list that have a place; `bbox` for the part in view."""
    view = city()
    wanted = wanted_of(read_filter(request.args, view), g.staff, view)
    box = read_box(request.args.get("bbox", ""))
    with reading() as tx:
        found, is_cut = case_places(tx, view.jurisdiction_id, replace(wanted, box=box))
    now = clock.now()
    answer = jsonify(type="FeatureCollection", features=[_feature(row, now) for row in found], is_cut=is_cut)
    answer.headers["Cache-Control"] = "no-store"
    return answer


@pages.get("/cases.csv")
@access.staff()
def table() -> Response:
    """A list as a CSV file for a spreadsheet: no word of the reporter that was not made public, no exact place."""
    view = city()
    wanted = wanted_of(read_filter(request.args, view), g.staff, view)
    name = f"cases-{local(clock.now()):%Y%m%d-%H%M}.csv"
    answer = Response(
        stream_with_context(_lines(view.jurisdiction_id, wanted)), content_type="text/csv; charset=utf-8"
    )
    answer.headers["Content-Disposition"] = f'attachment; filename="{name}"'
    answer.headers["Cache-Control"] = "no-store"
    return answer


def _feature(row: Row[Any], now: datetime) -> dict[str, Any]:
    is_due = row.is_open and row.next_due_at < NEVER
    late = is_due and row.next_due_at < now
    properties = {
        "token": row.token,
        "service": service_name(row.service_code),
        "unit": unit_name(row.lead_unit),
        "state": gettext(staff_words.STATES[row.state]),
        "text": mask(row.text),
        "tone": "closed"
        if not row.is_open
        else "late"
        if late or row.colour == 3
        else "soon"
        if row.colour
        else "",
        "is_emergency": row.priority == "emergency",
        "is_outside": row.place_flag == "outside",
    }
    point = [round(row.lon, 6), round(row.lat, 6)]
    return {"type": "Feature", "geometry": {"type": "Point", "coordinates": point}, "properties": properties}


def _lines(jurisdiction_id: str, wanted: Wanted) -> Iterator[bytes]:
    yield b"\xef\xbb\xbf"  # tells a spreadsheet that this is UTF-8
    yield _line([gettext(heading) for heading in HEADINGS])
    with services().database.reading() as tx:
        for row in case_table(tx, jurisdiction_id, wanted):
            yield _line(_cells(row))


def _cells(row: Row[Any]) -> list[str]:
    closing = staff_words.CLOSING_CODES.get(row.closing_code or "", "")
    due = None if row.closed_at or row.next_due_at >= NEVER else row.next_due_at
    return [
        row.token,
        service_name(row.service_code),
        gettext(staff_words.STATES[row.state]),
        gettext(staff_words.PRIORITIES[row.priority]),
        gettext(clock_words.COLOURS[row.colour]) if row.colour in clock_words.COLOURS else "",
        unit_name(row.lead_unit),
        ", ".join(unit_name(code) for code in row.assist_units),
        *(_instant(at) for at in (row.opened_at, row.accepted_at, row.closed_at)),
        gettext(closing) if closing else "",
        _instant(due),
        _instant(row.promise_due_at),
        str(row.transfer_count),
        ", ".join(boundary_name(*each.split(":", 1)) for each in row.places),
        *("" if value is None else f"{value:.6f}" for value in (row.lat, row.lon)),
        row.public_text,
    ]


def _instant(at: datetime | None) -> str:
    return "" if at is None else f"{local(at):%Y-%m-%d %H:%M}"


def _line(cells: list[str]) -> bytes:
    out = io.StringIO()
    csv.writer(out).writerow(guarded(cell) for cell in cells)
    return out.getvalue().encode()
