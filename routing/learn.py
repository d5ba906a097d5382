"""Knows how hand-overs that were accepted become proposed rule lines, with the evidence for each."""

from __future__ import annotations

import math
import re
from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass

# A proposal rests on at least so many hand-overs, and on more than half of the cases for all but bad luck.
MIN_EVIDENCE = 3
MIN_SHARE = 0.5
EXAMPLES = 5
_Z = 1.96
_ODD = re.compile(r"[^a-z0-9]+")
_PLAIN = re.compile(r"[\x20\x21\x23-\x5b\x5d-\x7e\x80-\U0010ffff]*")


@dataclass(frozen=True, slots=True)
class Settled:
    """A case that a unit has accepted: who was routed to first, who kept it, and where it lies.

    `places` are the (layer, code) of every boundary that holds it.
    """

    name: str
    service: str
    routed: str
    kept_by: str
    places: tuple[tuple[str, str], ...] = ()

    @property
    def has_moved(self) -> bool:
        """Whether another unit kept it than the one it was routed to."""
        return self.routed != self.kept_by


@dataclass(frozen=True, slots=True)
class Proposal:
    """A rule line with its evidence: `moved` of `cases` ended with `unit`; `low` is Wilson's lower bound.

    `layer` blank: the service alone explains it.
    """

    service: str
    unit: str
    layer: str
    codes: tuple[str, ...]
    cases: int
    moved: int
    low: float
    examples: tuple[str, ...]

    @property
    def rule_id(self) -> str:
        """An id for the rule, of [a-z0-9-]."""
        words = ("learnt", self.service, self.layer, "to", self.unit)
        return "-".join(filter(None, (slug(word) for word in words)))


def wilson_low(hits: int, tries: int) -> float:
    """Return the lower end of Wilson's 95 % interval for a share; 0 where nothing was tried."""
    if tries == 0:
        return 0.0
    share, spread = hits / tries, _Z * _Z / tries
    root = math.sqrt(share * (1 - share) * spread + spread * spread / 4)
    return max(0.0, (share + spread / 2 - root) / (1 + spread))


def propose(
    cases: Iterable[Settled],
    layers: Sequence[str],
    *,
    never: Collection[str] = (),
    min_evidence: int = MIN_EVIDENCE,
    min_share: float = MIN_SHARE,
) -> list[Proposal]:
    """Return rule lines for units that keep what others were given, the strongest evidence first.

    `layers` from the smallest boundaries to the largest: the first that explains hand-overs of a service
    takes them; the service alone comes last. Nothing is proposed for the units in `never`.
    """
    by_service: defaultdict[str, list[Settled]] = defaultdict(list)
    for case in cases:
        by_service[case.service].append(case)
    found: list[Proposal] = []
    for service, left in sorted(by_service.items()):
        for layer in (*layers, ""):
            lines = _lines(left, layer, never, min_evidence, min_share)
            taken = {code for _, codes in lines for code in codes}
            found += [_proposal(service, unit, layer, codes) for unit, codes in lines]
            left = [case for case in left if taken.isdisjoint(_codes(case, layer))]
    return sorted(found, key=lambda one: (-one.moved, one.rule_id))


_Line = tuple[str, dict[str, list[Settled]]]


def _lines(
    cases: Sequence[Settled], layer: str, never: Collection[str], min_evidence: int, min_share: float
) -> list[_Line]:
    """Units with the boundaries of a layer that they should answer for, and all cases there."""
    here: defaultdict[str, list[Settled]] = defaultdict(list)
    for case in cases:
        for code in _codes(case, layer):
            here[code].append(case)
    lines: defaultdict[str, dict[str, list[Settled]]] = defaultdict(dict)
    for code, there in sorted(here.items()):
        moved = Counter(case.kept_by for case in there if case.has_moved and case.kept_by not in never)
        unit, _ = min(moved.items(), key=lambda pair: (-pair[1], pair[0]), default=("", 0))
        if moved[unit] < min_evidence:
            continue
        kept = sum(case.kept_by == unit for case in there)
        if wilson_low(kept, len(there)) >= min_share:
            lines[unit][code] = there
    return sorted(lines.items())


def _codes(case: Settled, layer: str) -> list[str]:
    return [code for name, code in case.places if name == layer] if layer else [""]


def _proposal(service: str, unit: str, layer: str, codes: Mapping[str, list[Settled]]) -> Proposal:
    cases = list({case.name: case for there in codes.values() for case in there}.values())
    moved = [case.name for case in cases if case.has_moved and case.kept_by == unit]
    kept = sum(case.kept_by == unit for case in cases)
    return Proposal(
        service=service,
        unit=unit,
        layer=layer,
        codes=tuple(codes) if layer else (),
        cases=len(cases),
        moved=len(moved),
        low=wilson_low(kept, len(cases)),
        examples=tuple(sorted(moved)[:EXAMPLES]),
    )


def proposals_toml(proposals: Iterable[Proposal]) -> str:
    """Return the lines as TOML rules, the evidence above each as a comment, to stand before other rules."""
    taken: Counter[str] = Counter()
    return "\n".join(_rule(one, taken) for one in proposals)


def with_proposals(book: str, proposals: Iterable[Proposal]) -> str:
    """Return a draft: the rulebook's text with the proposed lines before its first rule."""
    return before_rules(book, proposals_toml(proposals))


def before_rules(book: str, lines: str) -> str:
    """Return the rulebook's text with other lines before its first rule."""
    start = re.search(r"(?m)^[ \t]*\[\[[ \t]*rule[ \t]*\]\]", book)
    place = start.start() if start else len(book)
    return f"{book[:place]}{lines}\n{book[place:]}"


def _rule(one: Proposal, taken: Counter[str]) -> str:
    taken[one.rule_id] += 1
    rule_id = one.rule_id if taken[one.rule_id] == 1 else f"{one.rule_id}-{taken[one.rule_id]}"
    asked = [f"{{ service = {quoted(one.service)} }}"]
    if one.layer:
        asked.append(f"{{ layer = {quoted(one.layer)}, code = [{', '.join(map(quoted, one.codes))}] }}")
    when = asked[0] if len(asked) == 1 else f"{{ all = [ {', '.join(asked)} ] }}"
    return (
        f"# {one.moved} of {one.cases} cases were handed to {comment(one.unit)} and kept there"
        f" (at least {one.low:.0%}): {comment(', '.join(one.examples))}\n"
        f'[[rule]]\nid = "{rule_id}"\nwhen = {when}\nlead = {{ unit = {quoted(one.unit)} }}\n'
    )


def quoted(text: str) -> str:
    """Return a TOML string."""
    if _PLAIN.fullmatch(text):
        return f'"{text}"'
    return '"' + "".join(char if _PLAIN.fullmatch(char) else f"\\U{ord(char):08x}" for char in text) + '"'


def comment(text: str) -> str:
    """Return text that cannot leave its comment line."""
    return "".join(char if _PLAIN.fullmatch(char) or char in '"\\' else " " for char in text)


def slug(text: str) -> str:
    """Return a word of [a-z0-9-] that stays the same for the same text, whatever its script."""
    plain = _ODD.sub("-", text.lower()).strip("-")
    if plain == text.lower() or not text:
        return plain
    mark = f"{sum(ord(char) * 31**place for place, char in enumerate(text)) % 16**6:06x}"
    return f"{plain}-{mark}".strip("-")
