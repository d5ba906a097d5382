"""Knows the languages: catalogues read from `translations/`, messages that wait for their reader's language."""

from __future__ import annotations

import io
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from functools import cache
from pathlib import Path
from typing import Any

from babel import Locale
from babel.dates import format_datetime
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po
from babel.support import NullTranslations, Translations

from geo.sentences import Sentence

CATALOGUES = Path(__file__).with_name("translations")
SOURCE_LOCALE = "en"


def N_(msgid: str) -> str:  # noqa: N802  (the usual gettext name for "mark, do not translate yet")
    """Mark a string for translation without translating it."""
    return msgid


@dataclass(frozen=True, slots=True)
class Message:
    """A sentence to be translated later; `params` fill its %(name)s places and may be Messages or name maps."""

    msgid: str
    params: Mapping[str, Any] = field(default_factory=dict)

    def in_locale(self, locale: str) -> str:
        """The sentence in a language (gettext locale name, for example zh_Hans)."""
        text = str(translations(locale).gettext(self.msgid))
        return (
            text % {key: _render(value, locale) for key, value in self.params.items()}
            if self.params
            else text
        )

    def __str__(self) -> str:
        return self.in_locale(SOURCE_LOCALE)


def message_of(told: Sentence) -> Message:
    """A sentence of the engine as a message: its pattern is the msgid."""
    return Message(told.pattern, told.values)


def _render(value: Any, locale: str) -> Any:
    if isinstance(value, Sentence):
        return message_of(value).in_locale(locale)
    if isinstance(value, Message):
        return value.in_locale(locale)
    return localised(value, locale) if isinstance(value, Mapping) else value


@cache
def translations(locale: str) -> NullTranslations:
    """The catalogue of a language, merged from one file per area; without one, text translates to itself."""
    merged: Translations | None = None
    for path in sorted((CATALOGUES / locale / "LC_MESSAGES").glob("*.po")):
        with path.open("rb") as source:
            catalogue = read_po(source, locale=locale, abort_invalid=True)
        compiled = io.BytesIO()
        write_mo(compiled, catalogue)
        compiled.seek(0)
        part = Translations(compiled)
        merged = part if merged is None else merged.add(part, merge=True) or merged
    return merged or NullTranslations()


def localised(names: Mapping[str, str], locale: str) -> str:
    """The name in a language, else in the source language, else any; an empty map gives an empty string."""
    return (
        names.get(locale) or names.get(SOURCE_LOCALE) or next((name for name in names.values() if name), "")
    )


def datetime_words(moment: datetime, locale: str, *, with_year: bool) -> str:
    """Day and time of an instant that is already in the city's zone, as its people write them."""
    if locale.startswith("zh"):
        pattern = "y年M月d日(E)HH:mm" if with_year else "M月d日(E)HH:mm"
    else:
        pattern = "EEE d MMM y, HH:mm" if with_year else "EEE d MMM, HH:mm"
    return str(format_datetime(moment, pattern, locale=locale))


def html_language(locale: str) -> str:
    """BCP 47 tag of a gettext locale name: zh_Hans becomes zh-Hans."""
    return locale.replace("_", "-")


def is_right_to_left(locale: str) -> bool:
    """Whether the script of a language runs from right to left."""
    return Locale.parse(locale).text_direction == "rtl"


def best_locale(accept_language: str, offered: tuple[str, ...]) -> str:
    """The offered locale that suits an Accept-Language header best; the first offered otherwise."""
    for wanted in _wanted_tags(accept_language):
        language = wanted.split("-")[0]
        for locale in offered:
            if html_language(locale).lower() == wanted:
                return locale
        for locale in offered:
            if locale.split("_")[0] == language:
                return locale
    return offered[0]


def _wanted_tags(accept_language: str) -> list[str]:
    weighted: list[tuple[float, int, str]] = []
    for order, part in enumerate(accept_language[:200].split(",")):
        tag, _, weight = part.replace(" ", "").lower().partition(";q=")
        try:
            weighted.append((-float(weight or 1), order, tag))
        except ValueError:
            continue
    return [tag for weight, _, tag in sorted(weighted) if tag and weight < 0]  # zero: never this one
