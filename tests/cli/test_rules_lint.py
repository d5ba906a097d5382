"""`wenlu rules lint --pack`: every problem with its line and rule, and an exit code that tells errors."""

from __future__ import annotations

import json
import re

import pytest

FALLBACK = '[[rule]]\nid = "fallback"\nlead = { unit = "centre" }\n'
CENTRE = 'lead = { unit = "centre" }\n'
RULE = '[[rule]]\nid = "a"\n'
CASES = {
    "nothing but the fallback": (FALLBACK, 0, "no errors"),
    "unknown unit": (RULE + 'lead = { unit = "x" }\n' + FALLBACK, 1, ":2 a: error: there is no unit 'x'"),
    "unknown service": (RULE + 'when = { service = ["x"] }\n' + CENTRE + FALLBACK, 1, "there is no service 'x'"),
    "unknown boundary": (
        RULE + 'when = { layer = "park", code = ["P99"] }\n' + CENTRE + FALLBACK, 1, "there is no boundary 'P99'",
    ),
    "no fallback": (RULE + CENTRE, 1, "the last rule must be the fallback"),
    "never reached": (RULE + CENTRE + '[[rule]]\nid = "b"\n' + CENTRE + FALLBACK, 0, "is never reached"),
}  # fmt: skip


@pytest.mark.parametrize("is_file", [False, True], ids=["of the pack", "another file"])
@pytest.mark.parametrize(("text", "code", "said"), CASES.values(), ids=CASES)
def test_lint(wenlu, pack, tmp_path, text, code, said, is_file):
    file = tmp_path / "other.toml" if is_file else pack / "rules.toml"
    file.write_text(text)
    ran = wenlu("rules", "lint", *([file] if is_file else []), "--pack", pack)
    assert ran.code == code, ran
    assert said in (ran.err if code else ran.out)
    if code:
        assert ran.err.startswith(file.name)


DEEP = {
    "shadowed": (
        'id = "dark"\nwhen = { all = [ { service = ["street-light"] }, { holiday = true } ] }\n',
        "never leads: any-lamp matches whenever it does",
    ),
    "contradicting": (
        'id = "both"\nwhen = { all = [ { layer = "street", code = "BA1" }, { layer = "street", code = "WH1" } ] }\n',
        "can never hold, for any service in any place",
    ),
}


@pytest.mark.parametrize(("rule", "said"), DEEP.values(), ids=DEEP)
def test_rules_that_never_lead(wenlu, pack, rule, said):
    lamp = f'[[rule]]\nid = "any-lamp"\nwhen = {{ service = ["street-light"] }}\n{CENTRE}'
    (pack / "rules.toml").write_text(lamp + f"[[rule]]\n{rule}{CENTRE}" + FALLBACK)
    ran = wenlu("rules", "lint", "--pack", pack)
    assert (ran.code, ran.err) == (0, "")
    assert said in ran.out


def test_the_demo_is_clean(wenlu, demo):
    ran = wenlu("rules", "lint", "--pack", demo)
    assert ran.out.splitlines() == [
        "no errors, 0 warnings",
        "gap: nobody but the fallback answers somewhere for 1 service: enquiry",
        "overlap: two claim a case somewhere for 1 service: street-light",
        "see where with --map FILE.html",
    ]


def test_the_map_as_geojson(wenlu, demo, tmp_path):
    file = tmp_path / "map.geojson"
    assert wenlu("rules", "lint", "--pack", demo, "--map", file).code == 0
    rows = [feature["properties"] for feature in json.loads(file.read_text(encoding="utf-8"))["features"]]
    assert {(row["kind"], *row["services"]) for row in rows} == {
        ("gap", "enquiry"),
        ("overlap", "street-light"),
    }
    assert ["park-light", "light-bare-wires"] in [row["rules"] for row in rows]


def test_the_map_as_a_page(wenlu, demo, tmp_path):
    """One file, whole: folium's map with Leaflet inside, and nothing to fetch."""
    file = tmp_path / "map.html"
    assert wenlu("rules", "lint", "--pack", demo, "--map", file).code == 0
    page = file.read_text(encoding="utf-8")
    assert "wenluFeatures(map_" in page.replace("portal_map_", "map_")
    assert '"park-light"' in page
    assert not re.search(r"<(script|link|img)[^>]+(src|href)=", page)
