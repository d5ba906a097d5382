"""The demo city, drawn once for all tests of it."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest

from portal.demo.lanpu.build import write_city
from portal.demo.lanpu.city import City
from portal.pack.model import Pack
from portal.pack.reader import read_pack

TODAY = date(2026, 11, 21)


@pytest.fixture(scope="session")
def drawn(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, City]:
    made = tmp_path_factory.mktemp("lanpu")
    return made, write_city(made, TODAY)


@pytest.fixture(scope="session")
def folder(drawn: tuple[Path, City]) -> Path:
    return drawn[0]


@pytest.fixture(scope="session")
def city(drawn: tuple[Path, City]) -> City:
    return drawn[1]


@pytest.fixture(scope="session")
def pack(folder: Path) -> Pack:
    return read_pack(folder)
