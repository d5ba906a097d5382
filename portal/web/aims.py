"""Knows how the aims that a city publishes read beside what is: `[targets_of_service]` of its pack."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from portal.i18n import N_
from portal.queries.unit_figures import UnitFigures
from portal.web.locale import gettext, number, percent
from portal.web.services import city
from routing.shares import SMALLEST_SAMPLE

ON_TIME, RESOLVED = "on_time", "resolution"
# What cities usually aim at; another one stands under its own name.
NAMES: Mapping[str, str] = {
    "response": N_("Answered in time"),
    ON_TIME: N_("Promises kept"),
    RESOLVED: N_("Resolved"),
    "satisfaction": N_("Satisfaction of residents"),
    "reopen": N_("Opened again"),
    "transfer": N_("Handed on"),
    "complaint": N_("Complaints about the handling"),
    "confirmed": N_("Confirmed by residents"),
}


@dataclass(frozen=True, slots=True)
class Aim:
    """One aim in words; `now` is what these pages count of the same, "" where they count nothing like it."""

    key: str
    name: str
    aim: str
    now: str


def aims_of(figures: Iterable[UnitFigures] = ()) -> list[Aim]:
    """The city's aims, those with a name first, beside the figures of all units, or of one."""
    actual = _actual(list(figures))
    wanted: Mapping[str, float] = city().config.get("targets_of_service") or {}
    ordered = sorted(wanted, key=lambda key: (key not in NAMES, [*NAMES, key].index(key)))
    return [Aim(key, _name(key), _figure(wanted[key]), actual.get(key, "")) for key in ordered]


def _name(key: str) -> str:
    return gettext(NAMES[key]) if key in NAMES else key.replace("_", " ")


def _figure(value: float) -> str:
    """A share as per cent, anything above one as it is."""
    return percent(value) if value <= 1 else number(value)


def _actual(figures: list[UnitFigures]) -> dict[str, str]:
    """What is counted of an aim over these units, where they are enough to say anything."""
    sums = {
        ON_TIME: (sum(one.on_time for one in figures), sum(one.judged for one in figures)),
        RESOLVED: (sum(one.halves for one in figures) / 2, sum(one.ended for one in figures)),
    }
    return {key: percent(part / all_) for key, (part, all_) in sums.items() if all_ >= SMALLEST_SAMPLE}
