"""Knows how facts and a rulebook make a decision: who leads, how sure that is, and what nearly happened."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from routing.doubt import Alternative, alternatives, claims, overlaps
from routing.leaves import LeafResult
from routing.priority import Priority, higher
from routing.rules import FALLBACK, BoundaryOf, NearestOf, Rule, Rulebook

if TYPE_CHECKING:
    from collections.abc import Iterable

    from routing.facts import ReportFacts
    from routing.units import Directory

MAX_NEAR_MISSES = 5
# Under this confidence a decision counts as ambiguous: an edge nearer than about half the accuracy radius.
AMBIGUOUS_BELOW = 0.8
# A record's point comes from its address and no device, so any disc is a guess: it is doubtful on the border.
# Geocoders set an address 0.8 to 1.5 m to its own side of the middle of the street, an intersection on it.
GEOCODED_BORDER_M = 0.5
MAX_CLAIMS = 4
# A miss of these kinds only counts where the boundary asked for is near.
_AREA_KINDS = frozenset({"layer", "attr"})


@dataclass(frozen=True, slots=True)
class NearMiss:
    """A rule that one single thing kept from matching.

    `reason` is the kind of that thing (layer, attr, near, answer, time, weekday, calendar, word, not, lead),
    `wanted` what it asked for. For a boundary nearby, `layer`, `code` and `distance_m` name it.
    """

    rule_id: str
    reason: str
    wanted: str
    layer: str = ""
    code: str = ""
    distance_m: float | None = None


@dataclass(frozen=True, slots=True)
class Decision:
    """Who answers for a report, and how that came about.

    `confidence` (0 to 1) is the share of the accuracy disc in which the same unit leads. `runner_up` leads
    in the largest other share. `question` is to be asked only when set. `used` are the (layer, code) pairs
    that made the rule match or named the lead. `redirected_from` is the unit that a complaint was kept from,
    `expired` the one that the rule names and whose contract does not run.
    `claims` are the shares of the disc in which each unit would lead, the one decided on first; empty where
    no other unit has one. `targets` is the rule's class of targets.
    `joint` are those of `assist` who have as good a claim as the lead.
    """

    lead: str
    assist: tuple[str, ...]
    rule_id: str
    confidence: float
    ambiguous: bool
    runner_up: str | None
    question: str | None
    snapped: bool
    outside: bool
    priority: Priority
    is_private: bool
    plan: str | None
    near_misses: tuple[NearMiss, ...]
    used: tuple[tuple[str, str], ...] = ()
    redirected_from: str | None = None
    expired: str | None = None
    claims: tuple[tuple[str, float], ...] = ()
    joint: tuple[str, ...] = ()
    targets: str | None = None

    @property
    def is_fallback(self) -> bool:
        """Tell whether no rule but the fallback matched."""
        return self.rule_id == FALLBACK


@dataclass(frozen=True, slots=True)
class Answer:
    """The rule that won for some facts, its place in the book, and the unit it names.

    `expired` is the unit that it truly names, where that has no running contract and `lead` supervises it.
    """

    order: int
    rule: Rule
    lead: str
    expired: str | None = None


@dataclass(frozen=True, slots=True)
class Doubt:
    """How sure the lead is (0 to 1), who else has a claim, and how near (metres) the nearest one lies."""

    confidence: float = 1.0
    runner_up: str | None = None
    claims: tuple[tuple[str, float], ...] = ()
    nearest_m: float = 0.0

    def is_ambiguous(self, facts: ReportFacts, below: float, border_m: float) -> bool:
        """Tell whether somebody else may be right: by the disc of a device, or by the border for a record."""
        is_near = self.nearest_m <= border_m if facts.is_geocoded else self.confidence < below
        return self.runner_up is not None and is_near


def decide(
    facts: ReportFacts,
    rulebook: Rulebook,
    directory: Directory,
    *,
    ambiguous_below: float = AMBIGUOUS_BELOW,
    geocoded_border_m: float = GEOCODED_BORDER_M,
) -> Decision:
    """Let the first rule that matches name the lead, and say how sure that is.

    Ambiguous is a decision where another unit has a claim and the confidence lies under `ambiguous_below` (a
    share of the disc) or, for the point of a record, its place within `geocoded_border_m`. The order of the
    hits does not matter. Raises UnknownUnit when a rule names a unit that the directory does not hold.
    """
    answer = first_match(facts, rulebook, directory)
    rule = answer.rule
    doubt = _doubt(answer, facts, rulebook, directory)
    is_settled = rule.ambiguous == "ask" and bool(facts.answers.get(rule.question or ""))
    is_ambiguous = not is_settled and doubt.is_ambiguous(facts, ambiguous_below, geocoded_border_m)
    lead, accused = kept_from_accused(answer.lead, facts, directory)
    claimant = doubt.runner_up if is_ambiguous and rule.ambiguous == "joint" else None
    used = places_used(rule, facts, directory)
    assist = _assistants(rule, lead, [claimant] if claimant else [], facts, directory)
    return Decision(
        lead=lead, assist=assist, joint=tuple(unit for unit in assist if unit == claimant),
        rule_id=rule.id,
        confidence=round(doubt.confidence, 3), ambiguous=is_ambiguous,
        runner_up=doubt.runner_up,
        question=rule.question if is_ambiguous and rule.ambiguous == "ask" else None,
        snapped=_is_snapped(used, facts),
        outside=facts.is_outside,
        priority=higher(facts.priority, rule.priority) if rule.priority else facts.priority,
        is_private=rule.is_private,
        plan=rule.plan, targets=rule.targets,
        near_misses=_near_misses(answer, facts, rulebook),
        used=used,
        redirected_from=accused,
        expired=answer.expired,
        claims=doubt.claims,
    )  # fmt: skip


def first_match(facts: ReportFacts, rulebook: Rulebook, directory: Directory) -> Answer:
    """Return the first rule that matches and names a unit, else the fallback."""
    if not is_beyond_rules(facts):
        rules = rulebook.for_service(facts.service)
        for position in rules.positions((hit.layer, hit.code) for hit in facts.hits):
            order, rule, condition = rules.rules[position]
            if condition.matches(facts):
                lead = rule.lead.select(facts, directory)
                if lead is not None:
                    return _answer(order, rule, lead, facts, directory)
    fallback = rulebook.fallback
    lead = fallback.lead.select(facts, directory) or directory.coordination_unit
    return _answer(len(rulebook.rules) - 1, fallback, lead, facts, directory)


def _answer(order: int, rule: Rule, named: str, facts: ReportFacts, directory: Directory) -> Answer:
    lead = directory.in_force(named, facts.local_time.date())
    return Answer(order, rule, lead, None if lead == named else named)


def miss_of(
    order: int, rule: Rule, misses: tuple[LeafResult, ...], answer: Answer, is_beyond: bool
) -> NearMiss | None:
    """Return how nearly a rule matched, or None when more than one thing or a far boundary stood between.

    A rule after the winner only counts when a boundary nearby would have made it match: that is what a
    point some metres away would have found. So does every rule when the point is outside the city.
    """
    if not misses:
        if order > answer.order or is_beyond:
            return None
        return NearMiss(rule.id, "lead", _selector_text(rule))
    if len(misses) > 1:
        return None
    (miss,) = misses
    is_area = miss.kind in _AREA_KINDS
    if (is_area and miss.distance_m is None) or (not is_area and (order > answer.order or is_beyond)):
        return None
    distance_m = None if miss.distance_m is None else round(miss.distance_m, 2)
    return NearMiss(rule.id, miss.kind, miss.wanted, miss.layer, miss.code, distance_m)


def nearest_first(misses: Iterable[tuple[int, NearMiss]]) -> tuple[NearMiss, ...]:
    """Return at most five: boundaries by distance, then the rest in the order of the book."""
    ranked = sorted(misses, key=_rank)
    return tuple(miss for _, miss in ranked[:MAX_NEAR_MISSES])


def places_used(rule: Rule, facts: ReportFacts, directory: Directory) -> tuple[tuple[str, str], ...]:
    """Return the (layer, code) pairs that made the rule match or named its lead, without repeats."""
    places = list(rule.when.places(facts))
    if isinstance(rule.lead, BoundaryOf):
        holders = rule.lead.holders(facts, directory, facts.local_time.date())
        places += [(rule.lead.layer, code) for code, unit in holders if unit is not None][:1]
    elif isinstance(rule.lead, NearestOf) and rule.lead.layer in facts.near:
        places.append((rule.lead.layer, facts.near[rule.lead.layer].code))
    return tuple(dict.fromkeys(places))


def is_beyond_rules(facts: ReportFacts) -> bool:
    """Tell whether the place lies outside the city, where only the fallback speaks."""
    return facts.service.is_place_needed and facts.is_outside


def _rank(row: tuple[int, NearMiss]) -> tuple[bool, float, int]:
    order, miss = row
    is_area = miss.reason in _AREA_KINDS and miss.distance_m is not None
    return not is_area, miss.distance_m if is_area and miss.distance_m is not None else 0.0, order


def _near_misses(answer: Answer, facts: ReportFacts, rulebook: Rulebook) -> tuple[NearMiss, ...]:
    rules = rulebook.for_service(facts.service)
    places = {(hit.layer, hit.code) for hit in facts.hits}
    places.update((other.layer, other.code) for other in facts.others)
    is_beyond = is_beyond_rules(facts)
    found = []
    for position in rules.positions(places):
        order, rule, condition = rules.rules[position]
        if order == answer.order:
            continue
        misses = condition.misses(facts)
        if miss := miss_of(order, rule, misses, answer, is_beyond):
            found.append((order, miss))
    return nearest_first(found)


def _doubt(answer: Answer, facts: ReportFacts, rulebook: Rulebook, directory: Directory) -> Doubt:
    """Ask who would lead if the point lay elsewhere in its disc."""
    if facts.point is None:
        return Doubt()
    found = alternatives(facts, rulebook.for_service(facts.service).layers)
    if isinstance(answer.rule.lead, BoundaryOf):
        found += overlaps(facts, answer.rule.lead.layer)
    lost: list[tuple[Alternative, str]] = []
    for alternative in found:
        other = first_match(replace(facts, hits=alternative.hits), rulebook, directory)
        # Where nobody but the fallback would lead there is no second claim, and nothing to ask.
        if other.lead != answer.lead and other.rule.id != FALLBACK:
            lost.append((alternative, other.lead))
    if not lost:
        return Doubt()
    shares = claims(facts, answer.lead, lost, found)
    told = tuple((unit, round(share, 3)) for unit, share in list(shares.items())[:MAX_CLAIMS])
    runner_up = max(lost, key=lambda pair: pair[0].weight)[1]
    nearest_m = min(alternative.distance_m for alternative, _ in lost)
    return Doubt(shares[answer.lead], runner_up, told, nearest_m)


def kept_from_accused(lead: str, facts: ReportFacts, directory: Directory) -> tuple[str, str | None]:
    """Hand a complaint up until it lies neither with the unit it is about nor with one below it."""
    accused = facts.about_unit
    if (
        facts.service.kind != "complaint"
        or accused not in directory
        or not _is_within(lead, accused, directory)
    ):
        return lead, None
    above = directory.supervisor_of(accused)
    while above is not None and _is_within(above, accused, directory):
        above = directory.supervisor_of(above)
    return above or directory.coordination_unit, accused


def _is_within(code: str, other: str, directory: Directory) -> bool:
    return code == other or directory.is_below(code, other)


def _assistants(
    rule: Rule, lead: str, joint: list[str], facts: ReportFacts, directory: Directory
) -> tuple[str, ...]:
    day = facts.local_time.date()
    chosen = [unit for selector in rule.assist if (unit := selector.select(facts, directory)) is not None]
    accused = facts.about_unit if facts.service.kind == "complaint" else ""
    units = dict.fromkeys([*joint, *(directory.in_force(unit, day) for unit in chosen)])
    return tuple(
        unit
        for unit in units
        if unit != lead and not (accused in directory and _is_within(unit, accused, directory))
    )


def _is_snapped(used: tuple[tuple[str, str], ...], facts: ReportFacts) -> bool:
    return any(hit.snapped and (hit.layer, hit.code) in used for hit in facts.hits)


def _selector_text(rule: Rule) -> str:
    lead = rule.lead
    return lead.layer if isinstance(lead, BoundaryOf | NearestOf) else ""
