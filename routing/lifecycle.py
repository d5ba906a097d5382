"""Knows the states of a case and every move between them: who may make it, and what it does to clocks."""

from collections.abc import Collection
from dataclasses import dataclass
from typing import Literal

from routing.closing import CLOSING_CODES, DONE, ClockEffect, ClosingCode
from routing.errors import IllegalMove

Status = Literal["open", "closed"]

# Inner state -> what the public sees. The order is the usual course of a case.
STATES: dict[str, Status] = {
    "submitted": "open",
    "routed": "open",
    "accepted": "open",
    "in_progress": "open",
    "waiting": "open",
    "resolved": "closed",
    "confirmed": "closed",
    "closed": "closed",
    "rejected": "closed",
    "duplicate": "closed",
}
OPEN_STATES = tuple(state for state, status in STATES.items() if status == "open")
CLOSED_STATES = tuple(state for state, status in STATES.items() if status == "closed")

ROLES = (
    "handler",
    "contractor",
    "unit_head",
    "dispatcher",
    "admin",
    "system",
    "reporter",
    "follower",
    "neighbour",
)
PARTS = ("lead", "assist", "desk", "system", "reporter", "follower", "neighbour")

TRANSFER_REASONS = (
    "not_our_area",
    "not_our_service",
    "needs_other_skill",
    "shared_boundary",
    "contract_ended",
    "conflict_of_interest",
    "no_capacity",
)
WAIT_REASONS = (
    "awaiting_reporter",
    "awaiting_parts",
    "awaiting_access",
    "awaiting_permit",
    "awaiting_other_unit",
    "awaiting_contractor",
    "weather",
    "season",
)
# A street and its communities hand a case to each other; that is no transfer, and resets no clock.
HAND_DOWN_REASONS = ("to_solve", "to_verify")
HAND_UP_REASONS = ("beyond_our_means", "needs_authority", "verified", "not_confirmed", "no_time")
# What makes a case red whatever its clocks say.
SERIOUS_REASONS = ("group_complaint", "serious_incident")
# The third transfer of a case goes to the dispute desk by itself.
DESK_RULES_FROM_TRANSFER = 3
CONTESTS = ("contest", "contest_by_others")


@dataclass(frozen=True, slots=True)
class TransitionRow:
    """One row of the lifecycle: an action, where it may start, where it leads and who may take it.

    `to_state` is "" when the state does not change and "*" when the closing code decides. `closing_code` is
    the code that the action implies. `reason_codes` empty with `needs_reason` set means any words will do.
    `has_own_form`: it needs more than a state (a dispute, a task), so an operation of its own asks for it.
    `levels`: the levels of the leading unit that the action is for; none means every level.
    """

    action: str
    from_states: tuple[str, ...]
    to_state: str
    roles: tuple[str, ...]
    parts: tuple[str, ...]
    needs_reason: bool = False
    clock: tuple[ClockEffect, ...] = ()
    reason_codes: tuple[str, ...] = ()
    closing_code: str = ""
    has_own_form: bool = False
    levels: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Transition:
    """A move that was allowed, with all its consequences. `to_desk`: the coordination desk now leads.

    `is_contestable`: who receives the case may contest it before the desk.
    """

    action: str
    from_state: str
    to_state: str
    clock: tuple[ClockEffect, ...]
    closing_code: str = ""
    reason: str = ""
    to_desk: bool = False
    is_contestable: bool = False

    @property
    def status(self) -> Status:
        """The public status after the move."""
        return STATES[self.to_state]

    @property
    def has_date(self) -> bool:
        """Whether a second date comes with the move: an extension, a plan, or when the rest follows."""
        code = CLOSING_CODES.get(self.closing_code)
        return "extend" in self.clock or (code is not None and code.needs_rest)

    @property
    def is_contested(self) -> bool:
        """Whether residents had the case opened again."""
        return self.action in CONTESTS


_STAFF = ("handler", "unit_head", "dispatcher", "admin")
_HEADS = ("unit_head", "dispatcher", "admin")
_DESK = ("dispatcher", "admin")
_LEAD = ("lead", "desk")
_WORKERS = ("contractor", *_STAFF)  # a contractor without an account acts by a link to one case
_ACTIVE = ("accepted", "in_progress", "waiting")
_OWNED = ("routed", *_ACTIVE)


def _within(action: str, level: str, reasons: tuple[str, ...]) -> TransitionRow:
    """A hand-over between a street and its communities: the clocks run on."""
    return TransitionRow(
        action, _OWNED, "routed", _STAFF, _LEAD, True, ("carry",), reasons, has_own_form=True, levels=(level,)
    )


def _by_desk(action: str, states: tuple[str, ...], codes: tuple[str, ...] = ()) -> TransitionRow:
    """What the coordination desk does beside the course of a case."""
    return TransitionRow(
        action, states, "", _DESK, ("desk",), needs_reason=True, reason_codes=codes, has_own_form=True
    )


