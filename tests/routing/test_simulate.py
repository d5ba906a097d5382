"""Past cases under another rulebook or map: exact with and without memory, counted by unit and rule."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import Random

import pytest

from geo.crs import LonLat
from portal.pack.city import build_city
from portal.pack.reader import read_pack
from routing.router import PointQuery, Router
from routing.rules import parse_rulebook
from routing.simulate import PastCase, outcomes, simulate

DEMO = Path(__file__).resolve().parents[2] / "portal" / "demo" / "linhai"
START = datetime(2026, 3, 2, 0, 17, tzinfo=UTC)


@pytest.fixture(scope="module")
def pack():
    return read_pack(DEMO)


@pytest.fixture(scope="module")
def city(pack):
    return build_city(pack)


@pytest.fixture(scope="module")
def cases(city):
    """Every service at all hours, answered and not, in and around the city, some without a place."""
    chance = Random(7)
    shapes = [
        one.geometry.bounds for layer in city.index.layers if layer.required for one in layer.boundaries
    ]
    west, south = min(box[0] for box in shapes) - 0.004, min(box[1] for box in shapes) - 0.004
    east, north = max(box[2] for box in shapes) + 0.004, max(box[3] for box in shapes) + 0.004
    keys = {"leak-kind": ["burst", "drip"], "blocks": ["road", "path"], "lamp-fault": ["wires", "dark"],
            "park-or-street": ["street", "park"], "waste-type": ["bulky", "bag"]}  # fmt: skip
    units = [unit.code for unit in city.directory]
    return [
        PastCase(
            str(number),
            chance.choice(list(city.services)),
            START + timedelta(minutes=chance.randrange(60 * 24 * 40)),
            None
            if chance.random() < 0.1
            else LonLat(chance.uniform(west, east), chance.uniform(south, north)),
            {code: (chance.choice(some),) for code, some in keys.items() if chance.random() < 0.5},
            channel=chance.choice(["web", "api"]),
            about_unit=chance.choice(["", *units]),
        )
        for number in range(4000)
    ]


def test_what_is_remembered_is_what_the_router_decides(city, cases):
    router = Router(city)
    plain = [
        router.decide(
            PointQuery(
                one.service_code, one.at, *(one.point or (None, None)),
                answers=one.answers, channel=one.channel, about_unit=one.about_unit,
            )
        )[1]
        for one in cases
    ]  # fmt: skip
    found = outcomes(cases, city)
    assert [(one.lead, one.rule_id) for one in found] == [(one.lead, one.rule_id) for one in plain]
    assert len({one.rule_id for one in found}) > 12


def test_the_same_rules_change_nothing(city, cases):
    done = simulate(cases, city, city)
    assert (done.cases, done.skipped, done.changes, done.rules) == (4000, 0, (), {})
    assert sum(row.before for row in done.units) == 4000


def test_who_gains_and_who_loses(pack, city, cases):
    text = pack.rules_text.replace(
        'id = "light"\nwhen = { service = ["street-light"] }\nlead = { unit = "lighting" }',
        'id = "light"\nwhen = { service = ["street-light"] }\nlead = { unit = "parks" }',
    )
    done = simulate(cases, city, build_city(pack, rulebook=parse_rulebook(text)))
    rows = {row.unit: row for row in done.units}
    assert done.moved == rows["parks"].gained == rows["lighting"].lost > 50
    assert (rows["parks"].lost, rows["lighting"].gained) == (0, 0)
    assert all(row.after - row.before == row.gained - row.lost for row in done.units)
    assert done.rules == {}  # the same rule, another unit
    places = [feature["geometry"]["coordinates"] for feature in done.map()["features"]]
    assert len(places) == sum(one.case.point is not None for one in done.changes)
    assert {one.case.service_code for one in done.changes} == {"street-light"}


def test_a_service_that_is_gone_is_skipped(city, cases):
    odd = PastCase("odd", "no-such-service", START)
    assert simulate([*cases[:5], odd], city, city).skipped == 1
