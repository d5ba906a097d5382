"""Knows how to prove from the published files alone that no event was changed, removed or slipped in."""

from __future__ import annotations

import csv
import gzip
import json
from collections.abc import Callable, Iterator
from datetime import datetime
from itertools import groupby
from pathlib import Path
from typing import Any

from portal.errors import InvalidInput
from portal.i18n import N_, Message
from portal.operations.verify_ledger import Verdict
from routing.custody import GENESIS, Link, chain_faults, merkle_root, next_chain_hash


def verify_dump(folder: Path, on_progress: Callable[[int], None] = lambda _: None) -> Verdict:
    """Check every chain, seal and daily root of a dump; InvalidInput where a file is missing or unreadable.

    Holds 32 bytes for each event in memory. Events that are not sealed yet are checked within their chain.
    """
    verdict = Verdict()
    try:
        hashes = _check_events(folder, verdict, on_progress)
        leaves = _check_seals(folder, verdict, hashes)
        _check_days(folder, verdict, leaves)
    except (OSError, EOFError, ValueError, KeyError, TypeError) as error:
        faulty = Message(N_("The dump cannot be read: %(why)s"), {"why": f"{type(error).__name__}: {error}"})
        raise InvalidInput({"dump": faulty}) from None
    return verdict


def _check_events(
    folder: Path, verdict: Verdict, on_progress: Callable[[int], None]
) -> dict[tuple[str, int], bytes]:
    hashes: dict[tuple[str, int], bytes] = {}
    for case, rows in groupby(_lines(folder / "events.ndjson.gz"), key=lambda row: row["case"]):
        links = [_link(row) for row in rows]
        if (case, 1) in hashes:
            verdict.faults.append(f"case {case}: stands in the dump twice")
        hashes |= {(case, link.seq): link.hash for link in links}
        verdict.faults += chain_faults(links)
        verdict.events += len(links)
        on_progress(verdict.events)
    return hashes


def _check_seals(folder: Path, verdict: Verdict, hashes: dict[tuple[str, int], bytes]) -> list[bytes]:
    """Every seal follows the one before it and seals the event that the dump has; answers the running hashes."""
    chain, leaves = GENESIS, []
    for expected, seal in enumerate(_lines(folder / "seals.ndjson.gz"), 1):
        sealed, told = bytes.fromhex(seal["hash"]), bytes.fromhex(seal["chain"])
        if seal["n"] != expected:
            verdict.faults.append(
                f"seal {seal['n']}: expected number {expected}; seals before it are missing"
            )
        if next_chain_hash(chain, sealed) != told:
            verdict.faults.append(f"seal {seal['n']}: does not hold")
        if "case" in seal and hashes.get((seal["case"], seal["seq"])) != sealed:
            verdict.faults.append(f"event {seal['case']}/{seal['seq']}: sealed, but missing or another one")
        chain = told
        leaves.append(told)
        verdict.seals += 1
    return leaves


def _check_days(folder: Path, verdict: Verdict, leaves: list[bytes]) -> None:
    with gzip.open(folder / "roots.csv.gz", "rt", encoding="utf-8", newline="") as table:
        for row in csv.DictReader(table):
            verdict.days += 1
            some = leaves[int(row["first"]) - 1 : int(row["last"])]
            if merkle_root(some) != bytes.fromhex(row["root"]):
                verdict.faults.append(f"day {row['day']}: its published root does not match its seals")


def _lines(path: Path) -> Iterator[dict[str, Any]]:
    with gzip.open(path, "rt", encoding="utf-8") as lines:
        for line in lines:
            yield json.loads(line)


def _link(row: dict[str, Any]) -> Link:
    commitment, prev, own = (bytes.fromhex(row[name]) for name in ("commitment", "prev", "hash"))
    at = datetime.fromisoformat(row["at"])
    return Link(row["case"], row["seq"], at, row["kind"], row["public"], commitment, prev, own)