_ROWS = (
    TransitionRow("route", ("submitted",), "routed", ("system", *_DESK), ("system", "desk")),
    TransitionRow("assign", OPEN_STATES, "routed", _DESK, ("desk",), needs_reason=True, clock=("restart",)),
    TransitionRow("accept", ("routed",), "accepted", _WORKERS, _LEAD, clock=("meets_accept",)),
    TransitionRow("start", ("accepted",), "in_progress", _WORKERS, _LEAD),
    TransitionRow(
        "update", OPEN_STATES, "", _WORKERS, ("lead", "assist", "desk"), clock=("meets_first_answer",)
    ),
    TransitionRow("note", tuple(STATES), "", (*_STAFF, "system"), ("lead", "assist", "desk", "system")),
    # A handler may not grant a pause to himself: every pause has a granter.
    TransitionRow(
        "wait",
        ("accepted", "in_progress"),
        "waiting",
        _HEADS,
        _LEAD,
        needs_reason=True,
        clock=("pause",),
        reason_codes=WAIT_REASONS,
    ),
    TransitionRow(
        "resume", ("waiting",), "in_progress", (*_STAFF, "system"), (*_LEAD, "system"), clock=("resume",)
    ),
    TransitionRow(
        "transfer",
        _OWNED,
        "routed",
        _STAFF,
        _LEAD,
        needs_reason=True,
        clock=("restart",),
        reason_codes=TRANSFER_REASONS,
    ),
    TransitionRow("extend", _OWNED, "", _HEADS, _LEAD, needs_reason=True, clock=("extend",)),
    TransitionRow("resolve", _ACTIVE, "*", _WORKERS, _LEAD),
    TransitionRow("confirm", ("resolved",), "confirmed", ("reporter",), ("reporter",)),
    TransitionRow(
        "contest",
        ("resolved", "confirmed", "closed", "rejected"),
        "accepted",
        ("reporter",),
        ("reporter",),
        clock=("restart",),
    ),
    # The reporter's word decides: what the reporter has confirmed, nobody else opens again.
    TransitionRow(
        "contest_by_others",
        ("resolved", "closed"),
        "accepted",
        ("follower", "neighbour"),
        ("follower", "neighbour"),
        clock=("restart",),
    ),
    TransitionRow("reopen", CLOSED_STATES, "accepted", _HEADS, _LEAD, needs_reason=True, clock=("restart",)),
    # The date has come that was named for what remains of a case: nobody needs to remember it.
    TransitionRow(
        "rest_due",
        ("resolved", "confirmed", "closed"),
        "accepted",
        ("system",),
        ("system",),
        clock=("restart",),
    ),
    TransitionRow("close", ("resolved", "confirmed"), "closed", ("system", *_DESK), ("system", "desk")),
    TransitionRow(
        "reject",
        ("submitted", *_OWNED),
        "rejected",
        _HEADS,
        _LEAD,
        needs_reason=True,
        clock=DONE,
        closing_code="declined",
    ),
    TransitionRow(
        "mark_duplicate",
        ("submitted", *_OWNED),
        "duplicate",
        (*_STAFF, "system"),
        (*_LEAD, "system"),
        clock=DONE,
        closing_code="merged",
    ),
    TransitionRow(
        "unmerge",
        ("duplicate",),
        "routed",
        ("reporter", *_DESK),
        ("reporter", "desk"),
        clock=("restart",),
    ),
    # Whoever accepts has signed for the case: only before that may a hand-over be contested.
    TransitionRow(
        "contest_transfer",
        ("routed",),
        "routed",
        _STAFF,
        ("lead",),
        needs_reason=True,
        clock=("restart",),
        reason_codes=TRANSFER_REASONS,
        has_own_form=True,
    ),
    TransitionRow(
        "rule", _OWNED, "routed", _DESK, ("desk",), needs_reason=True, clock=("restart",), has_own_form=True
    ),
    TransitionRow("ask", _OWNED, "", _STAFF, _LEAD, has_own_form=True),
    TransitionRow("split", _OWNED, "", _STAFF, _LEAD, has_own_form=True),
    TransitionRow("swap", _OWNED, "accepted", _STAFF, ("assist",), clock=("restart",), has_own_form=True),
    TransitionRow(
        "order_swap",
        _OWNED,
        "routed",
        _DESK,
        ("desk",),
        needs_reason=True,
        clock=("restart",),
        has_own_form=True,
    ),
    _within("hand_down", "street", HAND_DOWN_REASONS),
    _within("hand_up", "community", HAND_UP_REASONS),
    # Who stands above the lead and may answer, the directory of units knows.
    TransitionRow("ask_extension", _OWNED, "", _STAFF, ("lead",), needs_reason=True, has_own_form=True),
    TransitionRow("answer_extension", _OWNED, "", _HEADS, _LEAD, has_own_form=True),
    _by_desk("supervise", (*OPEN_STATES, "resolved")),
    _by_desk("end_supervision", tuple(STATES)),
    _by_desk("mark_serious", OPEN_STATES, SERIOUS_REASONS),
    # Somebody said that it is the wrong unit, and the desk says why it is not.
    _by_desk("keep_unit", OPEN_STATES),
    TransitionRow("send_crew", _OWNED, "", _STAFF, _LEAD, has_own_form=True),
    TransitionRow("borrow_crew", _OWNED, "", _HEADS, _LEAD, has_own_form=True),
    TransitionRow("send_link", _OWNED, "", _HEADS, _LEAD, has_own_form=True, levels=("contractor",)),
    TransitionRow("question_unit", _OWNED, "", ("contractor",), ("lead",), has_own_form=True),
    TransitionRow("answer_contractor", _OWNED, "", _STAFF, _LEAD, has_own_form=True),
)
TRANSITIONS: dict[str, TransitionRow] = {row.action: row for row in _ROWS}


