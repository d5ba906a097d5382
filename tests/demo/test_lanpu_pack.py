"""The demo city as a pack: clean under our own checks, varied, in both languages, and the same every time."""

from __future__ import annotations

import csv
import hashlib
import json
import re
import subprocess
import sys
from datetime import UTC, date, datetime
from pathlib import Path

import pytest

from portal.demo.lanpu.build import demo_folder, ensure_demo_city
from portal.demo.lanpu.days import holiday_rows
from portal.operations.load_city import is_demo_folder
from portal.pack.check import check_with_layers
from portal.pack.city import build_city
from portal.pack.convert import directory_of, services_of
from portal.pack.model import KINDS, Pack
from routing.conditions import _LEAVES
from routing.lint_places import cut_places
from routing.lint_reach import lint_reach
from routing.router import PointQuery, Router
from routing.rules import BoundaryOf, LeastLoaded, NearestOf, UnitNamed, parse_rulebook

CHECKOUT = Path(__file__).resolve().parents[2]
TODAY = date(2026, 11, 21)  # the day for which conftest.py draws the city
NOON = datetime(2026, 11, 20, 4, tzinfo=UTC)
HAN = re.compile(r"[\u4e00-\u9fff]")


def test_city_check_and_deep_lint_are_clean(pack: Pack) -> None:
    findings, layers = check_with_layers(pack, TODAY)
    assert [str(found) for found in findings] == []
    places = cut_places(layers, {layer.name for layer in layers if layer.name != "community"})
    reach = lint_reach(parse_rulebook(pack.rules_text), services_of(pack), directory_of(pack), places)
    assert reach.problems == ()
    gaps = [claim for claim in reach.claims if claim.kind == "gap"]
    assert gaps == [], "every service is answered for everywhere by a rule"


def test_the_catalogue_is_large_and_of_every_kind(pack: Pack) -> None:
    assert len(pack.services) >= 40
    assert {row.kind for row in pack.services} == set(KINDS)
    assert len(pack.plans) >= 20
    assert sum(unit.level == "department" for unit in pack.units) >= 10
    assert any(unit.contract_to for unit in pack.units)
    assert any(row.show_if for row in pack.questions)
    assert any(row.stop for row in pack.questions)
    assert len(pack.duties) >= 100
    reviewed = [row for row in pack.duties if row.review_by and row.review_by > TODAY]
    assert len(reviewed) == len(pack.duties)
    assert all(unit.email.endswith(".example") for unit in pack.units)


def test_the_rules_use_everything_a_rule_can_say(pack: Pack) -> None:
    book = parse_rulebook(pack.rules_text)
    assert len(book.rules) >= 60
    said = set(re.findall(r"(?:[{ ,])(\w+) = ", pack.rules_text))
    assert set(_LEAVES) | {"all", "any", "not", "layer", "code"} <= said
    assert {rule.ambiguous for rule in book.rules} == {"ask", "joint", "most_likely"}
    selectors = {type(selector) for rule in book.rules for selector in (rule.lead, *rule.assist)}
    assert selectors == {UnitNamed, BoundaryOf, NearestOf, LeastLoaded}
    assert any(rule.is_private for rule in book.rules)
    assert {rule.priority for rule in book.rules} >= {"emergency", "high", None}
    assert {rule.plan for rule in book.rules if rule.plan} <= {row.code for row in pack.plans}


def test_both_languages_are_complete(folder: Path) -> None:
    for path in sorted(folder.glob("*.csv")):
        with path.open(encoding="utf-8", newline="") as stream:
            for row in csv.DictReader(stream):
                _check_texts(path.name, row)
    for path in sorted(folder.glob("*/*.geojson")):
        for feature in json.loads(path.read_text(encoding="utf-8"))["features"]:
            _check_texts(path.name, feature["properties"])


def _check_texts(file: str, row: dict[str, str]) -> None:
    for column, text in row.items():
        if column.endswith("_en"):
            other = row[column.removesuffix("_en") + "_zh_Hans"]
            assert bool(text) == bool(other), f"{file}: {column} {text!r} {other!r}"
            assert not HAN.search(text), f"{file}: {column} {text!r}"
            assert not other or HAN.search(other), f"{file}: {column} {other!r}"


