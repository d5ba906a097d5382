"""Knows how the events of a case are told on its desk: what was said, what was noted, and what happened."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from portal.queries.staff_case import StaffEvent

# What the machinery says of its own work: in the full history only.
QUIET = ("message.", "media.", "clock.at_risk", "clock.nearly_due")
LETTERS = frozenset({"relay.asked", "relay.replied"})
MOST_RECENT = 6
# The likeliest step first; what is not named keeps the order of the lifecycle's table behind these.
LIKELIEST = ("accept", "start", "resume", "resolve", "close", "update", "note", "wait", "transfer")
LIKELIEST_AT_THE_DESK = ("assign", "route", *LIKELIEST)


@dataclass(frozen=True, slots=True)
class Story:
    """The events in their parts, the newest first; `letters` as they were written, the oldest first."""

    letters: Sequence[StaffEvent]
    notes: Sequence[StaffEvent]
    recent: Sequence[StaffEvent]
    whole: Sequence[StaffEvent]


def story_of(events: Sequence[StaffEvent]) -> Story:
    """The parts of a history."""
    newest = list(reversed(events))
    weighty = [each for each in newest if not each.kind.startswith(QUIET) and each.kind not in LETTERS]
    return Story(
        letters=[each for each in events if each.kind in LETTERS],
        notes=[each for each in newest if each.private.get("note")],
        recent=weighty[:MOST_RECENT],
        whole=newest,
    )


def by_likelihood(actions: Iterable[str], *, is_with_desk: bool) -> list[str]:
    """The actions, the likeliest first: where the coordination desk itself has the case it hands it to somebody."""
    order = LIKELIEST_AT_THE_DESK if is_with_desk else LIKELIEST
    return sorted(actions, key=lambda action: order.index(action) if action in order else len(order))
