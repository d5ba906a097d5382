"""Knows which rule lines hand-overs and rulings propose, and how chosen ones become a draft; a person publishes it."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

from sqlalchemy import Connection, Row

from portal.errors import InvalidInput
from portal.i18n import N_, Message
from portal.operations.context import Context
from portal.operations.propose_rules import propose_rules
from portal.queries.custody_parts import newest_proposals
from portal.queries.rulebooks import active_rules
from routing.learn import Proposal, before_rules, proposals_toml
from routing.rules import parse_rulebook

MOST_RULINGS = 100
NONE_CHOSEN = N_("Choose at least one line that is still proposed.")
_ID = re.compile(r'(?m)^id = "([^"]+)"')


@dataclass(frozen=True, slots=True)
class Offer:
    """A proposed line as a person judges it; `moved` of `cases` speak for it, `low` is the least sure share.

    `is_there`: the rules in force have a line of this name already.
    """

    origin: Literal["handed", "ruled"]
    rule_id: str
    service: str
    unit: str
    layer: str
    codes: tuple[str, ...]
    examples: tuple[str, ...]
    source: str
    is_there: bool
    cases: int = 0
    moved: int = 0
    low: float = 0.0


def offered_rules(tx: Connection, context: Context, since: datetime) -> list[Offer]:
    """What rulings propose, the newest first, then what hand-overs since then do, the strongest first."""
    known = {rule.id for rule in parse_rulebook(active_rules(tx, context.jurisdiction_id)).rules}
    ruled = (_ruled(row, known) for row in newest_proposals(tx, context.jurisdiction_id, MOST_RULINGS))
    handed = (_handed(line, known) for line in propose_rules(tx, context, since).lines)
    return _once((*ruled, *handed))


def draft_of_offers(tx: Connection, context: Context, since: datetime, chosen: Collection[str]) -> str:
    """The rules in force with the chosen lines (by rule id) before their own. InvalidInput where none is left."""
    offers = offered_rules(tx, context, since)
    sources = [one.source for one in offers if one.rule_id in chosen and not one.is_there]
    if not sources:
        raise InvalidInput({"line": Message(NONE_CHOSEN)})
    return before_rules(active_rules(tx, context.jurisdiction_id), "\n".join(sources))


def _once(offers: Iterable[Offer]) -> list[Offer]:
    """Of several with one name the first: the newest ruling counts those before it."""
    found: dict[str, Offer] = {}
    for one in offers:
        found.setdefault(one.rule_id, one)
    return list(found.values())


def _ruled(row: Row[Any], known: Collection[str]) -> Offer:
    match = _ID.search(row.source)
    rule_id = match.group(1) if match else f"ruled-{row.id}"
    codes: Sequence[str] = (row.boundary_code,) if row.layer else ()
    return Offer(
        "ruled", rule_id, row.service_code, row.unit_code, row.layer, tuple(codes), (row.token,), row.source,
        rule_id in known,
    )  # fmt: skip


def _handed(line: Proposal, known: Collection[str]) -> Offer:
    return Offer(
        "handed", line.rule_id, line.service, line.unit, line.layer, line.codes, line.examples,
        proposals_toml([line]), line.rule_id in known, line.cases, line.moved, line.low,
    )  # fmt: skip