def test_some_works_are_in_force_some_over_some_to_come(pack: Pack) -> None:
    spans = [
        (str(f.properties["from"]), str(f.properties["to"])) for file in pack.works for f in file.features
    ]
    today = TODAY.isoformat()
    assert sum(start <= today <= end for start, end in spans) >= 12
    assert any(end < today for _, end in spans)
    assert any(start > today for start, _ in spans)


@pytest.mark.parametrize("year", [2026, 2027, 2031])
def test_holidays_of_two_years_with_make_up_days(year: int) -> None:
    rows = holiday_rows(date(year, 3, 1))
    for each in (year, year + 1):
        days = {date.fromisoformat(row["date"]): row for row in rows if row["date"].startswith(str(each))}
        make_up = [day for day, row in days.items() if row["working"] == "yes"]
        assert len(make_up) >= 4
        assert all(day.weekday() >= 5 for day in make_up)
        assert sum(row["working"] == "no" for row in days.values()) >= 11
        assert date(each, 10, 1) in days
        assert days[date(each, 10, 1)]["working"] == "no"


def test_another_process_writes_the_same_bytes(folder: Path, tmp_path: Path) -> None:
    program = (
        "import sys; from datetime import date; from pathlib import Path; "
        "from portal.demo.lanpu.build import write_city; "
        "write_city(Path(sys.argv[1]), date.fromisoformat(sys.argv[2]))"
    )
    subprocess.run(
        [sys.executable, "-c", program, str(tmp_path), TODAY.isoformat()], check=True, cwd=CHECKOUT
    )
    assert _digests(tmp_path) == _digests(folder)


def _digests(folder: Path) -> dict[str, str]:
    return {
        str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def test_it_is_drawn_once_whole_and_marked_as_a_demo(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def half(where: Path, today: date, **more: object) -> None:
        (where / "half").touch()
        raise OSError("no space left")

    with monkeypatch.context() as patched:
        patched.setattr("portal.demo.lanpu.build.write_city", half)
        with pytest.raises(OSError, match="no space"):
            ensure_demo_city(tmp_path)
    assert list((tmp_path / "demo").iterdir()) == [], "what is half drawn is taken away"

    def whole(where: Path, today: date, **more: object) -> None:
        drawings.append(today)
        (where / "facts.json").touch()

    drawings: list[date] = []
    monkeypatch.setattr("portal.demo.lanpu.build.write_city", whole)
    made = ensure_demo_city(tmp_path)
    assert made == demo_folder(tmp_path) == ensure_demo_city(tmp_path)
    assert len(drawings) == 1, "the second time it is there"
    assert is_demo_folder(made)
    assert not is_demo_folder(tmp_path)


DANGERS = [
    pytest.param("lift-fault", {"trapped": ["yes"]}, "lift-trapped", "emergency", id="trapped in a lift"),
    pytest.param("flooding", {"flood-depth": ["deeper"]}, "deep-flood", "emergency", id="deep water"),
    pytest.param(
        "illegal-dumping", {"dump-type": ["chemical"]}, "dumped-chemicals", "emergency", id="chemicals"
    ),
    pytest.param("stray-dog", {"dog-matter": ["bite"]}, "dog-bite", "high", id="a bite"),
    pytest.param(
        "elder-care", {"care-need": ["urgent"]}, "somebody-in-need-now", "emergency", id="in need now"
    ),
    pytest.param("gas-smell", {"gas-where": ["home"]}, "gas-leak", "emergency", id="gas at home"),
    pytest.param(
        "playground", {"play-danger": ["no"]}, "playground-danger", "high", id="a swing that breaks"
    ),
]


@pytest.fixture(scope="module")
def router(pack: Pack) -> Router:
    return Router(build_city(pack))


@pytest.mark.parametrize(("service", "answers", "rule", "priority"), DANGERS)
def test_the_gravest_answers_can_be_sent_and_reach_their_rule(
    pack: Pack, router: Router, service: str, answers: dict[str, list[str]], rule: str, priority: str
) -> None:
    asked = {row.code: row for row in pack.questions if row.service_code == service}
    warnings = {pair for row in asked.values() if row.datatype == "notice" for pair in row.show_if}
    for code, (key,) in answers.items():
        assert key not in asked[code].stop
        assert (code, key) in warnings, "told to call the emergency services too"
    park = next(layer for layer in router.city.index.layers if layer.name == "park")
    inside = park.boundaries[0].geometry.representative_point()
    decision = router.route(PointQuery(service, NOON, inside.x, inside.y, 5, answers)).decision
    assert (decision.rule_id, decision.priority) == (rule, priority)
