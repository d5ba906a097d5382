"""Knows how to tell the whole story of a decision, rule by rule, without the short cuts of `decide`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from routing.decision import (
    Answer,
    NearMiss,
    is_beyond_rules,
    miss_of,
    nearest_first,
)
from routing.leaves import NEVER, LeafResult

if TYPE_CHECKING:
    from routing.facts import ReportFacts
    from routing.rules import Rule, Rulebook
    from routing.units import Directory


@dataclass(frozen=True, slots=True)
class TraceLine:
    """One rule as it met the facts.

    `verdict`: won, would_match (an earlier rule won), no_unit (it matched but names nobody here), no_match,
    other_service, or outside (the place is not in the city, so the rule was not asked).
    """

    rule_id: str
    verdict: str
    unit: str | None
    leaves: tuple[LeafResult, ...]


@dataclass(frozen=True, slots=True)
class Trace:
    """Every rule in the order of the book, with the winner and the nearest misses they amount to."""

    facts_digest: str
    rulebook_version: str
    lines: tuple[TraceLine, ...]
    winner: str
    lead: str
    near_misses: tuple[NearMiss, ...]


def explain_trace(facts: ReportFacts, rulebook: Rulebook, directory: Directory) -> Trace:
    """Ask every rule in turn, without any index, and derive winner and near misses from the answers.

    `lead` is the unit that the winning rule names, before a complaint is kept from the unit it is about.
    """
    is_beyond = is_beyond_rules(facts)
    answer: Answer | None = None
    lines: list[TraceLine] = []
    for order, rule in enumerate(rulebook.rules):
        is_fallback = rule is rulebook.fallback
        verdict, unit = _verdict(rule, facts, directory, is_beyond and not is_fallback)
        if is_fallback and answer is None:
            verdict, unit = "would_match", unit or directory.in_force(directory.coordination_unit, None)
        if verdict == "would_match" and unit is not None and answer is None:
            verdict, answer = "won", Answer(order, rule, unit)
        lines.append(TraceLine(rule.id, verdict, unit, tuple(rule.condition.explain(facts))))
    if answer is None:
        raise AssertionError("a rulebook ends with a fallback")
    return Trace(
        facts.digest(),
        rulebook.version,
        tuple(lines),
        answer.rule.id,
        answer.lead,
        _near_misses(answer, facts, rulebook, is_beyond),
    )


def _verdict(
    rule: Rule, facts: ReportFacts, directory: Directory, is_skipped: bool
) -> tuple[str, str | None]:
    if is_skipped:
        return "outside", None
    if rule.condition.for_service(facts.service) is NEVER:
        return "other_service", None
    if not rule.condition.matches(facts):
        return "no_match", None
    unit = rule.lead.select(facts, directory)
    if unit is None:
        return "no_unit", None
    return "would_match", directory.in_force(unit, facts.local_time.date())


def _near_misses(
    answer: Answer, facts: ReportFacts, rulebook: Rulebook, is_beyond: bool
) -> tuple[NearMiss, ...]:
    found = []
    for order, rule in enumerate(rulebook.rules[:-1]):
        condition = rule.condition.for_service(facts.service)
        if condition is NEVER or order == answer.order:
            continue
        if miss := miss_of(order, rule, condition.misses(facts), answer, is_beyond):
            found.append((order, miss))
    return nearest_first(found)
