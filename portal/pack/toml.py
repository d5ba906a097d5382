"""How a TOML file of a pack is read: typed keys, and each fault with its dotted key and its line."""

from __future__ import annotations

import math
import re
import tomllib
from collections.abc import Iterable, Mapping
from datetime import date, datetime
from pathlib import Path
from typing import Any

from portal.i18n import N_
from portal.pack.table import Notes

LINE = re.compile(r"at line (\d+)")
HEADER = re.compile(r"\s*\[\[?\s*([^\]]+?)\s*\]")
KEY = re.compile(r"""\s*["']?([\w.-]+)["']?\s*=""")


def read_toml(path: Path, notes: Notes) -> dict[str, Any] | None:
    """The file as a dict; None, with an error noted, where it is missing or is not TOML in UTF-8."""
    try:
        text = path.read_bytes().decode("utf-8-sig").replace("\r\n", "\n")
        notes.lines.update(key_lines(text))
        return tomllib.loads(text)
    except FileNotFoundError:
        notes.error(0, "", N_("the file is missing"))
    except UnicodeDecodeError as fault:
        notes.error(0, "", N_("not UTF-8 at byte %(value)s"), value=fault.start + 1)
    except tomllib.TOMLDecodeError as fault:
        line = LINE.search(str(fault))
        notes.error(int(line.group(1)) if line else 0, "", N_("not readable as TOML: %(fault)s"), fault=fault)
    return None


def key_lines(text: str) -> dict[str, int]:
    """Where each table and key first stands; good enough to point a person at the place."""
    lines: dict[str, int] = {}
    prefix = ""
    for number, line in enumerate(text.split("\n"), start=1):
        if header := HEADER.match(line):
            prefix = header.group(1) + "."
            lines.setdefault(header.group(1), number)
        elif key := KEY.match(line):
            lines.setdefault(prefix + key.group(1), number)
    return lines


class Keys:
    """A TOML table with typed access; unread keys are warned of by `unknown`."""

    def __init__(self, table: Mapping[str, Any], notes: Notes, prefix: str = "") -> None:
        self.table = table
        self.notes = notes
        self.prefix = prefix
        self._seen: set[str] = set()

    def dotted(self, key: str) -> str:
        """The key as a finding names it."""
        return f"{self.prefix}{key}"

    def raw(self, key: str, *, required: bool = False) -> Any:
        """The value as it stands, or None."""
        self._seen.add(key)
        value = self.table.get(key)
        if value is None and required:
            self.error(key, "missing")
        return value

    def error(self, key: str, message: str, /, **params: Any) -> None:
        """Note an error at a key of this table."""
        dotted = self.dotted(key)
        self.notes.error(self.notes.line(dotted), dotted, message, **params)

    def text(self, key: str, default: str = "", *, required: bool = False) -> str:
        """A string, trimmed."""
        value = self.raw(key, required=required)
        if value is None:
            return default
        if not isinstance(value, str) or (required and not value.strip()):
            self.error(key, N_("'%(value)s' is not a text"), value=value)
            return default
        return value.strip()

    def choice(self, key: str, allowed: Iterable[str], default: str) -> str:
        """One of a fixed set of words."""
        value = self.text(key, default)
        allowed = tuple(allowed)
        if value not in allowed:
            self.error(key, N_("'%(value)s' is none of %(list)s"), value=value, list=", ".join(allowed))
            return default
        return value

    def number(
        self,
        key: str,
        default: float,
        low: float = -math.inf,
        high: float = math.inf,
        *,
        required: bool = False,
    ) -> float:
        """A number between bounds."""
        value = self.raw(key, required=required)
        if value is None:
            return default
        if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
            self.error(key, N_("'%(value)s' is not a number"), value=value)
            return default
        if not low <= value <= high:
            self.error(
                key,
                N_("%(value)s lies outside %(low)s to %(high)s"),
                value=value,
                low=f"{low:g}",
                high=f"{high:g}",
            )
            return default
        return value

    def yes(self, key: str, *, default: bool = False) -> bool:
        """A boolean."""
        value = self.raw(key)
        if value is None:
            return default
        if not isinstance(value, bool):
            self.error(key, N_("'%(value)s' is neither true nor false"), value=value)
            return default
        return value

    def day(self, key: str) -> date | None:
        """A date, as text or as a TOML date."""
        value = self.raw(key)
        if value is None or (isinstance(value, date) and not isinstance(value, datetime)):
            return value
        try:
            return date.fromisoformat(value)
        except (TypeError, ValueError):
            self.error(key, N_("'%(value)s' is not a date like 2030-01-31"), value=value)
            return None

    def strings(self, key: str, *, required: bool = False) -> tuple[str, ...]:
        """A list of texts."""
        value = self.raw(key, required=required)
        if value is None:
            return ()
        if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
            self.error(key, N_("is not a list of texts"))
            return ()
        return tuple(value)

    def sub(self, key: str, *, required: bool = False) -> Keys:
        """A table below; an empty one where it is missing."""
        value = self.raw(key, required=required)
        if value is not None and not isinstance(value, dict):
            self.error(key, N_("is not a table"))
            value = None
        return Keys(value or {}, self.notes, f"{self.dotted(key)}.")

    def unknown(self) -> None:
        """Warn of keys nobody read: usually a misspelling."""
        for key in self.table:
            if key not in self._seen:
                dotted = self.dotted(key)
                self.notes.warn(self.notes.line(dotted), dotted, N_("unknown key, ignored"))
