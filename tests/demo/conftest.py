"""The demo city, drawn once for all tests of it."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from pathlib import Path

import pytest

from portal.demo.lanpu.build import write_city
from portal.demo.lanpu.city import City, draw_city
from portal.pack.model import Pack
from portal.pack.reader import read_pack

TODAY = date(2026, 11, 21)


@pytest.fixture(scope="session")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tmp_path_factory.mktemp("lanpu")
    write_city(made, TODAY)
    return made


@pytest.fixture(scope="session")
def pack(folder: Path) -> Pack:
    return read_pack(folder)


@pytest.fixture(scope="session")
def city() -> Iterator[City]:
    yield draw_city()
