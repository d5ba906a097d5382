"""Knows how the name of a place is found by what a person types: part of it, or it with more around it."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache

from routing.words import HAN, words_of

# One lexeme that stands for a whole name; the sign keeps it apart from the words of names.
WHOLE = "="
MOST_ATOMS = 14
_ATOM = re.compile(f"[{HAN}]|[^\\W_{HAN}]+")


def squashed(name: str) -> str:
    """A name without spaces, signs and capitals: what two ways of writing it have in common."""
    return "".join(_atoms(name))


def place_words(names: Iterable[str]) -> tuple[str, ...]:
    """What the index keeps of a place: the words of its names in every language, and each whole name."""
    found: dict[str, None] = {}
    for name in names:
        found |= dict.fromkeys(words_of(name))
        if whole := squashed(name):
            found[WHOLE + whole] = None
    return tuple(found)


def place_vector(names: Iterable[str]) -> str:
    """The same as PostgreSQL reads a tsvector."""
    return " ".join(f"'{word}'" for word in place_words(names))


def place_query(typed: str) -> str:
    """A tsquery for the places whose name holds every word typed, or stands whole in what was typed; '' for nothing."""
    every = " & ".join(f"'{word}':*" for word in words_of(typed))
    whole = [f"'{WHOLE}{run}'" for run in sorted(_runs(typed))]
    return " | ".join([f"({every})", *whole]) if every else ""


@dataclass(frozen=True, slots=True)
class Sought:
    """What somebody typed to find a place."""

    typed: str
    runs: frozenset[str]
    words: tuple[str, ...]

    @classmethod
    def of(cls, typed: str) -> Sought:
        """The typed text, taken apart once for many names."""
        return cls(squashed(typed), _runs(typed), words_of(typed))

    def closeness(self, names: Iterable[str]) -> int | None:
        """How well names meet it: 0 the same, 1 one stands in it, 2 begins with it, 3 holds it; None not at all."""
        return min((near for name in names if (near := self._near(name)) is not None), default=None)

    def _near(self, name: str) -> int | None:
        plain, own = _known_name(name)
        if not self.typed or not plain:
            return None
        if plain == self.typed:
            return 0
        if plain in self.runs:
            return 1
        if plain.startswith(self.typed):
            return 2
        is_held = self.words and all(any(each.startswith(word) for each in own) for word in self.words)
        return 3 if is_held else None


@lru_cache(maxsize=1 << 15)  # the names of a city are asked again with every look-up
def _known_name(name: str) -> tuple[str, tuple[str, ...]]:
    return squashed(name), words_of(name)


def _atoms(text: str) -> list[str]:
    return _ATOM.findall(unicodedata.normalize("NFKC", text).casefold())


def _runs(typed: str) -> frozenset[str]:
    """Every part of the typed words that could be a name: one word, or two and more signs in a row."""
    atoms = _atoms(typed)[:MOST_ATOMS]
    parts = (
        "".join(atoms[first:last]) for first in range(len(atoms)) for last in range(first + 1, len(atoms) + 1)
    )
    return frozenset(part for part in parts if len(part) > 1)
