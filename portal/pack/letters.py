"""The words of letters that a city changed, and the further channels of its units, as a pack says them."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class WordingRow:
    """A line of wordings.csv: the words of one message in one language, with their places open."""

    file: str
    row: int
    audience: str
    occasion: str
    locale: str
    subject: str
    body: str


@dataclass(frozen=True, slots=True)
class ChannelRow:
    """A line of channels.csv. `address` is empty where it is a secret: that never stands in a pack."""

    file: str
    row: int
    unit_code: str
    kind: str
    address: str
