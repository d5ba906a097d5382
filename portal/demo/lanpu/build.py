"""Knows how the demo city's folder comes to be: drawn, written beside its place, and moved there when whole."""

from __future__ import annotations

import hashlib
import os
import shutil
import tempfile
from datetime import date
from pathlib import Path
from zoneinfo import ZoneInfo

from portal import clock
from portal.demo.lanpu.basemap import basemap_files
from portal.demo.lanpu.city import SEED, City, Progress, draw_city
from portal.demo.lanpu.crews import crew_rows, roster_rows
from portal.demo.lanpu.days import holiday_rows
from portal.demo.lanpu.facts import write_facts
from portal.demo.lanpu.layers import layer_files
from portal.demo.lanpu.places import point_files
from portal.demo.lanpu.units import duty_rows, unit_rows
from portal.demo.lanpu.works import works_features
from portal.demo.lanpu.write import write_features, write_table

HERE = Path(__file__).parent
CATALOGUE = HERE / "catalogue"
COPIED = ("services.csv", "questions.csv", "targets.csv", "plans.csv", "answers.csv", "rules.toml")
CONFIG = "city.toml"
JURISDICTION, ZONE = "lanpu.example", ZoneInfo("Asia/Shanghai")


def source_digest(seed: int = SEED) -> str:
    """Short name of what the city is drawn from: these modules, the catalogue and the seed."""
    total = hashlib.sha256(str(seed).encode())
    for path in sorted([*HERE.glob("*.py"), HERE / CONFIG, *CATALOGUE.iterdir()]):
        total.update(path.name.encode() + b"\0" + path.read_bytes())
    return total.hexdigest()[:12]


def demo_folder(home: Path, seed: int = SEED) -> Path:
    """Where the demo city of this version lies in a home folder, whether it was drawn already or not."""
    return home / "demo" / source_digest(seed)


def ensure_demo_city(home: Path, on_step: Progress = lambda _: None) -> Path:
    """The folder of the demo city; drawn when it is not there yet."""
    folder = demo_folder(home)
    if not folder.is_dir():
        folder.parent.mkdir(parents=True, exist_ok=True)
        beside = Path(tempfile.mkdtemp(prefix=".drawing-", dir=folder.parent))
        try:
            write_city(beside, clock.now().astimezone(ZONE).date(), on_step=on_step)
            beside.chmod(0o755)
            os.replace(beside, folder)
        finally:
            shutil.rmtree(beside, ignore_errors=True)
    return folder


def write_city(folder: Path, today: date, seed: int = SEED, on_step: Progress = lambda _: None) -> City:
    """Draw the city and write its pack. The same day and seed give the same bytes."""
    city = draw_city(seed, on_step)
    on_step("parks, zones and assets")
    layers, points = layer_files(city, seed), point_files(city, seed)
    on_step("the files of the pack")
    shutil.copyfile(HERE / CONFIG, folder / CONFIG)
    for name in COPIED:
        shutil.copyfile(CATALOGUE / name, folder / name)
    for stem, features in layers.items():
        write_features(folder / "boundaries" / f"{stem}.geojson", features)
    for stem, features in points.items():
        write_features(folder / "points" / f"{stem}.geojson", features, 6)
    for stem, features in basemap_files(city, layers["park"]).items():
        write_features(folder / "basemap" / f"{stem}.geojson", features, 5)
    write_features(folder / "works" / "road_works.geojson", works_features(city, today, seed), 6)
    write_table(
        folder / "units.csv",
        unit_rows(city, layers["park"], points["pump_station"], today, CATALOGUE, JURISDICTION),
    )
    crews = crew_rows(city, points["depot"], JURISDICTION)
    write_table(folder / "crews.csv", crews)
    write_table(folder / "rosters.csv", roster_rows(crews))
    write_table(folder / "duties.csv", duty_rows(city, today, CATALOGUE))
    write_table(folder / "holidays.csv", holiday_rows(today))
    write_facts(folder, city, points, today, seed)
    return city