def move(
    state: str,
    action: str,
    role: str,
    part: str,
    *,
    reason: str = "",
    closing_code: str = "",
    kind: str = "report",
    outside_body: str = "",
    transfers: int = 0,
    is_with_desk: bool = False,
    ruled: Collection[str] = (),
    level: str = "",
) -> Transition:
    """Return what happens when somebody takes an action, or raise IllegalMove.

    `reason` is a reason code where the row names codes, else words. `kind` is the service's kind.
    `outside_body` names whom a `not_ours` case was handed to. `transfers` counts those before this one.
    `is_with_desk`: the coordination unit leads already, so nothing can go to it. `ruled`: the reasons that the
    desk has settled in a ruling for this lead, who may not hand the case on for one of them again. `level`: the lead's.
    IllegalMove.reason is one of: move.unknown_state, move.unknown_action, move.wrong_state, move.not_this_level,
    move.not_your_role, move.not_your_part, move.reason_needed, move.reason_unknown,
    move.closing_code_needed, move.closing_code_unknown, move.closing_code_kind, move.closing_code_unexpected,
    move.desk_has_it, move.ruled.
    """
    row = TRANSITIONS.get(action)
    refusal = _refusal(row, state, role, part, reason, level) or _closing_refusal(row, closing_code, kind)
    if row is None or refusal:
        raise IllegalMove(state, action, refusal)
    is_ruled = part == "desk" or is_with_desk  # the desk's own hand-over is a ruling
    if row.to_state == "*":
        made = _finish(state, action, CLOSING_CODES[closing_code], reason, outside_body)
    else:
        made = _go_on(row, state, reason, transfers, is_ruled=is_ruled)
    if made.to_desk and is_with_desk:
        raise IllegalMove(state, action, "move.desk_has_it")
    if not is_ruled and _settled_reason(made) in ruled:
        raise IllegalMove(state, action, "move.ruled")
    return made


def available(state: str, role: str, part: str, *, own_forms: bool = False) -> tuple[str, ...]:
    """Return the actions that this person may take now, in the table's order, for buttons.

    `own_forms`: those that need a dispute or a task beside the state, instead of the others.
    """
    return tuple(
        row.action
        for row in _ROWS
        if state in row.from_states
        and role in row.roles
        and part in row.parts
        and row.has_own_form == own_forms
    )


def _go_on(row: TransitionRow, state: str, reason: str, transfers: int, *, is_ruled: bool) -> Transition:
    is_handed = row.action == "transfer" and not is_ruled
    to_desk = row.action == "contest_transfer" or (is_handed and transfers + 1 >= DESK_RULES_FROM_TRANSFER)
    return Transition(
        row.action, state, row.to_state or state, row.clock, row.closing_code, reason.strip(), to_desk,
        is_contestable=is_handed and not to_desk,
    )  # fmt: skip


def _settled_reason(made: Transition) -> str:
    """Return the claim with which a unit hands a case on: a ruling may have settled it."""
    if made.action == "transfer":
        return made.reason
    return made.closing_code if made.to_desk else ""


def _refusal(row: TransitionRow | None, state: str, role: str, part: str, reason: str, level: str) -> str:
    if state not in STATES:
        return "move.unknown_state"
    if row is None:
        return "move.unknown_action"
    if state not in row.from_states:
        return "move.wrong_state"
    if role not in row.roles:
        return "move.not_your_role"
    if part not in row.parts:
        return "move.not_your_part"
    if row.levels and level not in row.levels:
        return "move.not_this_level"
    if row.needs_reason and not reason.strip():
        return "move.reason_needed"
    if row.reason_codes and reason.strip() not in row.reason_codes:
        return "move.reason_unknown"
    return ""


def _closing_refusal(row: TransitionRow | None, closing_code: str, kind: str) -> str:
    if row is None:
        return "move.unknown_action"
    if row.to_state != "*":
        return "move.closing_code_unexpected" if closing_code not in ("", row.closing_code) else ""
    if not closing_code:
        return "move.closing_code_needed"
    if closing_code not in CLOSING_CODES:
        return "move.closing_code_unknown"
    return "" if kind in CLOSING_CODES[closing_code].kinds else "move.closing_code_kind"


def _finish(state: str, action: str, code: ClosingCode, reason: str, outside_body: str) -> Transition:
    if outside_body.strip() and code.outside_state:
        return Transition(action, state, code.outside_state, DONE, code.code, reason.strip())
    is_handed_back = code.to_state == "routed"
    return Transition(
        action, state, code.to_state or state, code.clock, code.code, reason.strip(), is_handed_back
    )
