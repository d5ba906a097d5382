"""Knows how another rulebook comes into force: linted against the city, numbered, switched with an event."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from sqlalchemy import Connection, func, select, update

from geo.sentences import sentence
from portal import clock
from portal.db import insert_together
from portal.errors import WenluError
from portal.i18n import N_, Message
from portal.models.city import jurisdiction_table, rulebook
from portal.operations.context import SYSTEM, Actor, Context
from portal.operations.manage_editions import lock_city, move_routing_version
from portal.operations.record_events import Draft, city_head, record
from portal.queries.rulebooks import known_of_city, rulebook_version
from routing.errors import RulebookError
from routing.lint import Known, Problem, lint
from routing.rules import parse_rulebook

NO_UNIT = "boundary_without_unit"


class RulesRefused(WenluError):
    """A rulebook with errors; `problems` lists them all, warnings too."""

    def __init__(self, problems: Sequence[Problem]) -> None:
        errors = sum(problem.severity == "error" for problem in problems)
        super().__init__(Message(N_("The rulebook has errors: %(errors)s."), {"errors": errors}))
        self.problems = tuple(problems)


@dataclass(frozen=True, slots=True)
class Published:
    """A version in force. `is_changed` False: these very rules were in force already."""

    version: int
    is_changed: bool
    problems: tuple[Problem, ...] = ()


def lint_text(text: str, known: Known) -> list[Problem]:
    """Every problem of a rulebook's text, whether it can be read or not."""
    try:
        rules = parse_rulebook(text)
    except RulebookError as fault:
        return [Problem(each.rule_id, "error", each.code, "", each.message) for each in fault.problems]
    return _told_once(lint(rules, known), known)


def roll_back_rulebook(
    tx: Connection, context: Context, version: int | None = None, actor: Actor = SYSTEM
) -> Published:
    """Put the rules of an earlier version in force again, as a new version; None: the one before.

    Raises NotFound, and RulesRefused where the old rules speak of what is gone.
    """
    lock_city(tx, context)
    old = rulebook_version(tx, context.jurisdiction_id, version)
    return publish_rulebook(tx, context, old.source, actor, restores=old.version)


def publish_rulebook(
    tx: Connection, context: Context, text: str, actor: Actor = SYSTEM, *, restores: int | None = None
) -> Published:
    """Put a rulebook in force as a new version; every process decides by it from the commit on.

    `restores` is the version that these rules are taken from. Raises RulesRefused where lint finds errors.
    """
    lock_city(tx, context)
    problems = lint_text(text, known_of_city(tx, context.jurisdiction_id))
    if any(problem.severity == "error" for problem in problems):
        raise RulesRefused(problems)
    digest = parse_rulebook(text).digest
    here = rulebook.c.jurisdiction_id == context.jurisdiction_id
    query = select(rulebook.c.version, rulebook.c.digest).where(here, rulebook.c.state == "active")
    active = tx.execute(query).one_or_none()
    if active and active.digest == digest:
        return Published(active.version, is_changed=False, problems=tuple(problems))
    retired = {"state": "retired", "retired_at": clock.now()}
    tx.execute(update(rulebook).where(here, rulebook.c.state == "active").values(retired))
    version = int(tx.scalar(select(func.max(rulebook.c.version)).where(here)) or 0) + 1
    insert_together(tx, [(rulebook, [_row(tx, context, actor, version, text, digest)])])
    move_routing_version(tx, context)
    public = {"rulebook": version, "replaced": active.version if active else None, "digest": digest}
    public |= {} if restores is None else {"restores": restores}
    draft = Draft("rulebook.published", {"actor": actor.in_public(), **public}, actor.in_private())
    record(tx, city_head(tx, context.jurisdiction_id), [draft])
    return Published(version, is_changed=True, problems=tuple(problems))


def _row(
    tx: Connection, context: Context, actor: Actor, version: int, text: str, digest: str
) -> dict[str, object]:
    centre = select(jurisdiction_table.c.coordination_unit)
    return {
        "jurisdiction_id": context.jurisdiction_id,
        "version": version,
        "source": text,
        "digest": digest,
        "state": "active",
        "published_by_role": "admin" if actor == SYSTEM else actor.role,
        "published_by_unit": actor.unit_code
        or tx.scalar(centre.where(jurisdiction_table.c.id == context.jurisdiction_id)),
        "published_at": clock.now(),
    }


def _told_once(problems: Sequence[Problem], known: Known) -> list[Problem]:
    """Boundaries without a unit only where a whole layer has none, and then once for each rule."""
    told: dict[tuple[str, str, str], Problem] = {}
    for problem in problems:
        if problem.code == NO_UNIT:
            layer = problem.subject.partition("/")[0]
            if known.directory.boundaries_of_layer(layer):
                continue
            message = sentence(N_("no unit answers for any boundary of '%(layer)s'"), layer=layer)
            problem = replace(problem, subject=layer, message=message)
        told.setdefault((problem.rule_id, problem.code, problem.subject), problem)
    return list(told.values())
