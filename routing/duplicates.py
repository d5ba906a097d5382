"""Knows how alike two reports are: by distance, service, time and words."""

from __future__ import annotations

from collections.abc import Iterable, Set
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from geo.crs import ground_distance_m

if TYPE_CHECKING:
    from geo.crs import LonLat
    from routing.facts import Service

# What a full match in each respect adds to the score; together 1.
DISTANCE_WEIGHT = 0.4
SERVICE_WEIGHT = 0.3
TIME_WEIGHT = 0.15
TEXT_WEIGHT = 0.15
# Another service of the same group is half a match: a lamp that is out, a lamp post that leans.
_SAME_GROUP = 0.5
_HALF_LIFE = timedelta(days=7)
_NOTHING_SAID = 0.5
# Where words must decide alone, one or two that happen to be the same decide nothing.
_FEWEST_SHARED = 4


@dataclass(frozen=True, slots=True)
class DuplicateRules:
    """What a city calls likely. `alike_from`: the share of common words that speaks neither for nor against."""

    likely_from: float = 0.6
    alike_from: float = 0.16
    look_back_days: float = 30.0


DEFAULT_RULES = DuplicateRules()


@dataclass(frozen=True, slots=True)
class Matter:
    """What is compared: `point` in EPSG:4326 where there is one, `words` of `routing.words`."""

    point: LonLat | None
    service_code: str
    group: str
    at: datetime
    words: Set[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Match:
    """How alike a candidate is, in all and in each respect, from 0 to 1. `distance_m` is None without a place.

    `shared`: the share of words in common as it is, which still tells two full matches apart.
    """

    case_id: str
    score: float
    distance_m: float | None
    service: float
    time: float
    text: float
    is_likely: bool
    shared: float = 0.0


def rank_duplicates(
    service: Service,
    new: Matter,
    candidates: Iterable[tuple[str, Matter]],
    rules: DuplicateRules = DEFAULT_RULES,
) -> list[Match]:
    """Return the candidates within the service's radius and of its group, most alike first.

    Equal scores go to the one with more words in common, then to the lower
    case id. Where one of the two has no place, words take the weight of distance.
    """
    found = [
        match
        for case_id, candidate in candidates
        if (match := _match(service, new, case_id, candidate, rules)) is not None
    ]
    return sorted(found, key=lambda match: (-match.score, -match.shared, match.case_id))


def _match(service: Service, new: Matter, case_id: str, other: Matter, rules: DuplicateRules) -> Match | None:
    same = _service_likeness(service, other)
    distance_m = _distance_m(new.point, other.point)
    if same == 0.0 or (distance_m is not None and distance_m > service.duplicate_radius_m):
        return None
    time = time_likeness(new.at, other.at)
    text = text_likeness(new.words, other.words, rules.alike_from)
    score = SERVICE_WEIGHT * same + TIME_WEIGHT * time + TEXT_WEIGHT * text
    if distance_m is None:
        score += DISTANCE_WEIGHT * text
    else:
        score += DISTANCE_WEIGHT * (1.0 - distance_m / max(service.duplicate_radius_m, 1.0))
    is_likely = score >= rules.likely_from and _may_be_likely(new, other, same, distance_m, text)
    rounded = None if distance_m is None else round(distance_m, 1)
    shared = round(_shared(new.words, other.words), 4)
    return Match(case_id, round(score, 4), rounded, same, round(time, 4), round(text, 4), is_likely, shared)


def _may_be_likely(new: Matter, other: Matter, same: float, distance_m: float | None, text: float) -> bool:
    """Another service, or another place for all we know, needs words that agree: silence is not enough."""
    if same == 1.0 and distance_m is not None:
        return True
    fewest = _FEWEST_SHARED if distance_m is None else 1
    return text >= _NOTHING_SAID and len(new.words & other.words) >= fewest


def text_likeness(one: Set[str], other: Set[str], alike_from: float = DEFAULT_RULES.alike_from) -> float:
    """Return how many of their words two texts share (Dice), so scaled that `alike_from` is 0.5 and its double 1.

    0.5 when either says nothing: silence speaks neither for nor against.
    """
    if not one or not other:
        return _NOTHING_SAID
    return min(1.0, _NOTHING_SAID * _shared(one, other) / alike_from)


def _shared(one: Set[str], other: Set[str]) -> float:
    return 2.0 * len(one & other) / max(len(one) + len(other), 1)


def time_likeness(one: datetime, other: datetime) -> float:
    """Return 1 for the same moment, half as much for every week between."""
    return float(0.5 ** (abs(one - other) / _HALF_LIFE))


def _service_likeness(service: Service, candidate: Matter) -> float:
    if candidate.service_code == service.code:
        return 1.0
    return _SAME_GROUP if service.group and candidate.group == service.group else 0.0


def _distance_m(one: LonLat | None, other: LonLat | None) -> float | None:
    if one is None or other is None:
        return None
    return ground_distance_m(one[0], one[1], other[0], other[1])
