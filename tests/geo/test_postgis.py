"""Editions in PostGIS: staged beside the active one, switched in one transaction, read back exactly."""

from collections.abc import Callable, Iterator
from datetime import date
from pathlib import Path

import numpy as np
import pytest
import shapely
from sqlalchemy import Connection, create_engine, func, inspect, select
from sqlalchemy.exc import IntegrityError

from geo import tables
from geo.boundary import Boundary, Layer, repair
from geo.files import read_layer
from geo.index import PointIndex
from geo.postgis import (
    EditionError,
    activate_edition,
    active_editions,
    configure_layer,
    covers_query,
    find_edition,
    layer_digest,
    load_editions,
    load_layers,
    load_layers_as_of,
    stage_edition,
    withdraw_edition,
)

CITY = "test.example"


GEO_TABLES = [tables.layer, tables.edition, tables.boundary, tables.boundary_part]


@pytest.fixture(scope="module")
def postgis(new_database: Callable[..., str], postgis_template: str) -> Iterator[Connection]:
    engine = create_engine(new_database(postgis_template))
    with engine.connect() as conn:
        tables.metadata.create_all(conn, tables=GEO_TABLES)
        conn.commit()
        yield conn
    engine.dispose()


@pytest.fixture
def conn(postgis: Connection) -> Iterator[Connection]:
    """A connection whose changes are rolled back: nothing under test commits."""
    yield postgis
    postgis.rollback()


def squares(name: str = "ward", *codes: str, **settings: object) -> Layer:
    boxes = [
        Boundary(code, f"Ward {code}", shapely.box(i / 3, 0, (i + 1) / 3, 1), {"district": "X"})
        for i, code in enumerate(codes or ("1", "2"))
    ]
    return Layer(name, tuple(boxes), **settings)  # type: ignore[arg-type]


def states(conn: Connection) -> dict[int, str]:
    return {row.id: row.state for row in conn.execute(select(tables.edition))}


def test_nothing_is_loaded_before_an_edition_is_active(conn: Connection) -> None:
    stage_edition(conn, CITY, squares())
    assert load_layers(conn, CITY) == []


def test_an_active_layer_comes_back_as_it_was(conn: Connection) -> None:
    layer = squares("ward", "1", "2", tie_order=3, snap_m=5.0, required=True)
    edition_id = stage_edition(conn, CITY, layer, title={"en": "Wards"})
    activate_edition(conn, edition_id)
    [loaded] = load_layers(conn, CITY)
    assert loaded == Layer("ward", layer.boundaries, edition_id, tie_order=3, snap_m=5.0, required=True)
    assert active_editions(conn, CITY) == {"ward": edition_id}


@pytest.mark.parametrize(
    "geometry",
    [
        pytest.param(shapely.Point(0.1 + 0.2, 1 / 3), id="point with all its digits"),
        pytest.param(shapely.LineString([(0, 0), (1 / 3, 2 / 3)]), id="line"),
        pytest.param(repair(shapely.Polygon([(179, 0), (-179, 0), (0.1 - 180, 1), (179, 1)])), id="split"),
        pytest.param(shapely.box(0, 0, 1, 1).difference(shapely.box(0.1, 0.1, 0.7, 0.3)), id="hole"),
    ],
)
def test_geometry_is_stored_to_the_last_bit(conn: Connection, geometry: shapely.Geometry) -> None:
    layer = Layer("asset", (Boundary("a", "A", geometry),), is_area=False)
    activate_edition(conn, stage_edition(conn, CITY, layer))
    [loaded] = load_layers(conn, CITY)
    assert shapely.to_wkb(loaded.boundaries[0].geometry) == shapely.to_wkb(geometry)


def test_activation_retires_the_edition_before_and_can_go_back(conn: Connection) -> None:
    first = stage_edition(conn, CITY, squares())
    activate_edition(conn, first)
    second = stage_edition(conn, CITY, squares("ward", "1", "2", "3"))
    assert states(conn) == {first: "active", second: "staged"}
    activate_edition(conn, second)
    assert states(conn) == {first: "retired", second: "active"}
    assert [b.code for b in load_layers(conn, CITY)[0].boundaries] == ["1", "2", "3"]
    activate_edition(conn, first)
    assert states(conn) == {first: "active", second: "retired"}


