"""How long 100,000 real past cases take under another rulebook: at most 5 seconds."""

from __future__ import annotations

import time
from pathlib import Path

import numpy as np
import pytest

from geo.crs import LonLat
from portal.cli.rules_simulate import case_of
from portal.operations.simulate_rules import Draft, city_under
from portal.pack.city import build_city
from portal.pack.mapping import read_mapping, read_requests
from portal.pack.reader import read_pack
from routing.simulate import PastCase, simulate

NEW_YORK = Path(__file__).resolve().parents[1] / "cities" / "newyork"
CASES, MOST_S, JITTER_DEGREES = 100_000, 5.0, 2e-5


@pytest.fixture(scope="module")
def cases(wenlu_data: Path) -> list[PastCase]:
    """Requests of New York, drawn again with about 2 m of jitter, so that no two lie in one place."""
    rows = read_requests(
        wenlu_data / "nyc/requests_2026-08-01_04.parquet", read_mapping(NEW_YORK / "MAP.toml")
    )
    known = [case_of(row) for row in rows if row.opened_at is not None]
    chance = np.random.default_rng(11)
    drawn = chance.integers(len(known), size=CASES)
    jitter = chance.normal(0, JITTER_DEGREES, (CASES, 2)).tolist()
    return [moved(known[row], *by) for row, by in zip(drawn.tolist(), jitter, strict=True)]


def moved(case: PastCase, east: float, north: float) -> PastCase:
    place = None if case.point is None else LonLat(case.point[0] + east, case.point[1] + north)
    return PastCase(case.name, case.service_code, case.at, place)


def test_a_hundred_thousand_cases(cases: list[PastCase]) -> None:
    pack = read_pack(NEW_YORK)
    city = build_city(pack)
    other = city_under(city, Draft(pack.rules_text.replace('"precinct"', '"community_district"')))
    began = time.process_time()
    done = simulate(cases, city, other)
    took = time.process_time() - began
    print(f"\nsimulate: {done.cases:,} cases under two rulebooks in {took:.2f} s, {done.moved:,} would move")
    assert done.cases == CASES
    assert done.moved > 10_000
    assert took <= MOST_S
