"""The hash chain of a case: canonical bytes, commitments, faults named, Merkle roots."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
import rfc8785
from hypothesis import example, given
from hypothesis import strategies as st

from routing.custody import (
    GENESIS,
    Link,
    canonical,
    chain_faults,
    commit_private,
    make_link,
    merkle_root,
    wire_time,
)

NOON = datetime(2026, 3, 4, 12, 0, tzinfo=UTC)

json_values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**53) + 1, 2**53 - 1)
    | st.text()
    | st.floats(allow_nan=False, allow_infinity=False),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=5), inner, max_size=4),
    max_leaves=20,
)


@given(json_values)
@example(1.0)
@example(-0.0)
@example(1e16)
@example(0.00001)
@example({"b": 1, "a": [1.5, None, True, '\u2028\x1f\n"\\/é']})
@example({"\U0001f600": 1, "\ufb33": 2})
def test_canonical_bytes_are_those_of_the_standard(value: object) -> None:
    assert canonical(value) == rfc8785.dumps(value)


@pytest.mark.parametrize(
    ("instant", "written"),
    [
        (NOON, "2026-03-04T12:00:00.000000Z"),
        (datetime.fromisoformat("2026-03-04T20:00:00.5+08:00"), "2026-03-04T12:00:00.500000Z"),
    ],
)
def test_instants_are_hashed_in_utc(instant: datetime, written: str) -> None:
    assert wire_time(instant) == written


def chain(length: int = 4) -> list[Link]:
    links: list[Link] = []
    for seq in range(1, length + 1):
        links.append(
            make_link(
                case="TOKEN",
                seq=seq,
                at=NOON + timedelta(hours=seq),
                kind="request.updated",
                public={"n": seq},
                commitment=GENESIS,
                prev_hash=links[-1].hash if links else GENESIS,
            )
        )
    return links


def rehashed(link: Link, **changes: object) -> Link:
    changed = replace(link, **changes)  # type: ignore[arg-type]
    return replace(changed, hash=changed.expected_hash())


def test_an_untouched_chain_has_no_faults() -> None:
    assert list(chain_faults(chain())) == []


@pytest.mark.parametrize(
    ("name", "break_it", "named"),
    [
        ("public part altered", lambda c: [c[0], replace(c[1], public={"n": 9}), *c[2:]], "TOKEN/2"),
        ("time altered", lambda c: [c[0], replace(c[1], at=NOON), *c[2:]], "TOKEN/2"),
        ("kind altered", lambda c: [*c[:3], replace(c[3], kind="request.closed")], "TOKEN/4"),
        ("commitment altered", lambda c: [replace(c[0], private_commitment=b"x" * 32), *c[1:]], "TOKEN/1"),
        ("altered and hashed again", lambda c: [c[0], rehashed(c[1], public={"n": 9}), *c[2:]], "TOKEN/3"),
        ("removed", lambda c: [c[0], *c[2:]], "TOKEN/3"),
        ("first removed", lambda c: c[1:], "TOKEN/2"),
        ("inserted", lambda c: [*c[:2], rehashed(c[1], seq=3), *c[2:]], "TOKEN/3"),
        ("two exchanged", lambda c: [c[0], c[2], c[1], c[3]], "TOKEN/3"),
    ],
)
def test_every_change_is_named(name: str, break_it, named: str) -> None:  # type: ignore[no-untyped-def]
    assert any(named in fault for fault in chain_faults(break_it(chain()))), name


def test_a_commitment_depends_on_salt_and_content() -> None:
    salt, other = b"a" * 32, b"b" * 32
    assert commit_private(salt, {"phone": "1"}) != commit_private(other, {"phone": "1"})
    assert commit_private(salt, {"phone": "1"}) != commit_private(salt, {"phone": "2"})
    with pytest.raises(ValueError, match="32 bytes"):
        commit_private(b"short", {})


@given(st.lists(st.binary(min_size=32, max_size=32), min_size=1, max_size=33))
def test_a_root_notices_any_exchange_and_any_loss(leaves: list[bytes]) -> None:
    root = merkle_root(leaves)
    assert merkle_root([*leaves, b"\x00" * 32]) != root
    if len(leaves) > 1:
        assert merkle_root(leaves[:-1]) != root
    if len(set(leaves)) > 1:
        assert merkle_root(leaves[::-1]) != root or leaves == leaves[::-1]
