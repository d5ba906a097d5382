"""Places that programs write when they know none: flagged as they come in, and found in the history."""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy import select, update

from portal.models.city import jurisdiction_table
from portal.models.ledger import event
from portal.operations.suspect_points import suspect_points
from portal.queries.suspected_points import SUSPECTED, suspected_points

HALL, NEAR_HALL, FAR = (121.6112, 29.2011), (121.61124, 29.2011), (121.6312, 29.2011)


@pytest.fixture(scope="module")
def with_hall(linhai: Any) -> Any:
    with linhai.database.transaction() as tx:
        table = jurisdiction_table.c
        config = tx.scalar(select(table.config)) | {"default_points": {"city_hall": [*HALL, 15]}}
        tx.execute(
            update(jurisdiction_table).values(config=config, routing_version=table.routing_version + 1)
        )
    return linhai


@pytest.mark.parametrize(
    ("place", "more", "flag"),
    [
        pytest.param(HALL, {}, "default_point", id="on it"),
        pytest.param(NEAR_HALL, {}, "default_point", id="four metres off"),
        pytest.param(FAR, {}, None, id="elsewhere"),
        pytest.param(HALL, {"accuracy_m": 8.0}, None, id="measured by a device"),
        pytest.param(HALL, {"place_flag": "area"}, "area", id="an area was chosen"),
    ],
)
def test_a_report_on_a_default_point_is_flagged(with_hall: Any, place: Any, more: Any, flag: Any) -> None:
    token = with_hall.file(**({"lon": place[0], "lat": place[1], "accuracy_m": None} | more))
    row = with_hall.row(token)
    assert row.place_flag == flag
    assert row.lead_unit.startswith("street-"), "it is routed as any other"


def suspicions(linhai: Any) -> Any:
    with linhai.database.reading() as tx:
        events = tx.scalars(select(event.c.public).where(event.c.kind == SUSPECTED)).all()
        return suspected_points(tx, linhai.context.jurisdiction_id), events


def look(linhai: Any) -> int:
    with linhai.database.transaction() as tx:
        return suspect_points(tx, linhai.context.jurisdiction_id)


def test_an_outlandish_share_on_one_spot_is_found_and_told_once(linhai: Any, at: Any) -> None:
    found, _ = suspicions(linhai)
    assert found is None
    with at(days=3):
        assert look(linhai) == 0
        for number in range(4):
            linhai.file(lon=FAR[0] + number / 200, lat=FAR[1] - number / 300)
        for _ in range(32):
            linhai.file(lon=FAR[0], lat=FAR[1] + 0.02)
        assert [look(linhai), look(linhai)] == [1, 1]
    found, events = suspicions(linhai)
    assert [(each["lon"], each["lat"], each["count"]) for each in found.points] == [
        (FAR[0], round(FAR[1] + 0.02, 5), 32)
    ]
    assert [each["places"] for each in events] == [1]
    assert "points" not in events[0], "where it lies may be a home"
