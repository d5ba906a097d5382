"""Boundary files of every format: what is read, and what is told about what is not."""

import gzip
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import geopandas
import pytest
import shapely

from geo.boundary import Layer
from geo.crs import from_wgs84
from geo.files import read_layer
from geo.findings import Finding

WARDS = {"1": shapely.box(-71.1, 42.3, -71.0, 42.4), "2": shapely.box(-71.0, 42.3, -70.9, 42.4)}


def features(*rows: tuple[dict[str, Any], Any], **members: Any) -> str:
    listed = [
        {
            "type": "Feature",
            "properties": properties,
            "geometry": shapely.geometry.mapping(geometry) if geometry else None,
        }
        for properties, geometry in rows
    ]
    return json.dumps({"type": "FeatureCollection", **members, "features": listed})


def frame(crs: str | None = "EPSG:4326") -> geopandas.GeoDataFrame:
    table = {"CODE": list(WARDS), "NAME": ["One", None]}
    wgs84 = geopandas.GeoDataFrame(table, geometry=list(WARDS.values()), crs="EPSG:4326")
    return wgs84.to_crs(crs) if crs else wgs84.set_crs(None, allow_override=True)


def write(folder: Path, name: str, crs: str | None = "EPSG:4326") -> Path:
    file, table = folder / name, frame(crs)
    if name.endswith(".parquet"):
        table.to_parquet(file)
    elif name.endswith(".shp.zip"):
        table.to_file(file, driver="ESRI Shapefile")
    elif name.endswith(".gz"):
        file.write_bytes(gzip.compress(table.to_json().encode()))
    else:
        table.to_file(file)
    return file


def read(file: Path, **options: Any) -> tuple[Layer, list[Finding]]:
    return read_layer(file, name="ward", **{"code": "CODE", **options})


def errors(findings: list[Finding]) -> list[tuple[str, int | None]]:
    return [(finding.kind, finding.row) for finding in findings if finding.severity == "error"]


@pytest.mark.parametrize("crs", ["EPSG:4326", "EPSG:2249", "EPSG:3857"])
@pytest.mark.parametrize("name", ["w.geojson", "w.geojson.gz", "w.shp.zip", "w.shp", "w.gpkg", "w.parquet"])
def test_every_format_gives_the_same_layer(tmp_path: Path, name: str, crs: str) -> None:
    layer, findings = read(
        write(tmp_path, name, crs), name_column="NAME", snap_m=5.0, tie_order=2, required=True
    )
    assert findings == []
    assert [(each.code, each.name) for each in layer.boundaries] == [("1", "One"), ("2", "2")]
    assert (layer.name, layer.edition, layer.tie_order, layer.snap_m, layer.required) == (
        "ward",
        0,
        2,
        5.0,
        True,
    )
    for boundary in layer.boundaries:
        assert shapely.hausdorff_distance(boundary.geometry, WARDS[boundary.code]) < 1e-8


def test_degrees_are_read_to_the_last_bit(tmp_path: Path) -> None:
    file = tmp_path / "w.geojson"
    area = shapely.Polygon([(0.1 + 0.2, 1 / 3), (1 / 7, 2), (3, 3)])
    file.write_text(features(({"CODE": "a"}, area)))
    assert shapely.to_wkb(read(file)[0].boundaries[0].geometry) == shapely.to_wkb(area)


