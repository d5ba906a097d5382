"""Knows how the desk says in a hurry what is known already: a row in the table of works, made and ended by hand."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import shapely
from shapely.affinity import scale, translate
from shapely.geometry.base import BaseGeometry
from sqlalchemy import Connection

from geo.crs import LocalFrame, LonLat
from portal import clock
from portal.errors import InvalidInput, NotFound
from portal.i18n import N_, Message, message_of
from portal.operations.change_catalogue import NO_ROW, CatalogueRefused, change_catalogue
from portal.operations.context import Actor, Context
from portal.pack.cells import Cells, RowCells
from portal.pack.said import said
from portal.pack.works_rows import PLACE, place_text, span_texts

TABLE = "works"
CODE = "notice-"
# An area is kept to about three metres: enough for "it is known there".
TOLERANCE_DEGREES = 0.00003
# It begins so much earlier that it may end within the minute in which it was entered.
A_MINUTE = timedelta(minutes=1)
# Where each cell stands in the form.
FIELDS = {"services": "services", "from": "until", "to": "until", PLACE: "place"}
IN_THE_PAST = N_("Please choose a time that is still to come.")


@dataclass(frozen=True, slots=True)
class Notice:
    """What is known: for which services, where, until when in the city's time, and what residents read."""

    services: Sequence[str]
    place: BaseGeometry
    until: datetime
    message: str


def around(point: LonLat, metres: float) -> BaseGeometry:
    """The ground within so many metres of a point, in degrees."""
    across, along = LocalFrame(point.lon, point.lat).metres_per_degree
    disc = scale(shapely.Point(0, 0).buffer(metres, quad_segs=6), 1 / across, 1 / along, origin=(0, 0))
    return translate(disc, point.lon, point.lat)


def tell_work(tx: Connection, context: Context, actor: Actor, notice: Notice) -> str:
    """Put what is known in force at once; answers its code. InvalidInput by field of the form."""
    now = _now(tx, context)
    if notice.until <= now:
        raise InvalidInput({"until": Message(IN_THE_PAST)})
    made: list[str] = []

    def edit(city: Cells) -> Cells:
        rows = city.rows(TABLE)
        made.append(_free_code(rows))
        starts, ends = span_texts(now - A_MINUTE, notice.until)
        row = {
            "code": made[-1],
            "services": ";".join(notice.services),
            "from": starts,
            "to": ends,
            PLACE: place_text(shapely.simplify(notice.place, TOLERANCE_DEGREES)),
        }
        told = {f"message_{locale}": notice.message for locale in city.locales}
        return city.with_rows(TABLE, [*rows, row | told])

    try:
        change_catalogue(tx, context, actor, TABLE, edit)
    except CatalogueRefused as refused:
        faults = {
            FIELDS.get(each.column, "message"): message_of(said(each.message))
            for each in refused.planned.errors
        }
        raise InvalidInput(faults) from None
    return made[-1]


def end_work(tx: Connection, context: Context, actor: Actor, code: str) -> None:
    """What was known is over: nobody reads it any more, the row stays with the minute of its end. NotFound."""
    now = _now(tx, context)

    def edit(city: Cells) -> Cells:
        rows = list(city.rows(TABLE))
        if not any(row["code"] == code for row in rows):
            raise NotFound(Message(NO_ROW))
        return city.with_rows(TABLE, [_ended(row, now) if row["code"] == code else row for row in rows])

    change_catalogue(tx, context, actor, TABLE, edit)


def _ended(row: RowCells, now: datetime) -> RowCells:
    return dict(row) | {"to": span_texts(now, now)[1]}


def _now(tx: Connection, context: Context) -> datetime:
    """This minute by the city's clocks."""
    city = context.cities.city(tx, context.jurisdiction_id)
    here = clock.now().astimezone(ZoneInfo(city.timezone))
    return here.replace(second=0, microsecond=0, tzinfo=None)


def _free_code(rows: Sequence[RowCells]) -> str:
    used = [row["code"].removeprefix(CODE) for row in rows if row["code"].startswith(CODE)]
    return f"{CODE}{max((int(each) for each in used if each.isdecimal()), default=0) + 1}"
