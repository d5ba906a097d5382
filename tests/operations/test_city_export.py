"""A city written back as a pack loads to the same city, byte for byte."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import date
from pathlib import Path

import pytest
from sqlalchemy import text

from portal.cli.city import write_files
from portal.db import Database
from portal.demo.lanpu.build import write_city
from portal.operations.load_city import load_city_folder
from portal.queries.city import the_only_city
from portal.queries.city_export import pack_files

ROOT = Path(__file__).resolve().parents[2]
DEMO = ROOT / "portal" / "demo" / "linhai"
CITIES = ROOT / "tests" / "cities"
STATE = [
    "service",
    "question",
    "unit",
    "unit_boundary",
    "duty",
    "target",
    "holiday",
    "response_plan",
    "answer_text",
    "planned_work",
    "basemap_feature",
    "crew",
    "crew_shift",
    "layer",
    "boundary",
]


@pytest.fixture
def fresh(new_database: Callable[..., str], migrated_template: str) -> Iterator[Callable[[], Database]]:
    """Migrated databases with no city in them."""
    made: list[Database] = []

    def make() -> Database:
        made.append(Database(new_database(migrated_template)))
        return made[-1]

    yield make
    for each in made:
        each.dispose()


def exported(database: Database, folder: Path) -> dict[str, bytes]:
    """Export the only city of a database; every file by its name."""
    with database.snapshot() as tx:
        write_files(folder, pack_files(tx, the_only_city(tx)))
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def kept(database: Database) -> dict[str, list[str]]:
    """What the catalogue's tables hold, without numbers of rows."""
    rest = "to_jsonb(t) - 'id' - 'layer_id' - 'edition_id' - 'created_at' - 'activated_at'"
    with database.reading() as tx:
        return {
            name: sorted(tx.scalars(text(f'SELECT CAST({rest} AS text) FROM "{name}" AS t')))
            for name in STATE
        }


def assert_loads_to_itself(pack: Path, fresh: Callable[[], Database], folder: Path) -> None:
    first, second = fresh(), fresh()
    load_city_folder(first, pack)
    written = exported(first, folder / "first")
    loaded = load_city_folder(second, folder / "first")
    assert not [each for each in loaded.findings if "unknown" in each.message]
    assert exported(second, folder / "second") == written
    assert kept(second) == kept(first)


def test_the_demo_pack_loads_to_itself(fresh: Callable[[], Database], tmp_path: Path) -> None:
    assert_loads_to_itself(DEMO, fresh, tmp_path)


@pytest.mark.cities
def test_the_drawn_city_loads_to_itself(fresh: Callable[[], Database], tmp_path: Path) -> None:
    (tmp_path / "lanpu").mkdir()
    write_city(tmp_path / "lanpu", date(2026, 11, 20))
    assert_loads_to_itself(tmp_path / "lanpu", fresh, tmp_path)


@pytest.mark.parametrize(
    "name",
    [
        "shenzhen",
        pytest.param("boston", marks=pytest.mark.cities),
        pytest.param("newyork", marks=pytest.mark.cities),
    ],
)
@pytest.mark.usefixtures("wenlu_data")
def test_a_real_city_loads_to_itself(name: str, fresh: Callable[[], Database], tmp_path: Path) -> None:
    assert_loads_to_itself(CITIES / name, fresh, tmp_path)
