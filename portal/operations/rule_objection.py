"""Knows how the coordination desk answers an objection to the route: the unit stays, for reasons that all may read."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sqlalchemy import Connection

from portal.errors import Conflict, InvalidInput
from portal.i18n import N_, Message
from portal.operations.context import Actor, Context
from portal.operations.extend_promise import public_words
from portal.operations.locked_case import Case, lock_case, part_in, refuse_stale
from portal.operations.move_checks import Move, cleaned
from portal.operations.move_report import permitted
from portal.operations.outbox_rows import DELIVER, letter, outbox_row
from portal.operations.record_events import Draft, record
from portal.operations.submission import long_faults
from portal.operations.write_letter import REPORTER
from portal.queries.objections import OBJECTED, UPHELD, OpenObjection, open_objections


def keep_unit(
    tx: Connection, context: Context, token: str, actor: Actor, words: str, seen_seq: int | None = None
) -> int:
    """Answer every open objection of a case: its unit stays, because of `words`; answers the event's number.

    Raises NotFound, Forbidden for anybody but the desk, Conflict where nothing waits for an answer, InvalidInput.
    """
    case = lock_case(tx, context, token, actor, cleaned(Move("keep_unit", reason=words, seen_seq=seen_seq)))
    permitted(tx, case, part_in(case))
    refuse_stale(tx, case, (OBJECTED,))
    if faults := long_faults(reason=case.move.reason):
        raise InvalidInput(faults)
    said = open_objections(tx, case.row.id)
    if not said:
        raise Conflict(Message(N_("No objection waits for an answer here.")))
    return _record(tx, context, case, said)


def _record(tx: Connection, context: Context, case: Case, said: list[OpenObjection]) -> int:
    reason = case.move.reason.strip()
    public = {
        "actor": case.actor.in_public(),
        "unit": case.row.lead_unit,
        "text": public_words(case, reason),
        "answers": [each.seq for each in said],
    }
    draft = Draft(UPHELD, public, case.actor.in_private() | {"text": reason})
    letters = outbox_row(context.jurisdiction_id, case.now, DELIVER, _told(case, said, public["text"]))
    return record(tx, case.head, [draft], [letters]).last_seq


def _told(case: Case, said: list[OpenObjection], text: str) -> list[Mapping[str, Any]]:
    """A letter to the reporter where it was they who objected; nobody knows where to write to a passer-by."""
    if all(each.role != REPORTER for each in said):
        return []
    row = case.row
    return [letter("kept", row.id, REPORTER, row.lead_unit, row.promise_due_at, text=text)]
