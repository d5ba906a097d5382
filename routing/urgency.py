"""Knows how pressing a report is: what answers, place and time say of it, and whether the vulnerable are concerned."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from geo.sentences import sentence
from routing.conditions import ConditionError, parse
from routing.errors import RuleError
from routing.leaves import Condition, WordLeaf
from routing.priority import URGENCY_DEFAULT, compute_priority

if TYPE_CHECKING:
    from routing.facts import ReportFacts
    from routing.rules import Rulebook

LINE_ID = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*")
_KEYS = {"id", "when", "urgency", "vulnerable"}
_LEVELS = (1, 2, 3)


@dataclass(frozen=True, slots=True)
class Pressure:
    """One `[[urgency]]` line: where `when` holds, the urgency (1 to 3), vulnerable people, or both."""

    id: str
    when: Condition
    urgency: int | None = None
    is_vulnerable: bool = False


def pressed(facts: ReportFacts, rulebook: Rulebook) -> ReportFacts:
    """Return facts with the priority that every line which holds gives them together; a given one stays.

    Of several urgencies the highest counts, beside what the client stated.
    """
    lines = rulebook.for_service(facts.service).urgency
    if facts.urgency is None or not lines:
        return facts
    held = [line for line, condition in lines if condition.matches(facts)]
    if not held:
        return facts
    levels = [line.urgency for line in held if line.urgency is not None]
    if facts.urgency != URGENCY_DEFAULT:
        levels.append(facts.urgency)
    is_vulnerable = facts.is_vulnerable or any(line.is_vulnerable for line in held)
    urgency, importance = max(levels, default=facts.urgency), facts.service.importance
    priority = compute_priority(urgency, importance, is_vulnerable=is_vulnerable)
    return replace(facts, priority=priority, pressed_by=tuple(line.id for line in held))


def read_pressures(tables: Any) -> tuple[list[Pressure], list[RuleError]]:
    """Read the `[[urgency]]` tables of a rulebook: the lines, and what is wrong with others."""
    if not isinstance(tables, Sequence) or isinstance(tables, str):
        return [], [RuleError("", "syntax", "urgency is written as [[urgency]] tables")]
    lines: list[Pressure] = []
    problems: list[RuleError] = []
    for number, table in enumerate(tables, start=1):
        try:
            lines.append(_read(table, number))
        except RuleError as problem:
            problems.append(problem)
    seen = [line.id for line in lines]
    problems += [
        RuleError(each, "duplicate_id", "is used by two lines of urgency")
        for each in sorted({each for each in seen if seen.count(each) > 1})
    ]
    return lines, problems


def _read(table: Any, number: int) -> Pressure:
    line_id = table.get("id") if isinstance(table, Mapping) else None
    if not isinstance(line_id, str) or not LINE_ID.fullmatch(line_id):
        raise RuleError(
            "",
            "bad_id",
            "urgency %(number)s needs an id of [a-z0-9-], not %(line_id)s",
            number=number,
            line_id=repr(line_id),
        )
    for code, message in _faults(table):
        raise RuleError(line_id, code, message)
    try:
        when = parse(table["when"])
    except ConditionError as error:
        raise RuleError(line_id, "bad_condition", str(error)) from None
    if any(isinstance(leaf, WordLeaf) and leaf.name == "priority" for leaf in when.leaves()):
        raise RuleError(line_id, "bad_condition", "cannot ask for the priority, which follows from it")
    return Pressure(line_id, when, table.get("urgency"), table.get("vulnerable", False))


def _faults(table: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    if unknown := sorted(set(table) - _KEYS):
        yield "unknown_key", sentence("unknown key %(unknown)s", unknown=repr(unknown[0]))
    if "when" not in table:
        yield "bad_condition", sentence("says not when it holds")
    level, is_vulnerable = table.get("urgency"), table.get("vulnerable", False)
    if not isinstance(is_vulnerable, bool):
        yield "bad_value", sentence("vulnerable is true or false, not %(value)s", value=repr(is_vulnerable))
    if level is not None and (isinstance(level, bool) or level not in _LEVELS):
        yield "bad_value", sentence("urgency is 1, 2 or 3, not %(value)s", value=repr(level))
    if level is None and not is_vulnerable:
        yield "bad_value", sentence("says neither urgency nor vulnerable")
