"""Which edition of a layer is in force on a day: from its first day, up to the day before it ends."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest

from portal.pack.model import EditionConfig, LayerConfig


def edition(name: str, valid_from: date | None = None, valid_to: date | None = None) -> EditionConfig:
    return EditionConfig(name, Path(name), "code", valid_from=valid_from, valid_to=valid_to)


CUT, LATER, END = date(2013, 1, 1), date(2015, 6, 1), date(2020, 1, 1)
# One follows the other at once, then nothing for a while, then one that ends without another.
EDITIONS = (
    edition("first", None, CUT),
    edition("second", CUT, date(2014, 1, 1)),
    edition("last", LATER, END),
)


@pytest.mark.parametrize(
    ("day", "name"),
    [
        pytest.param(date(1900, 1, 1), "first", id="always before"),
        pytest.param(date(2012, 12, 31), "first", id="the last day of the first"),
        pytest.param(CUT, "second", id="the day of the change"),
        pytest.param(date(2013, 12, 31), "second", id="the last day before a gap"),
        pytest.param(date(2014, 1, 1), None, id="the first day of a gap"),
        pytest.param(date(2015, 5, 31), None, id="the last day of a gap"),
        pytest.param(LATER, "last", id="the first day after a gap"),
        pytest.param(date(2019, 12, 31), "last", id="the last day of all"),
        pytest.param(END, None, id="the day on which the last ended"),
        pytest.param(None, "last", id="no day: the newest"),
    ],
)
def test_the_edition_in_force(day: date | None, name: str | None) -> None:
    found = LayerConfig("ward", {}, EDITIONS).edition_on(day)
    assert (found and found.file) == name


def test_a_layer_without_editions() -> None:
    assert LayerConfig("ward", {}, ()).edition_on(None) is None
