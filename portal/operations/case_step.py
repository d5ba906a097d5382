"""Knows how an operation beside the usual moves begins: the case locked, nothing unseen undone, and allowed."""

from __future__ import annotations

from sqlalchemy import Connection

from portal.operations.context import Actor, Context
from portal.operations.move_report import Case, Move, lock_case, part_in, permitted, refuse_stale
from routing.lifecycle import Transition


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
    return case, permitted(tx, case, part_in(case))
