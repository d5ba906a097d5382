"""Knows how the tables and settings of a loaded city change: checked like a pack, told in the city's book."""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from sqlalchemy import Connection, Table, update

from portal import clock
from portal.errors import Conflict, NotFound, WenluError
from portal.i18n import N_, Message
from portal.models.city import (
    duty,
    holiday,
    jurisdiction_table,
    planned_work,
    question,
    response_plan,
    service,
    target,
    unit,
    unit_boundary,
)
from portal.models.crews import crew, crew_shift
from portal.models.voice import answer_text
from portal.operations.catalogue_rows import catalogue_rows, config_row, replace_catalogue
from portal.operations.context import Actor, Context
from portal.operations.manage_editions import lock_city, move_routing_version
from portal.operations.record_events import Draft, city_head, record
from portal.pack.cell_changes import RowChange, table_changes
from portal.pack.cells import Cells, RowCells, digest_of, keyed, pack_of_cells
from portal.pack.check import check_tables
from portal.pack.config_cells import settings_texts, with_settings
from portal.pack.model import Finding, Pack
from portal.queries.city_cells import cells_of_rows, read_cells
from portal.queries.city_layers import declared_layers

CITY_SETTINGS = "city"
WRITTEN: dict[str, tuple[Table, ...]] = {
    "services": (service,),
    "questions": (question,),
    "units": (unit, unit_boundary),
    "duties": (duty,),
    "targets": (target,),
    "holidays": (holiday,),
    "plans": (response_plan,),
    "answers": (answer_text,),
    "crews": (crew,),
    "rosters": (crew_shift,),
    "works": (planned_work,),
}
MOST_TOLD = 500
CHANGED_MEANWHILE = N_("Somebody else changed this in the meantime. Look at it again before you save.")
NO_ROW = N_("There is no such row any more.")
Edit = Callable[[Cells], Cells]


@dataclass(frozen=True, slots=True)
class Planned:
    """What a change comes to: rows that differ, and what the check of packs finds that it did not find before."""

    what: str
    changes: tuple[RowChange, ...]
    findings: tuple[Finding, ...]
    is_done: bool = False

    @property
    def errors(self) -> list[Finding]:
        """Why it cannot be done."""
        return [each for each in self.findings if each.severity == "error"]

    @property
    def warnings(self) -> list[Finding]:
        """What a person should look at first."""
        return [each for each in self.findings if each.severity == "warning"]

    @property
    def warned(self) -> str:
        """What tells that somebody has seen just these warnings."""
        told = sorted(str(each) for each in self.warnings)
        return hashlib.sha256(json.dumps(told).encode()).hexdigest()[:16] if told else ""


class CatalogueRefused(WenluError):
    """A change with errors, or with warnings that nobody has looked at yet."""

    def __init__(self, planned: Planned) -> None:
        super().__init__(Message(N_("Nothing was changed.")))
        self.planned = planned


def put_row(table: str, key: str, cells: RowCells, seen: str) -> Edit:
    """Put a row in place of the one with this key, as long as that is still what was looked at; "": add one."""

    def edit(city: Cells) -> Cells:
        rows = list(city.rows(table))
        if key:
            rows[_place(table, rows, key, seen)] = cells
        else:
            rows.append(cells)
        return city.with_rows(table, rows)

    return edit


def drop_row(table: str, key: str, seen: str) -> Edit:
    """Take a row away, as long as it is still what was looked at."""

    def edit(city: Cells) -> Cells:
        rows = list(city.rows(table))
        del rows[_place(table, rows, key, seen)]
        return city.with_rows(table, rows)

    return edit


def put_table(table: str, new: Callable[[Sequence[RowCells]], Sequence[RowCells]], seen: str = "") -> Edit:
    """Put other rows in place of all, made of those there are; `seen` is the table that was looked at."""

    def edit(city: Cells) -> Cells:
        if seen and seen != table_digest(city.rows(table)):
            raise Conflict(Message(CHANGED_MEANWHILE))
        return city.with_rows(table, new(city.rows(table)))

    return edit


def put_settings(texts: Mapping[str, str], seen: str) -> Edit:
    """Put other texts into the settings, as long as they are still those that were looked at."""

    def edit(city: Cells) -> Cells:
        if seen != digest_of(settings_texts(city.config)):
            raise Conflict(Message(CHANGED_MEANWHILE))
        return replace(city, config=with_settings(city.config, texts))

    return edit


