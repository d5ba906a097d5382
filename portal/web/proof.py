"""Knows how a report's photo and the unit's proof stand beside each other, and what is said of the proof."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol

from portal.i18n import N_

PLACES = {
    "close": N_("Taken at the place"),
    "far": N_("Taken far from the place"),
    "unknown": N_("The photo does not say where it was taken"),
}
TIMES = {
    "fresh": N_("taken during the work"),
    "before_report": N_("taken before it was reported"),
    "before_work": N_("taken before the work began"),
    "old": N_("taken more than a day before"),
    "ahead": N_("its camera had the wrong time"),
    "unknown": N_("and not when"),
}
TIME_ALONE = N_("the photo does not say when it was taken")


class Told(Protocol):
    """An event as either page reads it."""

    @property
    def public(self) -> Mapping[str, Any]:
        """What everybody may read of it."""


@dataclass(frozen=True, slots=True)
class Proof:
    """A proof photo with what its own data says: two sentences, and for the desk metres and instant."""

    media: str
    place: str
    time: str
    is_sound: bool
    distance_m: int | None = None
    taken_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Comparison:
    """What is shown: the first photo of the report, the newest proof, and what is said of every proof."""

    before: Mapping[str, Any] | None
    after: Mapping[str, Any] | None
    proofs: Sequence[Proof]

    @property
    def is_pair(self) -> bool:
        """Whether there are two to compare."""
        return self.before is not None and self.after is not None


def comparison(photos: Sequence[Mapping[str, Any]], events: Sequence[Told]) -> Comparison:
    """The newest ending's proof beside the report's photo; photos that cannot be shown yet are left out."""
    ready = [each for each in photos if each.get("state", "ready") == "ready"]
    before = next((each for each in ready if each["purpose"] == "report"), None)
    told = next((each for each in reversed(events) if each.public.get("proof")), None)
    proofs = proofs_of(told.public, getattr(told, "private", {})) if told else []
    named = {each.media for each in proofs}
    after = next((each for each in reversed(ready) if each["token"] in named), None)
    return Comparison(before, after, proofs)


def proofs_of(public: Mapping[str, Any], private: Mapping[str, Any]) -> list[Proof]:
    """The proofs of one event in words."""
    known = {each["media"]: each for each in private.get("proof", ())}
    return [_proof(each, known.get(each["media"], {})) for each in public.get("proof", ())]


def _proof(flag: Mapping[str, str], figures: Mapping[str, Any]) -> Proof:
    place, time = flag["place"], flag["time"]
    said = TIME_ALONE if time == "unknown" and place != "unknown" else TIMES[time]
    taken_at = datetime.fromisoformat(figures["taken_at"]) if figures.get("taken_at") else None
    is_sound = (place, time) == ("close", "fresh")
    return Proof(flag["media"], PLACES[place], said, is_sound, figures.get("distance_m"), taken_at)
