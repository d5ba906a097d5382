"""Knows how a planned work is told to who is about to report what it explains: "known, until Friday"."""

from __future__ import annotations

from datetime import timedelta

from babel.dates import format_date

from portal import clock
from portal.i18n import N_, Message
from portal.queries.planned_works import KnownWork
from portal.web.locale import date_text, local, safe_locale

UNTIL = N_("Known, until %(when)s")


def until_words(work: KnownWork) -> Message:
    """Until when, in the reader's words: the weekday alone within a week, the date beyond."""
    last_day = local(work.until - timedelta(seconds=1)).date()
    days = (last_day - local(clock.now()).date()).days
    words = format_date(last_day, "EEEE", locale=safe_locale()) if 0 < days < 7 else date_text(last_day)
    return Message(UNTIL, {"when": words})
