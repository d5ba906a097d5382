"""A complaint about a unit: filed with its name, and kept from it whoever moves the case."""

from __future__ import annotations

from typing import Any

import pytest

from portal.errors import InvalidInput, NotFound
from portal.operations.context import Actor

DESK, ACCUSED = Actor("dispatcher", "centre"), Actor("unit_head", "district-cn")


@pytest.fixture
def complaint(linhai: Any) -> str:
    """A complaint about the South City District, which its rule sends to the centre in any case."""
    return linhai.file(
        service_code="unit-complaint", about_unit="district-cn", answers={"about-unit": ("South City",)}
    )


def test_the_unit_is_kept_though_the_rule_needed_no_redirection(linhai: Any, complaint: str) -> None:
    row = linhai.row(complaint)
    assert (row.lead_unit, row.about_unit, row.receipt["about"]) == ("centre", "district-cn", None)
    assert "about_unit" not in row.public_receipt
    assert linhai.row(linhai.file(about_unit="district-cn")).about_unit is None, "a pothole accuses nobody"


@pytest.mark.parametrize("unit", ["district-cn", "street-cn2", "community-shuyuan"])
@pytest.mark.parametrize("action", ["transfer", "assign"])
def test_it_is_never_handed_to_the_accused(linhai: Any, complaint: str, action: str, unit: str) -> None:
    with pytest.raises(InvalidInput, match="never goes to the unit it is about") as caught:
        linhai.move(complaint, DESK, action, to_unit=unit, reason="no_capacity")
    assert list(caught.value.fields) == ["to_unit"]
    assert linhai.row(complaint).lead_unit == "centre"


def test_another_unit_may_take_it_and_the_accused_finds_nothing(linhai: Any, complaint: str) -> None:
    linhai.move(complaint, DESK, "assign", to_unit="district-wh", reason="a neutral district")
    with pytest.raises(NotFound):
        linhai.move(complaint, ACCUSED, "accept")
    assert linhai.move(complaint, Actor("handler", "district-wh"), "accept").state == "accepted"
