"""`wenlu rules simulate` and `learn` on files: the table, the map, and no column of what came after."""

from __future__ import annotations

import json

import pytest

MAP = """[source]
timezone = "Asia/Shanghai"
[columns]
external_id = "id"
service_code = "what"
lon = "lon"
lat = "lat"
opened_at = "when"
closed_at = "done"
"""
HEAD = "id,what,lon,lat,when,done,who,street\n"
ROW = "{n},{what},121.5549,29.15,2026-03-{day:02d} 10:00,2026-03-30 10:00,{who},CN2\n"
LIGHT = 'id = "light"\nwhen = { service = ["street-light"] }\nlead = { unit = "%s" }'


@pytest.fixture
def past(tmp_path):
    """Forty cases in a month: lamps that the parks handled, and potholes; one of an unknown service."""
    rows = [
        ROW.format(
            n=n, what="street-light" if n % 2 else "pothole", day=n % 28 + 1, who="parks" if n % 2 else "x"
        )
        for n in range(40)
    ]
    file, mapping = tmp_path / "past.csv", tmp_path / "MAP.toml"
    file.write_text(HEAD + "".join(rows) + ROW.format(n=99, what="ufo", day=3, who="x"))
    mapping.write_text(MAP)
    return file, mapping


@pytest.fixture
def draft(demo, tmp_path):
    text = (demo / "rules.toml").read_text(encoding="utf-8")
    assert LIGHT % "lighting" in text
    file = tmp_path / "draft.toml"
    file.write_text(text.replace(LIGHT % "lighting", LIGHT % "parks"), encoding="utf-8")
    return file


def test_who_gains_and_loses(wenlu, demo, draft, past, tmp_path):
    target = tmp_path / "moved.geojson"
    ran = wenlu("rules", "simulate", draft, "--pack", demo, "--requests", past[0], "--mapping", past[1],
                "--map", target)  # fmt: skip
    assert (ran.code, ran.err) == (0, "")
    lines = [line.split() for line in ran.out.splitlines()]
    said = "40 cases, 1 of services that are not offered left out; 20 would change hands (50.00 %)"
    assert ran.out.splitlines()[0] == said
    assert lines[1] == ["unit", "before", "after", "gained", "lost"]
    assert lines[2:4] == [["lighting", "20", "0", "0", "20"], ["parks", "0", "20", "20", "0"]]
    features = json.loads(target.read_text(encoding="utf-8"))["features"]
    assert {(one["properties"]["from"], one["properties"]["to"]) for one in features} == {
        ("lighting", "parks")
    }
    assert len(features) == 20


def test_a_period(wenlu, demo, draft, past):
    ran = wenlu("rules", "simulate", draft, "--pack", demo, "--requests", past[0], "--mapping", past[1],
                "--from", "2026-03-05", "--to", "2026-03-07")  # fmt: skip
    assert ran.out.startswith("4 cases; 2 would change hands")


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        pytest.param([], "name a DRAFT rulebook, or an --edition", id="nothing to try"),
        pytest.param(["DRAFT", "--pack", "PACK"], "go together", id="no requests"),
        pytest.param(["--edition", "street", "--pack", "PACK", "--requests", "FILE", "--mapping", "MAP"],
                     "not LAYER=N", id="no number"),
        pytest.param(["--edition", "street=7", "--pack", "PACK", "--requests", "FILE", "--mapping", "MAP"],
                     "not LAYER=N", id="no such edition"),
        pytest.param(["MAP", "--pack", "PACK", "--requests", "FILE", "--mapping", "MAP"],
                     "fallback", id="no rulebook"),
    ],
)  # fmt: skip
def test_what_simulate_refuses(wenlu, demo, draft, past, arguments, said):
    names = {"DRAFT": draft, "PACK": demo, "FILE": past[0], "MAP": past[1]}
    ran = wenlu("rules", "simulate", *(names.get(each, each) for each in arguments))
    assert ran.code != 0
    assert said in ran.err
    assert "Traceback" not in ran.err


def test_rules_learnt_from_a_file(wenlu, past, tmp_path):
    out = tmp_path / "learnt.toml"
    ran = wenlu("rules", "learn", past[0], "--mapping", past[1], "--column", "who", "--layer", "street=street",
                "--out", out)  # fmt: skip
    assert (ran.code, ran.err) == (0, "")
    assert "learnt from the earlier 32 cases, judged on the later 9" in ran.out
    assert "unit first of the ranking 1.0000" in ran.out
    assert 'when = { service = ["street-light"] }\nlead = { unit = "parks" }' in out.read_text(
        encoding="utf-8"
    )


def test_a_layer_found_from_coordinates(wenlu, demo, past):
    ran = wenlu("rules", "learn", past[0], "--mapping", past[1], "--column", "who", "--layer", "street",
                "--pack", demo)  # fmt: skip
    assert (ran.code, ran.err) == (0, "")


@pytest.mark.parametrize(
    ("more", "said"),
    [
        (["--answer", "late=done"], "'done' is known only after filing"),
        (["--answer", "unit=who"], "'who' is known only after filing"),
        (["--service", "who"], "'who' is known only after filing"),
        (["--answer", "side"], "not QUESTION=COLUMN"),
        (["--answer", "side=nosuch"], "no column 'nosuch'"),
        (["--layer", "street"], "needs --pack"),
    ],
)
def test_what_learn_refuses(wenlu, past, more, said):
    ran = wenlu("rules", "learn", past[0], "--mapping", past[1], "--column", "who", *more)
    assert ran.code != 0
    assert said in ran.err
