"""Knows the rulebook: its rules in order, whom each one names, and which of them can matter to a service."""

from __future__ import annotations

import abc
import hashlib
import tomllib
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, get_args

from routing.conditions import All, ConditionError, parse
from routing.errors import RulebookError, RuleError
from routing.facts import canonical_json
from routing.leaves import ALWAYS, NEVER, AttributeLeaf, Condition, LayerLeaf, Leaf, NearLeaf
from routing.priority import PRIORITIES, Priority
from routing.urgency import LINE_ID, Pressure, read_pressures

if TYPE_CHECKING:
    from datetime import date

    from routing.facts import ReportFacts, Service
    from routing.units import Directory

Ambiguous = Literal["ask", "joint", "most_likely"]
FALLBACK = "fallback"

_RULE_KEYS = {
    "id", "when", "lead", "assist", "ambiguous", "question", "priority", "private", "plan", "targets",
}  # fmt: skip


class Selector(abc.ABC):
    """A way to name a unit."""

    __slots__ = ()

    @abc.abstractmethod
    def select(self, facts: ReportFacts, directory: Directory) -> str | None:
        """Return the unit's code, or None when these facts name nobody."""


@dataclass(frozen=True, slots=True)
class UnitNamed(Selector):
    """One unit by its code."""

    unit: str

    def select(self, facts: ReportFacts, directory: Directory) -> str | None:
        """Return the unit."""
        return self.unit


@dataclass(frozen=True, slots=True)
class BoundaryOf(Selector):
    """The unit that answers for the boundary of a layer in which the point lies."""

    layer: str

    def select(self, facts: ReportFacts, directory: Directory) -> str | None:
        """Return the unit of the first boundary, by code, for which one answers."""
        day = facts.local_time.date()
        return next((unit for _, unit in self.holders(facts, directory, day) if unit is not None), None)

    def holders(self, facts: ReportFacts, directory: Directory, day: date) -> list[tuple[str, str | None]]:
        """Return every boundary of the layer that was hit, by code, with its unit."""
        codes = sorted(hit.code for hit in facts.hits if hit.layer == self.layer)
        return [(code, directory.holder_of(self.layer, code, day)) for code in codes]


@dataclass(frozen=True, slots=True)
class NearestOf(Selector):
    """The unit that answers for the nearest feature of a layer."""

    layer: str

    def select(self, facts: ReportFacts, directory: Directory) -> str | None:
        """Return the unit of the nearest feature."""
        found = facts.near.get(self.layer)
        return None if found is None else directory.holder_of(self.layer, found.code, facts.local_time.date())


@dataclass(frozen=True, slots=True)
class LeastLoaded(Selector):
    """The unit with the fewest open cases; the first in writing order among equals."""

    units: tuple[str, ...]

    def select(self, facts: ReportFacts, directory: Directory) -> str | None:
        """Return the least loaded unit; one without a load counts as idle, one without a contract comes last."""
        day = facts.local_time.date()
        running = [unit for unit in self.units if directory.unit(unit).is_in_force(day)]
        return min(running or self.units, key=lambda unit: facts.loads.get(unit, 0))


@dataclass(frozen=True, slots=True)
class Rule:
    """One line of the rulebook. `when` is ALWAYS for the fallback.

    `targets` is the class of targets that stands before those of the service: a name of the target table.
    """

    id: str
    when: Condition
    lead: Selector
    assist: tuple[Selector, ...] = ()
    ambiguous: Ambiguous = "most_likely"
    question: str | None = None
    priority: Priority | None = None
    is_private: bool = False
    plan: str | None = None
    targets: str | None = None

    @property
    def layers(self) -> frozenset[str]:
        """The layers that the `when` speaks of."""
        kinds = LayerLeaf | AttributeLeaf | NearLeaf
        return frozenset(leaf.layer for leaf in self.when.leaves() if isinstance(leaf, kinds))

    @property
    def condition(self) -> Condition:
        """What has to hold: the `when`, and a hit where the lead is the unit of a boundary."""
        if not isinstance(self.lead, BoundaryOf) or self.id == FALLBACK:
            return self.when
        guard = LayerLeaf(self.lead.layer)
        return guard if self.when is ALWAYS else All((self.when, guard))


