"""Knows how a text falls into words that can be compared and searched: bigrams of Chinese, stems of the rest."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Iterator, Sequence

MOST_WORDS = 400  # of one text; what comes after so many says nothing new about it
_LONGEST = 40
HAN = "\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff"  # Han and kana: written without spaces
_RUN = re.compile(f"([{HAN}]+)|([^\\W_{HAN}]+)")
# English words that stand in every text and tell no two apart.
_ENGLISH = """
    a about also am an and any are as at be been but by can could did do does for from had has have he her his i
    if in into is it its just me my of on or our please she so some than that the their them there these they this to
    us very was we were what when which who will with would you your
"""
_SILENT = frozenset(_ENGLISH.split())
_ENDINGS = (
    ("sses", "ss"), ("ies", "y"), ("ings", ""), ("ing", ""), ("edly", ""), ("ed", ""), ("ly", ""),
    ("ments", ""), ("ment", ""), ("xes", "x"), ("ses", "s"), ("ches", "ch"), ("shes", "sh"), ("s", ""),
)  # fmt: skip
_SHORTEST_STEM = 3


def words_of(text: str) -> tuple[str, ...]:
    """The distinct words of a text in their order: every two neighbouring Chinese characters, stems of the rest.

    Full-width and half-width, capital and small letters are the same; at most MOST_WORDS.
    """
    found: dict[str, None] = {}
    for word in _words(unicodedata.normalize("NFKC", text).casefold()):
        found[word] = None
        if len(found) == MOST_WORDS:
            break
    return tuple(found)


def stem(word: str) -> str:
    """An English word without the endings that change with number and tense; numbers and names stay as they are."""
    if not word.isascii() or not word.isalpha():
        return word
    for ending, instead in _ENDINGS:
        rest = word.removesuffix(ending)
        if (
            rest != word
            and len(rest + instead) >= _SHORTEST_STEM
            and not (ending == "s" and rest.endswith(("s", "u")))
        ):
            word = rest + instead
            break
    if len(word) > _SHORTEST_STEM and word[-1] == word[-2] and word[-1] not in "aeiouls":
        word = word[:-1]  # dripping, dripped
    return word.removesuffix("e") if len(word) > _SHORTEST_STEM + 1 else word


def search_vector(words: Iterable[str]) -> str:
    """The words as PostgreSQL reads a tsvector; they hold letters and digits only, so nothing needs escaping."""
    return " ".join(words)


def any_of(words: Sequence[str], most: int) -> str:
    """A tsquery that finds texts with any of the words; of many, so many as `most`, evenly spread over the text."""
    step = max(1.0, len(words) / most)
    return " | ".join(words[int(n * step)] for n in range(min(len(words), most)))


def _words(text: str) -> Iterator[str]:
    for unspaced, spaced in _RUN.findall(text):
        if unspaced:
            yield from (unspaced[n : n + 2] for n in range(max(len(unspaced) - 1, 1)))
        elif spaced not in _SILENT:
            yield stem(spaced[:_LONGEST])
