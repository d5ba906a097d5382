"""Knows how past cases teach who answers for what: back-off from the finest facts to the service alone."""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from routing.learn import EXAMPLES, comment, quoted, slug, wilson_low

TRAIN_SHARE = 0.8
# How many cases of its own a set of facts needs to weigh as much as what is known without the finest fact.
STRENGTH = 3.0
_SUFFIX = re.compile(r"\s*[(（\[【][^()（）\[\]【】]*[)）\]】]\s*$")


@dataclass(frozen=True, slots=True)
class Known:
    """One past case as known at intake, with the unit that kept it.

    `facts` holds a word for each of the teacher's columns; `at` sorts by time.
    """

    name: str
    at: str
    unit: str
    facts: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Columns:
    """What the facts are, in order: the service, then questions from coarse to fine, then layers likewise."""

    questions: tuple[str, ...] = ()
    layers: tuple[str, ...] = ()

    @property
    def chain(self) -> tuple[tuple[int, ...], ...]:
        """Sets of facts from the service alone to the finest: each question, alone and with each layer."""
        first_layer = 1 + len(self.questions)
        sets: list[tuple[int, ...]] = []
        for depth in range(len(self.questions) + 1):
            asked = tuple(range(depth + 1))
            sets.append(asked)
            sets += [(*asked, first_layer + place) for place in range(len(self.layers))]
        return tuple(sets)


@dataclass(frozen=True, slots=True)
class Line:
    """A learnt rule: cases with these facts went to `unit`, `hits` of `cases` of them."""

    level: int
    facts: tuple[str, ...]
    unit: str
    hits: int
    cases: int
    examples: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Score:
    """How far later cases went where earlier ones said: shares of all later cases.

    `top_1` and `top_3` of the ranking, `rules` of the proposed lines alone; `unseen`: units new since.
    """

    learnt_from: int
    judged: int
    top_1: float
    top_3: float
    rules: float
    unseen: float


@dataclass(slots=True)
class Teacher:
    """Counts units for every set of facts of the chain."""

    columns: Columns
    units: Counter[str] = field(default_factory=Counter)
    counts: list[defaultdict[tuple[str, ...], Counter[str]]] = field(default_factory=list)

    @classmethod
    def learn(cls, cases: Iterable[Known], columns: Columns) -> Teacher:
        """Count the cases."""
        teacher = cls(columns, counts=[defaultdict(Counter) for _ in columns.chain])
        for case in cases:
            teacher.units[case.unit] += 1
            for places, counts in zip(columns.chain, teacher.counts, strict=True):
                counts[tuple(case.facts[place] for place in places)][case.unit] += 1
        return teacher

    def ranked(self, facts: Sequence[str]) -> list[tuple[str, float]]:
        """Return units with their shares, the likeliest first; equals by name."""
        whole = sum(self.units.values())
        shares = {unit: count / whole for unit, count in self.units.items()}
        for places, counts in zip(self.columns.chain, self.counts, strict=True):
            here = counts.get(tuple(facts[place] for place in places))
            if here:
                total = sum(here.values()) + STRENGTH
                shares = {
                    unit: (here.get(unit, 0) + STRENGTH * share) / total for unit, share in shares.items()
                }
        return sorted(shares.items(), key=lambda pair: (-pair[1], pair[0]))


def one_spelling(unit: str) -> str:
    """Return a unit's name without a bracketed suffix, which some rows have and others lack."""
    bare = _SUFFIX.sub("", unit)
    return bare or unit


def in_time(cases: Iterable[Known]) -> tuple[list[Known], list[Known]]:
    """Return the earlier 80 % and the later 20 %."""
    rows = sorted(cases, key=lambda case: (case.at, case.name))
    cut = int(len(rows) * TRAIN_SHARE)
    return rows[:cut], rows[cut:]


