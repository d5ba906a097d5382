"""What `route bulk` finds from files alone against what the cities recorded: every disagreement off a border, listed.

Within 5 m of a border either side is right. Farther off, the recorded district is never far from the place: the
record means another point than its coordinates, or another map than the one published. By comparison:

- Boston, ward: 77 rows at 49 places, the recorded ward at most 547 m off. It follows the address, the coordinates
  (of four decimals) the middle of the street or park, and these are streets and parks that are a border.
- Boston, police district: 21 rows at 14 places, at most 128 m off, likewise.
- Boston, precinct: 828 rows. Precincts were cut anew later (2005 gave off 2010, 0502 gave off 0502A, …). Three rows
  name a precinct kilometres off, in another ward than the one that the row itself names.
- New York, community district: 6 rows. Two lie in the water, beyond what snaps; four at a park or cemetery.
- New York, borough: 53 rows. 51 lie in Marble Hill, which is Manhattan by law and map and is served from the Bronx:
  the record names the catchment, the map the jurisdiction. Two lie in the water.
- New York, council district and precinct: one row each, 23 m and 71 m off.
"""

from __future__ import annotations

import csv
from collections import Counter
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest
import shapely

from geo.boundary import Layer
from geo.crs import LocalFrame
from portal.cli.bulk_file import route_file
from portal.pack.bulk import BulkPlan
from portal.pack.bulk_run import open_source
from portal.pack.mapping import RequestRow
from routing.router import Router

BORDER_M = 5.0
WANTED = {"lon": "lon", "lat": "lat", "service": "service"}
BOSTON = ("boston", "MAP.toml", "boston/requests_2011-07_10.csv.gz")
NEW_YORK = ("newyork", "MAP.toml", "nyc/requests_2026-08-01_04.parquet")
NEW_YORK_DISTRICTS = ("newyork", "MAP_districts.toml", "nyc/requests_2026-02_all_districts.csv.gz")
# By comparison: rows that disagree farther than 5 m from a border, and how far the recorded district is at most.
CASES = [
    pytest.param(BOSTON, {"ward": (77, 600), "police_district": (21, 600), "precinct": (828, 10_000)}, id="Boston"),
    pytest.param(NEW_YORK, {"community_district": (5, 600), "borough": (50, 600)}, id="New York"),
    pytest.param(
        NEW_YORK_DISTRICTS,
        {"community_district": (1, 600), "borough": (3, 600), "council": (1, 600), "precinct": (1, 600)},
        id="New York with districts",
    ),
]  # fmt: skip


@pytest.mark.cities
@pytest.mark.timeout(1200)
@pytest.mark.parametrize(("file", "expected"), CASES)
def test_disagreements_off_the_border_are_few_and_near(
    router_of: Callable[..., Router],
    past_requests: Callable,
    tmp_path: Path,
    file: tuple[str, str, str],
    expected: dict[str, tuple[int, float]],
) -> None:
    mapping, rows = past_requests(*file, None)
    placed = [row for row in rows if row.lon is not None and row.default_point is None]
    router = router_of(file[0])
    found = routed(router, placed, tmp_path)
    layers = {layer.name: layer for layer in router.city.index.layers}
    seen: dict[str, tuple[int, float]] = {}
    for name in expected:
        layer = layers[mapping.compare[name].layer]
        away = [
            (row.compare[name], codes[f"layer_{layer.name}"], recorded_m(layer, row, row.compare[name]), row)
            for row, codes in zip(placed, found, strict=True)
            if name in row.compare
            and row.compare[name] not in codes[f"layer_{layer.name}"].split(";")
            and border_m(router, layer.name, row) > BORDER_M
        ]
        print(
            f"\n{file[0]} {name}: {len(away)} rows at {len({(row.lon, row.lat) for *_, row in away})} places"
        )
        for (recorded, ours), rows_of in Counter((each[0], each[1]) for each in away).most_common():
            metres = max(each[2] for each in away if each[:2] == (recorded, ours))
            print(
                f"  recorded {recorded}, found {ours or 'none'}: {rows_of} rows, at most {metres:.0f} m off"
            )
        seen[name] = len(away), max(each[2] for each in away)
    assert {name: count for name, (count, _) in seen.items()} == {
        name: most[0] for name, most in expected.items()
    }
    assert all(metres < expected[name][1] for name, (_, metres) in seen.items())


def routed(router: Router, rows: list[RequestRow], folder: Path) -> list[dict[str, str]]:
    """The answers of `route bulk` for a file of these rows."""
    source, target = folder / "in.csv", folder / "out.csv"
    with source.open("w", newline="", encoding="utf-8") as opened:
        csv.writer(opened).writerows([WANTED, *((row.lon, row.lat, row.service_code) for row in rows)])
    route_file(
        BulkPlan(router, datetime(2026, 8, 5, tzinfo=UTC)), open_source(source, WANTED), WANTED, target
    )
    with target.open(newline="", encoding="utf-8") as opened:
        return list(csv.DictReader(opened))


def border_m(router: Router, layer: str, row: RequestRow) -> float:
    """Metres to the nearest border of a layer, 1000 beyond what is measured."""
    hits, others = router.city.index.lookup_nearby(row.lon, row.lat, 100.0)
    inside = [hit.edge_m for hit in hits if hit.layer == layer and hit.edge_m is not None]
    return min(inside + [other.distance_m for other in others if other.layer == layer], default=1000.0)


def recorded_m(layer: Layer, row: RequestRow, code: str) -> float:
    """Metres from the place to the recorded boundary, for short ways."""
    boundary = next(each for each in layer.boundaries if each.code == code)
    frame = LocalFrame(row.lon, row.lat)
    own = shapely.transform(boundary.geometry, frame.project)
    return float(shapely.distance(own, shapely.Point(0, 0)))
