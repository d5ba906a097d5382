"""The figures of units and city: what counts as kept, what as late, and that indexes alone answer them."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import update

from portal import clock
from portal.models.report import report
from portal.queries.front_page import city_figures
from portal.queries.unit_figures import UnitFigures, unit_figures
from portal.web.services import Services

NOW = datetime.fromisoformat("2026-06-01T04:00:00+00:00")
UNIT = "street-wh1"


def days(number: float | None) -> datetime | None:
    """Days before (negative) or after now."""
    return None if number is None else NOW + timedelta(days=number)


@pytest.fixture
def figures_of(parts: Services, file_one: Callable[..., Any]) -> Callable[..., UnitFigures]:
    """The figures of a unit whose only report has this state, promise and end, all in days from now."""

    def ask(state: str, promise: float | None, closed: float | None) -> tuple[UnitFigures, Any]:
        with parts.database.transaction() as tx:
            tx.execute(update(report).values(lead_unit="centre", promise_due_at=None, closed_at=days(-800)))
        with clock.simulated(days(-100)):
            token = file_one().token
        with parts.database.transaction() as tx:
            changed = {"state": state, "promise_due_at": days(promise), "closed_at": days(closed)}
            tx.execute(update(report).where(report.c.token == token).values(lead_unit=UNIT, **changed))
            mine = unit_figures(tx, parts.jurisdiction_id, NOW)
            assert mine.get(UNIT, UnitFigures(UNIT)) == unit_figures(
                tx, parts.jurisdiction_id, NOW, UNIT
            ).get(UNIT, UnitFigures(UNIT))
            return mine.get(UNIT, UnitFigures(UNIT)), city_figures(tx, parts.jurisdiction_id, days(-0.5), NOW)

    return ask


@pytest.mark.parametrize(
    ("state", "promise", "closed", "expected"),
    [
        pytest.param("accepted", 2, None, {"open": 1}, id="open, not yet due"),
        pytest.param("accepted", None, None, {"open": 1}, id="open, nothing promised"),
        pytest.param("accepted", -2, None, {"open": 1, "late": 1, "judged": 1}, id="open and overdue"),
        pytest.param("closed", -2, -3, {"closed": 1, "judged": 1, "on_time": 1}, id="kept"),
        pytest.param("closed", -3, -2, {"closed": 1, "judged": 1}, id="done late"),
        pytest.param("closed", 2, -2, {"closed": 1}, id="done, not yet due"),
        pytest.param("rejected", -2, -3, {}, id="rejected in time: not judged"),
        pytest.param("rejected", -3, -2, {"judged": 1}, id="rejected when it was late: late"),
        pytest.param("duplicate", -2, -3, {}, id="merged in time: not judged"),
        pytest.param("duplicate", -3, -2, {"judged": 1}, id="merged when it was late: late"),
        pytest.param("closed", -95, -96, {}, id="long ago"),
    ],
)
def test_what_counts(
    figures_of: Callable[..., Any],
    state: str,
    promise: float | None,
    closed: float | None,
    expected: dict[str, int],
) -> None:
    unit, city = figures_of(state, promise, closed)
    assert unit == UnitFigures(UNIT, **expected)
    assert (city.judged, city.on_time) == (unit.judged, unit.on_time)


@pytest.mark.parametrize(
    ("endings", "ended", "share"),
    [
        pytest.param(["fixed"] * 10, 10, 1.0, id="all of it"),
        pytest.param(["fixed"] * 6 + ["partly_fixed"] * 4, 10, 0.8, id="in part counts half"),
        pytest.param(["partly_fixed"] * 12, 12, 0.5, id="all in part"),
        pytest.param(["fixed"] * 5 + ["not_found"] * 5, 10, 0.5, id="nothing found is not resolved"),
        pytest.param(
            ["fixed"] * 10 + ["merged", None], 10, 1.0, id="what follows or says nothing has no weight"
        ),
        pytest.param(["fixed"] * 9, 9, None, id="too few"),
    ],
)
def test_fixed_in_part_counts_half(parts, file_one, endings, ended, share) -> None:
    with parts.database.transaction() as tx:
        tx.execute(update(report).values(lead_unit="centre", closed_at=days(-800)))
    with clock.simulated(days(-20)):
        tokens = [file_one().token for _ in endings]
    with parts.database.transaction() as tx:
        for token, code in zip(tokens, endings, strict=True):
            values = {"lead_unit": UNIT, "closed_at": days(-2), "state": "closed", "closing_code": code}
            tx.execute(update(report).where(report.c.token == token).values(values))
        found = unit_figures(tx, parts.jurisdiction_id, NOW, UNIT)[UNIT]
    assert (found.ended, found.resolved_share) == (ended, share)
    assert found.partly == endings.count("partly_fixed")


@pytest.mark.parametrize("unit_code", ["", "unit-7"], ids=["all units", "one unit"])
@pytest.mark.usefixtures("many")
def test_indexes_alone_answer(parts: Services, plans: Callable[..., list[str]], unit_code: str) -> None:
    (plan,) = plans(lambda tx: unit_figures(tx, parts.jurisdiction_id, clock.now(), unit_code))
    assert "Seq Scan" not in plan, plan
    if not unit_code:  # for one unit, its own few rows by ix_report_unit are as good
        # What is open stands in two of them: the planner takes the smaller one of the day.
        known = {"ix_report_closed", "ix_report_open_unit", "ix_report_promise"}
        assert set(re.findall(r"Scan using (\w+)", plan)) <= known, plan
        assert plan.count("Index Only Scan") == 3, plan
