"""Knows the installation's keys: sealing contact data, keyed hashes, and random tokens."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import secrets
from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import Any

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

# Crockford's base 32 without letters that are mistaken for digits: a token can be read out on the telephone.
ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
TOKEN_LENGTH = 14  # 70 random bits
NONCE_BYTES = 12


def new_token() -> str:
    """A public report number: 70 random bits in 14 characters."""
    return "".join(secrets.choice(ALPHABET) for _ in range(TOKEN_LENGTH))


def read_token(text: str) -> str:
    """A token as typed by a person: spaces and hyphens dropped, mistaken letters mended."""
    typed = text.strip().upper().replace("-", "").replace(" ", "")
    return typed.replace("O", "0").replace("I", "1").replace("L", "1")


def new_secret() -> str:
    """A secret of 256 random bits for a cookie, in letters that are safe there."""
    return secrets.token_urlsafe(32)


def digest(text: str) -> bytes:
    """SHA-256 of a text: how secrets with enough randomness are kept."""
    return hashlib.sha256(text.encode()).digest()


class Keyring:
    """Keys derived from the installation's secret, one per purpose."""

    def __init__(self, secret: str, old: Sequence[str] = ()) -> None:
        self._secret, self._old = secret.encode(), tuple(each.encode() for each in old)

    def _key(self, purpose: str) -> bytes:
        return hmac.digest(self._secret, purpose.encode(), "sha256")

    def _keys(self, purpose: str) -> list[bytes]:
        """The key and those before it, the newest first."""
        return [hmac.digest(each, purpose.encode(), "sha256") for each in (self._secret, *self._old)]

    def pseudonym(self, purpose: str, text: str) -> bytes:
        """A keyed hash: counts the same person again without keeping who it is."""
        return hmac.digest(self._key(purpose), text.encode(), "sha256")

    def cookie_key(self) -> bytes:
        """Key that signs cookies and one-time links."""
        return self._key("cookie")

    def reporter_secret(self, token: str) -> str:
        """The 128-bit secret of a report's private link: derived, so that messages can carry it and no table does."""
        return _link_secret(self._key("reporter"), token)

    def is_reporter_secret(self, token: str, secret: str) -> bool:
        """Whether a secret belongs to the report, compared in constant time; links from before a rotation count."""
        given = secret.encode()
        known = [_link_secret(key, token).encode() for key in self._keys("reporter")]
        return any(hmac.compare_digest(each, given) for each in known)

    def seal(self, value: Mapping[str, Any], *, bound_to: str) -> bytes:
        """Encrypt a small document (AES-256-GCM), so that it opens only for the row it is bound to."""
        nonce = secrets.token_bytes(NONCE_BYTES)
        plain = json.dumps(dict(value), ensure_ascii=False).encode()
        return nonce + AESGCM(self._key("contact")).encrypt(nonce, plain, bound_to.encode())

    def open(self, sealed: bytes, *, bound_to: str) -> dict[str, Any]:
        """Decrypt what `seal` made, now or under an old key; ValueError where the key or the row is another."""
        for key in self._keys("contact"):
            with suppress(InvalidTag):
                plain = AESGCM(key).decrypt(sealed[:NONCE_BYTES], sealed[NONCE_BYTES:], bound_to.encode())
                return dict(json.loads(plain))
        raise ValueError("this contact data was sealed with another key")


def _link_secret(key: bytes, token: str) -> str:
    return base64.urlsafe_b64encode(hmac.digest(key, token.encode(), "sha256")[:16])[:22].decode()
