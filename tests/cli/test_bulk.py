"""`wenlu route bulk`: the answers of the router, row by row, in order, whatever single rows hold."""

from __future__ import annotations

import csv
import gzip
import random
import sys
import tracemalloc
from datetime import UTC, datetime
from pathlib import Path

import pytest

from portal.cli.bulk_file import route_file
from portal.cli.main import main
from portal.cli.packs import open_pack, router_of
from portal.pack.bulk import BulkPlan, CellError, parse_answers
from portal.pack.bulk_csv import CHUNK_ROWS, CsvSource
from routing.router import PointQuery, edge_distance_m

DEMO = Path(__file__).resolve().parents[2] / "portal" / "demo" / "linhai"
ANSWERS = [
    "lead_unit", "assist_units", "confidence", "rule", "ambiguous", "snapped", "edge_distance_m",
    "layer_district", "layer_street", "layer_community", "layer_park", "layer_main_road", "layer_depot",
    "layer_school", "layer_service_point", "error",
]  # fmt: skip
WANTED = {"lon": "lon", "lat": "lat", "service": "service_code"}
FRIDAY = "2026-11-20T19:00"


@pytest.fixture
def bulk(wenlu, demo, tmp_path):
    """Route rows given as text; answers the rows that come out."""

    def run(text, *more, out="out.csv"):
        source, target = tmp_path / "in.csv", tmp_path / out
        source.write_bytes(text if isinstance(text, bytes) else text.encode())
        ran = wenlu("route", "bulk", source, target, "--pack", demo, *more)
        assert (ran.code, ran.err) == (0, ""), ran
        return read(target)

    return run


def read(path: Path) -> list[dict[str, str]]:
    content = gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes()
    return list(csv.DictReader(content.decode().splitlines(keepends=True)))


def points(count: int) -> list[tuple[float, float, str]]:
    chance = random.Random(7)
    services = ["street-light", "pothole", "noise", "park-repair", "fallen-tree", "enquiry"]
    return [
        (
            round(chance.uniform(121.55, 121.67), 6),
            round(chance.uniform(29.15, 29.28), 6),
            chance.choice(services),
        )
        for _ in range(count)
    ]


def test_columns_and_answers_are_those_of_the_router(bulk, demo):
    given = points(300)
    text = "id,lon,lat,service_code\n" + "".join(f"{n},{a},{b},{c}\n" for n, (a, b, c) in enumerate(given))
    found = bulk(text, "--at", FRIDAY)
    assert list(found[0]) == ["id", "lon", "lat", "service_code", *ANSWERS]
    here = router_of(open_pack(demo), datetime(2026, 11, 20, tzinfo=UTC).date())
    at = datetime(2026, 11, 20, 11, tzinfo=UTC)
    for number, (row, (lon, lat, service)) in enumerate(zip(found, given, strict=True)):
        facts, decision = here.router.decide(PointQuery(service, at, lon, lat, is_geocoded=True))
        edge_m = edge_distance_m(facts, decision)
        assert row == {
            "id": str(number), "lon": str(lon), "lat": str(lat), "service_code": service,
            "lead_unit": decision.lead, "assist_units": ";".join(decision.assist),
            "confidence": f"{decision.confidence:.3f}", "rule": decision.rule_id,
            "ambiguous": "true" if decision.ambiguous else "false",
            "snapped": "true" if decision.snapped else "false",
            "edge_distance_m": "" if edge_m is None else str(round(edge_m, 3)),
            **{name: ";".join(h.code for h in facts.hits if f"layer_{h.layer}" == name) for name in ANSWERS[7:-1]},
            "error": "",
        }  # fmt: skip
    assert len({row["rule"] for row in found}) > 5
    assert any(row["edge_distance_m"] for row in found)


