"""Knows findings as sentences that wait for their reader's language; as plain text they are English."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from geo.sentences import Sentence, sentence

LISTED = 12


def said(msgid: str, /, **params: Any) -> Sentence:
    """A marked sentence with what fills its places; one that is said already stays as it is."""
    return sentence(msgid, **params)


def listed(codes: Sequence[str]) -> str:
    """The first few of some codes, and whether there are more."""
    return ", ".join(codes[:LISTED]) + (" …" if len(codes) > LISTED else "")
