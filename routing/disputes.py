"""Knows how a dispute over who answers for a case runs: why it opens, who acts meanwhile, what its ruling bars."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from routing.calendar import TimeUnit
from routing.errors import IllegalMove

Why = Literal["contested", "third_transfer", "not_ours"]
WHYS: tuple[Why, ...] = ("contested", "third_transfer", "not_ours")
# A case that somebody says is not theirs may not be handed on again, once it is ruled that it is.
NOT_OURS = "not_ours"
_BARRED_WITH_NOT_OURS = (NOT_OURS, "not_our_area", "not_our_service")


@dataclass(frozen=True, slots=True)
class CustodyFigures:
    """A city's figures: how long a hand-over may be contested, a ruling may take, and a task has.

    They are hours of `time`; those of an emergency run around the clock.
    """

    contest_hours: float = 24
    ruling_hours: float = 4
    task_accept_hours: float = 8
    task_hours: float = 40
    time: TimeUnit = "working_hours"

    @classmethod
    def from_plain(cls, plain: Mapping[str, Any] | None) -> CustodyFigures:
        """What `dataclasses.asdict` made; the usual figures for a city that has none."""
        return cls(**plain) if plain else cls()

    def time_of(self, priority: str) -> TimeUnit:
        """The kind of hours that count for a case."""
        return "hours" if priority == "emergency" else self.time


@dataclass(frozen=True, slots=True)
class DisputeRow:
    """One row of a dispute's life: what is done, where from, where it leads, and whether it is the desk's alone."""

    action: str
    from_state: str
    to_state: str
    is_of_desk: bool = True


DISPUTE_STATES = ("open", "ruled", "lapsed")
DISPUTE_MOVES: dict[str, DisputeRow] = {
    row.action: row
    for row in (
        DisputeRow("name_acting", "open", "open"),
        DisputeRow("rule", "open", "ruled"),
        DisputeRow("lapse", "open", "lapsed", is_of_desk=False),  # the case was closed without a ruling
        DisputeRow("propose_rule", "ruled", "ruled"),
    )
}


@dataclass(frozen=True, slots=True)
class Held:
    """A unit that had the case for a while, and whether it had accepted it."""

    unit: str
    is_accepted: bool


def dispute_state(state: str, action: str, part: str) -> str:
    """Return where an action leads a dispute, or raise IllegalMove (dispute.wrong_state, move.not_your_part)."""
    row = DISPUTE_MOVES[action]
    if state != row.from_state:
        raise IllegalMove(state, action, "dispute.wrong_state")
    if row.is_of_desk and part != "desk":
        raise IllegalMove(state, action, "move.not_your_part")
    return row.to_state


def why_disputed(action: str, closing_code: str) -> Why:
    """Return why a move that went to the desk opens a dispute."""
    if action == "contest_transfer":
        return "contested"
    return "not_ours" if closing_code == NOT_OURS else "third_transfer"


def who_acts(holders: Sequence[Held], barred: Collection[str]) -> str:
    """Return the unit that acts until it is ruled: the last that accepted, else the first receiver; "" for none."""
    units = [held for held in holders if held.unit not in barred]
    accepted = [held.unit for held in units if held.is_accepted]
    if accepted:
        return accepted[-1]
    return units[0].unit if units else ""


def reasons_in_dispute(why: Why, reasons: Iterable[str]) -> tuple[str, ...]:
    """Return the reason codes that a ruling settles, without repeats: those given, and what they amount to."""
    settled = [*reasons, *(_BARRED_WITH_NOT_OURS if why == "not_ours" else ())]
    return tuple(dict.fromkeys(filter(None, settled)))
