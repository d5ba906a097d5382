"""A pack becomes a city: all of it or nothing, twice changes nothing, and every process notices a change."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Connection, select, text

from geo.tables import boundary, edition, layer
from portal import clock
from portal.crypto import Keyring
from portal.db import Database
from portal.errors import NotReady
from portal.models.all_tables import metadata
from portal.models.city import jurisdiction_table, rulebook, service, unit
from portal.operations.context import Context
from portal.operations.load_city import load_city_folder
from portal.operations.submission import Submission
from portal.operations.submit_report import submit_report
from portal.operations.verify_ledger import verify_ledger
from portal.pack.model import PackError
from portal.queries.city import CityCache, the_only_city
from portal.storage import FileStore

DEMO = Path(__file__).resolve().parents[2] / "portal" / "demo" / "linhai"
CITY = "linhai.example"
ACADEMY = (121.55490, 29.15)


@pytest.fixture
def fresh(new_database: Callable[..., str], migrated_template: str) -> Iterator[Database]:
    """A migrated database with no city in it."""
    made = Database(new_database(migrated_template))
    yield made
    made.dispose()


@pytest.fixture
def pack(tmp_path: Path) -> Path:
    """A copy of the demo pack that a test may change."""
    return Path(shutil.copytree(DEMO, tmp_path / "linhai"))


def change(pack: Path, name: str, old: str, new: str) -> None:
    path = pack / name
    written = path.read_text(encoding="utf-8")
    assert written.count(old) == 1, f"{old!r} stands {written.count(old)} times in {name}"
    path.write_text(written.replace(old, new), encoding="utf-8")


def everything(database: Database) -> dict[str, list[Any]]:
    """Every row of every table."""
    with database.reading() as tx:
        return {
            name: sorted(tx.scalars(text(f'SELECT CAST(t AS text) FROM "{name}" AS t')))
            for name in metadata.tables
        }


def scalars(database: Database, query: Any) -> list[Any]:
    with database.reading() as tx:
        return list(tx.scalars(query))


def city_of(tx: Connection) -> Any:
    return CityCache().city(tx, CITY)


def test_loading_twice_changes_nothing(fresh: Database) -> None:
    assert load_city_folder(fresh, DEMO).is_changed
    before = everything(fresh)
    assert len(before["service"]) == 16
    assert before["boundary"]
    again = load_city_folder(fresh, DEMO)
    assert (again.jurisdiction_id, again.is_changed) == (CITY, False)
    assert everything(fresh) == before


def test_the_load_is_on_record(fresh: Database) -> None:
    load_city_folder(fresh, DEMO)
    with fresh.reading() as tx:
        row = tx.execute(text("SELECT kind, public FROM event")).one()
        assert row.kind == "city.loaded"
        assert row.public["editions"].keys() >= {"district", "street"}
        assert verify_ledger(tx).faults == []


def test_a_copy_of_the_pack_is_not_the_demo(fresh: Database, pack: Path) -> None:
    load_city_folder(fresh, pack)
    assert scalars(fresh, select(jurisdiction_table.c.is_demo)) == [False]


def test_a_changed_pack_keeps_what_reports_still_name(fresh: Database, pack: Path) -> None:
    load_city_folder(fresh, pack)
    services, units = pack / "services.csv", pack / "units.csv"
    lines = services.read_text(encoding="utf-8").splitlines(keepends=True)
    services.write_text("".join(line for line in lines if not line.startswith("praise,")), encoding="utf-8")
    lines = units.read_text(encoding="utf-8").splitlines(keepends=True)
    units.write_text("".join(line for line in lines if not line.startswith("haiqing,")), encoding="utf-8")
    for name in ("crews.csv", "rosters.csv", "targets.csv"):
        lines = (pack / name).read_text(encoding="utf-8").splitlines(keepends=True)
        (pack / name).write_text("".join(line for line in lines if "haiqing" not in line), encoding="utf-8")
    change(pack, "rules.toml", '["sanitation", "haiqing"]', '["sanitation"]')
    assert load_city_folder(fresh, pack).is_changed
    off = {
        "service": scalars(fresh, select(service.c.service_code).where(~service.c.is_active)),
        "unit": scalars(fresh, select(unit.c.unit_code).where(~unit.c.is_active)),
    }
    assert off == {"service": ["praise"], "unit": ["haiqing"]}
    with fresh.reading() as tx:
        view = city_of(tx)
    assert view.services["praise"].names["en"] == "Praise"
    assert view.unit_names("haiqing")["en"] == "Haiqing Environmental Services"
    shutil.copy(DEMO / "services.csv", services)
    load_city_folder(fresh, pack)
    assert scalars(fresh, select(service.c.service_code).where(~service.c.is_active)) == [], "back again"


def test_new_rules_are_a_new_version_and_only_then(fresh: Database, pack: Path) -> None:
    load_city_folder(fresh, pack)
    change(pack, "services.csv", "Pothole in the carriageway", "Hole in the carriageway")
    load_city_folder(fresh, pack)
    assert scalars(fresh, select(rulebook.c.version)) == [1], "the rules are the same"
    change(pack, "rules.toml", "within_m = 20 }", "within_m = 25 }")
    load_city_folder(fresh, pack)
    states = select(rulebook.c.state).order_by(rulebook.c.version)
    assert scalars(fresh, states) == ["retired", "active"]
    assert scalars(fresh, select(jurisdiction_table.c.routing_version)) == [3]


def test_only_the_layer_that_changed_gets_a_new_edition(fresh: Database, pack: Path) -> None:
    load_city_folder(fresh, pack)
    editions = select(layer.c.name).join(edition, edition.c.layer_id == layer.c.id).order_by(edition.c.id)
    first = scalars(fresh, editions)
    path = pack / "boundaries" / "community.geojson"
    written = path.read_text(encoding="utf-8")
    assert "书院" in written
    path.write_text(written.replace("书院", "新书院"), encoding="utf-8")
    load_city_folder(fresh, pack)
    assert scalars(fresh, editions) == [*first, "community"]
    active = select(edition.c.id).where(edition.c.state == "active")
    assert len(scalars(fresh, active)) == len(first)
    names = (
        select(boundary.c.name).join(edition).where(edition.c.state == "active", boundary.c.code == "CN2-02")
    )
    assert "新书院" in scalars(fresh, names)[0]


@pytest.mark.parametrize(
    ("name", "old", "new"),
    [
        pytest.param("rules.toml", 'nearest_of = "depot" }\nassist = [ { unit = "traffic" }',
                     'nearest_of = "depot" }\nassist = [ { unit = "sea" }', id="a rule for nobody"),
        pytest.param("city.toml", 'coordination_unit = "centre"', 'coordination_unit = "nobody"', id="no coordination"),
        pytest.param("services.csv", "\nnoise,order", "\npothole,order", id="a service twice"),
        pytest.param("boundaries/park.geojson", "[\n", "", id="a file that is no GeoJSON"),
        pytest.param("targets.csv", "*,,promise,resolve,7,", "*,,promise,resolve,soon,", id="no number"),
    ],
)  # fmt: skip
def test_a_faulty_pack_changes_nothing(fresh: Database, pack: Path, name: str, old: str, new: str) -> None:
    load_city_folder(fresh, pack)
    before = everything(fresh)
    change(pack, "services.csv", "Pothole in the carriageway", "Hole in the carriageway")
    change(pack, name, old, new)
    with pytest.raises(PackError) as caught:
        load_city_folder(fresh, pack)
    assert name.split("/")[-1] in str(caught.value)
    assert everything(fresh) == before


def test_a_load_that_is_broken_off_leaves_nothing(fresh: Database) -> None:
    def stop(step: str) -> None:
        if step == "rules":
            raise RuntimeError("the power went")

    before = everything(fresh)
    with pytest.raises(RuntimeError):
        load_city_folder(fresh, DEMO, stop)
    assert everything(fresh) == before


def test_a_process_notices_the_change_at_the_next_report(fresh: Database, pack: Path, tmp_path: Path) -> None:
    load_city_folder(fresh, pack)
    context = Context(CITY, Keyring("a secret"), FileStore(tmp_path / "files"))
    here = Submission("pavement", *ACADEMY, accuracy_m=5.0)

    def lead() -> str:
        with fresh.transaction() as tx:
            return submit_report(tx, context, here).unit_code

    assert lead() == "street-cn2"
    first = context.cities
    with fresh.reading() as tx:
        view = first.city(tx, CITY)
        assert first.city(tx, CITY) is view, "kept while nothing changes"
    ours = '["park-repair"] } ] }\nlead = { %s }\nambiguous = "joint"'
    change(pack, "rules.toml", ours % 'boundary_of = "street"', ours % 'unit = "traffic"')
    load_city_folder(fresh, pack)
    assert lead() == "traffic"
    with fresh.reading() as tx:
        newer = first.city(tx, CITY)
        assert (newer.version, newer.rulebook_version) == (view.version + 1, 2)
        assert first.city(tx, CITY, version=1) is newer, "an older question gets the newest answer"


def test_a_change_that_was_rolled_back_was_never_seen(fresh: Database) -> None:
    load_city_folder(fresh, DEMO)
    cities = CityCache()

    def fail() -> None:
        with fresh.transaction() as tx:
            tx.execute(jurisdiction_table.update().values(routing_version=99))
            raise RuntimeError

    with pytest.raises(RuntimeError):
        fail()
    with fresh.reading() as tx:
        assert cities.city(tx, CITY).version == 1


@pytest.mark.parametrize("wanted", ["", CITY])
def test_without_a_city_nothing_is_served(fresh: Database, wanted: str) -> None:
    with fresh.reading() as tx:
        with pytest.raises(NotReady):
            the_only_city(tx, wanted)
        with pytest.raises(NotReady):
            CityCache().city(tx, CITY)


def test_the_city_that_is_asked_for_is_served_or_none(fresh: Database) -> None:
    load_city_folder(fresh, DEMO)
    with fresh.reading() as tx:
        assert the_only_city(tx) == the_only_city(tx, CITY) == CITY
        with pytest.raises(NotReady):
            the_only_city(tx, "elsewhere.example")


def test_the_loaded_city_decides_like_the_pack(fresh: Database) -> None:
    """What goes through the database and what is built from the folder give the same receipts."""
    from portal.pack.city import build_city
    from portal.pack.reader import read_pack
    from routing.router import PointQuery, Router

    load_city_folder(fresh, DEMO)
    with fresh.reading() as tx:
        loaded = city_of(tx).router
    built, at = Router(build_city(read_pack(DEMO))), clock.now()
    edition_free = ("editions", "rulebook", "published_by", "facts")
    for step in range(40):
        lon, lat = 121.50 + (step % 8) * 0.03, 29.12 + (step // 8) * 0.035
        for code in ("pothole", "noise", "street-light", "corridor-clutter"):
            query = PointQuery(code, at, lon, lat, 20.0)
            one, other = loaded.route(query).receipt, built.route(query).receipt
            assert {k: v for k, v in one.items() if k not in edition_free} == {
                k: v for k, v in other.items() if k not in edition_free
            }
