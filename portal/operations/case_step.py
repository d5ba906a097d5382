"""Knows how an operation beside the usual moves begins: the case locked, nothing unseen undone, and allowed."""

from __future__ import annotations

from sqlalchemy import Connection

from portal.operations.context import Actor, Context
from portal.operations.move_report import Case, Move, as_error, level_of, lock_case, part_in, refuse_stale
from routing.errors import IllegalMove
from routing.lifecycle import Transition
from routing.lifecycle import move as allowed_move


def open_step(
    tx: Connection,
    context: Context,
    token: str,
    actor: Actor,
    action: str,
    *,
    reason: str = "",
    seen_seq: int | None = None,
) -> tuple[Case, Transition]:
    """Lock a case for an action that has its own form. Raises NotFound, Forbidden, Conflict, InvalidInput."""
    case = lock_case(tx, context, token, actor, Move(action, reason=reason, seen_seq=seen_seq))
    refuse_stale(tx, case)
    part = part_in(case)
    try:
        return case, allowed_move(
            case.row.state, action, actor.role, part, reason=reason, kind=case.row.kind, level=level_of(case)
        )
    except IllegalMove as refusal:
        raise as_error(refusal) from None
