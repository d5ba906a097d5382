"""Knows findings as sentences that wait for their reader's language; as plain text they are English."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from portal.i18n import Message

LISTED = 12


class Said(str):
    """A sentence that is text for terminals and logs, and can still be said in another language."""

    message: Message

    def __new__(cls, message: Message) -> Said:
        """The English text, with the message kept."""
        made = super().__new__(cls, str(message))
        made.message = message
        return made


def said(msgid: str, /, **params: Any) -> Said:
    """A marked sentence with what fills its places; one that is said already stays as it is."""
    if isinstance(msgid, Said):
        return msgid
    return Said(Message(msgid, {name: str(value) for name, value in params.items()}))


def listed(codes: Sequence[str]) -> str:
    """The first few of some codes, and whether there are more."""
    return ", ".join(codes[:LISTED]) + (" …" if len(codes) > LISTED else "")