def test_activating_twice_changes_nothing(conn: Connection) -> None:
    edition_id = stage_edition(conn, CITY, squares())
    activate_edition(conn, edition_id)
    before = conn.execute(select(tables.edition)).one()
    activate_edition(conn, edition_id)
    assert conn.execute(select(tables.edition)).one() == before


def test_the_database_refuses_two_active_editions_of_a_layer(conn: Connection) -> None:
    for _ in range(2):
        stage_edition(conn, CITY, squares())
    with pytest.raises(IntegrityError, match="uq_edition_active"):
        conn.execute(tables.edition.update().values(state="active"))


def test_an_unknown_edition_is_named(conn: Connection) -> None:
    with pytest.raises(EditionError, match="no edition 987654"):
        activate_edition(conn, 987654)


def test_one_code_for_two_boundaries_is_refused(conn: Connection) -> None:
    with pytest.raises(EditionError, match="'1' stands for two"):
        stage_edition(conn, CITY, squares("ward", "1", "1"))


def test_staging_leaves_the_settings_in_force_alone(conn: Connection) -> None:
    activate_edition(conn, stage_edition(conn, CITY, squares(snap_m=5.0)))
    wider = squares(snap_m=50.0)
    stage_edition(conn, CITY, wider)
    assert load_layers(conn, CITY)[0].snap_m == 5.0
    configure_layer(conn, CITY, wider)
    assert load_layers(conn, CITY)[0].snap_m == 50.0


def test_jurisdictions_do_not_see_each_other(conn: Connection) -> None:
    activate_edition(conn, stage_edition(conn, CITY, squares()))
    assert load_layers(conn, "other.example") == []


def test_the_same_content_is_found_again(conn: Connection) -> None:
    layer = squares()
    assert find_edition(conn, CITY, "ward", layer_digest(layer)) is None
    edition_id = stage_edition(conn, CITY, layer)
    assert find_edition(conn, CITY, "ward", layer_digest(layer)) == edition_id
    assert find_edition(conn, CITY, "ward", layer_digest(squares("ward", "1", "3"))) is None


@pytest.mark.parametrize(
    ("day", "codes"),
    [
        pytest.param(date(2012, 12, 31), ["1", "2"], id="the day before the change"),
        pytest.param(date(2013, 1, 1), ["1", "2", "3"], id="the day of the change"),
        pytest.param(date(2030, 1, 1), ["1", "2", "3"], id="long after"),
    ],
)
def test_a_retired_edition_answers_as_of_its_time(conn: Connection, day: date, codes: list[str]) -> None:
    activate_edition(conn, stage_edition(conn, CITY, squares(), valid_to=date(2013, 1, 1)))
    new = stage_edition(conn, CITY, squares("ward", "1", "2", "3"), valid_from=date(2013, 1, 1))
    activate_edition(conn, new)
    [layer] = load_layers_as_of(conn, CITY, day)
    assert [boundary.code for boundary in layer.boundaries] == codes


@pytest.mark.parametrize(
    ("day", "is_there"),
    [
        pytest.param(date(2012, 12, 31), True, id="the last day"),
        pytest.param(date(2013, 1, 1), False, id="the day on which it ended"),
    ],
)
def test_an_edition_that_ended_without_another_answers_no_more(
    conn: Connection, day: date, is_there: bool
) -> None:
    activate_edition(conn, stage_edition(conn, CITY, squares(), valid_to=date(2013, 1, 1)))
    assert [layer.name for layer in load_layers_as_of(conn, CITY, day)] == ["ward"] * is_there


def test_of_two_maps_without_a_date_the_one_in_force_answers(conn: Connection) -> None:
    first = stage_edition(conn, CITY, squares())
    second = stage_edition(conn, CITY, squares("ward", "1", "2", "3"))
    for edition_id in (first, second, first):
        activate_edition(conn, edition_id)
    [layer] = load_layers_as_of(conn, CITY, date(2026, 1, 1))
    assert layer.edition == first