class ServiceRules:
    """The rules that can match a service, found by the boundaries they need.

    `rules` holds (order in the book, rule, what remains to be asked), the fallback left out; `urgency` holds
    (line, what remains to be asked).
    """

    __slots__ = (
        "_by_boundary", "_by_layer", "_unbound", "layers", "loaded_units", "near_layers", "rules", "urgency",
    )  # fmt: skip

    def __init__(self, rules: Iterable[Rule], service: Service, urgency: Iterable[Pressure] = ()) -> None:
        pressures = [(line, line.when.for_service(service)) for line in urgency]
        self.urgency = tuple(row for row in pressures if row[1] is not NEVER)
        rest = [(order, rule, rule.condition.for_service(service)) for order, rule in enumerate(rules)]
        possible = [row for row in rest if row[2] is not NEVER]
        self.rules = tuple(row for row in possible if row[1].id != FALLBACK)
        by_boundary: defaultdict[tuple[str, str], list[int]] = defaultdict(list)
        by_layer: defaultdict[str, list[int]] = defaultdict(list)
        unbound: list[int] = []
        for position, (_, _, condition) in enumerate(self.rules):
            keys = condition.area_keys()
            if keys is None:
                unbound.append(position)
            for layer, code in keys or ():
                if code is None:
                    by_layer[layer].append(position)
                else:
                    by_boundary[layer, code].append(position)
        self._by_boundary, self._by_layer, self._unbound = dict(by_boundary), dict(by_layer), unbound
        leaves = [leaf for _, _, condition in self.rules for leaf in condition.leaves()]
        self.layers = frozenset(leaf.layer for leaf in leaves if isinstance(leaf, LayerLeaf | AttributeLeaf))
        selectors = [selector for _, rule, _ in possible for selector in (rule.lead, *rule.assist)]
        pressing = [leaf for _, condition in self.urgency for leaf in condition.leaves()]
        asked = [leaf for leaf in (*leaves, *pressing) if isinstance(leaf, NearLeaf)]
        self.near_layers = frozenset(leaf.layer for leaf in asked) | {
            selector.layer for selector in selectors if isinstance(selector, NearestOf)
        }
        self.loaded_units = frozenset(
            unit for selector in selectors if isinstance(selector, LeastLoaded) for unit in selector.units
        )

    def positions(self, places: Iterable[tuple[str, str]]) -> list[int]:
        """Return, in order, where the rules stand that a point in these boundaries could match."""
        found = set(self._unbound)
        for place in places:
            found.update(self._by_boundary.get(place, ()))
            found.update(self._by_layer.get(place[0], ()))
        return sorted(found)


class Rulebook:
    """Rules in order, the fallback last, and lines of urgency; indexed by service on first use.

    `version` is the caller's name for it, by default the first 12 digits of `digest`.
    """

    def __init__(
        self, rules: Iterable[Rule], *, digest: str, version: str = "", urgency: Iterable[Pressure] = ()
    ) -> None:
        self.rules = tuple(rules)
        self.urgency = tuple(urgency)
        self.digest = digest
        self.version = version or digest[:12]
        self.fallback = self.rules[-1]
        self._by_id = {rule.id: rule for rule in self.rules}
        self._by_service: dict[tuple[str, str, str], ServiceRules] = {}
        leaves = list(self.leaves())
        selectors = [selector for rule in self.rules for selector in (rule.lead, *rule.assist)]
        self.attribute_layers = frozenset(leaf.layer for leaf in leaves if isinstance(leaf, AttributeLeaf))
        self.loaded_units = frozenset(
            unit for selector in selectors if isinstance(selector, LeastLoaded) for unit in selector.units
        )

    def leaves(self) -> Iterator[Leaf]:
        """Yield every leaf of every rule and line of urgency."""
        for when in (*(rule.when for rule in self.rules), *(line.when for line in self.urgency)):
            yield from when.leaves()

    def rule(self, rule_id: str) -> Rule:
        """Return the rule with this id; raises KeyError."""
        return self._by_id[rule_id]

    def for_service(self, service: Service) -> ServiceRules:
        """Return the rules that can match this service."""
        key = (service.code, service.group, service.kind)
        found = self._by_service.get(key)
        if found is None:
            found = self._by_service[key] = ServiceRules(self.rules, service, self.urgency)
        return found


def parse_rulebook(source: str | Mapping[str, Any], *, version: str = "") -> Rulebook:
    """Read a rulebook from TOML text or the tables in it; raises RulebookError with every problem found."""
    source = _toml(source)
    tables = _tables(source)
    lines, problems = read_pressures(source.get("urgency", []))
    rules = []
    for number, table in enumerate(tables, start=1):
        try:
            rules.append(_parse_rule(table, number))
        except RuleError as problem:
            problems.append(problem)
    problems += _order_problems(rules)
    if problems:
        raise RulebookError(problems)
    # A book without lines of urgency keeps the digest that it had before there were any.
    content = {"rule": tables, "urgency": source["urgency"]} if lines else tables
    digest = hashlib.sha256(canonical_json(content).encode()).hexdigest()
    return Rulebook(rules, digest=digest, version=version, urgency=lines)


