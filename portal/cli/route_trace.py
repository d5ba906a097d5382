"""Knows `wenlu route trace`: the decision about a stored case derived again, rule by rule, beside its receipt."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from typing import TYPE_CHECKING

import click

from portal.queries.receipt_words import CityNames, miss_message, reason_message

if TYPE_CHECKING:
    from portal.queries.past_decisions import Derived
    from routing.leaves import LeafResult
    from routing.trace import TraceLine


@click.command()
@click.argument("token")
@click.option("--all", "shows_all", is_flag=True, help="rules for other services, too")
def trace(token: str, shows_all: bool) -> None:
    """Decide a stored case again by the map and the rules of then, and tell every rule; exit 1 if it differs.

    TOKEN is the number of the report. Units, services and the calendar are those of today.
    """
    # `route explain` and `bulk` need no database, and do not wait for its libraries.
    from portal.cli.connect import reached
    from portal.crypto import read_token
    from portal.queries.past_decisions import derive_again

    with reached() as here, here.database.reading() as tx:
        context = here.context()
        view = context.cities.city(tx, context.jurisdiction_id)
        derived = derive_again(tx, view, read_token(token))
    for line in as_lines(derived, view, shows_all):
        click.echo(line)
    if not derived.is_equal:
        click.echo(f"not equal to the stored receipt in: {', '.join(derived.differences)}", err=True)
        sys.exit(1)
    click.echo("equal to the stored receipt")


def as_lines(derived: Derived, names: CityNames, shows_all: bool) -> Iterator[str]:
    """The trace as lines: what was decided, every rule with what it asked, the nearest misses."""
    told, receipt = derived.trace, derived.routed.receipt
    facts = derived.routed.facts
    yield str(reason_message(receipt, names))
    yield f"on {facts.local_time.isoformat()} for {facts.service.code}, priority {facts.priority}"
    if facts.point is not None:
        yield f"at {facts.point.lon:.6f}, {facts.point.lat:.6f} (WGS 84), known to {facts.accuracy_m:g} m"
    editions = ", ".join(f"{layer} {edition}" for layer, edition in receipt["editions"].items())
    yield f"rulebook {told.rulebook_version}; editions {editions}"
    yield f"facts {told.facts_digest}"
    for line in told.lines:
        if shows_all or line.verdict != "other_service":
            yield from _rule(line)
    for miss in receipt["misses"]:
        yield f"nearly: {miss_message(miss, names)}"


def _rule(line: TraceLine) -> Iterator[str]:
    yield f"{line.rule_id}: {line.verdict.replace('_', ' ')}{f', {line.unit}' if line.unit else ''}"
    if line.verdict not in {"other_service", "outside"}:
        yield from (f"  {_asked(leaf)}" for leaf in line.leaves)


def _asked(leaf: LeafResult) -> str:
    place = f" [{leaf.layer} {leaf.code}]" if leaf.code else ""
    away = f" {leaf.distance_m:.1f} m away" if leaf.distance_m else ""
    return f"{'yes' if leaf.is_true else 'no '}  {leaf.kind} {leaf.wanted}{place}{away}"
