"""The counts of areas and units by day: the same as counting by hand, whole or bit by bit."""

from __future__ import annotations

import random
from collections import Counter
from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import select, text, update

from portal import clock
from portal.models.open_city import area_day
from portal.models.report import report
from portal.operations.refresh_area_days import refresh_area_days
from portal.queries.area_days import UNIT, last_months, months_of, months_of_layer, refreshed_at

CITY = "linhai.example"
ZONE = ZoneInfo("Asia/Shanghai")
NOW = datetime(2026, 6, 15, 3, 0, tzinfo=UTC)
TODAY = date(2026, 6, 15)
MADE = """
    WITH made AS (
        INSERT INTO case_file (jurisdiction_id, subject, token, last_seq, last_hash)
        SELECT :city, 'report', :token, 0, '' RETURNING id
    ) INSERT INTO report (
        id, jurisdiction_id, token, kind, service_code, state, priority, channel, locale, is_anonymous, is_private,
        description, public_text, answers, lead_unit, assist_units, rule, rulebook_version, confidence, is_ambiguous,
        receipt, public_receipt, opened_at, updated_at, closed_at, promise_due_at, places, closing_code)
    SELECT id, :city, :token, 'report', 'pothole', :state, 'normal', 'web', 'en', false, :is_private, '', '', '{}',
        :unit, '[]', 'r', 1, 1, false, '{}', '{}', :opened, :opened, :closed, :due, :places, :code
    FROM made
"""
ENDINGS = [
    ("closed", "fixed"),
    ("resolved", "not_found"),
    ("confirmed", None),
    ("rejected", None),
    ("duplicate", None),
]


def made_up(chance: random.Random, number: int) -> dict[str, Any]:
    opened = NOW - timedelta(hours=chance.randrange(1, 24 * 500))
    is_closed = chance.random() < 0.8
    closed = min(opened + timedelta(hours=chance.randrange(1, 900)), NOW) if is_closed else None
    state, code = chance.choice(ENDINGS) if is_closed else ("accepted", None)
    places = [f"street:S{chance.randrange(3)}", "district:D1"]
    return {
        "city": CITY, "token": f"AREA{number}", "state": state, "code": code, "opened": opened, "closed": closed,
        "due": opened + timedelta(hours=chance.randrange(24, 600)) if chance.random() < 0.9 else None,
        "is_private": chance.random() < 0.1, "unit": f"unit-{chance.randrange(3)}", "places": places,
    }  # fmt: skip


@pytest.fixture(scope="module")
def rows(linhai: Any) -> list[dict[str, Any]]:
    chance = random.Random(7)
    found = [made_up(chance, number) for number in range(400)]
    with linhai.database.transaction() as tx:
        tx.execute(text(MADE), found)
    return found


def by_hand(rows: list[dict[str, Any]], layer: str, code: str) -> dict[date, Counter[str]]:
    found: dict[date, Counter[str]] = {month: Counter() for month in last_months(TODAY)}
    for row in rows:
        inside = (
            row["unit"] == code
            if layer == UNIT
            else f"{layer}:{code}" in row["places"] and not row["is_private"]
        )
        if not inside:
            continue
        opened, closed, due = (
            each and each.astimezone(ZONE).date() for each in (row["opened"], row["closed"], row["due"])
        )
        is_dealt = row["state"] in {"closed", "resolved", "confirmed"} and row["code"] != "not_found"
        is_judged = (
            row["due"] and row["due"] <= NOW and (not closed or is_dealt or row["closed"] > row["due"])
        )
        for month, counts in found.items():
            end = date(month.year + month.month // 12, month.month % 12 + 1, 1)
            counts["opened"] += month <= opened < end
            counts["closed"] += bool(closed and is_dealt and month <= closed < end)
            counts["judged"] += bool(is_judged and month <= due < end)
            counts["on_time"] += bool(
                is_judged and month <= due < end and closed and row["closed"] <= row["due"]
            )
            counts["open"] += opened < end and not (closed and closed < end)
    return found


@pytest.mark.parametrize(
    ("layer", "code"), [("street", "S0"), ("street", "S2"), ("district", "D1"), (UNIT, "unit-1")]
)
def test_the_same_as_by_hand(linhai: Any, rows: list[dict[str, Any]], layer: str, code: str) -> None:
    with clock.simulated(NOW), linhai.database.transaction() as tx:
        assert refresh_area_days(tx, CITY, must_be_full=True)
        found = months_of(tx, CITY, layer, code, TODAY)
        assert months_of_layer(tx, CITY, layer, TODAY)[code] == found
        assert refreshed_at(tx, CITY) == NOW
    names = ("opened", "closed", "judged", "on_time", "open")
    expected = by_hand(rows, layer, code)
    assert {row.month: {name: getattr(row, name) for name in names} for row in found} == {
        month: {name: counts[name] for name in names} for month, counts in expected.items()
    }


def test_bit_by_bit_is_the_same_as_whole(linhai: Any, rows: list[dict[str, Any]]) -> None:
    later = NOW + timedelta(hours=11)
    with linhai.database.transaction() as tx, clock.simulated(NOW):
        refresh_area_days(tx, CITY, must_be_full=True)
    with linhai.database.transaction() as tx, clock.simulated(later):
        is_open = report.c.closed_at.is_(None) & report.c.token.like("AREA%5")
        tx.execute(
            update(report).where(is_open).values(closed_at=later, state="resolved", closing_code="fixed")
        )
        tx.execute(
            text(MADE),
            [made_up(random.Random(9), 900) | {"opened": later, "closed": None, "state": "routed"}],
        )
        found = []
        for must_be_full in (False, True):
            refresh_area_days(tx, CITY, must_be_full=must_be_full)
            found.append([months_of(tx, CITY, *each, TODAY) for each in (("street", "S1"), (UNIT, "unit-2"))])
        tx.rollback()
    assert found[0] == found[1]


def test_a_share_of_few_is_none(linhai: Any, rows: list[dict[str, Any]]) -> None:
    with clock.simulated(NOW), linhai.database.transaction() as tx:
        refresh_area_days(tx, CITY, must_be_full=True)
        months = months_of(tx, CITY, "street", "S0", TODAY)
        assert tx.scalar(select(area_day.c.day).where(area_day.c.opened < 0)) is None
    for row in months:
        assert (row.on_time_share is None) == (row.judged < 10)
