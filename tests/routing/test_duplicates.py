"""How alike two reports are."""

from datetime import UTC, datetime, timedelta

import pytest

from geo.crs import LonLat
from routing.duplicates import Candidate, rank_duplicates, text_likeness, time_likeness

HERE = LonLat(-71.06, 42.36)
NOW = datetime(2026, 3, 4, 12, tzinfo=UTC)
TEXT = "The street lamp opposite the school is out"


def _candidate(case_id="1", metres=10.0, service="lamp", group="lighting", days=1, text=TEXT):
    north = LonLat(HERE.lon, HERE.lat + metres / 111_080)
    return Candidate(case_id, north, service, group, NOW - timedelta(days=days), text)


@pytest.mark.parametrize(
    ("candidate", "is_likely"),
    [
        (_candidate(), True),
        (_candidate(text=""), True),
        (_candidate(metres=60, days=10, text="lamp out since Monday, near the school"), True),
        (_candidate(service="pole"), True),
        (_candidate(service="pole", metres=150, text="something else"), False),
        (_candidate(metres=240, days=60, text="xyz"), False),
    ],
    ids=["the same", "silent", "some way off", "a neighbour service", "another matter", "old and far"],
)
def test_who_is_asked_me_too(services, candidate, is_likely):
    (match,) = rank_duplicates(services["lamp"], HERE, NOW, TEXT, [candidate])
    assert match.is_likely is is_likely
    assert 0.0 <= match.score <= 1.0


@pytest.mark.parametrize(
    "candidate",
    [_candidate(metres=251), _candidate(service="hole", group="roads"), _candidate(service="x", group="")],
    ids=["beyond the radius", "another group", "no group"],
)
def test_who_is_not_compared_at_all(services, candidate):
    assert rank_duplicates(services["lamp"], HERE, NOW, TEXT, [candidate]) == []


def test_the_most_alike_comes_first_whatever_the_order(services):
    rows = [_candidate("far", 100), _candidate("near", 5), _candidate("b", 50), _candidate("a", 50)]
    found = rank_duplicates(services["lamp"], HERE, NOW, TEXT, rows)
    assert [match.case_id for match in found] == ["near", "a", "b", "far"]
    assert found == rank_duplicates(services["lamp"], HERE, NOW, TEXT, rows[::-1])
    assert found[0].distance_m == pytest.approx(5, abs=0.1)


@pytest.mark.parametrize(
    ("one", "other", "likeness"),
    [
        ("lamp out", "Lamp OUT!", 1.0),
        ("路灯不亮", "路灯不亮了", 6 / 7),
        ("路灯不亮", "井盖破损", 0.0),
        ("night", "nacht", 0.25),
        ("", "lamp", 0.5),
        ("...", "lamp", 0.5),
        ("灯", "灯", 1.0),
    ],
)
def test_words_in_any_script(one, other, likeness):
    assert text_likeness(one, other) == pytest.approx(likeness)
    assert text_likeness(other, one) == text_likeness(one, other)


def test_a_week_halves_the_likeness_in_time():
    assert time_likeness(NOW, NOW) == 1.0
    assert time_likeness(NOW, NOW - timedelta(days=7)) == pytest.approx(0.5)
    assert time_likeness(NOW - timedelta(days=14), NOW) == pytest.approx(0.25)
