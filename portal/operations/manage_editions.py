"""Knows how another map comes into force: staged beside the old one, looked at, switched in one transaction."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any, NamedTuple

from sqlalchemy import Connection, select, update

from geo.boundary import MOST_SNAP_M, Layer
from geo.postgis import (
    EditionError,
    activate_edition,
    active_editions,
    find_edition,
    layer_digest,
    withdraw_edition,
)
from geo.postgis import stage_edition as store_edition
from geo.tables import edition
from geo.tables import layer as layer_table
from portal import clock
from portal.errors import Conflict, InvalidInput, NotFound, NotReady
from portal.i18n import N_, Message
from portal.models.city import jurisdiction_table
from portal.models.ledger import event
from portal.operations.context import SYSTEM, Actor, Context
from portal.operations.record_events import Draft, city_head, record
from portal.queries.edition_changes import AffectedCase, affected_cases, read_edition
from portal.queries.editions import LayerRow, list_layers
from portal.queries.rulebooks import active_rules, known_of_city
from routing.lint import Problem, lint
from routing.rules import parse_rulebook


@dataclass(frozen=True, slots=True)
class Staged:
    """An edition that waits. `is_new` False: the same content was there already, in `state`."""

    edition_id: int
    state: str
    is_new: bool


@dataclass(frozen=True, slots=True)
class Activated:
    """A switch. `replaced` is the edition that was retired; `problems` are what the rules miss since then.

    `affected` are the open cases for which the new map names another unit. None of them was moved.
    """

    edition_id: int
    layer: str
    is_changed: bool
    replaced: int | None = None
    problems: tuple[Problem, ...] = ()
    is_early: bool = False
    affected: tuple[AffectedCase, ...] = ()


class _Edition(NamedTuple):
    state: str
    layer: str
    valid_from: date | None
    source_digest: str


def stage_edition(
    tx: Connection,
    context: Context,
    layer: Layer,
    *,
    is_new_layer: bool = False,
    valid_from: date | None = None,
    valid_to: date | None = None,
    actor: Actor = SYSTEM,
) -> Staged:
    """Store a layer as an edition beside the one in force; decisions do not change.

    The layer keeps its settings; one that the city does not have needs `is_new_layer`. Raises NotFound,
    InvalidInput by field, Conflict.
    """
    lock_city(tx, context)
    _check_layer(tx, context, layer, is_new_layer)
    if valid_from and valid_to and valid_from >= valid_to:
        raise InvalidInput({"valid_to": Message(N_("The last day must come after the first."))})
    digest = layer_digest(layer)
    known = find_edition(tx, context.jurisdiction_id, layer.name, digest)
    if known is not None:
        return Staged(known, _edition(tx, context, known).state, is_new=False)
    try:
        edition_id = store_edition(
            tx, context.jurisdiction_id, layer, valid_from=valid_from, valid_to=valid_to,
            source_digest=digest, at=clock.now(),
        )  # fmt: skip
    except EditionError as error:
        raise Conflict(str(error)) from None
    public = {"edition": edition_id, "layer": layer.name, "digest": digest}
    _note(tx, context, actor, "edition.staged", public | {"boundaries": len(layer.boundaries)})
    return Staged(edition_id, "staged", is_new=True)


def switch_edition(
    tx: Connection, context: Context, edition_id: int, actor: Actor = SYSTEM, *, is_back: bool = False
) -> Activated:
    """Put an edition in force, staged or retired; every process decides by it from the commit on.

    Open cases that it affects stay where they are: they are returned, and recorded for the desk in the
    private part of the city's book (see `recorded_cases`). Raises NotFound.
    """
    lock_city(tx, context)
    row = _edition(tx, context, edition_id)
    if row.state == "active":
        return Activated(edition_id, row.layer, is_changed=False)
    replaced = active_editions(tx, context.jurisdiction_id).get(row.layer)
    before = set(_problems(tx, context))
    affected = _affected(tx, context, edition_id)
    activate_edition(tx, edition_id, at=clock.now())
    if is_back and replaced is not None:
        withdraw_edition(tx, replaced, at=clock.now())
    move_routing_version(tx, context)
    public = {"edition": edition_id, "layer": row.layer, "replaced": replaced, "digest": row.source_digest}
    public |= {"affected": len(affected)} | ({"back": True} if is_back else {})
    for_desk = {"affected": [(one.token, one.held_by, one.new_unit) for one in affected]} if affected else {}
    _note(tx, context, actor, "edition.activated", public, for_desk)
    is_early = row.valid_from is not None and row.valid_from > clock.now().date()
    problems = tuple(problem for problem in _problems(tx, context) if problem not in before)
    return Activated(edition_id, row.layer, True, replaced, problems, is_early, tuple(affected))


def roll_back(tx: Connection, context: Context, layer: str, actor: Actor = SYSTEM) -> Activated:
    """Put the edition before in force again; the one that was in force waits as a staged one.

    "Before" is what the city's book says, so going back twice goes back two. Raises NotFound.
    """
    lock_city(tx, context)
    line = _line(tx, context, layer)
    if len(line) < 2:
        raise NotFound(Message(N_("There is no edition of %(layer)s to go back to."), {"layer": layer}))
    return switch_edition(tx, context, line[-2], actor, is_back=True)


def configure(
    tx: Connection, context: Context, new: LayerRow, titles: Mapping[str, str], actor: Actor = SYSTEM
) -> bool:
    """Change how a layer is asked: order, snapping, title; False where that is how it is. NotFound, InvalidInput."""
    lock_city(tx, context)
    old = list_layers(tx, context.jurisdiction_id).get(new.name)
    if old is None:
        raise NotFound(Message(N_("There is no layer %(layer)s."), {"layer": new.name}))
    if not 0 <= new.snap_m <= MOST_SNAP_M:
        raise InvalidInput({"snap_m": Message(N_("Use 0 to %(most)s metres."), {"most": MOST_SNAP_M})})
    of_layer = (
        layer_table.c.jurisdiction_id == context.jurisdiction_id,
        layer_table.c.name == new.name,
    )
    values = {
        "tie_order": new.tie_order,
        "snap_m": new.snap_m,
        "required": new.is_required,
        "title": dict(titles),
    }
    is_other = layer_table.c.title != dict(titles)
    for name in ("tie_order", "snap_m", "required"):
        is_other |= layer_table.c[name] != values[name]
    if tx.execute(update(layer_table).where(*of_layer, is_other).values(values)).rowcount == 0:
        return False
    move_routing_version(tx, context)
    _note(tx, context, actor, "layer.configured", {"layer": new.name, "settings": values})
    return True


def _line(tx: Connection, context: Context, layer: str) -> list[int]:
    """The editions of a layer in the order in which they came into force, without those taken back."""
    head = city_head(tx, context.jurisdiction_id)
    book = (
        select(event.c.kind, event.c.public)
        .where(event.c.case_id == head.case_id, event.c.kind.in_(("city.loaded", "edition.activated")))
        .order_by(event.c.case_seq)
    )
    line: list[int] = []
    for kind, public in tx.execute(book):
        is_loaded = kind == "city.loaded"
        now = public["editions"].get(layer) if is_loaded else public["edition"]
        if now is None or (not is_loaded and public["layer"] != layer) or line[-1:] == [now]:
            continue
        if public.get("back") and now in line:
            del line[len(line) - line[::-1].index(now) :]
        else:
            line.append(now)
    return line


def _affected(tx: Connection, context: Context, edition_id: int) -> list[AffectedCase]:
    view = context.cities.city(tx, context.jurisdiction_id)
    return affected_cases(tx, view, read_edition(tx, context.jurisdiction_id, edition_id))


def lock_city(tx: Connection, context: Context) -> None:
    """Let one change of routing wait for the other; NotReady without a city."""
    query = select(jurisdiction_table.c.id).where(jurisdiction_table.c.id == context.jurisdiction_id)
    if tx.scalar(query.with_for_update()) is None:
        raise NotReady(Message(N_("No city is loaded yet.")))


def move_routing_version(tx: Connection, context: Context) -> None:
    """Make every process read the city anew before its next decision."""
    tx.execute(
        update(jurisdiction_table)
        .where(jurisdiction_table.c.id == context.jurisdiction_id)
        .values(routing_version=jurisdiction_table.c.routing_version + 1)
    )


def _check_layer(tx: Connection, context: Context, layer: Layer, is_new_layer: bool) -> None:
    layers = list_layers(tx, context.jurisdiction_id)
    known = layers.get(layer.name)
    if known is None and not is_new_layer:
        names = {"layer": layer.name, "known": ", ".join(layers)}
        raise NotFound(Message(N_("There is no layer %(layer)s; the city has %(known)s."), names))
    if not layer.boundaries:
        raise InvalidInput({"file": Message(N_("No row of the file can be used."))})
    if known is not None and known.is_area != layer.is_area:
        raise InvalidInput(
            {"file": Message(N_("Areas cannot take the place of points or lines, or they of areas."))}
        )


def _edition(tx: Connection, context: Context, edition_id: int) -> _Edition:
    row = tx.execute(
        select(
            edition.c.state, layer_table.c.name.label("layer"), edition.c.valid_from, edition.c.source_digest
        )
        .join(layer_table, layer_table.c.id == edition.c.layer_id)
        .where(edition.c.id == edition_id, edition.c.jurisdiction_id == context.jurisdiction_id)
    ).one_or_none()
    if row is None:
        raise NotFound(Message(N_("There is no edition %(edition)s."), {"edition": edition_id}))
    return _Edition(*row)


def _problems(tx: Connection, context: Context) -> list[Problem]:
    """What is wrong between the rules and the map in force."""
    rules = parse_rulebook(active_rules(tx, context.jurisdiction_id))
    return lint(rules, known_of_city(tx, context.jurisdiction_id))


def _note(
    tx: Connection,
    context: Context,
    actor: Actor,
    kind: str,
    public: Mapping[str, Any],
    for_desk: Mapping[str, Any] | None = None,
) -> None:
    draft = Draft(kind, {"actor": actor.in_public(), **public}, {**actor.in_private(), **(for_desk or {})})
    record(tx, city_head(tx, context.jurisdiction_id), [draft])
