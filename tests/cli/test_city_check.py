"""What `wenlu city check` says beside the findings themselves."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from portal.operations.load_city import DEMO

LINHAI = DEMO / "linhai"


@pytest.fixture
def pack(tmp_path: Path) -> Path:
    """A copy of the small city."""
    return Path(shutil.copytree(LINHAI, tmp_path / "linhai"))


def test_a_city_without_streets_on_its_maps_is_told(wenlu, pack: Path) -> None:
    assert "basemap" not in wenlu("city", "check", pack).out
    shutil.rmtree(pack / "basemap")
    ran = wenlu("city", "check", pack)
    assert ran.code == 0
    assert "maps are empty unless TILE_URL is set" in ran.out


def test_a_layer_without_a_column_of_codes_is_one_finding(wenlu, pack: Path) -> None:
    text = (pack / "city.toml").read_text(encoding="utf-8")
    (pack / "city.toml").write_text(
        text.replace('park.geojson"\ncode = "code"', 'park.geojson"'), encoding="utf-8"
    )
    ran = wenlu("city", "check", pack)
    assert ran.code == 1
    assert "layers.park.code: error: missing" in ran.out + ran.err
    assert "is blank" not in ran.out + ran.err


def test_services_without_a_clock_are_one_warning(wenlu, pack: Path) -> None:
    text = (pack / "targets.csv").read_text(encoding="utf-8")
    (pack / "targets.csv").write_text(
        text.replace("*,,unit,first_answer,1,working_days\n", ""), encoding="utf-8"
    )
    ran = wenlu("city", "check", pack)
    assert (ran.out + ran.err).count("target for first_answer") == 1
