"""How a text falls into words."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from routing.words import MOST_WORDS, any_of, search_vector, stem, words_of


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("路灯不亮了", ("路灯", "灯不", "不亮", "亮了")),
        ("灯", ("灯",)),
        ("A3区ＬＩＧＨＴＳ１２号", ("a3", "区", "lights12", "号")),
        ("The lamp is out, the lamps are OUT", ("lamp", "out")),
        ("lamp-post", ("lamp", "post")),
        ("'; DROP TABLE report; --\\", ("drop", "tabl", "report")),
        ("...", ()),
    ],
)
def test_words(text, words):
    assert words_of(text) == words


@pytest.mark.parametrize(
    "same",
    [
        "light lights lighted lighting",
        "pothole potholes",
        "box boxes",
        "city cities",
        "drip dripped dripping",
    ],
)
def test_one_stem(same):
    assert len({stem(word) for word in same.split()}) == 1


@pytest.mark.parametrize("word", ["bus", "glass", "12a", "überall"])
def test_left_as_it_is(word):
    assert stem(word) == word


@given(st.text(max_size=600))
def test_nothing_needs_escaping(text):
    words = words_of(text)
    assert len(words) <= MOST_WORDS
    assert all(word.isalnum() for word in words)
    assert tuple(search_vector(words).split()) == words
    assert len(any_of(words, 5).split(" | ")) <= 5
