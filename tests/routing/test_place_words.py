"""How the name of a place is found by what a person types."""

from __future__ import annotations

import pytest

from routing.place_words import Sought, place_query, place_vector, place_words

STREET = ("明辉二街", "Minghui 2nd Street")


@pytest.mark.parametrize(
    ("typed", "near"),
    [
        pytest.param("明辉二街", 0, id="the whole name"),
        pytest.param(" MINGHUI  2nd street ", 0, id="in the other language, other capitals and spaces"),
        pytest.param("明辉二街12号", 1, id="with the number of a house"),
        pytest.param("Flat 3, 12 Minghui 2nd Street, Lanpu", 1, id="in the middle of an address"),
        pytest.param("明辉", 2, id="its beginning"),
        pytest.param("Minghui", 2, id="its beginning, in English"),
        pytest.param("辉二", 3, id="its middle"),
        pytest.param("street minghui", 3, id="its words in another order"),
        pytest.param("明辉三街", None, id="another street"),
        pytest.param("Minghui Road", None, id="another road"),
        pytest.param("", None, id="nothing"),
        pytest.param("’ & | ! :*", None, id="signs only"),
    ],
)
def test_how_near_a_name_is(typed: str, near: int | None) -> None:
    assert Sought.of(typed).closeness(STREET) == near


def test_what_is_kept_of_a_place() -> None:
    assert set(place_words(STREET)) == {
        "明辉",
        "辉二",
        "二街",
        "=明辉二街",
        "minghui",
        "2nd",
        "street",
        "=minghui2ndstreet",
    }
    assert place_vector(["—"]) == ""


@pytest.mark.parametrize("typed", ["'; DROP", "a & b | c", "\\", "’’"])
def test_a_query_holds_letters_and_digits_only(typed: str) -> None:
    bare = place_query(typed).translate(str.maketrans("", "", "'&|():*= "))
    assert bare.isalnum() or not bare
