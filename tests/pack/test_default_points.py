"""`[default_points]` of city.toml: read, refused with its line, and kept by the form of the settings."""

from __future__ import annotations

from typing import Any

import pytest

from portal.pack.config_cells import settings_texts, with_settings
from portal.pack.points import default_point_at
from portal.pack.reader import read_pack


@pytest.mark.parametrize(
    ("written", "fragment"),
    [
        ("[121.6, 29.2, 15]", None),
        ("[121.6, 29.2]", "is not [lon, lat, metres]"),
        ('"the hall"', "is not [lon, lat, metres]"),
        ("[29.2, 121.6, 15]", "in degrees"),
        ("[121.6, 29.2, 900]", "up to 500 m"),
    ],
)
def test_what_may_be_written(spoil: Any, findings_after: Any, written: str, fragment: str | None) -> None:
    added = f"\n[default_points]\ncity_hall = {written}\n"
    found = [each for each in findings_after("city.toml", None, added) if "default_points" in each.column]
    assert bool(found) is (fragment is not None)
    assert all(fragment in each.message for each in found)


def test_a_city_knows_its_points(spoil: Any) -> None:
    pack = read_pack(spoil("city.toml", None, "\n[default_points]\ncity_hall = [121.6, 29.2, 15]\n"))
    assert dict(pack.city.default_points) == {"city_hall": (121.6, 29.2, 15.0)}
    assert default_point_at(pack.city.default_points, 121.6001, 29.2) == "city_hall"
    assert default_point_at(pack.city.default_points, 121.601, 29.2) is None


def test_the_form_offers_three_more_and_keeps_what_is_written() -> None:
    config = {"default_points": {"city_hall": [121.6, 29.2, 15.0]}}
    texts = settings_texts(config)
    assert texts["default_points.city_hall"] == "121.6, 29.2, 15"
    assert [texts[f"default_points.place_{n}"] for n in (1, 2, 3)] == ["", "", ""]
    assert with_settings(config, {}) == config
    added = with_settings(config, texts | {"default_points.place_1": "121.7, 29.1, 20"})
    assert added["default_points"] == {"city_hall": [121.6, 29.2, 15], "place_1": [121.7, 29.1, 20]}
    assert "default_points" not in with_settings(config, texts | {"default_points.city_hall": ""})