BAD_ROWS = {
    "lon is a word": ("x,29.2611,noise,2026-11-20,,", "'x', '29.2611' are not two numbers"),
    "half a place": (",29.2611,noise,2026-11-20,,", "'', '29.2611' are not two numbers"),
    "no place": (",,noise,2026-11-20,,", "lon, lat: missing value"),
    "nan": ("nan,29.2611,noise,2026-11-20,,", "not a longitude and latitude"),
    "beyond the pole": ("121.59,99,noise,2026-11-20,,", "not a longitude and latitude"),
    "unknown service": ("121.59,29.2611,nope,2026-11-20,,", "unknown service 'nope'"),
    "no service": ("121.59,29.2611,,2026-11-20,,", "unknown service ''"),
    "too few cells": ("121.59,29.2611", "2 cells where the header has 6"),
    "too many cells": ("121.59,29.2611,noise,2026-11-20,,,7", "7 cells where the header has 6"),
    "badly quoted": ('121.59,29.2611,"noise"x,2026-11-20,,', "the row cannot be read"),
    "not UTF-8": ("121.59,29.2611,no\udcffse,2026-11-20,,", "not UTF-8"),
    "no time": ("121.59,29.2611,noise,,,", "time: missing value"),
    "time is a word": ("121.59,29.2611,noise,soon,,", "'soon' is not a date and time"),
    "end of time": ("121.59,29.2611,noise,0001-01-01T00:00:00+14:00,,", "out of range"),
    "no such priority": ("121.59,29.2611,noise,2026-11-20,urgent,", "'urgent' is none of"),
    "answers are no JSON": ('121.59,29.2611,noise,2026-11-20,,"{""a"""', "not readable as JSON"),
    "answers are no pairs": ("121.59,29.2611,noise,2026-11-20,,loud", "'loud' is not question=key"),
}
GOOD_ROWS = {
    "time of the row, local": ("noise,2026-11-20T23:30,,", "district-ba"),
    "time of the row, in UTC": ("noise,2026-11-20T15:30Z,,", "district-ba"),
    "by day": ("noise,2026-11-20T12:00,,", "street-ba2"),
    "answers as pairs": ("street-light,2026-11-20,,park-or-street=street", "lighting"),
    "answers as JSON": ('street-light,2026-11-20,,"{""park-or-street"": [""street""]}"', "lighting"),
    "no place, and none is needed": ("enquiry,2026-11-20,,", "centre"),
}


@pytest.fixture(scope="module")
def mixed(tmp_path_factory) -> dict[str, dict[str, str]]:
    """One file of every row above, good and bad in turn; the answers by case."""
    folder = tmp_path_factory.mktemp("bulk")
    bad = [(case, line) for case, (line, _) in BAD_ROWS.items()]
    good = [(case, f"121.59,29.2611,{line}") for case, (line, _) in GOOD_ROWS.items()]
    rows = [row for pair in zip(bad, good * 3, strict=False) for row in pair]
    text = "\n".join(["lon,lat,service_code,at,priority,answers", *(line for _, line in rows), ""])
    (folder / "in.csv").write_bytes(text.encode(errors="surrogateescape"))
    named = ["--time-column", "at", "--priority-column", "priority", "--answers-column", "answers"]
    main(["route", "bulk", str(folder / "in.csv"), str(folder / "out.csv"), "--pack", str(DEMO), *named])
    found = read(folder / "out.csv")
    return dict(zip((case for case, _ in rows), found, strict=True))


@pytest.mark.parametrize(
    ("case", "said"), [(case, said) for case, (_, said) in BAD_ROWS.items()], ids=BAD_ROWS
)
def test_a_bad_row_keeps_its_place(mixed, case, said):
    assert said in mixed[case]["error"]
    assert {mixed[case][name] for name in ANSWERS[:-1]} == {""}


@pytest.mark.parametrize(
    ("case", "lead"), [(case, lead) for case, (_, lead) in GOOD_ROWS.items()], ids=GOOD_ROWS
)
def test_columns_of_time_and_answers(mixed, case, lead):
    assert (mixed[case]["error"], mixed[case]["lead_unit"]) == ("", lead)


PLACES = {
    "other names": ("x,y,what\n121.59,29.2611,street-light\n",
                    ("--lon-column", "x", "--lat-column", "y", "--service-column", "what")),
    "metres": ("lon,lat,service_code\n363008.96,3239034.45,street-light\n", ("--crs", "EPSG:4550")),
    "GCJ-02": ("lon,lat,service_code\n121.5943,29.2585,street-light\n", ("--datum", "gcj02")),
    "byte order mark, CR LF": ("\ufefflon,lat,service_code\r\n121.59,29.2611,street-light\r\n", ()),
    "a blank line": ("lon,lat,service_code\n\n121.59,29.2611,street-light\n\n", ()),
    "an answer given before": ("lon,lat,service_code,error,lead_unit\n121.59,29.2611,street-light,x,y\n", ()),
}  # fmt: skip


@pytest.mark.parametrize(("text", "more"), PLACES.values(), ids=PLACES)
def test_ways_to_say_where(bulk, text, more):
    (row,) = bulk(text, *more)
    assert (row["error"], row["lead_unit"], row["layer_park"]) == ("", "parks", "P1")


def test_other_cells_come_back_as_they_were(bulk):
    note = 'a "quote", a comma,\r\ntwo lines, 汉字'
    quoted = note.replace('"', '""')
    text = f'note,lon,lat,service_code,note\n"{quoted}",121.59,29.2611,noise,007\n'.replace(
        "service_code,note", "service_code,id"
    )
    (row,) = bulk(text)
    assert (row["note"], row["id"]) == (note, "007")


def test_gzip_in_and_out_is_the_same_each_time(wenlu, demo, tmp_path):
    source, targets = tmp_path / "in.csv.gz", [tmp_path / "a.csv.gz", tmp_path / "b.csv.gz"]
    source.write_bytes(gzip.compress(b"lon,lat,service_code\n121.59,29.2611,street-light\n"))
    for target in targets:
        assert wenlu("route", "bulk", source, target, "--pack", demo, "--at", FRIDAY).code == 0
    assert targets[0].read_bytes() == targets[1].read_bytes()
    assert read(targets[0])[0]["lead_unit"] == "parks"


