"""Knows `wenlu boundaries`: a boundary file staged as an edition, compared, put in force, taken back."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from datetime import date, datetime
from typing import Any

import click

from geo.boundary import USUAL_SNAP_M
from geo.compare import Comparison
from geo.topology import check_layer
from portal.cli.boundaries_check import check
from portal.cli.boundary_files import Source, read, source_options, step, tell
from portal.cli.connect import reached
from portal.operations.manage_editions import Activated, roll_back, stage_edition, switch_edition
from portal.queries.edition_changes import AffectedCase, affected_cases, compare_editions, recorded_cases
from portal.queries.editions import EditionRow, list_editions

day_type = click.DateTime(["%Y-%m-%d"])


@click.group()
def boundaries() -> None:
    """Boundary files and the editions of a layer."""


boundaries.add_command(check)


@boundaries.command()
@source_options
@click.option("--layer", "layer_name", required=True, help="the layer that the file is an edition of")
@click.option("--new-layer", is_flag=True, help="the city does not have the layer yet")
@click.option("--tie-order", type=int, default=100, show_default=True, help="of a new layer")
@click.option(
    "--snap", type=click.FloatRange(min=0), default=USUAL_SNAP_M, show_default=True, help="m, of a new layer"
)
@click.option("--valid-from", type=day_type, help="first day on which this map is the legal one")
@click.option("--valid-to", type=day_type, help="first day on which it no longer is")
def stage(
    layer_name: str,
    new_layer: bool,
    tie_order: int,
    snap: float,
    valid_from: datetime | None,
    valid_to: datetime | None,
    **given: Any,
) -> None:
    """Put a file beside the edition in force, as a staged edition; decisions do not change."""
    source = Source(**given)
    done = read(source, layer_name, is_code_needed=True, tie_order=tie_order, snap_m=snap)
    layer = done.layer
    step("checking topology")
    if tell([*done.findings, *check_layer(layer, rows=done.rows)], source.file.name):
        raise click.ClickException(f"{source.file.name} has errors; nothing was staged")
    step("storing")
    with reached() as here, here.database.transaction() as tx:
        staged = stage_edition(
            tx, here.context(), layer, is_new_layer=new_layer,
            valid_from=_day(valid_from), valid_to=_day(valid_to),
        )  # fmt: skip
    if staged.is_new:
        click.echo(
            f"edition {staged.edition_id} of {layer_name} is staged: {len(layer.boundaries)} boundaries"
        )
    else:
        click.echo(f"edition {staged.edition_id} has this content already and is {staged.state}")


@boundaries.command()
@click.argument("edition", type=int)
@click.argument("other", type=int, required=False)
def compare(edition: int, other: int | None) -> None:
    """Tell what an edition changes against the one in force, or OTHER against EDITION; nothing is changed."""
    with reached() as here, here.database.reading() as tx:
        context = here.context()
        old, new, found = compare_editions(tx, context.jurisdiction_id, edition, other)
        is_next = other is None and old.edition != new.edition
        affected = (
            affected_cases(tx, context.cities.city(tx, context.jurisdiction_id), new) if is_next else []
        )
    click.echo(f"{new.name}: edition {new.edition} against edition {old.edition}")
    for line in comparison_lines(found):
        click.echo(line)
    if is_next:
        _tell_affected(affected, "would change hands")


@boundaries.command()
@click.argument("edition", type=int)
def activate(edition: int) -> None:
    """Put an edition in force, staged or retired; running processes decide by it at once."""
    with reached() as here, here.database.transaction() as tx:
        done = switch_edition(tx, here.context(), edition)
    _tell_switch(done)


@boundaries.command()
@click.argument("layer")
def rollback(layer: str) -> None:
    """Put the edition before in force again; the one in force waits as a staged one."""
    with reached() as here, here.database.transaction() as tx:
        done = roll_back(tx, here.context(), layer)
    _tell_switch(done)


@boundaries.command()
def affected() -> None:
    """List open cases that a switch of maps would have sent to another unit, until somebody hands them over."""
    with reached() as here, here.database.reading() as tx:
        rows = recorded_cases(tx, here.context().jurisdiction_id)
    for row in rows:
        click.echo(
            f"{row.token}\t{row.held_by}\tnow {row.new_unit}\t{row.layer} edition {row.edition_id}"
            f"\t{row.at:%Y-%m-%d %H:%M}Z"
        )


@boundaries.command("list")
def list_() -> None:
    """List every edition of every layer."""
    with reached() as here, here.database.reading() as tx:
        rows = list_editions(tx, here.context().jurisdiction_id)
    for row in rows:
        click.echo("\t".join(_cells(row)))


def _tell_switch(done: Activated) -> None:
    for line in _warnings(done):
        click.echo(f"warning: {line}", err=True)
    if not done.is_changed:
        click.echo(f"edition {done.edition_id} of {done.layer} was in force already; nothing changed")
        return
    _tell_affected(done.affected, "lie where the new map names another unit; none was moved")
    instead = f" in place of {done.replaced}" if done.replaced else ""
    click.echo(f"edition {done.edition_id} of {done.layer} is in force{instead}")


def _tell_affected(affected: Sequence[AffectedCase], what: str) -> None:
    """List the cases whose unit is another one by the new map than the one that has them."""
    listed = [one for one in affected if one.held_by != one.new_unit]
    for one in listed:
        place = f"{'+'.join(one.old_codes) or 'nowhere'} -> {'+'.join(one.new_codes) or 'nowhere'}"
        click.echo(f"{one.token}\t{one.service_code}\t{place}\t{one.held_by} -> {one.new_unit}")
    if listed:
        click.echo(f"{len(listed)} open case{'s'[: len(listed) > 1]} {what}")


def comparison_lines(found: Comparison) -> Iterator[str]:
    """Spell a comparison: counts, each boundary that is not the same, whose ground went to whom."""
    counts = Counter(change.kind for change in found.changes)
    yield ", ".join(f"{count} {kind}" for kind, count in counts.items())
    for change in found.changes:
        if change.kind in {"same", "redrawn"}:
            continue
        codes = f"{change.old_code} -> {change.new_code}" if change.kind == "recoded" else change.code
        names = f"\t{change.old_name} -> {change.new_name}" if change.kind == "renamed" else ""
        yield f"{change.kind}\t{codes}\t+{change.gained_m2:,.0f} m²\t-{change.lost_m2:,.0f} m²{names}"
    for one in found.transfers:
        yield f"ground\t{one.from_code or 'nobody'} -> {one.to_code or 'nobody'}\t{one.area_m2:,.0f} m²"


def _warnings(done: Activated) -> list[str]:
    lines = [f"rule {problem.rule_id}: {problem.message}" for problem in done.problems]
    return [*lines, "the edition is not valid yet on this day"] if done.is_early else lines


def _cells(row: EditionRow) -> list[str]:
    valid = f"{row.valid_from or '…'} to {row.valid_to or '…'}"
    since = f"since {row.activated_at:%Y-%m-%d %H:%M}Z" if row.activated_at else ""
    cells = [str(row.id), row.layer, row.state, f"{row.boundaries} boundaries", f"valid {valid}", since]
    return [cell for cell in cells if cell]


def _day(at: datetime | None) -> date | None:
    return at.date() if at else None
