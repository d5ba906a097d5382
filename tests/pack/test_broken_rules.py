"""One fault at a time in rulebook, points, works and basemap, and the finding that names its place."""

from __future__ import annotations

import pytest

# id, file, passage (None: at the end of the file), what replaces it (None: the file is deleted),
# then the place that the finding names and a fragment of its message
# fmt: off
CASES = [
    ("no-rules", "rules.toml", None, None, "rules.toml: error: ", "missing"),
    ("no-fallback", "rules.toml", 'id = "fallback"', 'id = "rest"', "rules.toml: error: ", "fallback"),
    ("rule-unit-unknown", "rules.toml",
     'id = "drains"\nwhen = { group = ["water"] }\nlead = { unit = "water" }',
     'id = "drains"\nwhen = { group = ["water"] }\nlead = { unit = "sewers" }',
     "rules.toml:93 drains: error: ", "'sewers'"),
    ("rule-service-unknown", "rules.toml",
     'id = "light"\nwhen = { service = ["street-light"] }',
     'id = "light"\nwhen = { service = ["lamp"] }',
     "rules.toml:52 light: error: ", "'lamp'"),
    ("rule-group-unknown", "rules.toml", 'group = ["clean"]', 'group = ["cleaning"]',
     "rules.toml:86 rubbish: error: ", "'cleaning'"),
    ("rule-layer-unknown", "rules.toml", 'layer = "school", within_m = 200', 'layer = "schools", within_m = 200',
     "rules.toml:45 light-near-school-at-night: error: ", "'schools'"),
    ("rule-boundary-unknown", "rules.toml", 'code = ["CN2-02"]', 'code = ["CN2-09"]',
     "rules.toml:106 committee: error: ", "'CN2-09'"),
    ("rule-question-unknown", "rules.toml", '\nquestion = "park-or-street"', '\nquestion = "where"',
     "rules.toml:30 park-light: error: ", "'where'"),
    ("rule-answer-unknown", "rules.toml", 'in = ["bulky"]', 'in = ["sofa"]',
     "rules.toml:81 bulky-waste: error: ", "'sofa'"),
    ("rule-plan-unknown", "rules.toml", 'plan = "typhoon"', 'plan = "storm"',
     "rules.toml:21 tree-on-road: error: ", "'storm'"),
    ("rule-targets-unknown", "rules.toml", 'targets = "near-schools"', 'targets = "schools"',
     "rules.toml:45 light-near-school-at-night: error: ", "class of targets 'schools'"),
    ("class-of-no-rule", "rules.toml", '\ntargets = "near-schools"', "",
     "targets.csv:43 service_code: warning: ", "no rule names it"),
    ("rule-twice", "rules.toml", 'id = "drains"', 'id = "rubbish"',
     "rules.toml:93 rubbish: error: ", "two rules"),
    ("rule-without-lead", "rules.toml",
     'group = ["water"] }\nlead = { unit = "water" }',
     'group = ["water"] }',
     "rules.toml:93 drains: error: ", "no lead"),
    ("service-nobody-answers", "rules.toml", 'group = ["clean"]', 'group = ["water"]',
     "rules.toml:131 fallback: warning: ", "answers for the service 'illegal-poster'"),
    ("point-without-code", "points/depot.geojson", '"code":"D2",', "",
     "points/depot.geojson:2 code: error: ", "missing value"),
    ("point-code-twice", "points/depot.geojson", '"code":"D2"', '"code":"D1"',
     "points/depot.geojson:2 code: error: ", "stands already in feature 1"),
    ("work-of-no-service", "works/road_works.geojson", '"services":"street-light"', '"services":"lamp"',
     "works/road_works.geojson:2 services: error: ", "no service 'lamp'"),
    ("work-message-missing", "works/road_works.geojson", '"message_en":"Lamps', '"message":"Lamps',
     "works/road_works.geojson:2 message_en: error: ", "missing value"),
    ("work-backwards", "works/road_works.geojson", '"to":"2027-01-15"', '"to":"2026-01-15"',
     "works/road_works.geojson:2 to: error: ", "before from"),
    ("basemap-not-json", "basemap/parks.geojson", '{"type":"FeatureCollection"', '{"type:"FeatureCollection"',
     "basemap/parks.geojson:1: error: ", "GeoJSON"),
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
