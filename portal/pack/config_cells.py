"""Knows city.toml as a form: a line of text for each key, and back to values of the same kind."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from portal.pack.config import WEEKDAYS

# What says who the city is, or what was read with it: none of it changes in a form.
FIXED = ("jurisdiction_id", "timezone", "locales", "layers")
# What city.toml may leave out although a form must offer it.
OFFERED: Mapping[str, Any] = {
    **{f"calendar.hours.{day}": [] for day in WEEKDAYS},
    **{f"default_points.place_{number}": [0.0] for number in (1, 2, 3)},
    "calendar.cutoff": "",
    "calendar.after_cutoff_starts": "",
}
WORDS = {"yes": True, "no": False}


def settings_texts(config: Mapping[str, Any]) -> dict[str, str]:
    """Every key that may change, dotted, with its text."""
    found = {key: _text(value) for key, value in _leaves(config)}
    return found | {key: "" for key in OFFERED if key not in found}


def with_settings(config: Mapping[str, Any], texts: Mapping[str, str]) -> dict[str, Any]:
    """The configuration with other texts for some keys; a text that does not fit stays one, for the check to see.

    An empty text leaves a number or a list out, so that the usual value holds.
    """
    changed = {key: value for key, value in config.items() if key in FIXED}
    held = dict(_leaves(config))
    for key, old in {**OFFERED, **held}.items():
        value = _value(texts[key].strip(), old) if key in texts else held.get(key)
        if value is not None and (value or old != [] or key not in OFFERED):
            _put(changed, key.split("."), value)
    return changed


def _leaves(table: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
    for key, value in table.items():
        if not prefix and key in FIXED:
            continue
        if isinstance(value, Mapping):
            yield from _leaves(value, f"{prefix}{key}.")
        else:
            yield prefix + key, value


def _text(value: Any) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, list | tuple):
        if value and isinstance(value[0], Mapping):
            return "\n".join(", ".join(f"{key}={_text(each)}" for key, each in row.items()) for row in value)
        return ", ".join(map(_text, value))
    if isinstance(value, float) and value == int(value):
        return str(int(value))
    return str(value)


def _value(text: str, old: Any) -> Any:
    if isinstance(old, str):
        return text or None
    if not text:
        return None
    if isinstance(old, bool):
        return WORDS.get(text, text)
    if isinstance(old, list | tuple):
        if old and isinstance(old[0], Mapping):
            return [_row(line) for line in text.splitlines() if line.strip()]
        parts = [part.strip() for part in text.split(",") if part.strip()]
        return [_plain(part) for part in parts] if old and not isinstance(old[0], str) else parts
    return _plain(text)


def _row(line: str) -> dict[str, Any]:
    pairs = (part.partition("=") for part in line.split(",") if part.strip())
    return {key.strip(): _plain(text.strip()) for key, _, text in pairs}


def _plain(text: str) -> Any:
    """A number, a truth, or the text as it stands."""
    if text in WORDS:
        return WORDS[text]
    for kind in (int, float):
        try:
            return kind(text)
        except ValueError:
            continue
    return text


def _put(table: dict[str, Any], keys: list[str], value: Any) -> None:
    for key in keys[:-1]:
        table = table.setdefault(key, {})
    table[keys[-1]] = value
