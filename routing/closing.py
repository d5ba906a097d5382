"""Knows the codes that a case is closed with: where each leads, what it counts as, and the proof it needs."""

from dataclasses import dataclass
from typing import Literal

from routing.facts import KINDS

ClockEffect = Literal[
    "meets_accept", "meets_first_answer", "meets_resolve", "pause", "resume", "restart", "extend"
]
DONE: tuple[ClockEffect, ...] = ("meets_accept", "meets_first_answer", "meets_resolve")


@dataclass(frozen=True, slots=True)
class ClosingCode:
    """What a unit says when it has finished with a case.

    `to_state` is "" when the case stays where it is. `counts_as` is its weight in the resolution rate.
    `outside_state` is where the case goes instead when it is handed to an outside body by name.
    """

    code: str
    to_state: str
    counts_as: Literal["yes", "half", "no", "follows"]
    proof: Literal["photo", "reason", "rule", "date", "text", "none"]
    kinds: tuple[str, ...] = KINDS
    outside_state: str = ""
    clock: tuple[ClockEffect, ...] = DONE


_NOT_REPORTS = tuple(kind for kind in KINDS if kind != "report")
CLOSING_CODES: dict[str, ClosingCode] = {
    row.code: row
    for row in (
        ClosingCode("fixed", "resolved", "yes", "photo"),
        ClosingCode("partly_fixed", "resolved", "half", "photo"),
        ClosingCode("not_found", "resolved", "no", "photo"),
        ClosingCode("not_ours", "routed", "no", "reason", outside_state="rejected", clock=("restart",)),
        ClosingCode("merged", "duplicate", "follows", "none"),
        ClosingCode("declined", "rejected", "no", "rule"),
        ClosingCode("planned", "", "no", "date", clock=("meets_first_answer", "extend")),
        ClosingCode("answered", "resolved", "yes", "text", kinds=_NOT_REPORTS),
    )
}


def closing_codes_for(kind: str) -> tuple[ClosingCode, ...]:
    """Return the closing codes that a service of this kind may end with."""
    return tuple(code for code in CLOSING_CODES.values() if kind in code.kinds)
