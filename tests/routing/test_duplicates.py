"""How alike two reports are."""

from datetime import UTC, datetime, timedelta

import pytest

from geo.crs import LonLat
from routing.duplicates import DuplicateRules, Matter, rank_duplicates, text_likeness, time_likeness
from routing.words import words_of

HERE = LonLat(-71.06, 42.36)
NOW = datetime(2026, 3, 4, 12, tzinfo=UTC)
TEXT = "The street lamp opposite the school is out"
NEW = Matter(HERE, "lamp", "lighting", NOW, frozenset(words_of(TEXT)))


def _candidate(case_id="1", metres=10.0, service="lamp", group="lighting", days=1, text=TEXT):
    north = None if metres is None else LonLat(HERE.lon, HERE.lat + metres / 111_080)
    return case_id, Matter(north, service, group, NOW - timedelta(days=days), frozenset(words_of(text)))


@pytest.mark.parametrize(
    ("candidate", "is_likely"),
    [
        pytest.param(_candidate(), True, id="the same"),
        pytest.param(_candidate(text=""), True, id="silent"),
        pytest.param(
            _candidate(metres=60, days=10, text="lamp out, near the school"), True, id="some way off"
        ),
        pytest.param(_candidate(service="pole"), True, id="a neighbour service, the same words"),
        pytest.param(_candidate(service="pole", text=""), False, id="a neighbour service, silent"),
        pytest.param(
            _candidate(service="pole", text="a dog barks"), False, id="a neighbour service's matter"
        ),
        pytest.param(_candidate(metres=240, days=60, text="xyz"), False, id="old and far"),
        pytest.param(_candidate(metres=None), True, id="no place, the same words"),
        pytest.param(_candidate(metres=None, text="lamp out"), False, id="no place, two words"),
        pytest.param(_candidate(metres=None, text=""), False, id="no place, silent"),
    ],
)
def test_who_is_asked_me_too(services, candidate, is_likely):
    (match,) = rank_duplicates(services["lamp"], NEW, [candidate])
    assert match.is_likely is is_likely
    assert 0.0 <= match.score <= 1.0


def test_a_city_may_ask_for_more(services):
    (match,) = rank_duplicates(
        services["lamp"], NEW, [_candidate(metres=60)], DuplicateRules(likely_from=0.95)
    )
    assert not match.is_likely
    assert (match.service, match.text) == (1.0, 1.0)


@pytest.mark.parametrize(
    "candidate",
    [_candidate(metres=251), _candidate(service="hole", group="roads"), _candidate(service="x", group="")],
    ids=["beyond the radius", "another group", "no group"],
)
def test_who_is_not_compared_at_all(services, candidate):
    assert rank_duplicates(services["lamp"], NEW, [candidate]) == []


def test_the_most_alike_comes_first_whatever_the_order(services):
    rows = [_candidate("far", 100), _candidate("near", 5), _candidate("b", 50), _candidate("a", 50)]
    found = rank_duplicates(services["lamp"], NEW, rows)
    assert [match.case_id for match in found] == ["near", "a", "b", "far"]
    assert found == rank_duplicates(services["lamp"], NEW, rows[::-1])
    assert found[0].distance_m == pytest.approx(5, abs=0.1)


@pytest.mark.parametrize(
    ("one", "other", "likeness"),
    [
        ("lamps out", "Lamp OUT!", 1.0),
        ("路灯不亮", "路灯不亮了", 1.0),
        ("路灯不亮", "井盖破损", 0.0),
        (
            "丽发新城旁边建搅拌站噪音很大影响休息",
            "丽发新城小区门口又在倒混凝土半夜不停工",
            0.5 * (2 * 3 / 35) / 0.16,
        ),
        ("", "lamp", 0.5),
        ("...", "lamp", 0.5),
        ("灯", "灯", 1.0),
    ],
)
def test_words_in_any_script(one, other, likeness):
    first, second = frozenset(words_of(one)), frozenset(words_of(other))
    assert text_likeness(first, second) == pytest.approx(likeness, abs=0.1)
    assert text_likeness(second, first) == text_likeness(first, second)


def test_a_week_halves_the_likeness_in_time():
    assert time_likeness(NOW, NOW) == 1.0
    assert time_likeness(NOW, NOW - timedelta(days=7)) == pytest.approx(0.5)
    assert time_likeness(NOW - timedelta(days=14), NOW) == pytest.approx(0.25)
