"""What the engine says about rules, maps and rosters is said in the reader's language, and all of it has Chinese."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest
from shapely import Point, box

from geo.boundary import Boundary, GeometryError, Layer, repair
from geo.sentences import Sentence, marked, sentence
from geo.topology import check_layer
from portal.i18n import message_of, translations
from portal.pack.said import said
from routing.errors import RulebookError, RuleError
from routing.rules import parse_rulebook

ROOT = Path(__file__).resolve().parents[2]
# Which argument of each holds a pattern.
SAYING = {
    "sentence": 0, "marked": 0, "GeometryError": 0, "FileError": 0, "ColumnError": 0, "GeoJsonError": 0,
    "ConditionError": 0, "RuleError": 2, "refuse": 0,
}  # fmt: skip
PLACES = re.compile(r"%\((\w+)\)s")


def patterns() -> dict[str, str]:
    """Every pattern of the pure packages, with where it stands."""
    found = {}
    for path in (*(ROOT / "geo").glob("*.py"), *(ROOT / "routing").glob("*.py")):
        for call in ast.walk(ast.parse(path.read_text())):
            if not (
                isinstance(call, ast.Call) and isinstance(call.func, ast.Name) and call.func.id in SAYING
            ):
                continue
            place = SAYING[call.func.id]
            said_there = call.args[place] if len(call.args) > place else None
            if isinstance(said_there, ast.Constant):
                found[said_there.value] = f"{path.name}:{call.lineno}"
            else:
                assert not isinstance(said_there, ast.JoinedStr), f"{path.name}:{call.lineno} builds its own"
    return found


def test_every_sentence_of_the_engine_has_its_chinese_with_the_same_places() -> None:
    catalogue, found = translations("zh_Hans"), patterns()
    assert len(found) > 70
    assert [f"{where} {each}" for each, where in found.items() if catalogue.gettext(each) == each] == []
    for each in found:
        assert sorted(set(PLACES.findall(each))) == sorted(set(PLACES.findall(catalogue.gettext(each)))), each


def test_no_problem_of_a_check_is_built_where_nobody_can_translate_it() -> None:
    for path in (*(ROOT / "geo").glob("*.py"), *(ROOT / "routing").glob("*.py")):
        for call in ast.walk(ast.parse(path.read_text())):
            if isinstance(call, ast.Call) and getattr(call.func, "id", "") in ("Finding", "Problem", "_warn"):
                built = [arg for arg in call.args if isinstance(arg, ast.JoinedStr)]
                assert all("unknown_" in ast.unparse(arg) for arg in built), f"{path.name}:{call.lineno}"


@pytest.mark.parametrize(
    ("text", "english", "chinese"),
    [
        ("x = ", "not TOML", "不是 TOML"),
        ('[[rule]]\nid = "a"\nlead = {unit = "u"}', "the last rule must be the fallback", "最后一条规则必须"),
        ('[[rule]]\nid = "fallback"\nlead = {house = "u"}', "unknown way 'house'", "不认识"),
        (
            '[[rule]]\nid = "fallback"\nlead = {unit = "u"}\nwhen = {hour = 3}',
            "unknown condition 'hour'",
            "不认识的条件",
        ),
    ],
)
def test_a_rulebook_that_cannot_be_read_says_why_in_the_readers_language(
    text: str, english: str, chinese: str
) -> None:
    with pytest.raises(RulebookError) as refused:
        parse_rulebook(text)
    messages = [problem.message for problem in refused.value.problems]
    assert any(english in message for message in messages)
    assert any(chinese in message_of(message).in_locale("zh_Hans") for message in messages)


def test_what_a_check_of_a_map_finds_keeps_its_values() -> None:
    areas = [Boundary("A", "A", box(0, 0, 0.02, 0.02), {}), Boundary("B", "B", box(0.01, 0, 0.03, 0.02), {})]
    (found,) = check_layer(Layer("ward", tuple(areas)), rows={"A": (3,)})
    assert found.kind == "overlap"
    assert "'A' (row 3) and 'B' overlap at" in found.message
    chinese = message_of(found.message).in_locale("zh_Hans")
    assert "'A'（第 3 行）" in chinese
    assert "overlap" not in chinese


def test_a_sentence_survives_being_raised_and_nested() -> None:
    with pytest.raises(GeometryError) as refused:
        repair(Point())
    assert isinstance(str(refused.value), Sentence)
    inner = sentence("the geometry is empty")
    outer = RuleError("r", "bad_condition", sentence("%(key)s needs a word", key=inner)).message
    assert outer == "the geometry is empty needs a word"
    assert "几何" in message_of(outer).in_locale("zh_Hans")
    assert said(outer) is outer
    assert marked("x") == "x"
