"""Knows `wenlu replay`: a file of past requests through the real intake, and a summary of what came of it."""

from __future__ import annotations

import sys
import time
from collections import Counter
from pathlib import Path

import click

from portal.cli.connect import reached
from portal.operations.replay_requests import Agreement, Summary, replay_requests
from portal.pack.mapping import read_mapping, read_requests

MOST_LINES = 15


@click.command()
@click.argument("file", type=click.Path(path_type=Path, exists=True, dir_okay=False))
@click.option("--mapping", required=True, type=click.Path(path_type=Path, exists=True, dir_okay=False))
@click.option("--city", default="", help="jurisdiction_id of the city, where several are loaded")
def replay(file: Path, mapping: Path, city: str) -> None:
    """Put a file of past requests through the real intake under a simulated clock."""
    read = read_mapping(mapping)
    began = time.monotonic()
    with reached(city) as here:
        rows = read_requests(file, read)
        summary = replay_requests(here.database, here.context(), rows, read, _progress)
    for line in summary_lines(summary):
        click.echo(line)
    for line in default_point_warnings(summary):
        click.echo(line, err=True)
    seconds = time.monotonic() - began
    click.echo(f"{summary.rows / max(seconds, 0.001):.0f} rows a second, {seconds:.0f} s in all")


def summary_lines(summary: Summary) -> list[str]:
    """The summary in words."""
    lines = [
        f"{summary.rows} rows: {summary.stored} stored, {summary.repeated} known already, "
        f"{sum(summary.refused.values())} refused; {summary.clocks} clocks started",
        f"ambiguous: {summary.ambiguous} ({_share(summary.ambiguous, summary.stored)})",
    ]
    lines += _counted("refused", summary.refused) + _counted("place flagged", summary.flags)
    lines += _counted("unit", summary.units) + _counted("rule", summary.rules)
    lines += _counted("confidence", summary.confidence)
    return lines + [_agreement(name, found) for name, found in summary.agreement.items()]


def default_point_warnings(summary: Summary) -> list[str]:
    """What to add to the mapping where one point holds an outlandish share of the rows."""
    return [
        f"warning: {point.count} rows ({_share(point.count, summary.rows)}) lie on one point, {point.excess:.0f} times "
        "as many as on a usual busy one: probably where no place was known. To flag them, add under "
        f"[default_points]: found_{number} = [{point.lon}, {point.lat}, 15]"
        for number, point in enumerate(summary.places.default_points(), start=1)
    ]


def _agreement(name: str, found: Agreement) -> str:
    return (
        f"{name}: {found.agreed} of {found.compared} agree ({_share(found.agreed, found.compared)}); farther than "
        f"5 m from a border {found.agreed_inside} of {found.compared_inside} "
        f"({_share(found.agreed_inside, found.compared_inside)})"
    )


def _counted(title: str, counts: Counter[str]) -> list[str]:
    shown = [f"{title} {name}: {count}" for name, count in counts.most_common(MOST_LINES)]
    rest = sum(counts.values()) - sum(count for _, count in counts.most_common(MOST_LINES))
    return shown + ([f"{title} (others): {rest}"] if rest else [])


def _share(part: int, whole: int) -> str:
    return f"{100 * part / whole:.2f} %" if whole else "none"


def _progress(count: int) -> None:
    if sys.stderr.isatty():
        click.echo(f"\r{count:,} rows", nl=False, err=True)
