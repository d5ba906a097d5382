"""Knows how leaves combine into a rule's condition, and how a condition is written in a rulebook."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from geo.sentences import ToldError
from routing.facts import KINDS
from routing.leaves import (
    ALWAYS,
    NEVER,
    WEEKDAYS,
    AnswerLeaf,
    AreaKey,
    AttributeLeaf,
    Condition,
    FlagLeaf,
    LayerLeaf,
    Leaf,
    LeafResult,
    NearLeaf,
    ServiceLeaf,
    TimeLeaf,
    WeekdayLeaf,
    WordLeaf,
)
from routing.priority import PRIORITIES

if TYPE_CHECKING:
    from routing.facts import ReportFacts, Service

_CLOCK = re.compile(r"([01]\d|2[0-3]):([0-5]\d)|24:00")


class ConditionError(ToldError):
    """A condition that cannot be read; the message says which part and why."""


@dataclass(frozen=True, slots=True)
class All(Condition):
    """True when every part is."""

    parts: tuple[Condition, ...]

    def matches(self, facts: ReportFacts) -> bool:
        """Tell whether every part matches."""
        return all(part.matches(facts) for part in self.parts)

    def misses(self, facts: ReportFacts) -> tuple[LeafResult, ...]:
        """Return the misses of every part."""
        return tuple(miss for part in self.parts for miss in part.misses(facts))

    def leaves(self) -> Iterator[Leaf]:
        """Yield every leaf of every part."""
        for part in self.parts:
            yield from part.leaves()

    def places(self, facts: ReportFacts) -> tuple[tuple[str, str], ...]:
        """Return the places of every part."""
        return tuple(place for part in self.parts for place in part.places(facts))

    def for_service(self, service: Service) -> Condition:
        """Leave out what this service already satisfies; NEVER when a part can no longer be true."""
        parts = [part.for_service(service) for part in self.parts]
        if NEVER in parts:
            return NEVER
        return _joined(All, [part for part in parts if part is not ALWAYS], ALWAYS)

    def area_keys(self) -> frozenset[AreaKey] | None:
        """Return the smallest set among the parts: each of them has to be satisfied."""
        sets = [keys for part in self.parts if (keys := part.area_keys()) is not None]
        return min(sets, key=len, default=None)


@dataclass(frozen=True, slots=True)
class AnyOf(Condition):
    """True when at least one part is."""

    parts: tuple[Condition, ...]

    def matches(self, facts: ReportFacts) -> bool:
        """Tell whether a part matches."""
        return any(part.matches(facts) for part in self.parts)

    def misses(self, facts: ReportFacts) -> tuple[LeafResult, ...]:
        """Return the misses of the part that came nearest; the first of equals."""
        return min((part.misses(facts) for part in self.parts), key=_how_far)

    def leaves(self) -> Iterator[Leaf]:
        """Yield every leaf of every part."""
        for part in self.parts:
            yield from part.leaves()

    def places(self, facts: ReportFacts) -> tuple[tuple[str, str], ...]:
        """Return the places of the parts that are true."""
        return tuple(place for part in self.parts if part.matches(facts) for place in part.places(facts))

    def for_service(self, service: Service) -> Condition:
        """Leave out what this service can never satisfy; ALWAYS when a part already is."""
        parts = [part.for_service(service) for part in self.parts]
        if ALWAYS in parts:
            return ALWAYS
        return _joined(AnyOf, [part for part in parts if part is not NEVER], NEVER)

    def area_keys(self) -> frozenset[AreaKey] | None:
        """Return the union, when every part needs some boundary."""
        found: set[AreaKey] = set()
        for part in self.parts:
            keys = part.area_keys()
            if keys is None:
                return None
            found |= keys
        return frozenset(found)


@dataclass(frozen=True, slots=True)
class Not(Condition):
    """True when its part is not."""

    part: Condition

    def matches(self, facts: ReportFacts) -> bool:
        """Tell whether the part fails."""
        return not self.part.matches(facts)

    def misses(self, facts: ReportFacts) -> tuple[LeafResult, ...]:
        """Return one miss that stands for the whole part."""
        if not self.part.matches(facts):
            return ()
        wanted = "; ".join(leaf.wanted() for leaf in self.part.leaves())
        return (LeafResult("not", wanted, False),)

    def leaves(self) -> Iterator[Leaf]:
        """Yield the leaves of the part."""
        return self.part.leaves()

    def for_service(self, service: Service) -> Condition:
        """Turn a known answer round."""
        part = self.part.for_service(service)
        if part is ALWAYS:
            return NEVER
        return ALWAYS if part is NEVER else Not(part)


def parse(table: Any) -> Condition:
    """Read the `when` of a rule; raises ConditionError."""
    if not isinstance(table, Mapping):
        raise ConditionError("a condition is a table, not %(table)s", table=repr(table))
    keys = set(table) - {"code"} if "layer" in table else set(table)
    if len(keys) != 1:
        raise ConditionError(
            "a condition asks one thing; combine %(table)s with all, any or not", table=sorted(table)
        )
    (key,) = keys
    if key in _GROUPS:
        return _GROUPS[key](_parts(key, table[key]))
    if key == "not":
        return Not(parse(table[key]))
    if key == "layer":
        codes = frozenset(_words("code", table["code"])) if "code" in table else None
        return LayerLeaf(_word("layer", table["layer"]), codes)
    if key not in _LEAVES:
        known = ", ".join(sorted({*_GROUPS, "not", "layer", *_LEAVES}))
        raise ConditionError("unknown condition %(key)s; known are %(known)s", key=repr(key), known=known)
    return _LEAVES[key](table[key])


def parse_clock(text: Any) -> int:
    """Read "HH:MM" (up to 24:00) as minutes after midnight; raises ConditionError."""
    if not isinstance(text, str) or not _CLOCK.fullmatch(text):
        raise ConditionError("%(text)s is not a time of day such as 08:30", text=repr(text))
    return int(text[:2]) * 60 + int(text[3:])


def _joined(
    group: Callable[[tuple[Condition, ...]], Condition], parts: list[Condition], empty: Leaf
) -> Condition:
    if not parts:
        return empty
    return parts[0] if len(parts) == 1 else group(tuple(parts))


def _how_far(misses: tuple[LeafResult, ...]) -> tuple[int, float]:
    distances = [miss.distance_m for miss in misses if miss.distance_m is not None]
    return len(misses), max(distances) if distances else float("inf")


def _parts(key: str, tables: Any) -> tuple[Condition, ...]:
    if not isinstance(tables, list | tuple) or not tables:
        raise ConditionError("%(key)s needs a list of at least one condition", key=key)
    return tuple(parse(table) for table in tables)


def _word(name: str, value: Any) -> str:
    if isinstance(value, bool) or not isinstance(value, str | int) or value == "":
        raise ConditionError("%(name)s needs a word, not %(value)s", name=name, value=repr(value))
    return str(value)


def _words(name: str, value: Any, known: tuple[str, ...] = ()) -> tuple[str, ...]:
    values = value if isinstance(value, list | tuple) else [value]
    if not values:
        raise ConditionError("%(name)s needs at least one value", name=name)
    words = tuple(_word(name, one) for one in values)
    if unknown := [word for word in words if known and word not in known]:
        raise ConditionError(
            "%(name)s %(unknown)s is unknown; known are %(known)s",
            name=name,
            unknown=repr(unknown[0]),
            known=", ".join(known),
        )
    return words


def _fields(name: str, table: Any, wanted: tuple[str, ...]) -> list[Any]:
    if not isinstance(table, Mapping) or set(table) != set(wanted):
        raise ConditionError(
            "%(name)s needs a table with %(wanted)s, not %(table)s",
            name=name,
            wanted=", ".join(wanted),
            table=repr(table),
        )
    return [table[key] for key in wanted]


def _service(name: str, field: str, known: tuple[str, ...] = ()) -> Callable[[Any], Condition]:
    return lambda value: ServiceLeaf(field, frozenset(_words(name, value, known)))


def _attribute(table: Any) -> Condition:
    layer, name, values = _fields("attr", table, ("layer", "name", "in"))
    return AttributeLeaf(
        _word("attr layer", layer), _word("attr name", name), frozenset(_words("attr", values))
    )


def _near(table: Any) -> Condition:
    layer, within_m = _fields("near", table, ("layer", "within_m"))
    if isinstance(within_m, bool) or not isinstance(within_m, int | float) or within_m <= 0:
        raise ConditionError("near needs within_m over 0, not %(within_m)s", within_m=repr(within_m))
    return NearLeaf(_word("near layer", layer), float(within_m))


def _answer(table: Any) -> Condition:
    question, values = _fields("answer", table, ("question", "in"))
    return AnswerLeaf(_word("answer question", question), frozenset(_words("answer", values)))


def _time(table: Any) -> Condition:
    start, end = (parse_clock(text) for text in _fields("time", table, ("from", "to")))
    if start % 1440 == end % 1440:
        raise ConditionError("a time window must not be empty or the whole day")
    return TimeLeaf(start % 1440, end)


def _weekday(value: Any) -> Condition:
    return WeekdayLeaf(frozenset(WEEKDAYS.index(word) for word in _words("weekday", value, WEEKDAYS)))


def _flag(name: str) -> Callable[[Any], Condition]:
    def read(value: Any) -> Condition:
        if not isinstance(value, bool):
            raise ConditionError("%(name)s is true or false, not %(value)s", name=name, value=repr(value))
        return FlagLeaf(name, value)

    return read


def _word_leaf(name: str, known: tuple[str, ...] = ()) -> Callable[[Any], Condition]:
    return lambda value: WordLeaf(name, frozenset(_words(name, value, known)))


_GROUPS: dict[str, Callable[[tuple[Condition, ...]], Condition]] = {"all": All, "any": AnyOf}
_LEAVES: dict[str, Callable[[Any], Condition]] = {
    "service": _service("service", "code"),
    "group": _service("group", "group"),
    "kind": _service("kind", "kind", KINDS),
    "attr": _attribute,
    "near": _near,
    "answer": _answer,
    "time": _time,
    "weekday": _weekday,
    "holiday": _flag("holiday"),
    "working_time": _flag("working_time"),
    "priority": _word_leaf("priority", PRIORITIES),
    "channel": _word_leaf("channel"),
}