@pytest.mark.parametrize(
    ("declared", "override", "told"),
    [
        pytest.param(
            None, None, "not degrees but feet or metres, and the file does not name", id="undeclared feet"
        ),
        pytest.param(
            "EPSG:4326", None, "feet or metres, and the file says that they are degrees", id="a lie"
        ),
        pytest.param(None, "EPSG:4269", "not degrees but feet or metres", id="wrong override"),
        pytest.param("EPSG:999999", None, "'EPSG:999999' is not known", id="unknown system"),
        pytest.param(None, "EPSG:2249", None, id="override"),
        pytest.param("EPSG:2249", None, None, id="declared"),
        pytest.param("EPSG:4326", "EPSG:2249", None, id="the override wins"),
    ],
)
def test_feet(tmp_path: Path, declared: str | None, override: str | None, told: str | None) -> None:
    feet = frame("EPSG:2249").geometry
    members = {"crs": {"type": "name", "properties": {"name": declared}}} if declared else {}
    file = tmp_path / "feet.geojson"
    file.write_text(
        features(*(({"CODE": code}, area) for code, area in zip(WARDS, feet, strict=True)), **members)
    )
    layer, findings = read(file, crs=override)
    if told is None:
        assert findings == []
        assert shapely.hausdorff_distance(layer.boundaries[0].geometry, WARDS["1"]) < 1e-8
    else:
        assert layer.boundaries == ()
        assert [(each.severity, each.file) for each in findings] == [("error", "feet.geojson")]
        assert told in findings[0].message


def test_degrees_that_are_said_to_be_feet(tmp_path: Path) -> None:
    layer, [finding] = read(write(tmp_path, "w.geojson"), crs="EPSG:2249")
    assert layer.boundaries == ()
    assert "are degrees, not those of" in finding.message


@pytest.mark.filterwarnings("ignore:'crs' was not provided")
def test_a_shapefile_without_a_system_is_taken_for_degrees_with_a_warning(tmp_path: Path) -> None:
    layer, [finding] = read(write(tmp_path, "w.shp", crs=None))
    assert len(layer.boundaries) == 2
    assert (finding.severity, finding.kind) == ("warning", "undeclared-crs")


def test_the_datum_is_undone(tmp_path: Path) -> None:
    true = shapely.box(114.0, 22.5, 114.1, 22.6)
    file = tmp_path / "shifted.geojson"
    shifted = shapely.Polygon([from_wgs84(x, y, "gcj02") for x, y in true.exterior.coords])
    file.write_text(features(({"CODE": "a"}, shifted)))
    layer, findings = read(file, datum="gcj02")
    assert findings == []
    assert shapely.hausdorff_distance(layer.boundaries[0].geometry, true) < 1e-8


@pytest.mark.parametrize(
    ("cell", "options", "code"),
    [
        pytest.param("Ward 18", {"code_regex": r"(\d+)"}, "18", id="first group"),
        pytest.param("Ward 18", {"code_regex": r"\d+"}, "18", id="no group: the match"),
        pytest.param(
            "District E-18 Police", {"code_regex": r"[A-E]-(\d+)|(X)"}, "18", id="first of two groups"
        ),
        pytest.param("03", {"code_strip_zeros": True}, "3", id="zeros stripped"),
        pytest.param("0502A", {"code_strip_zeros": True}, "502A", id="letters stay"),
        pytest.param("000", {"code_strip_zeros": True}, "0", id="only zeros"),
        pytest.param("Ward 03", {"code_regex": r"(\d+)", "code_strip_zeros": True}, "3", id="both"),
        pytest.param("03", {}, "03", id="as it is"),
        pytest.param(3, {}, "3", id="a number"),
        pytest.param(3.0, {}, "3", id="a number with a point"),
        pytest.param("  7 ", {}, "7", id="blanks round it"),
        pytest.param("福田", {}, "福田", id="Chinese"),
        pytest.param("none", {"code": None}, "1", id="rows numbered"),
        pytest.param("  ", {}, None, id="blank"),
        pytest.param(None, {}, None, id="missing"),
        pytest.param("Ward X", {"code_regex": r"(\d+)"}, None, id="does not match"),
    ],
)
def test_codes(tmp_path: Path, cell: Any, options: dict[str, Any], code: str | None) -> None:
    file = tmp_path / "w.geojson"
    file.write_text(features(({"CODE": cell}, WARDS["1"])))
    layer, findings = read(file, **options)
    assert [each.code for each in layer.boundaries] == ([code] if code else [])
    assert errors(findings) == ([] if code else [("code", 1), ("empty", None)])


