"""What the rulebook must say to the rest of a pack: all that it names exists, and every service is answered."""

from __future__ import annotations

import re
from collections.abc import Iterable

from geo.boundary import Layer
from portal.i18n import N_
from portal.pack.convert import lenient_directory_of, services_of
from portal.pack.model import Finding, Pack
from portal.pack.said import said
from portal.pack.table import Notes
from routing.errors import RulebookError
from routing.lint import Known, lint, stopping_answers
from routing.rules import LeastLoaded, Rulebook, UnitNamed, parse_rulebook

RULE = re.compile(r"\s*\[\[\s*rule\s*\]\]")
ID = re.compile(r"""\s*id\s*=\s*["']([^"']*)["']""")
NUMBERED = re.compile(r"rule (\d+) ")
NO_UNIT = "boundary_without_unit"


def check_rules(pack: Pack, layers: Iterable[Layer]) -> list[Finding]:
    """Parse and lint rules.toml; a finding's row is the line of the rule, its column the rule's id."""
    notes = Notes("rules.toml")
    if not pack.rules_text:
        return notes.findings
    by_number, by_id = _rule_lines(pack.rules_text)
    try:
        rulebook = parse_rulebook(pack.rules_text)
    except RulebookError as fault:
        for problem in fault.problems:
            numbered = NUMBERED.search(problem.message)
            row = by_id.get(problem.rule_id) or by_number.get(int(numbered.group(1)) if numbered else 0, 0)
            if problem.code == "duplicate_id":
                row = _last_line(pack.rules_text, problem.rule_id)
            notes.error(row, problem.rule_id, problem.message)
        return notes.findings
    _lint(pack, rulebook, layers, notes, by_id)
    _check_reach(pack, rulebook, notes, by_id)
    _check_switched_off(pack, rulebook, notes, by_id)
    return notes.findings


def _rule_lines(text: str) -> tuple[dict[int, int], dict[str, int]]:
    """Lines at which the n-th rule begins, and at which each id stands."""
    by_number: dict[int, int] = {}
    by_id: dict[str, int] = {}
    for number, line in enumerate(text.splitlines(), start=1):
        if RULE.match(line):
            by_number[len(by_number) + 1] = number
        elif found := ID.match(line):
            by_id.setdefault(found.group(1), number)
    return by_number, by_id


def _last_line(text: str, rule_id: str) -> int:
    lines = enumerate(text.splitlines(), start=1)
    return max(number for number, line in lines if (found := ID.match(line)) and found.group(1) == rule_id)


def _lint(
    pack: Pack, rulebook: Rulebook, layers: Iterable[Layer], notes: Notes, lines: dict[str, int]
) -> None:
    directory = lenient_directory_of(pack)
    if directory is None:
        return
    known = Known(
        directory=directory,
        services=services_of(pack),
        layers=_known_layers(pack, layers),
        questions=_known_questions(pack),
        plans={row.code for row in pack.plans},
        targets={row.scope for row in pack.targets},
        stops=stopping_answers(
            (row.code, {choice.key for choice in row.values}, row.stop) for row in pack.questions
        ),
    )
    named = {boundary.layer for unit in pack.units for boundary in unit.boundaries}
    told: set[tuple[str, str]] = set()
    for problem in lint(rulebook, known):
        message = problem.message
        if problem.code == NO_UNIT:
            layer = problem.subject.partition("/")[0]
            # Single boundaries without a unit are listed by the check of units.csv.
            if layer in named or (problem.rule_id, layer) in told:
                continue
            told.add((problem.rule_id, layer))
            message = said(N_("no unit answers for any boundary of '%(layer)s'"), layer=layer)
        note = notes.error if problem.severity == "error" else notes.warn
        note(lines.get(problem.rule_id, 0), problem.rule_id, message)


def _known_layers(pack: Pack, layers: Iterable[Layer]) -> dict[str, set[str]]:
    known: dict[str, set[str]] = {name: set() for name in pack.city.layers}
    known.update({layer.name: {boundary.code for boundary in layer.boundaries} for layer in layers})
    return known


def _known_questions(pack: Pack) -> dict[str, set[str]]:
    """Answer keys per question code over all services; empty as soon as one of them takes any text."""
    known: dict[str, set[str]] = {}
    free = {row.code for row in pack.questions if not row.values}
    for row in pack.questions:
        known.setdefault(row.code, set()).update(choice.key for choice in row.values)
    return {code: set() if code in free else keys for code, keys in known.items()}


def _check_reach(pack: Pack, rulebook: Rulebook, notes: Notes, lines: dict[str, int]) -> None:
    for code, service in services_of(pack).items():
        if service.kind == "report" and not rulebook.for_service(service).rules:
            message = said(N_("no rule but the fallback answers for the service '%(code)s'"), code=code)
            notes.warn(lines.get(rulebook.fallback.id, 0), rulebook.fallback.id, message)


def _check_switched_off(pack: Pack, rulebook: Rulebook, notes: Notes, lines: dict[str, int]) -> None:
    """Nobody is sent to a unit that no longer works."""
    off = {row.code for row in pack.units if not row.active}
    for rule in rulebook.rules:
        for selector in (rule.lead, *rule.assist):
            named = {selector.unit} if isinstance(selector, UnitNamed) else set()
            named |= set(selector.units) if isinstance(selector, LeastLoaded) else set()
            for code in sorted(named & off):
                notes.error(
                    lines.get(rule.id, 0), rule.id, N_("the unit '%(code)s' is switched off"), code=code
                )
