"""Knows how a ruling becomes a proposed rule line, with its evidence: a person publishes it, never the program."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Connection, Row, select

from portal.db import insert_together
from portal.errors import Conflict, Forbidden
from portal.i18n import N_, Message
from portal.models.custody import rule_proposal
from portal.models.report import report
from portal.operations.context import Actor, Context
from portal.operations.locked_case import Case, lock_case, part_in
from portal.operations.move_checks import REFUSALS, Move
from portal.operations.propose_rules import smallest_first
from portal.operations.record_events import Draft, record
from portal.queries.custody_parts import last_ruling
from portal.queries.history import past_case
from routing.learn import Proposal, comment, proposals_toml, wilson_low
from routing.simulate import gather_hits


def propose_from_ruling(tx: Connection, context: Context, token: str, actor: Actor) -> str:
    """Keep the newest ruling about a case as a rule for its service at its place; answers the rule's TOML.

    Evidence are all rulings of that service that were proposed for the same place before. Raises NotFound,
    Forbidden, Conflict where nothing was ruled or the line is there already.
    """
    case = lock_case(tx, context, token, actor, Move("propose_rule"))
    if part_in(case) != "desk":
        raise Forbidden(Message(REFUSALS["move.not_your_part"]))
    ruling = last_ruling(tx, case.row.id)
    if ruling is None:
        raise Conflict(Message(N_("Nothing has been ruled about this case.")))
    known = tx.scalar(select(rule_proposal.c.id).where(rule_proposal.c.dispute_id == ruling.id))
    if known is not None:
        raise Conflict(Message(N_("A rule has been proposed from this ruling already.")))
    layer, code = _place(tx, case)
    source = _source(tx, case, ruling, layer, code)
    row = {
        "jurisdiction_id": case.row.jurisdiction_id, "dispute_id": ruling.id, "report_id": case.row.id,
        "service_code": case.row.service_code, "unit_code": ruling.ruled_lead, "layer": layer,
        "boundary_code": code, "source": source, "proposed_by_role": actor.role, "created_at": case.now,
    }  # fmt: skip
    insert_together(tx, [(rule_proposal, [row])])
    public = {"actor": actor.in_public(), "unit": ruling.ruled_lead, "service": case.row.service_code}
    record(tx, case.head, [Draft("dispute.rule_proposed", public, actor.in_private())])
    return source


def _place(tx: Connection, case: Case) -> tuple[str, str]:
    """The smallest area that holds the case; empty where the place is unknown."""
    city = case.city.router.city
    areas = [layer for layer in city.index.layers if layer.is_area]
    past = past_case(tx, case.row.jurisdiction_id, case.row.token)
    (hits,) = gather_hits([past], city, {layer.name for layer in areas})
    codes = {hit.layer: hit.code for hit in reversed(hits)}
    layer = next((name for name in smallest_first(areas) if name in codes), "")
    return layer, codes.get(layer, "")


def _source(tx: Connection, case: Case, ruling: Row[Any], layer: str, code: str) -> str:
    earlier = _earlier(tx, case, layer, code)
    cases = len(earlier) + 1
    kept = sum(each.unit_code == ruling.ruled_lead for each in earlier) + 1
    line = Proposal(
        service=case.row.service_code,
        unit=ruling.ruled_lead,
        layer=layer,
        codes=(code,) if layer else (),
        cases=cases,
        moved=kept,
        low=wilson_low(kept, cases),
        examples=(case.row.token, *(each.token for each in earlier if each.unit_code == ruling.ruled_lead))[
            :5
        ],
    )
    said = " · ".join(filter(None, (ruling.public_words, ruling.basis)))
    return f"# ruled by the coordination desk: {comment(said)}\n{proposals_toml([line])}"


def _earlier(tx: Connection, case: Case, layer: str, code: str) -> list[Row[Any]]:
    """The lines that rulings on the same service at the same place proposed before."""
    found = rule_proposal.c
    query = (
        select(found.unit_code, report.c.token)
        .join(report, report.c.id == found.report_id)
        .where(
            found.jurisdiction_id == case.row.jurisdiction_id,
            found.service_code == case.row.service_code,
            found.layer == layer,
            found.boundary_code == code,
        )
        .order_by(found.id.desc())
        .limit(100)
    )
    return list(tx.execute(query))