def table_digest(rows: Sequence[RowCells]) -> str:
    """What tells whether a table is still the one that somebody looked at."""
    return hashlib.sha256("".join(map(digest_of, rows)).encode()).hexdigest()[:16]


def plan_change(tx: Connection, context: Context, what: str, edit: Edit) -> Planned:
    """What a change would come to; nothing is written. `what`: a table, or CITY_SETTINGS."""
    return _plan(tx, context, what, edit)[0]


def change_catalogue(
    tx: Connection, context: Context, actor: Actor, what: str, edit: Edit, warned: str = ""
) -> Planned:
    """Change a table or the settings of the city; every process decides by it from the commit on.

    `warned` tells which warnings were looked at. Raises CatalogueRefused, Conflict, NotFound.
    """
    lock_city(tx, context)
    planned, pack = _plan(tx, context, what, edit)
    if planned.errors or planned.warned not in ("", warned):
        raise CatalogueRefused(planned)
    if not planned.changes:
        return planned
    if what == CITY_SETTINGS:
        _write_settings(tx, context, pack)
    else:
        rows = [each for each in catalogue_rows(pack) if each[0] in WRITTEN[what]]
        replace_catalogue(tx, context.jurisdiction_id, rows)
    move_routing_version(tx, context)
    _note(tx, context, actor, planned)
    return Planned(planned.what, planned.changes, planned.findings, is_done=True)


def _plan(tx: Connection, context: Context, what: str, edit: Edit) -> tuple[Planned, Pack]:
    layers = context.cities.city(tx, context.jurisdiction_id).router.city.index.layers
    before = read_cells(tx, context.jurisdiction_id, declared_layers(layers))
    today = clock.now().date()
    after = edit(before)
    pack = pack_of_cells(after)
    known = check_tables(pack_of_cells(before), layers, today)
    findings = _new(known, check_tables(pack, layers, today))
    planned = Planned(what, (), tuple(findings))
    return replace(planned, changes=tuple(_changes(planned, before, after, pack))), pack


def _changes(planned: Planned, before: Cells, after: Cells, pack: Pack) -> list[RowChange]:
    what = planned.what
    if what == CITY_SETTINGS:
        texts = [[settings_texts(each.config)] for each in (before, after)]
        return [replace(change, key="city.toml") for change in table_changes(what, *texts)]
    rows = after.rows(what)
    if (
        not pack.errors and not planned.errors
    ):  # as it will be stored, so that an empty cell and what it stands for are the same
        stored = dict(catalogue_rows(pack))
        places = stored[unit_boundary] if what == "units" else ()
        rows = cells_of_rows(what, stored.get(WRITTEN[what][0], ()), before.locales, places)
    return table_changes(what, before.rows(what), rows)


def _new(before: Iterable[Finding], after: Iterable[Finding]) -> list[Finding]:
    """What is found now and was not found before: an old fault elsewhere must not keep anybody from mending."""
    known = Counter((each.file, each.column, each.message) for each in before)
    found = []
    for each in after:
        key = (each.file, each.column, each.message)
        if known[key]:
            known[key] -= 1
        else:
            found.append(each)
    return found


def _place(table: str, rows: Sequence[RowCells], key: str, seen: str) -> int:
    place = keyed(table, rows).get(key)
    if place is None:
        raise NotFound(Message(NO_ROW))
    if digest_of(rows[place]) != seen:
        raise Conflict(Message(CHANGED_MEANWHILE))
    return place


def _write_settings(tx: Connection, context: Context, pack: Pack) -> None:
    city = pack.city
    values = {
        "name": dict(city.names),
        "config": config_row(city),
        "coordination_unit": city.coordination_unit,
    }
    here = jurisdiction_table.c.id == context.jurisdiction_id
    tx.execute(update(jurisdiction_table).where(here).values(values))


def _note(tx: Connection, context: Context, actor: Actor, planned: Planned) -> None:
    counts = Counter(str(change.what) for change in planned.changes)
    public = {"actor": actor.in_public(), "table": planned.what, "rows": dict(counts)}
    private = actor.in_private() | {"changes": [change.plain() for change in planned.changes[:MOST_TOLD]]}
    record(tx, city_head(tx, context.jurisdiction_id), [Draft("catalogue.changed", public, private)])
