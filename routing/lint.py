"""Knows what is wrong with a rulebook that can be read but would not do what its writer meant."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

from geo.sentences import marked, sentence
from routing.leaves import (
    ALWAYS,
    AnswerLeaf,
    AttributeLeaf,
    LayerLeaf,
    Leaf,
    NearLeaf,
    ServiceLeaf,
)
from routing.rules import FALLBACK, BoundaryOf, LeastLoaded, NearestOf, Rule, Rulebook, Selector, UnitNamed
from routing.urgency import Pressure

if TYPE_CHECKING:
    from routing.facts import Service
    from routing.units import Directory


Line = Rule | Pressure
# Of a rule behind one that always matches.
NEVER_REACHED = marked("is never reached: %(rule)s always matches")
_UNKNOWN = {
    "service": marked("there is no service %(word)s"),
    "group": marked("there is no group %(word)s"),
    "layer": marked("there is no layer %(word)s"),
    "boundary": marked("there is no boundary %(word)s"),
    "question": marked("there is no question %(word)s"),
    "answer": marked("there is no answer %(word)s"),
    "unit": marked("there is no unit %(word)s"),
    "plan": marked("there is no plan %(word)s"),
    "class_of_targets": marked("there is no class of targets %(word)s"),
}


@dataclass(frozen=True, slots=True)
class Problem:
    """One finding: `code` is stable, `subject` the offending word, `message` a sentence for a person."""

    rule_id: str
    severity: Literal["error", "warning"]
    code: str
    subject: str
    message: str


@dataclass(frozen=True, slots=True)
class Known:
    """What a rulebook may speak of.

    `layers` maps a layer to its boundary codes. `questions` maps a question to its answer keys, empty when
    any text will do. `plans` are the response plans, `targets` the names that targets are set for; None where
    they are not known yet. `stops` are the answers by question that end the form wherever they are offered:
    no report ever brings one.
    """

    directory: Directory
    services: Mapping[str, Service]
    layers: Mapping[str, Collection[str]]
    questions: Mapping[str, Collection[str]]
    plans: Collection[str] | None = None
    stops: Mapping[str, Collection[str]] = field(default_factory=dict)
    targets: Collection[str] | None = None


def lint(rulebook: Rulebook, known: Known) -> list[Problem]:
    """Return every problem, in the order of the book; an error means a rule that cannot work."""
    problems: list[Problem] = []
    closed_by = ""
    for rule in rulebook.rules:
        if closed_by:
            problems.append(
                _warn(
                    rule,
                    "unreachable",
                    closed_by,
                    sentence(NEVER_REACHED, rule=closed_by),
                )
            )
        for leaf in rule.when.leaves():
            problems += _leaf_problems(rule, leaf, known)
        for selector in (rule.lead, *rule.assist):
            problems += _selector_problems(rule, selector, known)
        problems += _option_problems(rule, known)
        if rule.when is ALWAYS and rule.id != FALLBACK and not closed_by and _always_names(rule):
            closed_by = rule.id
    for line in rulebook.urgency:
        for leaf in line.when.leaves():
            problems += _leaf_problems(line, leaf, known)
    return problems


def _always_names(rule: Rule) -> bool:
    return isinstance(rule.lead, UnitNamed | LeastLoaded)


def _leaf_problems(rule: Line, leaf: Leaf, known: Known) -> Iterator[Problem]:
    if isinstance(leaf, ServiceLeaf) and leaf.field != "kind":
        offered = {getattr(service, leaf.field) for service in known.services.values()}
        name = "service" if leaf.field == "code" else "group"
        yield from _unknown(rule, name, leaf.values - offered)
    elif isinstance(leaf, LayerLeaf):
        yield from _layer_problems(rule, leaf, known)
    elif isinstance(leaf, AttributeLeaf | NearLeaf):
        yield from _unknown(rule, "layer", {leaf.layer} - set(known.layers))
    elif isinstance(leaf, AnswerLeaf):
        yield from _answer_problems(rule, leaf, known)


def _layer_problems(rule: Line, leaf: LayerLeaf, known: Known) -> Iterator[Problem]:
    if leaf.layer not in known.layers:
        yield from _unknown(rule, "layer", {leaf.layer})
    elif leaf.codes is not None:
        yield from _unknown(rule, "boundary", leaf.codes - set(known.layers[leaf.layer]))


def _answer_problems(rule: Line, leaf: AnswerLeaf, known: Known) -> Iterator[Problem]:
    if leaf.question not in known.questions:
        yield from _unknown(rule, "question", {leaf.question})
    elif options := set(known.questions[leaf.question]):
        yield from _unknown(rule, "answer", leaf.values - options)
    for key in sorted(leaf.values & set(known.stops.get(leaf.question, ()))):
        subject = f"{leaf.question}={key}"
        yield _warn(
            rule,
            "answer_stops",
            subject,
            sentence("asks for %(subject)s, which ends the form: no report has it", subject=subject),
        )


def _selector_problems(rule: Rule, selector: Selector, known: Known) -> Iterator[Problem]:
    if isinstance(selector, UnitNamed | LeastLoaded):
        units = (selector.unit,) if isinstance(selector, UnitNamed) else selector.units
        yield from _unknown(rule, "unit", {unit for unit in units if unit not in known.directory})
        return
    if not isinstance(selector, BoundaryOf | NearestOf):
        return
    if selector.layer not in known.layers:
        yield from _unknown(rule, "layer", {selector.layer})
        return
    orphans = set(known.layers[selector.layer]) - known.directory.boundaries_of_layer(selector.layer)
    for code in sorted(orphans):
        subject = f"{selector.layer}/{code}"
        yield _warn(
            rule,
            "boundary_without_unit",
            subject,
            sentence("no unit answers for %(subject)s", subject=subject),
        )


def stopping_answers(offered: Iterable[tuple[str, Collection[str], Collection[str]]]) -> dict[str, set[str]]:
    """Return the answers by question that stop wherever they are offered, from (question, answers, stops)."""
    stops: defaultdict[str, set[str]] = defaultdict(set)
    passing: defaultdict[str, set[str]] = defaultdict(set)
    for question, answers, ending in offered:
        stops[question].update(ending)
        passing[question].update(set(answers) - set(ending))
    return {question: keys - passing[question] for question, keys in stops.items()}


def _option_problems(rule: Rule, known: Known) -> Iterator[Problem]:
    if rule.question:
        yield from _unknown(rule, "question", {rule.question} - set(known.questions))
    if rule.plan and known.plans is not None:
        yield from _unknown(rule, "plan", {rule.plan} - set(known.plans))
    if rule.targets and known.targets is not None:
        yield from _unknown(rule, "class_of_targets", {rule.targets} - set(known.targets))
    if rule.question and rule.ambiguous != "ask":
        yield _warn(
            rule, "question_never_asked", rule.question, sentence("has a question but ambiguous is not ask")
        )


def _unknown(rule: Line, what: str, words: Collection[str]) -> Iterator[Problem]:
    for word in sorted(words):
        yield Problem(rule.id, "error", f"unknown_{what}", word, sentence(_UNKNOWN[what], word=repr(word)))


def _warn(rule: Line, code: str, subject: str, message: str) -> Problem:
    return Problem(rule.id, "warning", code, subject, message)