def test_an_edition_taken_back_is_no_days_map_but_can_still_be_loaded(conn: Connection) -> None:
    first = stage_edition(conn, CITY, squares(), valid_to=date(2030, 1, 1))
    mistake = stage_edition(conn, CITY, squares("ward", "1", "2", "3"), valid_from=date(2013, 1, 1))
    for edition_id in (first, mistake, first):
        activate_edition(conn, edition_id)
    withdraw_edition(conn, mistake)
    assert states(conn) == {first: "active", mistake: "staged"}
    [layer] = load_layers_as_of(conn, CITY, date(2020, 1, 1))
    assert layer.edition == first
    [loaded] = load_editions(conn, CITY, [mistake])
    assert [boundary.code for boundary in loaded.boundaries] == ["1", "2", "3"]


def test_only_a_retired_edition_can_be_taken_back(conn: Connection) -> None:
    first = stage_edition(conn, CITY, squares())
    activate_edition(conn, first)
    with pytest.raises(EditionError, match=f"edition {first} is not a retired one"):
        withdraw_edition(conn, first)


def test_an_edition_of_another_city_is_not_loaded(conn: Connection) -> None:
    ours = stage_edition(conn, CITY, squares())
    with pytest.raises(EditionError, match=f"no edition {ours}"):
        load_editions(conn, "other.example", [ours])


def test_parts_have_the_same_area_as_their_boundary(conn: Connection) -> None:
    ring = shapely.Point(0, 0).buffer(1, quad_segs=400).difference(shapely.Point(0, 0).buffer(0.5))
    stage_edition(conn, CITY, Layer("ring", (Boundary("r", "R", ring),)))
    areas = select(func.count(), func.sum(func.ST_Area(tables.boundary_part.c.geom)))
    count, area = conn.execute(areas).one()
    assert count > 4
    assert area == pytest.approx(ring.area, rel=1e-12)


def test_table_names_and_indexes_follow_the_convention(postgis: Connection) -> None:
    indexes = {index["name"] for table in GEO_TABLES for index in inspect(postgis).get_indexes(table.name)}
    assert {"ix_boundary_geom", "ix_boundary_part_geom", "uq_edition_active"} <= indexes
    assert not [name for name in indexes if name.startswith("idx_")]


PARITY_LAYERS = {
    "community_districts.geojson.gz": "boro_cd",
    "council_districts.geojson.gz": "CounDist",
    "police_precincts.geojson.gz": "precinct",
}


@pytest.fixture(scope="module")
def real_points(wenlu_data: Path) -> np.ndarray:
    """100,000 points: places people reported, the same moved by up to 30 m, and some all over the city."""
    file = wenlu_data / "nyc" / "requests_2026-08-01_04.parquet"
    import pandas as pd

    frame = pd.read_parquet(file, columns=["longitude", "latitude"]).astype(float).dropna()
    reported, rng = frame.to_numpy(), np.random.default_rng(311)
    moved = reported[rng.integers(0, len(reported), 40_000)] + rng.uniform(-3e-4, 3e-4, (40_000, 2))
    low, high = reported.min(axis=0), reported.max(axis=0)
    anywhere = rng.uniform(low, high, (100_000 - len(reported) - len(moved), 2))
    return np.vstack((reported, moved, anywhere))


@pytest.mark.parametrize(("file", "code"), PARITY_LAYERS.items(), ids=PARITY_LAYERS)
def test_index_and_postgis_agree_on_100000_real_points(
    conn: Connection, wenlu_data: Path, real_points: np.ndarray, file: str, code: str
) -> None:
    layer, findings = read_layer(wenlu_data / "nyc" / file, name="district", code=code)
    assert not [finding for finding in findings if finding.severity == "error"]
    activate_edition(conn, stage_edition(conn, CITY, layer))
    [stored] = load_layers(conn, CITY)
    lon, lat = real_points.T
    points, owners = PointIndex.build([stored]).covering_many("district", lon, lat)
    ours = {(int(n), stored.boundaries[owner].code) for n, owner in zip(points, owners, strict=True)}
    rows = conn.execute(covers_query(stored.edition, lon.tolist(), lat.tolist()))
    theirs = {(row.n, row.code) for row in rows}
    assert len(lon) == 100_000
    assert len(theirs) > 80_000
    assert ours ^ theirs == set()