def test_rows_of_one_code_are_united_with_a_warning(tmp_path: Path) -> None:
    rows = [
        ({"CODE": code, "NAME": f"n{i}"}, area)
        for i, (code, area) in enumerate([*WARDS.items(), ("1", WARDS["2"])])
    ]
    file = tmp_path / "w.geojson"
    file.write_text(features(*rows))
    layer, [finding] = read(file, name_column="NAME")
    assert [(each.code, each.name) for each in layer.boundaries] == [("1", "n0"), ("2", "n1")]
    assert shapely.equals(layer.boundaries[0].geometry, shapely.union_all(list(WARDS.values())))
    assert (finding.severity, finding.kind, finding.code, finding.row) == (
        "warning",
        "duplicate-code",
        "1",
        1,
    )
    assert "rows 1, 3" in finding.message


def test_bad_rows_are_named_and_the_others_used(tmp_path: Path) -> None:
    bow_tie = shapely.Polygon([(0, 0), (0.02, 0.02), (0.02, 0), (0, 0.02)])
    rows = [
        ({"CODE": "good"}, WARDS["1"]),
        ({"CODE": "none"}, None),
        ({"CODE": "flat"}, shapely.Polygon([(0, 0), (1, 1), (2, 2)])),
        ({"CODE": "point"}, shapely.Point(0, 0)),
        ({"CODE": "far"}, shapely.box(1e6, 1e6, 2e6, 2e6)),
        ({"CODE": "tie"}, bow_tie),
    ]
    file = tmp_path / "w.geojson"
    file.write_text(features(*rows))
    layer, findings = read(file)
    assert [each.code for each in layer.boundaries] == ["good", "tie"]
    assert errors(findings) == [("geometry", 2), ("geometry", 3), ("geometry", 4), ("geometry", 5)]
    assert {finding.file for finding in findings} == {"w.geojson"}
    [repaired] = [finding for finding in findings if finding.severity == "warning"]
    assert (repaired.kind, repaired.row, repaired.code) == ("invalid", 6, "tie")
    assert repaired.area_m2 == pytest.approx(2 * 0.01 * 111_319 * 0.01 * 110_574, rel=1e-3)


@pytest.mark.parametrize(
    ("name", "content", "told"),
    [
        pytest.param("w.geojson", b"{", "not JSON", id="cut off"),
        pytest.param("w.geojson", b"[]", "not a GeoJSON document", id="a list"),
        pytest.param("w.geojson", b"[" * 100_000, "not JSON", id="nested without end"),
        pytest.param("w.geojson", b"\xff\xfe\x00", "cannot be read", id="not UTF-8"),
        pytest.param("w.geojson.gz", b"plain", "cannot be read", id="not gzip"),
        pytest.param("w.geojson.gz", gzip.compress(b"{}")[:-6], "cannot be read", id="gzip cut off"),
        pytest.param("w.shp.zip", b"PK", "cannot be read", id="not a zip"),
        pytest.param("w.gpkg", b"SQLite", "cannot be read", id="not a GeoPackage"),
        pytest.param("w.parquet", b"PAR1", "cannot be read", id="not Parquet"),
        pytest.param("w.csv", b"a,b\n1,2\n", "no columns for the place", id="no places"),
        pytest.param("w.csv", b'lon,lat,CODE\n1,2,"x\n', "cannot be read", id="open quote"),
        pytest.param("w.txt", b"", "files ending in .txt are not read", id="unknown ending"),
        pytest.param("w", b"", "files ending in nothing", id="no ending"),
        pytest.param("w.geojson", None, "does not exist", id="no file"),
        pytest.param(
            "w.geojson", b'{"type": "FeatureCollection", "features": []}', "no row", id="no features"
        ),
    ],
)
def test_a_file_that_cannot_be_used_is_one_finding(
    tmp_path: Path, name: str, content: bytes | None, told: str
) -> None:
    file = tmp_path / name
    if content is not None:
        file.write_bytes(content)
    layer, [finding] = read(file)
    assert layer.boundaries == ()
    assert (finding.severity, finding.file) == ("error", name)
    assert told in finding.message


