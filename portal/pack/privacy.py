"""Knows for how long a city keeps what is personal: the table [privacy] of city.toml."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from portal.pack.toml import Keys

LONGEST = 36_500


@dataclass(frozen=True, slots=True)
class PrivacyFigures:
    """Days after closing until the contact with all letters and originals is forgotten, and until the words are."""

    contact_days: int = 90
    text_days: int = 365

    @classmethod
    def of(cls, kept: Mapping[str, Any] | None) -> PrivacyFigures:
        """What `dataclasses.asdict` made; the usual figures for a city that has none."""
        return cls(**kept) if kept else cls()


def read_privacy(keys: Keys) -> PrivacyFigures:
    """The figures that city.toml names, the usual ones for the rest."""
    usual = PrivacyFigures()
    figures = PrivacyFigures(
        contact_days=int(keys.number("contact_days", usual.contact_days, 1, LONGEST)),
        text_days=int(keys.number("text_days", usual.text_days, 1, LONGEST)),
    )
    keys.unknown()
    return figures
