"""Knows how much one address may ask of the public pages: generous for a school class, too little for a flood."""

from __future__ import annotations

import threading
import time
from collections.abc import Sequence
from datetime import timedelta
from ipaddress import ip_address

from flask import request
from sqlalchemy import Connection

from portal.errors import TooMany
from portal.i18n import N_, Message
from portal.operations.limit_attempts import (
    Counted,
    Limit,
    address_block,
    count_attempts,
    seconds_to_wait,
)
from portal.web.services import services, writing

_SOON, _DAY = timedelta(minutes=10), timedelta(days=1)
# Forty pupils behind one address file one report each in a lesson; a mobile network's shared address has a day.
REPORTS = (Limit("report", 60, _SOON), Limit("report", 600, _DAY))
PHOTOS = (Limit("photo", 180, _SOON), Limit("photo", 1800, _DAY))
GUESSES = (Limit("find", 60, _SOON),)  # numbers that no report has
# Looking does not write: these are counted by each process for itself, a minute at a time.
LOOKS_A_MINUTE = 1200
MOST_ADDRESSES = 50_000
TOO_OFTEN = N_(
    "Too much came from your network in a short time. Please try again in %(minutes)s minutes: nothing was sent."
)


def refuse_flood(tx: Connection, limits: Sequence[Limit]) -> list[Counted]:
    """Refuse an address that has used up its limits (TooMany); else what `count_attempts` counts when it is done.

    Nothing is locked: as many requests as run at once may slip through, and none waits with a connection in hand.
    """
    address, context = request.remote_addr or "", services().context
    if is_unlimited(address):
        return []
    counted = [each.of(context, address_block(address)) for each in limits]
    if wait := seconds_to_wait(tx, context, counted):
        raise too_many(wait)
    return counted


def count_guess() -> None:
    """Count a number that no report has. Raises TooMany."""
    with writing() as tx:
        count_attempts(tx, services().context, refuse_flood(tx, GUESSES))


def is_unlimited(address: str) -> bool:
    """Whether the operator trusts this network: the city's own call centre, a kiosk, a load test."""
    try:
        parsed = ip_address(address)
    except ValueError:
        return False
    return any(parsed in network for network in services().settings.unlimited_networks)


def too_many(wait: int) -> TooMany:
    """The refusal of one address, with the seconds to wait."""
    return TooMany(Message(TOO_OFTEN, {"minutes": -(-wait // 60)}), wait)


class MinuteCounts:
    """How often each address asked in this minute, in this process: no statement, and bounded memory."""

    def __init__(self, most: int) -> None:
        self.most = most
        self._counts: dict[str, int] = {}
        self._minute = 0
        self._lock = threading.Lock()

    def wait(self, address: str) -> int:
        """Count one, and answer the seconds to wait: 0 where there is room."""
        now = time.monotonic()
        with self._lock:
            if int(now // 60) != self._minute or len(self._counts) > MOST_ADDRESSES:
                self._minute, self._counts = int(now // 60), {}
            self._counts[address] = self._counts.get(address, 0) + 1
            return 0 if self._counts[address] <= self.most else max(1, round(60 - now % 60))


_LOOKS = MinuteCounts(LOOKS_A_MINUTE)


def count_look() -> None:
    """Count a question that is answered without writing. Raises TooMany."""
    address = request.remote_addr or ""
    if not is_unlimited(address) and (wait := _LOOKS.wait(address_block(address))):
        raise too_many(wait)
