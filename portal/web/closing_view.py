"""Knows what a report's page says of its newest closing: residents' voices, ratings, and who may add theirs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from flask import request

from portal.i18n import N_
from portal.operations.cast_voice import voter_may
from portal.operations.context import NEIGHBOUR_ROLE, REPORTER_ROLE
from portal.queries.case_parts import Parts
from portal.queries.city import CityView
from portal.queries.closing_page import voices_counted
from portal.queries.report_page import ReportView
from portal.web.say import rating_words

ROLES = {
    "reporter": N_("The reporter"),
    "follower": N_("Followers"),
    "neighbour": N_("Neighbours"),
    "guest": N_("By the code at the case"),
}


def closing_of(report: ReportView, rows: Parts, city: CityView, *, is_own: bool) -> Mapping[str, Any]:
    """Counts, ratings and buttons of the newest closing; a private report shows its own reporter alone the form."""
    number = report.closing_count
    ratings: Sequence[Mapping[str, Any]] = [row for row in rows["ratings"] if row["closing_no"] == number]
    has_rated = any(row["role"] == REPORTER_ROLE for row in ratings)
    return {
        "voices": voices_counted(rows["voices"], number) if number else {},
        "ratings": ratings if number else [],
        "roles": ROLES,
        "needed": city.closing.neighbours_to_reopen,
        "may_speak": bool(
            not is_own and not report.is_private and number and voter_may(report.state, NEIGHBOUR_ROLE)
        ),
        "may_rate": bool(is_own and number and not has_rated and report.state != "duplicate"),
        "is_said": "said" in request.args,
        "rating": rating_words(),
    }
