"""A year of the demo city as plain data: as many as wanted, in their seasons and places, the same every time."""

from __future__ import annotations

import itertools
from collections import Counter
from pathlib import Path

import pytest

from portal.demo.lanpu.facts import read_facts
from portal.demo.lanpu.write import read_table
from portal.demo.life.events import Event, read_demand, year_of_events
from portal.demo.life.rhythm import storm_days

SEED = 11


@pytest.fixture(scope="module")
def services(folder: Path) -> dict[str, dict[str, str]]:
    return {row["service_code"]: row for row in read_table(folder / "services.csv")}


@pytest.fixture(scope="module")
def events(folder: Path, services: dict[str, dict[str, str]]) -> list[Event]:
    from datetime import date

    return year_of_events(read_facts(folder), services, date(2026, 11, 21), SEED, 6000)


def test_every_service_has_its_demand(services: dict[str, dict[str, str]]) -> None:
    rows = read_demand()
    assert {service.code for service, _ in rows} == set(services)
    assert sum(service.share for service, _ in rows) == pytest.approx(1)


def test_the_year_is_full_and_in_order(events: list[Event]) -> None:
    assert 5500 < len(events) < 7500
    assert [one.number for one in events] == list(range(len(events)))
    assert all(a.at <= b.at for a, b in itertools.pairwise(events))
    assert {one.language for one in events} == {"zh_Hans", "en"}
    assert len({one.text for one in events}) > len(events) * 0.8


def test_some_repeat_an_earlier_one_nearby_and_some_pins_are_bad(events: list[Event]) -> None:
    again = [one for one in events if one.again is not None]
    assert 0.06 < len(again) / len(events) < 0.16
    for one in again:
        first = events[one.again or 0]
        assert first.number < one.number
        assert first.service_code == one.service_code
        assert abs(first.lat - one.lat) < 0.001
    assert 0.01 < sum(one.is_bad_pin for one in events) / len(events) < 0.05


def test_noise_is_of_the_night_and_storms_bring_down_trees(events: list[Event]) -> None:
    hours = Counter(one.at.hour for one in events if one.service_code == "noise")
    assert sum(hours[hour] for hour in (20, 21, 22, 23, 0)) > 0.35 * sum(hours.values())
    trees = Counter(one.at.date() for one in events if one.service_code == "fallen-tree")
    assert sum(number for _, number in trees.most_common(6)) > 0.3 * sum(trees.values())


def test_the_same_seed_tells_the_same_year(folder: Path, services: dict[str, dict[str, str]]) -> None:
    from datetime import date

    import numpy as np

    facts = read_facts(folder)
    one, other = (year_of_events(facts, services, date(2026, 11, 21), SEED, 400) for _ in range(2))
    assert one == other
    assert storm_days(date(2026, 1, 1), 365, np.random.default_rng(1))
