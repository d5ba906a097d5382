"""Knows which rules can ever lead, over all services and places, and where none or two of them claim a case."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

from geo.sentences import sentence
from routing.leaves import ALWAYS, NEVER, AttributeLeaf, Condition, LayerLeaf, Leaf, NearLeaf
from routing.lint import Problem
from routing.lint_logic import alternatives_of, can_hold, implies, reduced
from routing.lint_places import NOWHERE, Piece, Places
from routing.rules import FALLBACK, BoundaryOf, LeastLoaded, NearestOf, Rule, Rulebook, UnitNamed

if TYPE_CHECKING:
    from routing.facts import Service
    from routing.units import Directory

Kind = Literal["gap", "partial_gap", "overlap"]


@dataclass(frozen=True, slots=True)
class Claim:
    """Services that in some places nobody but the fallback answers for (always, or in some cases), or two do.

    `rules` and `units` name the two that claim, one rule where the boundaries of its layer overlap.
    """

    kind: Kind
    services: tuple[str, ...]
    rules: tuple[str, ...]
    units: tuple[str, ...]
    pieces: tuple[Piece, ...]


@dataclass(frozen=True, slots=True)
class Reach:
    """What deep lint found: problems in the order of the book, and claims for the map."""

    problems: tuple[Problem, ...]
    claims: tuple[Claim, ...]


@dataclass(slots=True)
class _State:
    """What became of one rule so far. `hidden_by`: earlier rules that hide it wherever it holds."""

    holds: bool = False
    is_reached: bool = False
    is_unsure: bool = False
    hidden_by: set[str] | None = None
    hiders: set[str] = field(default_factory=set)
    alive: set[Condition] = field(default_factory=set)


@dataclass(frozen=True, slots=True)
class _Entry:
    """A rule in one place: what remains to be asked, and whom it may name there."""

    rule: Rule
    condition: Condition
    units: frozenset[str]
    is_certain: bool


_Found = set[tuple[Kind, tuple[str, ...], tuple[str, ...]]]


def lint_reach(
    rulebook: Rulebook, services: Mapping[str, Service], directory: Directory, places: Places
) -> Reach:
    """Look at every service in every piece of the map: what can hold, what is hidden, gaps and overlaps."""
    return _Walk(rulebook, services, directory, places).result()


class _Walk:
    def __init__(
        self, rulebook: Rulebook, services: Mapping[str, Service], directory: Directory, places: Places
    ) -> None:
        self._rulebook, self._directory, self._places = rulebook, directory, places
        self._states = {rule.id: _State() for rule in rulebook.rules}
        self._claims: defaultdict[tuple[str, ...], dict[tuple[object, ...], list[Piece]]] = defaultdict(dict)
        groups: defaultdict[object, list[Service]] = defaultdict(list)
        for service in services.values():
            groups[rulebook.for_service(service).rules].append(service)
        for alike in groups.values():
            self._group(alike)

    def result(self) -> Reach:
        problems = [
            problem for rule in self._rulebook.rules if rule.id != FALLBACK for problem in self._told(rule)
        ]
        return Reach(tuple(problems), tuple(self._told_claims()))

    def _group(self, alike: list[Service]) -> None:
        """Walk the map for services that the same rules answer for; places that look alike are judged once."""
        rows = self._rulebook.for_service(alike[0]).rules
        leaves = sorted({leaf for _, _, each in rows for leaf in each.leaves()}, key=repr)
        asked = [leaf for leaf in leaves if isinstance(leaf, LayerLeaf | AttributeLeaf | NearLeaf)]
        judged: dict[tuple[object, ...], list[_Entry]] = {}
        where: defaultdict[tuple[object, ...], list[Piece]] = defaultdict(list)
        for piece in (*self._places.pieces, NOWHERE):
            answers: dict[Leaf, bool] = {
                leaf: known for leaf in asked if (known := self._answer(leaf, piece)) is not None
            }
            holders = tuple(self._holders(rule, piece) for _, rule, _ in rows)
            key: tuple[object, ...] = (tuple(answers.items()), holders)
            if key not in judged:
                judged[key] = self._judge(alike[0], rows, answers, holders)
            if piece is not NOWHERE:
                where[key].append(piece)
        exceptions = _exceptions([judged[key] for key in where])
        claims = self._claims[tuple(sorted(service.code for service in alike))]
        for key, pieces in where.items():
            for found in _gaps(judged[key]) | set(_overlaps(judged[key], exceptions)):
                claims.setdefault(found, []).extend(pieces)

    def _answer(self, leaf: Leaf, piece: Piece) -> bool | None:
        """What a leaf about places answers there; None where it depends on the point."""
        if isinstance(leaf, LayerLeaf):
            return any(
                layer == leaf.layer and (leaf.codes is None or code in leaf.codes)
                for layer, code in piece.hits
            )
        if isinstance(leaf, AttributeLeaf):
            rows = [self._places.attributes.get(hit, {}) for hit in piece.hits if hit[0] == leaf.layer]
            return any(row.get(leaf.name) in leaf.values for row in rows)
        return False if piece is NOWHERE else None

    def _holders(self, rule: Rule, piece: Piece) -> tuple[frozenset[str], bool]:
        """The units that a rule may name in a piece, and whether it names one for certain."""
        lead = rule.lead
        if isinstance(lead, UnitNamed):
            return frozenset({lead.unit}), True
        if isinstance(lead, LeastLoaded):
            return frozenset(lead.units), True
        if not isinstance(lead, BoundaryOf):
            layer = lead.layer if isinstance(lead, NearestOf) else ""
            return (frozenset() if piece is NOWHERE else frozenset({f"nearest {layer}"})), False
        held = [self._directory.unit_of(*hit) for hit in sorted(piece.hits) if hit[0] == lead.layer]
        units = [unit for unit in held if unit is not None]
        lasting = [unit for unit in units if self._is_lasting(unit)]
        return frozenset(units), bool(lasting)

    def _is_lasting(self, code: str) -> bool:
        unit = self._directory.unit(code)
        return unit.contract_from is None and unit.contract_to is None

    def _judge(
        self,
        service: Service,
        rows: tuple[tuple[int, Rule, Condition], ...],
        answers: dict[Leaf, bool],
        holders: tuple[tuple[frozenset[str], bool], ...],
    ) -> list[_Entry]:
        """What each rule comes to in one place; remembers which of them hold and which are hidden."""
        entries = []
        for (_, rule, condition), (units, is_certain) in zip(rows, holders, strict=True):
            rest = reduced(condition, answers)
            self._note_parts(rule, service, answers)
            if rest is NEVER or can_hold([rest]) == "no":
                continue
            self._states[rule.id].holds = True
            if units:
                entries.append(_Entry(rule, rest, units, is_certain))
        self._note_reach(entries)
        return entries

    def _note_parts(self, rule: Rule, service: Service, answers: dict[Leaf, bool]) -> None:
        """Remember which alternatives of a rule can hold at all."""
        alive = self._states[rule.id].alive
        for part in alternatives_of(rule.when):
            if part not in alive and can_hold([reduced(part.for_service(service), answers)]) != "no":
                alive.add(part)

    def _note_reach(self, entries: list[_Entry]) -> None:
        """Remember which entries earlier ones leave something to."""
        earlier: list[_Entry] = []
        for entry in entries:
            state = self._states[entry.rule.id]
            verdict = can_hold([entry.condition], [each.condition for each in earlier])
            if verdict == "no":
                hiding = {
                    each.rule.id for each in earlier if implies(entry.condition, each.condition) == "yes"
                }
                state.hidden_by = hiding if state.hidden_by is None else state.hidden_by & hiding
                state.hiders |= hiding or {each.rule.id for each in earlier}
            else:
                state.is_reached |= verdict == "yes"
                state.is_unsure |= verdict == "unknown"
            if entry.is_certain:
                earlier.append(entry)

    def _told(self, rule: Rule) -> Iterator[Problem]:
        state = self._states[rule.id]
        if not state.holds:
            yield _warn(rule, "contradicting", "", sentence("can never hold, for any service in any place"))
            return
        for part in alternatives_of(rule.when):
            if part not in state.alive:
                asked = "; ".join(leaf.wanted() for leaf in part.leaves())
                yield _warn(
                    rule,
                    "contradicting",
                    asked,
                    sentence("has a part that can never hold (%(asked)s)", asked=asked),
                )
        if state.is_reached:
            return
        if state.is_unsure:
            yield _warn(rule, "not_decided", "", sentence("is too large to tell whether it is ever reached"))
        elif state.hidden_by:
            first = min(state.hidden_by, key=self._place)
            yield _warn(
                rule,
                "shadowed",
                first,
                sentence("never leads: %(first)s matches whenever it does", first=first),
            )
        elif state.hiders:
            names = ", ".join(sorted(state.hiders, key=self._place))
            yield _warn(
                rule,
                "unreachable",
                names,
                sentence("never leads: between them %(names)s match whenever it does", names=names),
            )

    def _place(self, rule_id: str) -> int:
        return next(place for place, rule in enumerate(self._rulebook.rules) if rule.id == rule_id)

    def _told_claims(self) -> Iterator[Claim]:
        """Services whose claims look alike are told together."""
        merged: defaultdict[tuple[object, ...], list[str]] = defaultdict(list)
        pieces: dict[tuple[object, ...], tuple[Piece, ...]] = {}
        for services, claims in self._claims.items():
            for found, where in claims.items():
                key = (*found, tuple(piece.hits for piece in where))
                merged[key] += services
                pieces[key] = tuple(where)
        for key in sorted(merged, key=lambda key: (str(key[0]), str(key[1]), sorted(merged[key]))):
            kind, rules, units, _ = key
            yield Claim(kind, tuple(sorted(merged[key])), rules, units, pieces[key])  # type: ignore[arg-type]


def _gaps(entries: list[_Entry]) -> _Found:
    if not entries:
        return {("gap", (), ())}
    is_left = can_hold([ALWAYS], [entry.condition for entry in entries]) == "yes"
    return {("partial_gap", tuple(entry.rule.id for entry in entries), ())} if is_left else set()


def _exceptions(places: Collection[list[_Entry]]) -> frozenset[tuple[str, str]]:
    """Pairs of rules, the first holding only where the second does too, whatever the place."""
    held: set[tuple[str, str]] = set()
    broken: set[tuple[str, str]] = set()
    for entries in places:
        for one in entries:
            for other in entries:
                pair = (one.rule.id, other.rule.id)
                held.add(pair)
                if pair not in broken and implies(one.condition, other.condition) != "yes":
                    broken.add(pair)
    seen = [{entry.rule.id for entry in entries} for entries in places]
    return frozenset(pair for pair in held - broken if all(pair[1] in ids for ids in seen if pair[0] in ids))


def _overlaps(
    entries: list[_Entry], exceptions: frozenset[tuple[str, str]]
) -> Iterator[tuple[Kind, tuple[str, ...], tuple[str, ...]]]:
    """Two rules that claim the same case for different units; an exception to a rule is no overlap."""
    for position, one in enumerate(entries):
        if isinstance(one.rule.lead, BoundaryOf) and len(one.units) > 1:
            yield "overlap", (one.rule.id,), tuple(sorted(one.units))
        for other in entries[position + 1 :]:
            pair = (one.rule.id, other.rule.id)
            if one.units == other.units or {pair, pair[::-1]} & exceptions:
                continue
            if can_hold([one.condition, other.condition]) == "yes":
                yield "overlap", pair, tuple(sorted(one.units | other.units))


def _warn(rule: Rule, code: str, subject: str, message: str) -> Problem:
    return Problem(rule.id, "warning", code, subject, message)