def test_a_file_may_replace_itself(wenlu, demo, tmp_path):
    file = tmp_path / "in.csv"
    file.write_text("lon,lat,service_code\n121.59,29.2611,street-light\n")
    assert wenlu("route", "bulk", file, file, "--pack", demo).code == 0
    assert read(file)[0]["lead_unit"] == "parks"


def test_memory_does_not_grow_with_the_file(demo, tmp_path, monkeypatch):
    """Ten chunks peak hardly higher than two, though a chunk takes megabytes."""
    here = router_of(open_pack(demo), datetime(2026, 11, 20, tzinfo=UTC).date())
    plan = BulkPlan(here.router, datetime(2026, 11, 20, 12, tzinfo=UTC))

    def peak(chunks: int) -> int:
        source = tmp_path / f"{chunks}.csv"
        line = "120.0,30.0,enquiry," + "x" * 200 + "\n"
        source.write_text("lon,lat,service_code,text\n" + line * (CHUNK_ROWS // 4 * chunks))
        monkeypatch.setattr("portal.pack.bulk_csv.CHUNK_ROWS", CHUNK_ROWS // 4)
        tracemalloc.start()
        try:
            count = route_file(plan, CsvSource(source, WANTED), WANTED, tmp_path / "out.csv")
            assert count.rows == CHUNK_ROWS // 4 * chunks
            return tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()

    peak(1)
    few, many = peak(2), peak(8)
    assert many < few * 1.25


def test_parquet_keeps_types_and_becomes_a_map(wenlu, demo, tmp_path):
    pytest.importorskip("pyarrow")
    import geopandas

    file, target, back = tmp_path / "in.parquet", tmp_path / "out.parquet", tmp_path / "back.csv"
    frame = geopandas.GeoDataFrame(
        {"id": [1, 2, 3], "service_code": ["street-light"] * 3},
        geometry=geopandas.points_from_xy([121.59, 121.605, None], [29.2611, 29.2611, None]),
        crs="EPSG:4326",
    ).to_crs("EPSG:4550")
    frame.to_parquet(file)
    assert wenlu("route", "bulk", file, target, "--pack", demo).code == 0
    routed = geopandas.read_parquet(target)
    assert routed["lead_unit"].tolist()[:2] == ["parks", "lighting"]
    assert routed["error"].tolist() == ["", "", "lon, lat: missing value"]
    assert (routed["id"].tolist(), routed.crs.to_epsg()) == ([1, 2, 3], 4550)
    assert wenlu("route", "bulk", target, back, "--pack", demo).code == 0
    assert [row["lead_unit"] for row in read(back)] == ["parks", "lighting", ""]


def test_csv_to_parquet_draws_the_points_that_were_routed(wenlu, demo, tmp_path):
    pytest.importorskip("pyarrow")
    import geopandas

    source, target = tmp_path / "in.csv", tmp_path / "out.parquet"
    source.write_text("lon,lat,service_code\n121.5943,29.2585,street-light\nx,1,noise\n")
    assert wenlu("route", "bulk", source, target, "--pack", demo, "--datum", "gcj02").code == 0
    routed = geopandas.read_parquet(target)
    assert routed.geometry.iloc[0].distance(geopandas.points_from_xy([121.59], [29.2611])[0]) < 0.002
    assert routed.geometry.iloc[1] is None
    assert routed["ambiguous"].tolist() == [False, None]
    assert routed["lead_unit"].iloc[0] == "parks"


@pytest.mark.parametrize("names", [("in.parquet", "out.csv"), ("in.csv", "out.parquet")], ids=["in", "out"])
def test_parquet_without_pyarrow_says_what_to_install(wenlu, demo, tmp_path, monkeypatch, names):
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    (tmp_path / names[0]).write_text("lon,lat,service_code\n")
    ran = wenlu("route", "bulk", tmp_path / names[0], tmp_path / names[1], "--pack", demo)
    assert (ran.code, ran.err.count("\n")) == (1, 1)
    assert "pip install pyarrow" in ran.err


@pytest.mark.parametrize(
    ("given", "answers"),
    [
        ("", {}),
        (None, {}),
        ("a=b;c=d", {"a": ("b",), "c": ("d",)}),
        ("a=b;a=c", {"a": ("b", "c")}),
        ('{"a": "b", "c": ["d", "e"], "n": 3, "x": null}', {"a": ("b",), "c": ("d", "e"), "n": ("3",)}),
        ('{"a": {"b": 1}}', CellError),
        ("a", CellError),
        ("=b", CellError),
    ],
)
def test_answers_in_a_cell(given, answers):
    if answers is CellError:
        with pytest.raises(CellError):
            parse_answers(given)
    else:
        assert parse_answers(given) == answers
