"""How long it takes to draw the demo city and to load it: `make bench`."""

from __future__ import annotations

import time
from datetime import date
from pathlib import Path

from portal.db import Database
from portal.demo.lanpu.build import write_city
from portal.operations.load_city import load_city_folder


def test_draw_and_load(tmp_path: Path, database: Database) -> None:
    began = time.perf_counter()
    write_city(tmp_path, date(2026, 11, 21))
    drawn = time.perf_counter()
    load_city_folder(database, tmp_path)
    loaded = time.perf_counter()
    size = sum(path.stat().st_size for path in tmp_path.rglob("*") if path.is_file())
    print(
        f"\ndemo city: drawn in {drawn - began:.1f} s ({size / 1e6:.1f} MB), loaded in {loaded - drawn:.1f} s"
    )
