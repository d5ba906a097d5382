"""Knows how an event is sealed: canonical bytes, commitments, the hash chain of a case, and Merkle roots."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any

import rfc8785

GENESIS = bytes(32)
SALT_BYTES = 32


def canonical(value: Any) -> bytes:
    """Canonical JSON (RFC 8785): the same value always gives the same bytes.

    The standard encoder agrees with RFC 8785 on everything but rare numbers and keys; it is six times as fast
    as the library, which takes what is rare.
    """
    try:
        return _ENCODER.encode(_common(value)).encode()
    except _RareError:
        return rfc8785.dumps(value)


_ENCODER = json.JSONEncoder(ensure_ascii=False, allow_nan=False, sort_keys=True, separators=(",", ":"))
_EXACT_INTEGER = 2**53


class _RareError(Exception):
    """A value on which the standard encoder and RFC 8785 may differ."""


def _common(value: Any) -> Any:
    """The value with whole floats as integers, as ECMAScript writes them; raises for what is rare."""
    kind = type(value)
    if kind is str or value is None or kind is bool:
        return value
    if kind is dict:
        for key in value:
            if type(key) is not str or not key.isascii():
                raise _RareError
        # Nearly all values are text: these are not worth a call each.
        return {key: item if type(item) is str else _common(item) for key, item in value.items()}
    if kind is list or kind is tuple:
        return [_common(item) for item in value]
    if kind is int and -_EXACT_INTEGER < value < _EXACT_INTEGER:
        return value
    if kind is float and 1e-4 <= abs(value) < _EXACT_INTEGER:
        return int(value) if value.is_integer() else value
    if kind is float and value == 0:
        return 0
    raise _RareError


@lru_cache(maxsize=256)
def wire_time(at: datetime) -> str:
    """An instant as it is hashed: UTC, six decimals, Z."""
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


@dataclass(frozen=True, slots=True)
class Link:
    """One event of a case as the chain sees it. `case` is the public token, `seq` counts from 1."""

    case: str
    seq: int
    at: datetime
    kind: str
    public: Mapping[str, Any]
    private_commitment: bytes
    prev_hash: bytes
    hash: bytes

    def expected_hash(self) -> bytes:
        """SHA-256 over the public fields, the commitment and the previous hash."""
        return link_hash(
            self.case, self.seq, self.at, self.kind, self.public, self.private_commitment, self.prev_hash
        )


def link_hash(
    case: str,
    seq: int,
    at: datetime,
    kind: str,
    public: Mapping[str, Any],
    commitment: bytes,
    previous: bytes,
) -> bytes:
    """The hash of an event from its fields as `Link` has them."""
    fields = {"at": wire_time(at), "case": case, "kind": kind, "public": dict(public), "seq": seq}
    return hashlib.sha256(canonical(fields) + commitment + previous).digest()


def make_link(
    *,
    case: str,
    seq: int,
    at: datetime,
    kind: str,
    public: Mapping[str, Any],
    commitment: bytes,
    prev_hash: bytes,
) -> Link:
    """A new link with its hash computed."""
    found = link_hash(case, seq, at, kind, public, commitment, prev_hash)
    return Link(case, seq, at, kind, public, commitment, prev_hash, found)


def commit_private(salt: bytes, private: Mapping[str, Any]) -> bytes:
    """SHA-256(salt ‖ canonical JSON): binds the private part without letting anybody guess it."""
    if len(salt) != SALT_BYTES:
        raise ValueError(f"a salt has {SALT_BYTES} bytes, not {len(salt)}")
    return hashlib.sha256(salt + canonical(dict(private))).digest()


def chain_faults(links: Iterable[Link]) -> Iterator[str]:
    """Every place where the chain of one case does not hold, in words; links come in order of `seq`."""
    previous, expected_seq = GENESIS, 1
    for link in links:
        name = f"event {link.case}/{link.seq} ({link.kind})"
        if link.seq != expected_seq:
            yield f"{name}: expected number {expected_seq}; events before it are missing"
        elif link.prev_hash != previous:
            yield f"{name}: does not follow the event before it"
        if link.expected_hash() != link.hash:
            yield f"{name}: altered, or inserted without a valid hash"
        previous, expected_seq = link.hash, link.seq + 1


def next_chain_hash(previous: bytes, event_hash: bytes) -> bytes:
    """The running hash over all events of the installation, in the order of sealing."""
    return hashlib.sha256(previous + event_hash).digest()


def merkle_root(leaves: Sequence[bytes]) -> bytes:
    """Root of a Merkle tree (RFC 6962: leaf and node prefixes; an odd node moves up unchanged)."""
    if not leaves:
        return hashlib.sha256(b"").digest()
    level = [hashlib.sha256(b"\x00" + leaf).digest() for leaf in leaves]
    while len(level) > 1:
        pairs = [
            hashlib.sha256(b"\x01" + level[n] + level[n + 1]).digest() for n in range(0, len(level) - 1, 2)
        ]
        level = pairs + ([level[-1]] if len(level) % 2 else [])
    return level[0]
