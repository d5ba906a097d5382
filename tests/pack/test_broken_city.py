"""One fault at a time in city.toml and the boundary files, and the finding that names its place."""

from __future__ import annotations

import pytest

# id, file, passage (None: at the end of the file), what replaces it (None: the file is deleted),
# then the place that the finding names and a fragment of its message
# fmt: off
CASES = [
    ("no-city-toml", "city.toml", None, None, "city.toml: error: ", "missing"),
    ("not-toml", "city.toml", "map_zoom = 12", "map_zoom = = 12", "city.toml:6: error: ", "TOML"),
    ("unknown-key", "city.toml", "map_zoom =", "map_zom =", "city.toml:6 map_zom: warning: ", "unknown"),
    ("no-jurisdiction", "city.toml", 'jurisdiction_id = "linhai.example"', "",
     "city.toml jurisdiction_id: error: ", "missing"),
    ("bad-jurisdiction", "city.toml", "linhai.example", "Lin hai",
     "city.toml:2 jurisdiction_id: error: ", "a-z"),
    ("bad-timezone", "city.toml", "Asia/Shanghai", "Asia/Linhai",
     "city.toml:3 timezone: error: ", "time zone"),
    ("zone-is-a-path", "city.toml", "Asia/Shanghai", "../etc/passwd",
     "city.toml:3 timezone: error: ", "time zone"),
    ("bad-locale", "city.toml", '["zh_Hans", "en"]', '["zh-Hans!", "en"]',
     "city.toml:4 locales: error: ", "gettext"),
    ("lat-before-lon", "city.toml", "[121.6091, 29.2018]", "[29.2018, 121.6091]",
     "city.toml:5 map_centre: error: ", "lon, lat"),
    ("accuracy-too-large", "city.toml", "default_accuracy_m = 30", "default_accuracy_m = 3000",
     "city.toml:9 default_accuracy_m: error: ", "outside 1 to 500"),
    ("bad-datum", "city.toml", '\ndatum = "wgs84"', '\ndatum = "mars"',
     "city.toml:10 datum: error: ", "gcj02"),
    ("no-such-coordination-unit", "city.toml", '"centre"', '"nobody"',
     "city.toml:8 coordination_unit: error: ", "no unit 'nobody'"),
    ("bad-hours", "city.toml", 'mon = ["08:30-12:00", "14:00-17:30"]', 'mon = ["12:00-08:30"]',
     "city.toml:21 calendar.hours.mon: error: ", "forwards"),
    ("bad-cutoff", "city.toml", 'cutoff = "17:00"', 'cutoff = "5 pm"',
     "city.toml:15 calendar.cutoff: error: ", "not a time"),
    ("unknown-country", "city.toml", 'country = "CN"', 'country = "XX"',
     "city.toml:13 calendar.country: error: ", "no public holidays are known"),
    ("layer-outside-the-pack", "city.toml", '"boundaries/park.geojson"', '"../../../../etc/passwd"',
     "city.toml:58 layers.park.file: error: ", "outside the pack"),
    ("layer-file-missing", "city.toml", '"boundaries/park.geojson"', '"boundaries/parks.geojson"',
     "boundaries/parks.geojson geometry: error: ", "does not exist"),
    ("layer-without-code", "city.toml",
     'file = "boundaries/park.geojson"\ncode = "code"',
     'file = "boundaries/park.geojson"',
     "city.toml:56 layers.park.code: error: ", "missing"),
    ("layer-code-column", "city.toml",
     'file = "boundaries/park.geojson"\ncode = "code"',
     'file = "boundaries/park.geojson"\ncode = "CODE"',
     "boundaries/park.geojson geometry: error: ", "no column 'CODE'"),
    ("bad-code-regex", "city.toml",
     'file = "boundaries/park.geojson"',
     'file = "boundaries/park.geojson"\ncode_regex = "("',
     "city.toml:59 layers.park.code_regex: error: ", "regular expression"),
    ("layer-crs-wrong", "city.toml",
     'file = "boundaries/park.geojson"',
     'file = "boundaries/park.geojson"\ncrs = "EPSG:2249"',
     "boundaries/park.geojson geometry: error: ", "are degrees"),
    ("layer-with-bad-date", "city.toml",
     'file = "boundaries/park.geojson"',
     'file = "boundaries/park.geojson"\nvalid_from = "spring"',
     "city.toml:59 layers.park.valid_from: error: ", "not a date"),
    ("layer-not-readable", "boundaries/park.geojson", "[\n", "",
     "boundaries/park.geojson geometry: error: ", "JSON"),
    ("edition-not-in-force", "city.toml",
     'file = "boundaries/park.geojson"',
     'file = "boundaries/park.geojson"\nvalid_from = "2040-01-01"',
     "city.toml:56 layers.park: error: ", "no edition is in force"),
    ("file-and-editions", "city.toml", '[layers.depot]',
     '[[layers.park.editions]]\nfile = "x.geojson"\n\n[layers.depot]',
     "city.toml:58 layers.park.file: error: ", "not both"),
    ("editions-without-an-end", "city.toml",
     'file = "boundaries/park.geojson"\ncode = "code"\nname = "name"\ntie_order = 4\n',
     'code = "code"\n[[layers.park.editions]]\nfile = "boundaries/park.geojson"\n'
     '[[layers.park.editions]]\nfile = "boundaries/park.geojson"\nvalid_from = "2020-01-01"\n',
     "city.toml:59 layers.park.editions: error: ", "need valid_to"),
    ("editions-overlap", "city.toml",
     'file = "boundaries/park.geojson"\ncode = "code"\nname = "name"\ntie_order = 4\n',
     'code = "code"\n[[layers.park.editions]]\nfile = "boundaries/park.geojson"\nvalid_to = "2021-01-01"\n'
     '[[layers.park.editions]]\nfile = "boundaries/park.geojson"\nvalid_from = "2020-01-01"\n',
     "city.toml:59 layers.park.editions: error: ", "overlaps"),
    ("old-edition-not-readable", "city.toml",
     'file = "boundaries/park.geojson"\ncode = "code"\nname = "name"\ntie_order = 4\n',
     'code = "code"\n[[layers.park.editions]]\nfile = "boundaries/old.geojson"\nvalid_to = "2020-01-01"\n'
     '[[layers.park.editions]]\nfile = "boundaries/park.geojson"\nvalid_from = "2020-01-01"\n',
     "boundaries/old.geojson geometry: error: ", "does not exist"),
]
# fmt: on


@pytest.mark.parametrize(
    ("name", "old", "new", "place", "fragment"), [case[1:] for case in CASES], ids=[case[0] for case in CASES]
)
def test_a_fault_is_found_where_it_stands(findings_after, name, old, new, place, fragment):
    findings = findings_after(name, old, new)
    assert any(str(each).startswith(place) and fragment in each.message for each in findings), "\n".join(
        map(str, findings)
    )
