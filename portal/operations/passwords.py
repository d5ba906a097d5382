"""Knows how staff passwords are kept (argon2id), and which ones are too weak to take."""

from __future__ import annotations

import secrets
import unicodedata
from functools import cache

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from portal.crypto import ALPHABET
from portal.i18n import N_, Message

# RFC 9106 argon2id; 32 MiB keeps a burst of sign-ins from eating a small machine, three passes make up for it.
HASHER = PasswordHasher(time_cost=3, memory_cost=32 * 1024, parallelism=1, hash_len=32, salt_len=16)
SHORTEST_PASSWORD, LONGEST_PASSWORD = 12, 200
FEWEST_DIFFERENT = 5
# What people type when a long password is asked for; compared without case, digits and signs at either end.
_COMMON_WORDS = """
password passwordpassword passw0rd p@ssword p@ssw0rd letmein letmeinplease welcome welcometo changeme changemenow
iloveyou qwerty qwertyuiop qwertyuiopasdf qwertyqwerty asdfghjkl asdfghjklqwe zxcvbnm qazwsxedc qazwsxedcrfv
administrator admin adminadmin rootroot superuser supervisor correcthorsebatterystaple trustno sunshine princess
football baseball dragon monkey mysecret mypassword secretpassword defaultpassword temporarypassword testtesttest
wenlu wenluwenlu wenluadmin woaini woainiwoaini mima wodemima
"""
COMMON = frozenset(_COMMON_WORDS.split())
RUNS = (
    "1234567890" * 21,
    "9876543210" * 21,
    "abcdefghijklmnopqrstuvwxyz" * 8,
    "1qaz2wsx3edc4rfv5tgb6yhn7ujm",
)


def hash_password(password: str) -> str:
    """The hash to keep, with its own salt and parameters."""
    return HASHER.hash(_normal(password))


def is_password(kept: str | None, password: str) -> bool:
    """Whether a password matches; without a kept hash the same work is done and the answer is no."""
    try:
        HASHER.verify(kept or _nobodys_hash(), _normal(password)[:LONGEST_PASSWORD])
    except (VerificationError, InvalidHashError):
        return False
    return kept is not None


def is_outdated(kept: str) -> bool:
    """Whether a hash was made with other parameters than today's, so that it should be made again."""
    return HASHER.check_needs_rehash(kept)


def password_fault(password: str, email: str = "") -> Message | None:
    """Why a person may not have this password; None when it will do."""
    typed = _normal(password)
    if len(typed) < SHORTEST_PASSWORD:
        return Message(N_("Use at least %(count)s characters."), {"count": SHORTEST_PASSWORD})
    if len(typed) > LONGEST_PASSWORD:
        return Message(N_("Use at most %(count)s characters."), {"count": LONGEST_PASSWORD})
    if _is_common(typed.casefold(), email):
        return Message(N_("This password is easy to guess. Use several unrelated words."))
    return None


def new_password() -> str:
    """A random password of 100 bits in groups that can be read out and typed."""
    letters = "".join(secrets.choice(ALPHABET) for _ in range(20)).lower()
    return "-".join(letters[start : start + 4] for start in range(0, 20, 4))


def _is_common(typed: str, email: str) -> bool:
    core = typed.strip("0123456789!@#$%^&*()_-+=.,?~ ")
    person = email.partition("@")[0].casefold()
    return (
        core in COMMON
        or typed in COMMON
        or len(set(typed)) < FEWEST_DIFFERENT
        or any(typed in run for run in RUNS)
        or (len(person) >= 4 and core in {person, person + person})
    )


def _normal(password: str) -> str:
    """One form for the same letters, whichever keyboard they were typed on."""
    return unicodedata.normalize("NFKC", password)


@cache
def _nobodys_hash() -> str:
    """A hash that no password is known for, so that an unknown account costs as much as a known one."""
    return HASHER.hash(secrets.token_urlsafe(32))
