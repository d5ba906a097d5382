"""Knows people apart without knowing them: a keyed hash of what they left, or of where a report came from."""

from __future__ import annotations

import re

from portal.operations.context import Context
from portal.operations.submission import Submission


def voice_of(context: Context, submission: Submission, family: str) -> bytes | None:
    """Who speaks, within one family of services only: e-mail, else telephone, else the address it came from.

    None where nothing is known, as for a report that the call centre took down: each of these counts as one.
    """
    contact = submission.contact
    if contact is not None and contact.email:
        return context.keyring.pseudonym("voice", f"{family} {one_mailbox(contact.email)}")
    if contact is not None and contact.phone:
        digits = re.sub(r"\D", "", contact.phone)[-11:]
        return context.keyring.pseudonym("voice", f"{family} {digits}")
    if submission.voice:
        return context.keyring.pseudonym("voice", f"{family} {submission.voice}")
    return None


def one_mailbox(email: str) -> str:
    """An address as the letter box that it names: name+tag is the same one."""
    name, _, host = email.strip().casefold().rpartition("@")
    return f"{name.partition('+')[0]}@{host}"