@pytest.mark.parametrize(
    ("options", "told"),
    [
        pytest.param({"code": "WARD"}, "no column 'WARD'; the file has: CODE, NAME", id="code"),
        pytest.param({"name_column": "TITLE"}, "no column 'TITLE'", id="name"),
        pytest.param({"code_regex": "("}, "is not a pattern", id="pattern"),
    ],
)
def test_a_wrong_option_is_named(tmp_path: Path, options: dict[str, Any], told: str) -> None:
    _, [finding] = read(write(tmp_path, "w.geojson"), **options)
    assert told in finding.message


@pytest.mark.parametrize(
    "header", ["lon,lat,CODE", "Longitude,Latitude,CODE", "x,y,CODE"], ids=["lon lat", "long names", "x y"]
)
def test_points_of_a_table(tmp_path: Path, header: str) -> None:
    file = tmp_path / "p.csv"
    file.write_text(f"\ufeff{header}\n114.1,22.5,a\n,22.5,b\nhere,22.5,c\n114.2,22.6,d\n1\n", "utf-8")
    layer, findings = read(file)
    assert not layer.is_area
    assert [(each.code, each.geometry.wkt) for each in layer.boundaries] == [
        ("a", "POINT (114.1 22.5)"),
        ("d", "POINT (114.2 22.6)"),
    ]
    assert errors(findings) == [("geometry", 2), ("geometry", 3), ("geometry", 5)]


def test_attributes_are_the_other_cells_as_text(tmp_path: Path) -> None:
    file = tmp_path / "w.geojson"
    file.write_text(features(({"CODE": 1, "n": 2.0, "x": 0.5, "none": None, "yes": True}, WARDS["1"])))
    [boundary] = read(file)[0].boundaries
    assert boundary.attributes == {"CODE": "1", "n": "2", "x": "0.5", "yes": "True"}


def test_importing_the_module_is_cheap() -> None:
    code = "import sys, geo.files; print(*({'geopandas', 'pandas', 'pyogrio', 'pyproj'} & set(sys.modules)))"
    heavy = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    ).stdout.split()
    assert heavy == []


@pytest.mark.parametrize(
    ("file", "options", "rows", "warned", "failed"),
    [
        pytest.param("boston/wards.geojson.gz", {"code": "WARD"}, 22, {5, 19, 20}, 0, id="3 invalid wards"),
        pytest.param(
            "boston/precincts_feet_no_crs.geojson.gz",
            {"code": "WARD_PRECINCT"},
            0,
            set(),
            1,
            id="undeclared feet",
        ),
        pytest.param(
            "boston/precincts_feet_no_crs.geojson.gz",
            {"code": "WARD_PRECINCT", "crs": "EPSG:2249"},
            255,
            {208, 230},
            0,
            id="feet with their system",
        ),
        pytest.param(
            "boston/police_districts_shp.zip", {"code": "DISTRICT"}, 12, set(), 0, id="shapefile in feet"
        ),
        pytest.param(
            "messy/malformed_nesting_sf.geojson.gz", {"code": "name"}, 0, set(), 118, id="malformed nesting"
        ),
        pytest.param(
            "shenzhen/taz_491_epsg3857.shp.zip", {"code": "TAZID"}, 491, set(), 0, id="web mercator"
        ),
    ],
)
def test_real_files(
    wenlu_data: Path, file: str, options: dict[str, Any], rows: int, warned: set[int], failed: int
) -> None:
    layer, findings = read(wenlu_data / file, **options)
    assert len(layer.boundaries) == rows
    assert {finding.row for finding in findings if finding.severity == "warning"} == warned
    assert len(errors(findings)) == failed
    assert all(each.geometry.is_valid for each in layer.boundaries)


def test_shenzhen_streets_are_moved_by_their_datum(wenlu_data: Path) -> None:
    file = wenlu_data / "shenzhen" / "streets_74.geojson.gz"
    [as_said, true] = [read(file, code="BLOCK_ID", datum=datum)[0] for datum in ("wgs84", "gcj02")]
    said, moved = (
        shapely.union_all([each.geometry for each in layer.boundaries]).centroid for layer in (as_said, true)
    )
    east, north = (said.x - moved.x) * 102_800, (said.y - moved.y) * 110_740
    assert (east, north) == pytest.approx((510, -302), abs=25)