def parse_selector(table: Any) -> Selector:
    """Read who leads or assists; raises ConditionError."""
    if not isinstance(table, Mapping) or len(table) != 1:
        raise ConditionError(
            "a unit is named by one of %(selectors)s, not by %(table)s",
            selectors=", ".join(_SELECTORS),
            table=repr(table),
        )
    ((key, value),) = table.items()
    if key not in _SELECTORS:
        raise ConditionError(
            "unknown way %(key)s to name a unit; known are %(selectors)s",
            key=repr(key),
            selectors=", ".join(_SELECTORS),
        )
    values = value if key == "least_loaded" and isinstance(value, list | tuple) else [value]
    if not values or not all(isinstance(one, str) and one for one in values):
        if key == "least_loaded":
            raise ConditionError("%(key)s needs a list of units", key=key)
        raise ConditionError("%(key)s needs a word", key=key)
    return LeastLoaded(tuple(values)) if key == "least_loaded" else _SELECTORS[key](value)


_SELECTORS: dict[str, Any] = {
    "unit": UnitNamed,
    "boundary_of": BoundaryOf,
    "nearest_of": NearestOf,
    "least_loaded": LeastLoaded,
}


def _toml(source: str | Mapping[str, Any]) -> Mapping[str, Any]:
    if not isinstance(source, str):
        return source
    try:
        return tomllib.loads(source)
    except (tomllib.TOMLDecodeError, RecursionError) as error:
        raise RulebookError([RuleError("", "syntax", "not TOML: %(error)s", error=error)]) from None


def _tables(source: Mapping[str, Any]) -> list[Any]:
    tables = source.get("rule", [])
    if not isinstance(tables, list):
        raise RulebookError([RuleError("", "syntax", "rules are written as [[rule]] tables")])
    return tables


def _parse_rule(table: Any, number: int) -> Rule:
    if not isinstance(table, Mapping):
        raise RuleError("", "syntax", "rule %(number)s is not a table", number=number)
    rule_id = table.get("id")
    if not isinstance(rule_id, str) or not LINE_ID.fullmatch(rule_id):
        raise RuleError(
            "",
            "bad_id",
            "rule %(number)s needs an id of [a-z0-9-], not %(rule_id)s",
            number=number,
            rule_id=repr(rule_id),
        )
    if unknown := sorted(set(table) - _RULE_KEYS):
        raise RuleError(rule_id, "unknown_key", "unknown key %(unknown)s", unknown=repr(unknown[0]))
    if "lead" not in table:
        raise RuleError(rule_id, "missing_lead", "names no lead")
    try:
        when = parse(table["when"]) if "when" in table else ALWAYS
    except ConditionError as error:
        raise RuleError(rule_id, "bad_condition", str(error)) from None
    try:
        lead = parse_selector(table["lead"])
        assist = tuple(parse_selector(one) for one in _list(table.get("assist", [])))
    except ConditionError as error:
        raise RuleError(rule_id, "bad_selector", str(error)) from None
    return Rule(rule_id, when, lead, assist, **_options(rule_id, table))


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def _options(rule_id: str, table: Mapping[str, Any]) -> dict[str, Any]:
    def refuse(pattern: str, /, **values: object) -> RuleError:
        return RuleError(rule_id, "bad_value", pattern, **values)

    ambiguous = table.get("ambiguous", "most_likely")
    if ambiguous not in get_args(Ambiguous):
        raise refuse("ambiguous is ask, joint or most_likely, not %(value)s", value=repr(ambiguous))
    question, priority, plan, targets = (
        table.get(key) for key in ("question", "priority", "plan", "targets")
    )
    if ambiguous == "ask" and not question:
        raise refuse("ambiguous = ask needs a question")
    if priority is not None and priority not in PRIORITIES:
        known = ", ".join(PRIORITIES)
        raise refuse("priority is one of %(known)s, not %(value)s", known=known, value=repr(priority))
    for key, value in (("question", question), ("plan", plan), ("targets", targets)):
        if value is not None and not isinstance(value, str):
            raise refuse("%(key)s needs a code, not %(value)s", key=key, value=repr(value))
    is_private = table.get("private", False)
    if not isinstance(is_private, bool):
        raise refuse("private is true or false, not %(value)s", value=repr(is_private))
    return {
        "ambiguous": ambiguous,
        "question": question,
        "priority": priority,
        "is_private": is_private,
        "plan": plan,
        "targets": targets,
    }


def _order_problems(rules: list[Rule]) -> list[RuleError]:
    problems = []
    seen: set[str] = set()
    for rule in rules:
        if rule.id in seen:
            problems.append(RuleError(rule.id, "duplicate_id", "is used by two rules"))
        seen.add(rule.id)
    if FALLBACK not in seen:
        problems.append(
            RuleError("", "missing_fallback", "the last rule must be the fallback, without `when`")
        )
    elif rules[-1].id != FALLBACK:
        problems.append(RuleError(FALLBACK, "fallback_not_last", "must be the last rule"))
    elif rules[-1].when is not ALWAYS:
        problems.append(RuleError(FALLBACK, "fallback_has_when", "must not ask anything"))
    return problems
