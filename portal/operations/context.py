"""Knows what a use case needs besides its transaction: who asks, the city, the keys and the files."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from portal.crypto import Keyring
from portal.queries.city import CityCache
from portal.storage import FileStore

SYSTEM_ROLE = "system"
REPORTER_ROLE = "reporter"
FOLLOWER_ROLE = "follower"
NEIGHBOUR_ROLE = "neighbour"
# Residents and the system take the part in a case that their role says; staff have a standing.
OWN_PARTS = frozenset({SYSTEM_ROLE, REPORTER_ROLE, FOLLOWER_ROLE, NEIGHBOUR_ROLE})


@dataclass(frozen=True, slots=True)
class Actor:
    """Who acts: public as role and unit only. `account_id` stays in the private part of an event.

    So does `link_id`, the contractor's link by which somebody acts without an account.
    """

    role: str
    unit_code: str = ""
    account_id: int | None = None
    link_id: int | None = None

    def in_public(self) -> dict[str, str]:
        """What anybody may know of who acted."""
        return {"role": self.role, "unit": self.unit_code} if self.unit_code else {"role": self.role}

    def in_private(self) -> dict[str, Any]:
        """What only the desk may know of who acted."""
        known = {"account_id": self.account_id, "link": self.link_id}
        return {name: value for name, value in known.items() if value is not None}


SYSTEM = Actor(SYSTEM_ROLE)
REPORTER = Actor(REPORTER_ROLE)


@dataclass(frozen=True, slots=True)
class Context:
    """The installation's parts that operations use."""

    jurisdiction_id: str
    keyring: Keyring
    store: FileStore
    cities: CityCache = field(default_factory=CityCache)
    public_url: str = ""
    has_sms: bool = False
