"""Knows the codes that a case is closed with: where each leads, what it counts as, and the proof it needs."""

from dataclasses import dataclass
from typing import Literal

from routing.facts import KINDS

ClockEffect = Literal[
    "meets_accept", "meets_first_answer", "meets_resolve", "pause", "resume", "restart", "extend", "carry"
]
DONE: tuple[ClockEffect, ...] = ("meets_accept", "meets_first_answer", "meets_resolve")


@dataclass(frozen=True, slots=True)
class ClosingCode:
    """What a unit says when it has finished with a case.

    `to_state` is "" when the case stays where it is. `counts_as` is its weight in the resolution rate.
    `proof` is the first thing that it needs: "photo" from the place, which only "photo or reason" does without.
    `needs_rest`: what remains and by when.
    `outside_state` is where the case goes instead when it is handed to an outside body by name.
    """

    code: str
    to_state: str
    counts_as: Literal["yes", "half", "no", "follows"]
    proof: Literal["photo", "photo or reason", "reason", "rule", "date", "text", "none"]
    kinds: tuple[str, ...] = KINDS
    outside_state: str = ""
    clock: tuple[ClockEffect, ...] = DONE
    needs_rest: bool = False


_NOT_REPORTS = tuple(kind for kind in KINDS if kind != "report")
_ON_THE_SPOT = ("report",)  # only what is wrong at a place can be fixed there
_BY_A_DATE = ("report", "complaint", "suggestion")
CLOSING_CODES: dict[str, ClosingCode] = {
    row.code: row
    for row in (
        ClosingCode("fixed", "resolved", "yes", "photo or reason", kinds=_ON_THE_SPOT),
        ClosingCode("partly_fixed", "resolved", "half", "photo", kinds=_ON_THE_SPOT, needs_rest=True),
        ClosingCode("not_found", "resolved", "no", "photo", kinds=_ON_THE_SPOT),
        ClosingCode("not_ours", "routed", "no", "reason", outside_state="rejected", clock=("restart",)),
        ClosingCode("merged", "duplicate", "follows", "none"),
        ClosingCode("declined", "rejected", "no", "rule"),
        ClosingCode("planned", "", "no", "date", kinds=_BY_A_DATE, clock=("meets_first_answer", "extend")),
        ClosingCode("answered", "resolved", "yes", "text", kinds=_NOT_REPORTS),
    )
}


# What an ending weighs in the resolution rate; one that follows another case is judged there.
WEIGHTS = {"yes": 1.0, "half": 0.5, "no": 0.0}


def weight_of(code: str | None) -> float:
    """How much of a case an ending resolved: 1, a half or nothing."""
    known = CLOSING_CODES.get(code or "")
    return WEIGHTS.get(known.counts_as, 0.0) if known else 0.0


@dataclass(frozen=True, slots=True)
class ClosingFigures:
    """What a city sets for its closings.

    A proof photo is near when it was taken within `proof_max_m` of the case, and fresh within `proof_max_hours`.
    Silence closes after `silent_days`; a voice is heard for `voice_days`. So many different neighbours as
    `neighbours_to_reopen` open a case again; so many contests as `contests_to_supervision` bring it to the centre.
    """

    proof_max_m: float = 100.0
    proof_max_hours: float = 24.0
    silent_days: float = 7.0
    voice_days: float = 30.0
    neighbours_to_reopen: int = 3
    contests_to_supervision: int = 2


def closing_codes_for(kind: str) -> tuple[ClosingCode, ...]:
    """Return the closing codes that a service of this kind may end with."""
    return tuple(code for code in CLOSING_CODES.values() if kind in code.kinds)
