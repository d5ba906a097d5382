"""Packs of real cities, without a database: what the software finds against what the cities recorded.

The shares asked for are those that exact geometry gives on these files; nearly all the rest lies on a street
that is itself the border. Rows without coordinates are counted apart and never improve a share.
"""

from __future__ import annotations

from datetime import date

import pytest

from portal.pack.check import check
from portal.pack.reader import read_pack

SAMPLE = 2000
SIZES = [pytest.param(SAMPLE, id="sample"), pytest.param(None, id="full", marks=pytest.mark.cities)]

BOSTON = ("boston", "MAP.toml", "boston/requests_2011-07_10.csv.gz")
NEW_YORK = ("newyork", "MAP.toml", "nyc/requests_2026-08-01_04.parquet")
NEW_YORK_DISTRICTS = ("newyork", "MAP_districts.toml", "nyc/requests_2026-02_all_districts.csv.gz")
PINGSHAN = ("shenzhen", "MAP.toml", "shenzhen/pingshan_complaints_2018-02_10.csv.gz")
TAXI = ("shenzhen", "MAP_taxi.toml", "shenzhen/taxi_od_2019-09-01_wgs84.csv.gz")

AGREEMENT = [
    (BOSTON, "ward", 0.992),
    (BOSTON, "ward, off the border", 0.997),
    (BOSTON, "police_district", 0.996),
    (BOSTON, "police_district, off the border", 0.999),
    (BOSTON, "precinct", 0.95),
    (NEW_YORK, "community_district", 0.996),
    (NEW_YORK, "community_district, off the border", 0.999),
    (NEW_YORK, "borough", 0.998),
    (NEW_YORK_DISTRICTS, "community_district", 0.996),
    (NEW_YORK_DISTRICTS, "council", 0.995),
    (NEW_YORK_DISTRICTS, "precinct", 0.992),
]


@pytest.mark.parametrize("city", ["boston", "newyork", "shenzhen"])
@pytest.mark.parametrize("today", [None, date(2026, 11, 20)], ids=["newest", "by date"])
def test_a_pack_has_no_errors(wenlu_data, request, city, today):
    pack = read_pack(request.path.parent / city)
    assert [str(each) for each in check(pack, today) if each.severity == "error"] == []


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize(
    ("file", "comparison", "share"),
    AGREEMENT,
    ids=[f"{case[0][0]} {case[0][1]} {case[1]}" for case in AGREEMENT],
)
def test_the_boundary_found_is_the_one_recorded(tally_of, size, file, comparison, share):
    tally_of(*file, size).assert_share(comparison, share)


@pytest.mark.parametrize(
    ("file", "without_place", "default_point"),
    [
        pytest.param(BOSTON, 3396, 3396, id="Boston: all on the City Hall point"),
        pytest.param(NEW_YORK, 658, 0, id="New York"),
        pytest.param(NEW_YORK_DISTRICTS, 48, 0, id="New York with districts"),
        pytest.param(PINGSHAN, 6952, 0, id="Pingshan: no coordinates at all"),
    ],
)
@pytest.mark.cities
def test_rows_without_a_place_are_counted_apart(tally_of, file, without_place, default_point):
    counts = tally_of(*file, None).counts
    assert (counts["no place"], counts["default point"]) == (without_place, default_point)


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize(
    ("file", "centre"),
    [
        pytest.param(NEW_YORK, "centre-311", id="New York"),
        pytest.param(NEW_YORK_DISTRICTS, "centre-311", id="New York with districts"),
        pytest.param(PINGSHAN, "centre", id="Pingshan"),
    ],
)
def test_rows_without_a_place_go_to_the_coordination_centre(tally_of, file, centre, size):
    counts = tally_of(*file, size).counts
    assert counts["no place"] > 0
    assert counts[f"no place, led by {centre}"] == counts["no place"]


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize(
    "file", [BOSTON, NEW_YORK, TAXI, PINGSHAN], ids=["Boston", "New York", "taxi", "Pingshan"]
)
def test_every_row_gets_a_unit_of_the_city(tally_of, file, size):
    counts = tally_of(*file, size).counts
    assert counts["led by a unit"] == counts["rows"] > 0


@pytest.mark.parametrize(
    ("on", "least", "most"),
    [
        pytest.param(date(2013, 6, 30), 0, 0, id="the day before it was created"),
        pytest.param(None, 16, 17, id="newest"),
    ],
)
def test_records_of_precinct_121_match_only_the_map_that_has_it(decided, on, least, most):
    rows = decided(*NEW_YORK_DISTRICTS, on=on, only=lambda row: row.compare.get("precinct") == "121")
    hits = [{hit.code for hit in facts.hits if hit.layer == "precinct"} for _, facts, _ in rows]
    assert len(hits) == 17
    assert least <= sum("121" in codes for codes in hits) <= most


@pytest.mark.parametrize("size", SIZES)
def test_due_times_follow_from_the_calendar_of_the_pack(past_requests, router_of, size):
    """Working days, cut-off and weekend rule of city.toml and the days of targets.csv give the due time that
    the city set, within 2 minutes, for 99 % of the rows whose type has days of its own.
    """
    city = router_of("boston").city
    own = {target.applies_to for target in city.targets}
    compared = missed = 0
    for row in past_requests(*BOSTON, size)[1]:
        if row.due_at is None or row.service_code not in own:
            continue
        target = city.targets.find(city.services[row.service_code], "normal", "promise", "resolve")
        due_at = city.calendar.add(row.opened_at, target.amount, target.unit)
        compared += 1
        missed += abs((due_at - row.due_at).total_seconds()) > 120
    assert compared > (1500 if size else 30_000)
    assert missed / compared <= (0.02 if size else 0.01)
