"""What a mapping makes of the rows of somebody else's file."""

from __future__ import annotations

import gzip
import tracemalloc
from datetime import UTC, datetime

import pyarrow
import pytest
from pyarrow import parquet

from portal.pack.mapping import RequestFileError, read_mapping, read_requests
from portal.pack.model import PackError

MAP = """
[source]
timezone = "America/New_York"

[columns]
external_id = "id"
service_code = "type"
lon = "x"
lat = "y"
opened_at = "opened"
closed_at = "closed"
state = "status"
description = "text"
address = "street"

[values.service_code]
"Bulk Item" = "bulk"

[values.state]
Open = "routed"

[values.board]
"01 NORTH" = "101"

[defaults]
service_code = "other"

[default_points]
city_hall = [-71.0587, 42.3594, 15]

[compare]
ward = { layer = "ward", column = "ward", regex = '(\\d+)', strip_zeros = true }
board = { layer = "board", column = "board" }
"""
ROW = {
    "id": "7",
    "type": "Bulk Item",
    "x": "-71.1",
    "y": "42.3",
    "opened": "2011-07-01 01:32:33",
    "closed": "",
    "status": "Open",
    "text": "a sofa",
    "street": "1 High St",
    "ward": "Ward 08",
    "board": "01 NORTH",
}


@pytest.fixture
def rows(tmp_path):
    """Write rows (changes to ROW) as CSV and read them back under MAP, changed by replacing passages."""

    def read(*changes, mapping=MAP, name="requests.csv"):
        (tmp_path / "MAP.toml").write_text(mapping, encoding="utf-8")
        table = [{**ROW, **change} for change in changes]
        write(tmp_path / name, table)
        return list(read_requests(tmp_path / name, read_mapping(tmp_path / "MAP.toml")))

    return read


def write(path, table):
    if path.suffix == ".parquet":
        parquet.write_table(pyarrow.Table.from_pylist(table), path)
        return
    lines = [",".join(ROW)] + [",".join(f'"{cell}"' for cell in row.values()) for row in table]
    text = "\n".join(lines) + "\n"
    path.write_bytes(gzip.compress(text.encode()) if path.suffix == ".gz" else text.encode())


@pytest.mark.parametrize("name", ["requests.csv", "requests.csv.gz", "requests.parquet"])
def test_a_row_in_full(rows, name):
    (row,) = rows({}, name=name)
    assert (row.number, row.external_id, row.service_code, row.state) == (2, "7", "bulk", "routed")
    assert (row.lon, row.lat, row.default_point) == (-71.1, 42.3, None)
    assert row.opened_at == datetime(2011, 7, 1, 5, 32, 33, tzinfo=UTC)
    assert (row.due_at, row.closed_at, row.problem) == (None, None, None)
    assert row.compare == {"ward": "8", "board": "101"}
    assert row.extra == {"address": "1 High St"}


@pytest.mark.parametrize(
    ("change", "field", "value"),
    [
        pytest.param({"type": "Sofa"}, "service_code", "other", id="service not listed: the default"),
        pytest.param({"type": ""}, "service_code", "other", id="service blank: the default"),
        pytest.param({"status": "Held"}, "state", "Held", id="state not listed, no default: as it stands"),
        pytest.param({"id": ""}, "external_id", "2", id="no id: the row number"),
        pytest.param({"x": "", "y": ""}, "lon", None, id="no place"),
        pytest.param({"x": "-71.05871", "y": "42.35941"}, "default_point", "city_hall", id="default point"),
        pytest.param({"x": "-71.0590", "y": "42.3594"}, "default_point", None, id="25 m from it"),
        pytest.param({"ward": "   "}, "compare", {"board": "101"}, id="code blank"),
        pytest.param({"ward": "0"}, "compare", {"ward": "0", "board": "101"}, id="code zero"),
        pytest.param({"board": "Unspecified"}, "compare", {"ward": "8"}, id="code not listed"),
        pytest.param({"opened": "2011-07-01T01:32:33Z"}, "opened_at",
                     datetime(2011, 7, 1, 1, 32, 33, tzinfo=UTC), id="instant with a zone"),
        pytest.param({"opened": "2011-11-06 01:30:00"}, "opened_at",
                     datetime(2011, 11, 6, 5, 30, tzinfo=UTC), id="hour that comes twice: the first"),
    ],
)  # fmt: skip
def test_one_value(rows, change, field, value):
    (row,) = rows(change)
    assert getattr(row, field) == value
    assert row.problem is None


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        pytest.param({"x": "west"}, "are not numbers", id="lon not a number"),
        pytest.param({"x": ""}, "are not numbers", id="lon missing, lat given"),
        pytest.param({"x": "nan"}, "not a place on earth", id="lon nan"),
        pytest.param({"x": "739826", "y": "2908285"}, "not a place on earth", id="feet"),
        pytest.param({"opened": "yesterday"}, "opened_at: 'yesterday'", id="time not readable"),
        pytest.param({"opened": ""}, "opened_at: missing", id="time missing"),
        pytest.param({"closed": "soon"}, "closed_at: 'soon'", id="other time not readable"),
    ],
)
def test_a_row_that_cannot_be_used_keeps_its_place(rows, change, problem):
    before, row, after = rows({}, change, {})
    assert problem in row.problem
    assert (before.number, row.number, after.number) == (2, 3, 4)
    assert before.problem is None
    assert after.problem is None


