"""Knows how a pack becomes a city in the database: all of it in one transaction, and twice changes nothing."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from sqlalchemy import Connection, func, select, update
from sqlalchemy.dialects.postgresql import insert as upsert

from geo.boundary import Layer
from geo.postgis import (
    activate_edition,
    active_editions,
    configure_layer,
    find_edition,
    layer_digest,
    stage_edition,
)
from portal import clock
from portal.crypto import Keyring
from portal.db import Database, insert_together
from portal.models.city import jurisdiction_table, rulebook
from portal.operations.catalogue_rows import catalogue_rows, config_row, replace_catalogue
from portal.operations.context import SYSTEM
from portal.operations.load_letters import check_wordings, load_channels, load_wordings
from portal.operations.record_events import Draft, city_head, record
from portal.pack.check import check
from portal.pack.layers import point_layers, read_edition
from portal.pack.model import Finding, LayerConfig, Pack, PackError
from portal.pack.reader import read_pack
from routing.rules import parse_rulebook

DEMO = Path(__file__).parent.parent / "demo"
# Only the folder of a drawn demo city has it: the facts from which it was drawn.
DEMO_MARK = "facts.json"
Progress = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Loaded:
    """What loading did. `is_changed` False: the city was loaded already, exactly like this."""

    jurisdiction_id: str
    is_changed: bool
    findings: tuple[Finding, ...] = ()


def load_city_folder(
    database: Database,
    folder: Path | str,
    on_step: Progress = lambda _: None,
    keyring: Keyring | None = None,
) -> Loaded:
    """Load a pack from its folder; raises PackError with every finding where it does not hold."""
    pack = read_pack(folder)
    with database.transaction() as tx:
        return load_city(tx, pack, on_step, keyring)


def load_city(
    tx: Connection, pack: Pack, on_step: Progress = lambda _: None, keyring: Keyring | None = None
) -> Loaded:
    """Load a pack: catalogue, boundaries as editions, rulebook, letters; the switch is the transaction's commit.

    Without the key of the installation the channels of units stay out.
    """
    if pack.errors:
        raise PackError(pack.findings)
    jurisdiction_id = pack.city.jurisdiction_id
    known = tx.scalar(
        select(jurisdiction_table.c.pack_digest)
        .where(jurisdiction_table.c.id == jurisdiction_id)
        .with_for_update()
    )
    if known == pack.digest:
        return Loaded(jurisdiction_id, is_changed=False)
    on_step("checking")
    findings = (*check(pack, clock.now().date()), *check_wordings(pack))
    if any(found.severity == "error" for found in findings):
        raise PackError(findings)
    _put_jurisdiction(tx, pack)
    on_step("services, units and targets")
    replace_catalogue(tx, jurisdiction_id, catalogue_rows(pack))
    on_step("boundaries")
    _put_layers(tx, pack)
    on_step("rules")
    version = _put_rulebook(tx, pack)
    on_step("letters")
    letters = {"wordings": load_wordings(tx, pack)}
    letters["channels"] = load_channels(tx, pack, keyring) if keyring else 0
    _note(tx, pack, version, letters)
    return Loaded(jurisdiction_id, is_changed=True, findings=findings)


def is_demo_folder(folder: Path) -> bool:
    """Whether a pack is one of the demo's, committed or drawn: such a city may have demo accounts."""
    return DEMO in folder.resolve().parents or (folder / DEMO_MARK).is_file()


def _put_jurisdiction(tx: Connection, pack: Pack) -> None:
    city = pack.city
    values = {
        "id": city.jurisdiction_id,
        "name": dict(city.names),
        "config": config_row(city),
        "timezone": city.timezone,
        "locales": list(city.locales),
        "coordination_unit": city.coordination_unit,
        "pack_digest": pack.digest,
        "is_demo": is_demo_folder(pack.folder),
        "loaded_at": clock.now(),
    }
    row = upsert(jurisdiction_table).values(values)
    newer = {"routing_version": jurisdiction_table.c.routing_version + 1}
    tx.execute(row.on_conflict_do_update(index_elements=["id"], set_=values | newer))


def _put_layers(tx: Connection, pack: Pack) -> None:
    for config in pack.city.layers.values():
        _put_editions(tx, pack, config)
    for layer in point_layers(pack):
        _activate_if_new(tx, pack.city.jurisdiction_id, layer, None, None)


def _put_editions(tx: Connection, pack: Pack, config: LayerConfig) -> None:
    """Every edition in order of time, so that the newest in force ends up active and the older ones retired."""
    in_force = config.edition_on(clock.now().date()) or config.editions[-1]
    ordered = [edition for edition in config.editions if edition is not in_force] + [in_force]
    for edition in ordered:
        layer, findings = read_edition(config, edition)
        if any(found.severity == "error" for found in findings):
            raise PackError(tuple(findings))
        configure_layer(tx, pack.city.jurisdiction_id, layer, title=config.titles)
        _activate_if_new(tx, pack.city.jurisdiction_id, layer, edition.valid_from, edition.valid_to)


def _activate_if_new(
    tx: Connection, jurisdiction_id: str, layer: Layer, valid_from: date | None, valid_to: date | None
) -> None:
    digest = layer_digest(layer)
    edition_id = find_edition(tx, jurisdiction_id, layer.name, digest)
    if edition_id is None:
        edition_id = stage_edition(
            tx, jurisdiction_id, layer, valid_from=valid_from, valid_to=valid_to, source_digest=digest
        )
    if active_editions(tx, jurisdiction_id).get(layer.name) != edition_id:
        activate_edition(tx, edition_id, at=clock.now())


def _put_rulebook(tx: Connection, pack: Pack) -> int:
    """The pack's rules as a new version, unless they are in force already; answers the version in force."""
    digest, jurisdiction_id = parse_rulebook(pack.rules_text).digest, pack.city.jurisdiction_id
    here = rulebook.c.jurisdiction_id == jurisdiction_id
    active = tx.execute(
        select(rulebook.c.id, rulebook.c.version, rulebook.c.digest).where(here, rulebook.c.state == "active")
    ).one_or_none()
    if active and active.digest == digest:
        return int(active.version)
    if active:
        retired = {"state": "retired", "retired_at": clock.now()}
        tx.execute(update(rulebook).where(rulebook.c.id == active.id).values(retired))
    version = (tx.scalar(select(func.max(rulebook.c.version)).where(here)) or 0) + 1
    row = {
        "jurisdiction_id": jurisdiction_id,
        "version": version,
        "source": pack.rules_text,
        "digest": digest,
        "state": "active",
        "published_by_role": "admin",
        "published_by_unit": pack.city.coordination_unit,
        "published_at": clock.now(),
    }
    insert_together(tx, [(rulebook, [row])])
    return version


def _note(tx: Connection, pack: Pack, rulebook_version: int, letters: Mapping[str, int]) -> None:
    public = {
        "actor": SYSTEM.in_public(),
        "pack": pack.digest,
        "rulebook": rulebook_version,
        "editions": active_editions(tx, pack.city.jurisdiction_id),
        **{name: count for name, count in letters.items() if count},
    }
    record(tx, city_head(tx, pack.city.jurisdiction_id), [Draft("city.loaded", public)])
