"""Who stands above whom, and who answers for a boundary on a day."""

from datetime import date

import pytest

from routing.errors import RoutingError, UnknownUnit
from routing.units import Directory, Unit

UNITS = (
    Unit("centre", level="city", names={"en": "Centre", "zh_Hans": "中心"}),
    Unit("east", "centre", "district", boundaries=(("district", "E"),)),
    Unit("mill", "east", "street", boundaries=(("street", "S1"), ("street", "S2"))),
    Unit("lamps-old", "mill", "contractor", contract_to=date(2026, 6, 30), boundaries=(("lamp", "L"),)),
    Unit("lamps-new", "mill", "contractor", contract_from=date(2026, 7, 1), boundaries=(("lamp", "L"),)),
    Unit("audited", "mill", "department", supervisor="centre"),
)


@pytest.fixture
def directory():
    return Directory(UNITS, "centre")


@pytest.mark.parametrize(
    ("layer", "code", "day", "unit"),
    [
        ("street", "S1", None, "mill"),
        ("street", "S2", None, "mill"),
        ("street", "S9", None, None),
        ("lamp", "L", date(2026, 6, 30), "lamps-old"),
        ("lamp", "L", date(2026, 7, 1), "lamps-new"),
    ],
)
def test_unit_of_a_boundary(directory, layer, code, day, unit):
    assert directory.unit_of(layer, code, day) == unit


@pytest.mark.parametrize(
    ("code", "supervisor"),
    [("mill", "east"), ("audited", "centre"), ("centre", None), ("lamps-old", "mill")],
)
def test_who_supervises(directory, code, supervisor):
    assert directory.supervisor_of(code) == supervisor


def test_the_chain_above_a_unit(directory):
    assert directory.ancestors("lamps-old") == ("mill", "east", "centre")
    assert directory.is_below("mill", "centre")
    assert not directory.is_below("mill", "mill")
    assert not directory.is_below("centre", "mill")


def test_work_of_an_ended_contract_goes_up(directory):
    assert directory.in_force("lamps-old", date(2026, 6, 1)) == "lamps-old"
    assert directory.in_force("lamps-old", date(2026, 8, 1)) == "mill"


def test_names_fall_back(directory):
    assert directory.unit("centre").name("zh_Hans") == "中心"
    assert directory.unit("centre").name("fr") == "Centre"
    assert directory.unit("mill").name("en") == "mill"


@pytest.mark.parametrize(
    ("units", "match"),
    [
        ((Unit("a"), Unit("a")), "twice"),
        ((Unit("a", "ghost"),), "unknown parent 'ghost'"),
        ((Unit("a", supervisor="ghost"),), "unknown supervisor 'ghost'"),
        ((Unit("a", "b"), Unit("b", "a")), "above itself"),
    ],
)
def test_directories_that_cannot_be(units, match):
    with pytest.raises(RoutingError, match=match):
        Directory(units, "a")


def test_an_unknown_unit_is_named(directory):
    with pytest.raises(UnknownUnit, match="ghost"):
        directory.unit("ghost")
