"""Knows the single questions that a rule can ask of a report's facts."""

from __future__ import annotations

import abc
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

if TYPE_CHECKING:
    from collections.abc import Iterator

    from routing.facts import ReportFacts, Service

WEEKDAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")

# A boundary of a layer; None stands for any boundary of it.
AreaKey = tuple[str, str | None]


@dataclass(frozen=True, slots=True)
class LeafResult:
    """What one leaf answered: `layer`, `code` and `distance_m` say which boundary it speaks of, if any.

    `distance_m` is 0 inside a boundary, the metres to the nearest fitting one outside, None when far.
    """

    kind: str
    wanted: str
    is_true: bool
    layer: str = ""
    code: str = ""
    distance_m: float | None = None


class Condition(abc.ABC):
    """Something that is true or false of a report's facts."""

    __slots__ = ()

    @abc.abstractmethod
    def matches(self, facts: ReportFacts) -> bool:
        """Tell whether the facts satisfy the condition."""

    @abc.abstractmethod
    def misses(self, facts: ReportFacts) -> tuple[LeafResult, ...]:
        """Return the smallest set of leaves that keeps the condition false; empty when it is true."""

    @abc.abstractmethod
    def leaves(self) -> Iterator[Leaf]:
        """Yield every leaf, in writing order."""

    def explain(self, facts: ReportFacts) -> list[LeafResult]:
        """Return what every leaf answers, in writing order."""
        return [leaf.result(facts) for leaf in self.leaves()]

    def places(self, facts: ReportFacts) -> tuple[tuple[str, str], ...]:
        """Return the (layer, code) pairs that make the condition true."""
        return ()

    def for_service(self, service: Service) -> Condition:
        """Return what remains to be asked once the service is known."""
        return self

    def area_keys(self) -> frozenset[AreaKey] | None:
        """Return boundaries of which at least one must hold the point; None when there is no such set."""
        return None


class Leaf(Condition):
    """A condition without parts."""

    __slots__ = ()
    kind: ClassVar[str]

    @abc.abstractmethod
    def wanted(self) -> str:
        """Return what the leaf asks for, as short text."""

    def result(self, facts: ReportFacts) -> LeafResult:
        """Return the answer with whatever it speaks of."""
        return LeafResult(self.kind, self.wanted(), self.matches(facts))

    def misses(self, facts: ReportFacts) -> tuple[LeafResult, ...]:
        """Return this leaf when it is false."""
        return () if self.matches(facts) else (self.result(facts),)

    def leaves(self) -> Iterator[Leaf]:
        """Yield this leaf alone."""
        yield self


@dataclass(frozen=True, slots=True)
class Constant(Leaf):
    """A condition whose answer is already known."""

    kind: ClassVar[str] = "constant"
    value: bool

    def __reduce__(self) -> str:
        # There is one of each, also in another process: they are compared by identity.
        return "ALWAYS" if self.value else "NEVER"

    def matches(self, facts: ReportFacts) -> bool:
        """Return the known answer."""
        return self.value

    def wanted(self) -> str:
        """Return the answer as text."""
        return str(self.value).lower()


ALWAYS = Constant(True)
NEVER = Constant(False)


@dataclass(frozen=True, slots=True)
class ServiceLeaf(Leaf):
    """The service's own code, group or kind; `field` names which."""

    kind: ClassVar[str] = "service"
    field: str
    values: frozenset[str]

    def matches(self, facts: ReportFacts) -> bool:
        """Tell whether the facts' service is wanted."""
        return self._has(facts.service)

    def wanted(self) -> str:
        """Return the field and the values."""
        return _listed(self.field, self.values)

    def for_service(self, service: Service) -> Condition:
        """Return the answer for this service."""
        return ALWAYS if self._has(service) else NEVER

    def _has(self, service: Service) -> bool:
        return getattr(service, self.field) in self.values


@dataclass(frozen=True, slots=True)
class LayerLeaf(Leaf):
    """The point lies in one of `codes` of a layer, or in any boundary of it when `codes` is None."""

    kind: ClassVar[str] = "layer"
    layer: str
    codes: frozenset[str] | None = None

    def matches(self, facts: ReportFacts) -> bool:
        """Tell whether a wanted boundary was hit."""
        layer, codes = self.layer, self.codes
        return any(hit.layer == layer and (codes is None or hit.code in codes) for hit in facts.hits)

    def wanted(self) -> str:
        """Return the layer and its codes."""
        return self.layer if self.codes is None else _listed(self.layer, self.codes)

    def result(self, facts: ReportFacts) -> LeafResult:
        """Return the boundary that was hit, else the nearest that would have done."""
        if places := self.places(facts):
            return LeafResult(self.kind, self.wanted(), True, *places[0], 0.0)
        near = [
            (other.distance_m, other.code)
            for other in facts.others
            if other.layer == self.layer and (self.codes is None or other.code in self.codes)
        ]
        distance_m, code = min(near) if near else (None, "")
        return LeafResult(self.kind, self.wanted(), False, self.layer, code, distance_m)

    def places(self, facts: ReportFacts) -> tuple[tuple[str, str], ...]:
        """Return the wanted boundaries that were hit."""
        layer, codes = self.layer, self.codes
        hits = [hit.code for hit in facts.hits if hit.layer == layer and (codes is None or hit.code in codes)]
        return tuple((layer, code) for code in sorted(hits))

    def area_keys(self) -> frozenset[AreaKey]:
        """Return the wanted boundaries."""
        if self.codes is None:
            return frozenset({(self.layer, None)})
        return frozenset((self.layer, code) for code in self.codes)