def test_other_coordinates_and_datum_come_out_as_wgs84(rows):
    feet = MAP.replace("[source]", '[source]\ncrs = "EPSG:2249"')
    (row,) = rows({"x": "656166.6667", "y": "2460625"}, mapping=feet)
    assert (row.lon, row.lat) == pytest.approx((-71.5, 41.0), abs=1e-6)  # the origin of the grid
    shifted = MAP.replace("[source]", '[source]\ndatum = "gcj02"')
    (row,) = rows({"x": "114.06", "y": "22.54"}, mapping=shifted)
    assert (row.lon, row.lat) == pytest.approx((114.0549, 22.5427), abs=0.0005)


def test_a_row_with_a_cell_too_many_is_told(rows, tmp_path):
    rows({})
    with (tmp_path / "requests.csv").open("a") as stream:
        stream.write("1,2\n")
    *_, last = read_requests(tmp_path / "requests.csv", read_mapping(tmp_path / "MAP.toml"))
    assert "2 cells where the header has 11" in last.problem


@pytest.mark.parametrize(
    ("old", "new", "problem"),
    [
        ('opened_at = "opened"', "", "columns: error: opened_at is missing"),
        ('lat = "y"', "", "lon and lat go together"),
        ('timezone = "America/New_York"', 'timezone = "Boston"', "source.timezone: error: 'Boston'"),
        ("[source]", '[source]\ncrs = "EPSG:1"', "source.crs: error"),
        ("[source]", '[source]\ndatum = "mars"', "source.datum: error"),
        ("[-71.0587, 42.3594, 15]", "[-71.0587, 42.3594]", "default_points.city_hall: error"),
        (r"(\d+)", "(", "compare.ward.regex: error"),
        ('board = { layer = "board", ', "board = { ", "compare.board.layer: error: missing"),
        ("[columns]", "[columns", "MAP.toml:5: error: not readable as TOML"),
    ],
)
def test_a_broken_mapping_names_the_key(tmp_path, old, new, problem):
    assert MAP.count(old) == 1
    (tmp_path / "MAP.toml").write_text(MAP.replace(old, new), encoding="utf-8")
    with pytest.raises(PackError) as caught:
        read_mapping(tmp_path / "MAP.toml")
    assert problem in str(caught.value)


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        pytest.param(b"id,type\n1,2\n", "no column 'x', 'y'", id="columns missing"),
        pytest.param(b"\xff\xfe", "not readable", id="not UTF-8"),
        pytest.param(None, "no such file", id="no file"),
    ],
)
def test_a_file_that_cannot_be_read_says_why(tmp_path, content, problem):
    (tmp_path / "MAP.toml").write_text(MAP, encoding="utf-8")
    if content is not None:
        (tmp_path / "requests.csv").write_bytes(content)
    with pytest.raises(RequestFileError, match=problem):
        list(read_requests(tmp_path / "requests.csv", read_mapping(tmp_path / "MAP.toml")))


@pytest.mark.parametrize("name", ["requests.csv.gz", "requests.parquet"])
def test_memory_does_not_follow_the_length_of_the_file(tmp_path, name):
    (tmp_path / "MAP.toml").write_text(MAP, encoding="utf-8")
    mapping = read_mapping(tmp_path / "MAP.toml")
    write(tmp_path / name, [{**ROW, "id": str(number), "text": "x" * 500} for number in range(30_000)])
    tracemalloc.start()
    assert sum(1 for _ in read_requests(tmp_path / name, mapping)) == 30_000
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 8_000_000  # the texts alone are 15 MB
