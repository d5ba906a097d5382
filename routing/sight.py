"""Knows what the rules for one service look at: reports alike in all of it are decided alike."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

from routing.leaves import (
    AnswerLeaf,
    AttributeLeaf,
    FlagLeaf,
    LayerLeaf,
    Leaf,
    NearLeaf,
    TimeLeaf,
    WeekdayLeaf,
)
from routing.rules import BoundaryOf, NearestOf

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime

    from geo.boundary import Nearby
    from routing.facts import Service
    from routing.router import City


class Sight:
    """What can make a difference for a service.

    `layers` are those whose hits count, by tie order; `doubted` those in which a boundary nearby counts, too.
    `near` are the layers whose nearest feature counts, with the distances that rules ask for; of those in
    `named` it also counts which feature it is.
    """

    def __init__(self, city: City, service: Service) -> None:
        rules = city.rulebook.for_service(service)
        book = [rule for _, rule, _ in rules.rules]
        # All of `when`: what this service settles already can still tell which boundaries were used.
        conditions = [rule.when for rule in book] + [line.when for line, _ in rules.urgency]
        leaves: list[Leaf] = [leaf for condition in conditions for leaf in condition.leaves()]
        fallback = city.rulebook.fallback
        selectors = [one for rule in (*book, fallback) for one in (rule.lead, *rule.assist)]
        self.doubted = rules.layers
        self.named = frozenset(one.layer for one in selectors if isinstance(one, NearestOf))
        limits = {layer: set[float]() for layer in sorted(rules.near_layers)}
        for leaf in leaves:
            if isinstance(leaf, NearLeaf) and leaf.layer in limits:
                limits[leaf.layer].add(leaf.within_m)
        self.near = {layer: tuple(sorted(found)) for layer, found in limits.items()}
        seen = {leaf.layer for leaf in leaves if isinstance(leaf, LayerLeaf | AttributeLeaf)}
        seen |= {one.layer for one in selectors if isinstance(one, BoundaryOf)} | set(limits) | self.doubted
        areas = sorted(
            (layer for layer in city.index.layers if layer.is_area), key=lambda one: (one.tie_order, one.name)
        )
        self.layers = tuple(one.name for one in areas if one.required or one.name in seen)
        self.questions = tuple(sorted({leaf.question for leaf in leaves if isinstance(leaf, AnswerLeaf)}))
        times = [leaf for leaf in leaves if isinstance(leaf, TimeLeaf)]
        self._marks = tuple(sorted({mark for leaf in times for mark in (leaf.start, leaf.end)}))
        flags = {leaf.name for leaf in leaves if isinstance(leaf, FlagLeaf)}
        self._asks_holiday, self._asks_working = "holiday" in flags, "working_time" in flags
        self._asks_weekday = any(isinstance(leaf, WeekdayLeaf) for leaf in leaves)
        self._asks_day = any(unit.contract_from or unit.contract_to for unit in city.directory)
        self._city, self._zone = city, ZoneInfo(city.timezone)
        self.asks_time = bool(self._marks or flags or self._asks_weekday or self._asks_day)

    def time_key(self, at: datetime) -> tuple[Any, ...]:
        """Return what counts of an instant (aware); OverflowError where no calendar has it."""
        if not self.asks_time:
            return ()
        local, calendar = at.astimezone(self._zone), self._city.calendar
        minute = local.hour * 60 + local.minute
        return (
            sum(minute >= mark for mark in self._marks),
            local.weekday() if self._asks_weekday else None,
            self._asks_holiday and calendar.is_holiday(local.date()),
            self._asks_working and calendar.is_working_time(at),
            local.date() if self._asks_day else None,
        )

    def answer_key(self, answers: Mapping[str, tuple[str, ...]]) -> tuple[Any, ...]:
        """Return what counts of the answers."""
        return tuple(answers.get(question) for question in self.questions)


def near_key(nearest: Nearby | None, limits: Sequence[float], is_named: bool) -> tuple[Any, ...]:
    """Return what counts of the nearest feature of a layer: which of the distances it keeps, and its code if named."""
    if nearest is None:
        return ()
    return (nearest.code if is_named else "", *(nearest.distance_m <= limit for limit in limits))