@dataclass(frozen=True, slots=True)
class AttributeLeaf(Leaf):
    """An attribute of the boundary that holds the point has one of the values."""

    kind: ClassVar[str] = "attr"
    layer: str
    name: str
    values: frozenset[str]

    def matches(self, facts: ReportFacts) -> bool:
        """Tell whether any boundary that was hit has the attribute."""
        return bool(self.places(facts))

    def wanted(self) -> str:
        """Return the layer, the attribute and its values."""
        return _listed(f"{self.layer}.{self.name}", self.values)

    def places(self, facts: ReportFacts) -> tuple[tuple[str, str], ...]:
        """Return the boundaries that were hit and have the attribute."""
        return tuple(
            sorted(
                (hit.layer, hit.code)
                for hit in facts.hits
                if hit.layer == self.layer
                and facts.attributes.get((hit.layer, hit.code), {}).get(self.name) in self.values
            )
        )

    def area_keys(self) -> frozenset[AreaKey]:
        """Return the layer: without a hit there is no attribute."""
        return frozenset({(self.layer, None)})


@dataclass(frozen=True, slots=True)
class NearLeaf(Leaf):
    """The nearest feature of a layer is within so many metres."""

    kind: ClassVar[str] = "near"
    layer: str
    within_m: float

    def matches(self, facts: ReportFacts) -> bool:
        """Tell whether the nearest feature is near enough."""
        found = facts.near.get(self.layer)
        return found is not None and found.distance_m <= self.within_m

    def wanted(self) -> str:
        """Return the layer and the distance."""
        return f"{self.layer} within {self.within_m:g} m"

    def result(self, facts: ReportFacts) -> LeafResult:
        """Return the nearest feature, near enough or not."""
        found = facts.near.get(self.layer)
        code, distance_m = ("", None) if found is None else (found.code, found.distance_m)
        return LeafResult(self.kind, self.wanted(), self.matches(facts), self.layer, code, distance_m)


@dataclass(frozen=True, slots=True)
class AnswerLeaf(Leaf):
    """A question was answered with one of the values."""

    kind: ClassVar[str] = "answer"
    question: str
    values: frozenset[str]

    def matches(self, facts: ReportFacts) -> bool:
        """Tell whether any chosen answer is wanted."""
        return not self.values.isdisjoint(facts.answers.get(self.question, ()))

    def wanted(self) -> str:
        """Return the question and the values."""
        return _listed(self.question, self.values)


@dataclass(frozen=True, slots=True)
class TimeLeaf(Leaf):
    """The local time lies in a window of minutes after midnight, its end left out; it may pass midnight."""

    kind: ClassVar[str] = "time"
    start: int
    end: int

    def matches(self, facts: ReportFacts) -> bool:
        """Tell whether the local clock stands in the window."""
        minute = facts.local_time.hour * 60 + facts.local_time.minute
        if self.start < self.end:
            return self.start <= minute < self.end
        return minute >= self.start or minute < self.end

    def wanted(self) -> str:
        """Return the window as clock times."""
        return f"{_clock(self.start)}-{_clock(self.end)}"


@dataclass(frozen=True, slots=True)
class WeekdayLeaf(Leaf):
    """The local day is one of these; 0 is Monday."""

    kind: ClassVar[str] = "weekday"
    days: frozenset[int]

    def matches(self, facts: ReportFacts) -> bool:
        """Tell whether today is one of the days."""
        return facts.local_time.weekday() in self.days

    def wanted(self) -> str:
        """Return the days in the week's order."""
        return ", ".join(WEEKDAYS[day] for day in sorted(self.days))


@dataclass(frozen=True, slots=True)
class FlagLeaf(Leaf):
    """A yes-or-no fact of the calendar: `name` is holiday or working_time."""

    kind: ClassVar[str] = "calendar"
    name: str
    value: bool

    def matches(self, facts: ReportFacts) -> bool:
        """Tell whether the calendar says so."""
        return (facts.is_holiday if self.name == "holiday" else facts.is_working_time) is self.value

    def wanted(self) -> str:
        """Return the fact and its wanted value."""
        return f"{self.name}: {str(self.value).lower()}"


@dataclass(frozen=True, slots=True)
class WordLeaf(Leaf):
    """The priority or the channel is one of these words; `name` names which."""

    kind: ClassVar[str] = "word"
    name: str
    values: frozenset[str]

    def matches(self, facts: ReportFacts) -> bool:
        """Tell whether the fact is one of the words."""
        return (facts.priority if self.name == "priority" else facts.channel) in self.values

    def wanted(self) -> str:
        """Return the fact and the words."""
        return _listed(self.name, self.values)


def _listed(name: str, values: frozenset[str]) -> str:
    return f"{name}: {', '.join(sorted(values))}"


def _clock(minute: int) -> str:
    return f"{minute // 60:02d}:{minute % 60:02d}"
