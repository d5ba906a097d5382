"""Ambiguity is honest: who is flagged near a border on New York, and how many of them the city put elsewhere.

The records carry coordinates of a geocoder and no accuracy: they are routed as `route bulk` and `replay` do. The
geocoder sets an address 0.8 to 1.5 m to its own side of the middle of the street and an intersection on it:
4.1 % of the rows lie within 2 m of a border between districts, but nine in ten of them are right. Doubtful is
what lies within `geocoded_border_m` (0.5 m). Of the full files 0.73 % are flagged; they hold 95.9 % of the
disagreements, and 45 % of them are one. Six disagreements lie 13 to 100 m off any border, or nowhere near one.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import replace

import pytest

from routing.router import PointQuery, Router
from routing.rules import parse_rulebook

FILES = [
    ("MAP.toml", "nyc/requests_2026-08-01_04.parquet"),
    ("MAP_districts.toml", "nyc/requests_2026-02_all_districts.csv.gz"),
]
DISTRICT = "community_district"
RULES = parse_rulebook(
    {
        "rule": [
            {
                "id": "district",
                "lead": {"boundary_of": DISTRICT},
                "when": {"layer": DISTRICT},
                "ambiguous": "joint",
            },
            {"id": "fallback", "lead": {"unit": "centre-311"}},
        ]
    }
)
SIZES = [
    pytest.param(6000, id="sample"),
    pytest.param(None, id="full", marks=pytest.mark.cities),
]


@pytest.fixture(scope="module")
def district_router(router_of) -> Router:
    """The pack's boundaries, units and default accuracy under one rule: the district's unit leads."""
    return Router(replace(router_of("newyork").city, rulebook=RULES))


@pytest.fixture(scope="module")
def judged(district_router, past_requests):
    """Count rows by (flagged, disagreeing) for an accuracy in metres, None for the default."""

    def count(size: int | None, accuracy_m: float | None) -> Counter[tuple[bool, bool]]:
        seen: Counter[tuple[bool, bool]] = Counter()
        for mapping, file in FILES:
            for row in past_requests("newyork", mapping, file, size)[1]:
                if row.lon is None or DISTRICT not in row.compare:
                    continue
                query = PointQuery(
                    row.service_code, row.opened_at, row.lon, row.lat, accuracy_m, is_geocoded=True
                )
                facts, decision = district_router.decide(query)
                ours = {hit.code for hit in facts.hits if hit.layer == DISTRICT}
                seen[decision.ambiguous, row.compare[DISTRICT] not in ours] += 1
        return seen

    return count


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("accuracy_m", [pytest.param(None, id="as records"), pytest.param(1.0, id="1 m")])
def test_few_are_flagged_and_they_hold_the_disagreements(judged, size, accuracy_m):
    seen = judged(size, accuracy_m)
    flagged, disagreeing = seen[True, True] + seen[True, False], seen[True, True] + seen[False, True]
    assert disagreeing >= (15 if size else 140)
    assert flagged / seen.total() <= 0.03
    assert seen[True, True] / disagreeing >= 0.90
    assert seen[True, True] / flagged >= 0.05


@pytest.mark.parametrize(
    ("accuracy_m", "most"),
    [
        pytest.param(30.0, 0.06, id="a usual phone"),
        pytest.param(100.0, 0.25, id="a phone indoors"),
    ],
)
def test_a_measured_radius_flags_what_it_must(judged, accuracy_m, most):
    """A disc that truly reaches over the border is doubtful, and more so the larger it is."""
    seen = judged(2000, accuracy_m)
    share = (seen[True, True] + seen[True, False]) / seen.total()
    assert 0.03 < share < most
