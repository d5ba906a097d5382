"""Knows what a report's page says of its newest closing: residents' voices, ratings, and who may add theirs."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from flask import request

from portal.operations.cast_voice import voter_may
from portal.operations.context import NEIGHBOUR_ROLE, REPORTER_ROLE
from portal.queries.case_parts import Parts
from portal.queries.city import CityView
from portal.queries.closing_page import voices_counted
from portal.queries.report_page import ReportView
from portal.web.closing_words import ROLES
from portal.web.say import rating_words


def closing_of(report: ReportView, rows: Parts, city: CityView, *, is_own: bool) -> Mapping[str, Any]:
    """Counts, ratings and buttons of the newest closing; a private report shows its own reporter alone the form."""
    number, said = report.closing_count, said_of(report.closing_count, rows)
    has_rated = any(row["role"] == REPORTER_ROLE for row in said["ratings"])
    return {
        **said,
        "needed": city.closing.neighbours_to_reopen,
        "may_speak": bool(
            not is_own and not report.is_private and number and voter_may(report.state, NEIGHBOUR_ROLE)
        ),
        "may_rate": bool(is_own and number and not has_rated and report.state != "duplicate"),
        "is_said": "said" in request.args,
        "rating": rating_words(),
    }


def said_of(closing_no: int, rows: Parts) -> dict[str, Any]:
    """What was said of one closing; nothing before there was one."""
    is_closed = closing_no > 0
    return {
        "voices": voices_counted(rows["voices"], closing_no) if is_closed else {},
        "ratings": [row for row in rows["ratings"] if is_closed and row["closing_no"] == closing_no],
        "roles": ROLES,
    }
