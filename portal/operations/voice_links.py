"""Knows the signed links by which somebody says yes or no to a closing, or rates it, with one tap and no account.

A link says for which case, which closing of it, whom and until when; nobody can change a word of it, and it opens
nothing private. It is no secret of the case: the worst that a stranger with it can do is to answer once.
"""

from __future__ import annotations

import base64
import hmac
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from portal.crypto import Keyring
from portal.errors import Forbidden
from portal.i18n import N_, Message
from portal.operations.context import FOLLOWER_ROLE, REPORTER_ROLE, Context

LINK_IN_LETTER_DAYS = 60.0
GUEST_ROLE = "guest"  # scanned the code that a unit showed: may rate, never confirm or contest
PURPOSE = "voice-link"
_LETTERS = {"r": REPORTER_ROLE, "f": FOLLOWER_ROLE, "g": GUEST_ROLE}
_LETTER_OF = {role: letter for letter, role in _LETTERS.items()}
WRONG = N_("This link is not one of ours, or was cut off. Please open the one from our letter.")
EXPIRED = N_("This link is too old by now.")


@dataclass(frozen=True, slots=True)
class Voter:
    """Somebody whose word on a closing counts once: the role, and a keyed hash that names nobody."""

    role: str
    key: bytes


@dataclass(frozen=True, slots=True)
class VoiceLink:
    """What a link says. `person` tells followers apart; `expires_at` is a whole second."""

    role: str
    closing_no: int
    expires_at: datetime
    person: str = ""

    def code(self, keyring: Keyring, token: str) -> str:
        """The last part of the link's address."""
        plain = self._plain()
        return f"{plain}.{_signature(keyring, token, plain)}"

    def voter(self, keyring: Keyring, token: str) -> Voter:
        """Who answers by this link; of a guest only the browser tells, so the caller adds that to `person`."""
        return voter_of(keyring, token, self.role, self.person)

    def _plain(self) -> str:
        seconds = int(self.expires_at.timestamp())
        return f"{_LETTER_OF[self.role]}.{self.closing_no}.{seconds:x}.{self.person}"


def link_for(role: str, closing_no: int, now: datetime, days: float, person: str = "") -> VoiceLink:
    """A link that is good from now for so many days."""
    ends = (now + timedelta(days=days)).replace(microsecond=0)
    return VoiceLink(role, closing_no, ends, person)


def read_link(keyring: Keyring, token: str, code: str, now: datetime) -> VoiceLink:
    """What a link says; Forbidden where it is forged, was made for another case, or is too old."""
    plain, _, signature = code.rpartition(".")
    wanted = _signature(keyring, token, plain)
    if not hmac.compare_digest(wanted.encode(), signature.encode(errors="replace")):
        raise Forbidden(Message(WRONG))
    letter, number, seconds, person = plain.split(".", 3)
    ends = datetime.fromtimestamp(int(seconds, 16), UTC)
    if ends <= now:
        raise Forbidden(Message(EXPIRED))
    return VoiceLink(_LETTERS[letter], int(number), ends, person)


def link_of_letter(context: Context, token: str, payload: Mapping[str, Any], now: datetime) -> str:
    """The link in a letter that tells of a closing; empty in any other letter.

    A letter to somebody who follows an incident is about another report's closing, and says which.
    """
    if "closing_no" not in payload:
        return ""
    asked, to = str(payload.get("incident") or token), str(payload["to"])
    role, person = (REPORTER_ROLE, "") if asked == token and to == REPORTER_ROLE else (FOLLOWER_ROLE, "")
    if role == FOLLOWER_ROLE:
        person = to.partition(":")[2] or token
    code = link_for(role, int(payload["closing_no"]), now, LINK_IN_LETTER_DAYS, person).code(
        context.keyring, asked
    )
    return f"{context.public_url}/r/{asked}/say/{code}"


def voter_of(keyring: Keyring, token: str, role: str, person: str = "") -> Voter:
    """The same person is the same voter of a case by whatever way they come, and another one of every other case."""
    return Voter(role, keyring.pseudonym("voter", "\x1f".join((token, role, person))))


def _signature(keyring: Keyring, token: str, plain: str) -> str:
    mark = keyring.pseudonym(PURPOSE, f"{token}\x1f{plain}")[:16]
    return base64.urlsafe_b64encode(mark).decode().rstrip("=")
