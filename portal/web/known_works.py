"""Knows how a planned work is told to who is about to report what it explains: "known, until Friday"."""

from __future__ import annotations

from datetime import datetime, time, timedelta

from babel.dates import format_date, format_time

from portal import clock
from portal.i18n import N_, Message
from portal.queries.planned_works import KnownWork
from portal.web.locale import date_text, datetime_text, local, safe_locale

UNTIL = N_("Known, until %(when)s")


def until_words(work: KnownWork) -> Message:
    """Until when, in the reader's words: the weekday alone within a week, the date beyond; a time where one is set."""
    last_day = local(work.until - timedelta(seconds=1)).date()
    days = (last_day - local(clock.now()).date()).days
    words = format_date(last_day, "EEEE", locale=safe_locale()) if 0 < days < 7 else date_text(last_day)
    if not _is_midnight(work.until):
        at = format_time(local(work.until).time(), "HH:mm", locale=safe_locale())
        words = at if days == 0 else f"{words} {at}"
    return Message(UNTIL, {"when": words})


def span_words(since: datetime, until: datetime) -> tuple[str, str]:
    """From when and until when, as days where whole days are meant."""
    starts = date_text(since) if _is_midnight(since) else datetime_text(since)
    last = until - timedelta(seconds=1)
    return starts, date_text(last) if _is_midnight(until) else datetime_text(until)


def _is_midnight(at: datetime) -> bool:
    return local(at).time() == time()
