"""Answers `/`: what the portal is for, today's figures, and the newest reports."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from datetime import time as day_time
from typing import Any
from zoneinfo import ZoneInfo

from flask import Blueprint, render_template
from markupsafe import Markup

from portal import clock
from portal.i18n import N_
from portal.queries.city_picture import CityPicture, Dot, PictureCache
from portal.queries.front_page import city_figures, fixed_lately, lately
from portal.queries.public_reports import ReportFilter, public_reports
from portal.web import access
from portal.web.history import STATES
from portal.web.locale import boundary_name, gettext, number
from portal.web.services import city, reading, services

pages = Blueprint("front", __name__)
WEEK = timedelta(days=7)
PICTURE = N_("Map of the city: %(count)s reports of the last seven days, %(open)s of them still open.")
_pictures = PictureCache()


@pages.get("/")
@access.public
def front() -> str:
    """The front page; four statements, and one more when the city has changed."""
    place, now = city(), clock.now()
    midnight = datetime.combine(
        now.astimezone(ZoneInfo(place.timezone)).date(), day_time.min, ZoneInfo(place.timezone)
    )
    here, week = services().jurisdiction_id, now - WEEK
    with reading() as tx:
        figures = city_figures(tx, here, midnight, now)
        newest = public_reports(tx, here, ReportFilter(), limit=6)
        fixed = fixed_lately(tx, here, week)
        dots = lately(tx, here, week)
        drawn = _pictures.picture(tx, place)
    return render_template(
        "public/front.html",
        figures=figures,
        newest=newest.rows,
        fixed=fixed,
        picture=_picture(drawn, dots),
        week=len(dots),
        words={"states": STATES},
        now=now,
        city=place,
    )


def _picture(drawn: CityPicture | None, dots: Sequence[Any]) -> Markup:
    """The city with the reports of the week; empty where there are no boundaries."""
    if drawn is None:
        return Markup("")
    shown = [Dot(row.token, row.lon, row.lat, row.closed_at is None, "") for row in reversed(dots)]
    open_now = sum(dot.is_open for dot in shown)
    title = gettext(PICTURE, count=number(len(shown)), open=number(open_now))
    names = [boundary_name(*key.split(":", 1)) for _, _, key in drawn.labels]
    return Markup(drawn.draw(shown, title, names))  # noqa: S704 - draw escapes every text
