"""Knows whether conditions can hold together: a sound answer, or that it cannot be told."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import lru_cache
from typing import Literal

from routing.conditions import All, AnyOf, Not
from routing.leaves import (
    ALWAYS,
    NEVER,
    AnswerLeaf,
    Condition,
    Constant,
    FlagLeaf,
    LayerLeaf,
    Leaf,
    NearLeaf,
    TimeLeaf,
    WeekdayLeaf,
    WordLeaf,
)
from routing.priority import PRIORITIES

Verdict = Literal["yes", "no", "unknown"]
Literals = Mapping[Leaf, bool]

# More leaves than this looked at for one question, and it is left undecided.
MOST_LOOKS = 50_000
_DAY = (1 << 1440) - 1
_WEEK = (1 << 7) - 1


def can_hold(wanted: Sequence[Condition], unwanted: Sequence[Condition] = ()) -> Verdict:
    """Tell whether some report satisfies all of `wanted` and none of `unwanted`.

    "no" is proven. "yes" takes what different kinds of leaves ask for as independent: the calendar may
    still rule it out. "unknown" when the question is too large.
    """
    return _verdict(tuple(wanted), tuple(unwanted))


@lru_cache(maxsize=4096)
def _verdict(wanted: tuple[Condition, ...], unwanted: tuple[Condition, ...]) -> Verdict:
    # The same question comes up in place after place.
    return _Search(wanted, unwanted).verdict()


def implies(condition: Condition, other: Condition) -> Verdict:
    """Tell whether `other` holds whenever `condition` does; "yes" is proven."""
    return _INVERSE[can_hold([condition], [other])]


def reduced(condition: Condition, answers: Literals) -> Condition:
    """Return what remains to be asked when some leaves are already answered."""
    if isinstance(condition, All | AnyOf):
        is_all = isinstance(condition, All)
        end, rest = (NEVER, ALWAYS) if is_all else (ALWAYS, NEVER)
        parts = [reduced(part, answers) for part in condition.parts]
        if any(part is end for part in parts):
            return end
        left = tuple(dict.fromkeys(part for part in parts if part is not rest))
        if len(left) < 2:
            return left[0] if left else rest
        return All(left) if is_all else AnyOf(left)
    if isinstance(condition, Not):
        part = reduced(condition.part, answers)
        if isinstance(part, Constant):
            return NEVER if part is ALWAYS else ALWAYS
        return Not(part)
    answer = answers.get(condition) if isinstance(condition, Leaf) else None
    return condition if answer is None else (ALWAYS if answer else NEVER)


def alternatives_of(condition: Condition) -> Iterator[Condition]:
    """Yield the condition and every alternative inside it that was written to be able to hold."""
    yield condition
    for part in condition.parts if isinstance(condition, All | AnyOf) else ():
        if isinstance(condition, AnyOf) or isinstance(part, AnyOf | All):
            yield from alternatives_of(part)


_INVERSE: dict[Verdict, Verdict] = {"yes": "no", "no": "yes", "unknown": "unknown"}


class _TooLarge(Exception):
    """The question takes longer than it is worth."""


class _Search:
    """Tries the leaves one by one, true and false, and gives up a branch as soon as it contradicts itself."""

    def __init__(self, wanted: Sequence[Condition], unwanted: Sequence[Condition]) -> None:
        self._goals = [*wanted, *(Not(condition) for condition in unwanted)]
        self._looks = 0

    def verdict(self) -> Verdict:
        try:
            return "yes" if self._search(self._goals, {}) else "no"
        except _TooLarge:
            return "unknown"

    def _search(self, goals: Iterable[Condition], chosen: dict[Leaf, bool]) -> bool:
        left = [rest for goal in goals if (rest := reduced(goal, chosen)) is not ALWAYS]
        if any(goal is NEVER for goal in left):
            return False
        if not left:
            return True
        sizes = [_size(goal) for goal in left]
        self._looks += sum(sizes)
        if self._looks > MOST_LOOKS:
            raise _TooLarge
        leaf = next(left[sizes.index(min(sizes))].leaves())
        for answer in (True, False):
            further = chosen | {leaf: answer}
            if is_consistent(further) and self._search(left, further):
                return True
        return False


def _size(condition: Condition) -> int:
    return sum(1 for _ in condition.leaves())


def is_consistent(literals: Literals) -> bool:
    """Tell whether leaves could have these answers at once, each kind looked at by itself."""
    sorts: defaultdict[object, list[tuple[Leaf, bool]]] = defaultdict(list)
    for leaf, answer in literals.items():
        sorts[_subject(leaf)].append((leaf, answer))
    return all(_agree(rows) for rows in sorts.values())


def _subject(leaf: Leaf) -> object:
    """What a leaf speaks of: leaves of different subjects never contradict each other."""
    match leaf:
        case LayerLeaf() | NearLeaf():
            return type(leaf), leaf.layer
        case AnswerLeaf():
            return AnswerLeaf, leaf.question
        case FlagLeaf() | WordLeaf():
            return type(leaf), leaf.name
        case TimeLeaf() | WeekdayLeaf():
            return type(leaf)
    return leaf


def _agree(rows: list[tuple[Leaf, bool]]) -> bool:
    first = rows[0][0]
    match first:
        case TimeLeaf():
            return _masks(rows, _DAY) != 0
        case WeekdayLeaf():
            return _masks(rows, _WEEK) != 0
        case FlagLeaf():
            return len({leaf.value is answer for leaf, answer in rows if isinstance(leaf, FlagLeaf)}) == 1
        case WordLeaf():
            return _words_agree(first, rows)
        case NearLeaf():
            return _distances_agree(rows)
        case AnswerLeaf():
            sets = [(leaf.values, answer) for leaf, answer in rows if isinstance(leaf, AnswerLeaf)]
            return _sets_agree(sets)
        case LayerLeaf():
            return _layers_agree(rows)
    return True


def _masks(rows: list[tuple[Leaf, bool]], whole: int) -> int:
    left = whole
    for leaf, answer in rows:
        mask = _mask(leaf)
        left &= mask if answer else whole & ~mask
    return left


def _mask(leaf: Leaf) -> int:
    if isinstance(leaf, TimeLeaf):
        inside = ((1 << leaf.end) - 1) ^ ((1 << leaf.start) - 1)
        return inside if leaf.start < leaf.end else _DAY & ~inside
    assert isinstance(leaf, WeekdayLeaf)
    return sum(1 << day for day in leaf.days)


def _words_agree(first: WordLeaf, rows: list[tuple[Leaf, bool]]) -> bool:
    left: set[str] | None = set(PRIORITIES) if first.name == "priority" else None
    gone: set[str] = set()
    for leaf, answer in rows:
        assert isinstance(leaf, WordLeaf)
        if answer:
            left = set(leaf.values) if left is None else left & leaf.values
        else:
            gone |= leaf.values
    return left is None or bool(left - gone)


def _distances_agree(rows: list[tuple[Leaf, bool]]) -> bool:
    near = [leaf.within_m for leaf, answer in rows if answer and isinstance(leaf, NearLeaf)]
    far = [leaf.within_m for leaf, answer in rows if not answer and isinstance(leaf, NearLeaf)]
    return not near or not far or max(far) < min(near)


def _sets_agree(sets: list[tuple[frozenset[str], bool]]) -> bool:
    """Several keys may be given at once: only a wanted set that is wholly excluded contradicts."""
    gone = frozenset[str]().union(*(values for values, answer in sets if not answer))
    return all(values - gone for values, answer in sets if answer)


def _layers_agree(rows: list[tuple[Leaf, bool]]) -> bool:
    """Without a map boundaries of a layer may overlap: only what is wholly excluded contradicts."""
    leaves = [(leaf.codes, answer) for leaf, answer in rows if isinstance(leaf, LayerLeaf)]
    if any(codes is None and not answer for codes, answer in leaves):
        return not any(answer for _, answer in leaves)
    return _sets_agree([(codes, answer) for codes, answer in leaves if codes is not None])
