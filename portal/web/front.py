"""Answers `/`: what the portal is for, today's figures, and the newest reports."""

from __future__ import annotations

from datetime import datetime
from datetime import time as day_time
from zoneinfo import ZoneInfo

from flask import Blueprint, render_template

from portal import clock
from portal.queries.front_page import city_figures
from portal.queries.public_reports import ReportFilter, public_reports
from portal.web import access
from portal.web.history import STATES
from portal.web.services import city, reading, services

pages = Blueprint("front", __name__)


@pages.get("/")
@access.public
def front() -> str:
    """The front page; three statements."""
    place, now = city(), clock.now()
    midnight = datetime.combine(
        now.astimezone(ZoneInfo(place.timezone)).date(), day_time.min, ZoneInfo(place.timezone)
    )
    with reading() as tx:
        figures = city_figures(tx, services().jurisdiction_id, midnight, now)
        newest = public_reports(tx, services().jurisdiction_id, ReportFilter(), limit=6)
    return render_template(
        "public/front.html",
        figures=figures,
        newest=newest.rows,
        words={"states": STATES},
        now=now,
        city=place,
    )
