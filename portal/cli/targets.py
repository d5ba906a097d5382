"""Knows `wenlu targets learn`: the days that a city gives each service, from a file of its own due times."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import click

from portal.cli.packs import open_pack, pack_option, readable
from portal.cli.rules_lint import file_type
from portal.pack.convert import calendar_of
from portal.pack.mapping import read_mapping, read_requests
from portal.pack.request_files import RequestFileError
from routing.calendar import WorkingCalendar
from routing.learn_targets import LEAST, LearntTarget, PastDue, explained, learn_targets

COLUMNS = ("service_code", "priority", "clock", "stage", "amount", "unit")
EARLIER = 0.8


@click.group()
def targets() -> None:
    """Aims: by when a service is promised to be done."""


@targets.command()
@click.argument("file", type=file_type)
@click.option(
    "--mapping", required=True, type=file_type, help="the MAP.toml of FILE, with opened_at and due_at"
)
@pack_option
@click.option("--service", help="FILE's column with the service; the mapping's without it")
@click.option("--least", default=LEAST, show_default=True, help="cases of a service before it gets a target")
@click.option("--out", type=click.Path(path_type=Path, dir_okay=False), help="write the rows for targets.csv")
def learn(file: Path, mapping: Path, pack: Path, service: str | None, least: int, out: Path | None) -> None:
    """Learn amount and unit of each service's promise from due times that the city itself has set.

    The pack's calendar says what counts. Prints which share of FILE's due times follow within two minutes, also
    those of the later fifth under targets learnt from the earlier four.
    """
    with readable():
        calendar = calendar_of(open_pack(pack))
        past = past_dues(file, mapping, service)
    if not past:
        raise click.ClickException(f"{file.name}: no row has a service, an opening and a due time")
    learnt = learn_targets(past, calendar, least)
    if out is None:
        click.echo(as_csv(learnt), nl=False)
    else:
        out.write_text(as_csv(learnt), encoding="utf-8")
    for line in report_lines(past, learnt, calendar, least):
        click.echo(line, err=out is None)


def past_dues(file: Path, mapping: Path, service: str | None = None) -> list[PastDue]:
    """The rows of a file that say when they were opened and due; `service` names the column that tells them apart."""
    read = read_mapping(mapping)
    if service:
        values = {name: table for name, table in read.values.items() if name != "service_code"}
        read = replace(read, columns={**read.columns, "service_code": service}, values=values)
    try:
        return [
            PastDue(row.service_code, row.opened_at, row.due_at)
            for row in read_requests(file, read)
            if row.service_code and row.opened_at is not None and row.due_at is not None
        ]
    except RequestFileError as fault:
        raise click.ClickException(str(fault)) from None


def as_csv(learnt: Sequence[LearntTarget]) -> str:
    """The rows as targets.csv has them."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(COLUMNS)
    for one in learnt:
        aim = one.target
        writer.writerow([aim.applies_to, aim.priority, aim.clock, aim.stage, f"{aim.amount:g}", aim.unit])
    return text.getvalue()


def report_lines(
    past: Sequence[PastDue], learnt: Sequence[LearntTarget], calendar: WorkingCalendar, least: int
) -> list[str]:
    """The figures in words."""
    ordered = sorted(past, key=lambda case: (case.opened_at, case.service))
    cut = int(len(ordered) * EARLIER)
    earlier, later = ordered[:cut], ordered[cut:]
    held_out = explained(later, learn_targets(earlier, calendar, least), calendar) / max(len(later), 1)
    share = explained(past, learnt, calendar) / len(past)
    weak = [one.service for one in learnt if one.share < 0.9 and one.service != "*"]
    lines = [
        f"{len(learnt)} targets learnt from {len(past)} due times; {share:.4f} of them follow within 2 minutes",
        f"learnt from the earlier {len(earlier)}, {held_out:.4f} of the later {len(later)} follow",
    ]
    return [*lines, *([f"less than 0.9 for: {', '.join(weak)}"] if weak else [])]
