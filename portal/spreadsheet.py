"""Knows what a spreadsheet would run as a formula, and how such a text is written so that it stays a text."""

from __future__ import annotations

import re

# With an apostrophe before it, too: so that guarding and reading back are each other's reverse.
_FORMULA = re.compile(r"'?[=+\-@\t\r]")
_NUMBER = re.compile(r"[+-]?\d+(\.\d+)?")


def guarded(text: str) -> str:
    """The text of a cell, with an apostrophe before what would be a formula; a plain number is none."""
    return f"'{text}" if _FORMULA.match(text) and not _NUMBER.fullmatch(text) else text


def unguarded(text: str) -> str:
    """What `guarded` was given."""
    return text[1:] if text.startswith("'") and _FORMULA.match(text[1:]) else text
