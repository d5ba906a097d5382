"""Knows sentences for people: English as they stand, with their pattern and values kept for other languages."""

from __future__ import annotations

from collections.abc import Mapping


class Sentence(str):
    """A text whose `pattern` has %(name)s places, filled with `values`; a value may be a sentence itself."""

    pattern: str
    values: Mapping[str, str]

    def __str__(self) -> str:
        # What an exception was raised with comes back from str(error) as it is, not as plain text.
        return self


def sentence(pattern: str, /, **values: object) -> Sentence:
    """The sentence that a pattern makes; one that is made already stays as it is."""
    if isinstance(pattern, Sentence):
        return pattern
    texts = {name: value if isinstance(value, str) else str(value) for name, value in values.items()}
    made = Sentence(pattern % texts if texts else pattern)
    made.pattern, made.values = pattern, texts
    return made


def marked(pattern: str) -> str:
    """Mark a pattern for translation where it is not given to `sentence` itself."""
    return pattern


class ToldError(ValueError):
    """A failure that is told in a sentence: a pattern, and what fills it."""

    def __init__(self, pattern: str, /, **values: object) -> None:
        super().__init__(sentence(pattern, **values))