def score(cases: Iterable[Known], columns: Columns, min_evidence: int = 2) -> Score:
    """Learn from the earlier cases, judge on the later ones."""
    early, late = in_time(cases)
    teacher = Teacher.learn(early, columns)
    lines = by_facts(learnt_lines(early, columns, min_evidence))
    first = third = ruled = unseen = 0
    for case in late:
        best = [unit for unit, _ in teacher.ranked(case.facts)[:3]]
        first += case.unit == best[0]
        third += case.unit in best
        ruled += case.unit == said(lines, columns, case.facts)
        unseen += case.unit not in teacher.units
    many = max(len(late), 1)
    return Score(len(early), len(late), first / many, third / many, ruled / many, unseen / many)


_Lines = Mapping[tuple[int, tuple[str, ...]], Line]


def learnt_lines(cases: Sequence[Known], columns: Columns, min_evidence: int = 2) -> list[Line]:
    """Return rules, the finest first: each says for some past case what no coarser one does."""
    now: list[str] = [""] * len(cases)
    lines: list[Line] = []
    for level, places in enumerate(columns.chain):
        groups: defaultdict[tuple[str, ...], list[int]] = defaultdict(list)
        for row, case in enumerate(cases):
            groups[tuple(case.facts[place] for place in places)].append(row)
        for facts, rows in sorted(groups.items()):
            unit, hits = _most([cases[row].unit for row in rows])
            if hits < min_evidence or all(now[row] == unit for row in rows) or "" in facts:
                continue
            names = tuple(cases[row].name for row in rows if cases[row].unit == unit)[:EXAMPLES]
            lines.append(Line(level, facts, unit, hits, len(rows), names))
            for row in rows:
                now[row] = unit
    return sorted(lines, key=lambda line: (-line.level, line.facts))


def by_facts(lines: Iterable[Line]) -> dict[tuple[int, tuple[str, ...]], Line]:
    """Return the lines by what they ask."""
    return {(line.level, line.facts): line for line in lines}


def said(lines: _Lines, columns: Columns, facts: Sequence[str]) -> str:
    """Return the unit that the first matching line names, "" where none matches."""
    for level in range(len(columns.chain) - 1, -1, -1):
        line = lines.get((level, tuple(facts[place] for place in columns.chain[level])))
        if line is not None:
            return line.unit
    return ""


def lines_toml(lines: Iterable[Line], columns: Columns) -> str:
    """Return the lines as TOML rules with their evidence; lines for one unit that differ in a code are one."""
    merged: defaultdict[tuple[int, tuple[str, ...], str], list[Line]] = defaultdict(list)
    first_layer = 1 + len(columns.questions)
    for line in lines:
        is_layered = columns.chain[line.level][-1] >= first_layer
        merged[line.level, line.facts[:-1] if is_layered else line.facts, line.unit].append(line)
    return "\n".join(_rule(number, group, columns) for number, group in enumerate(merged.values(), start=1))


def _rule(number: int, group: Sequence[Line], columns: Columns) -> str:
    one, hits, cases = group[0], sum(line.hits for line in group), sum(line.cases for line in group)
    asked = [_asked(place, [line.facts[at] for line in group], columns)
             for at, place in enumerate(columns.chain[one.level])]  # fmt: skip
    when = asked[0] if len(asked) == 1 else f"{{ all = [ {', '.join(asked)} ] }}"
    names = ", ".join(name for line in group for name in line.examples)
    rule_id = "-".join(filter(None, ("learnt", str(number), slug(one.facts[0]))))
    return (
        f"# {hits} of {cases} past cases (at least {wilson_low(hits, cases):.0%}): {comment(names[:120])}\n"
        f'[[rule]]\nid = "{rule_id}"\nwhen = {when}\nlead = {{ unit = {quoted(one.unit)} }}\n'
    )


def _asked(place: int, words: Sequence[str], columns: Columns) -> str:
    listed = f"[{', '.join(quoted(word) for word in dict.fromkeys(words))}]"
    if place == 0:
        return f"{{ service = {listed} }}"
    if place <= len(columns.questions):
        return f"{{ answer = {{ question = {quoted(columns.questions[place - 1])}, in = {listed} }} }}"
    return f"{{ layer = {quoted(columns.layers[place - 1 - len(columns.questions)])}, code = {listed} }}"


def _most(units: Sequence[str]) -> tuple[str, int]:
    return min(Counter(units).items(), key=lambda pair: (-pair[1], pair[0]))
