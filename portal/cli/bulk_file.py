"""Knows how a pack becomes a plan for a whole file, and how the file of answers appears when it is finished."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import click

from portal.cli.packs import moment, router_of
from portal.pack import bulk_csv
from portal.pack.bulk import BulkPlan
from portal.pack.bulk_csv import BulkFileError
from portal.pack.bulk_dask import route_apart
from portal.pack.bulk_many import ChunkRouter
from portal.pack.bulk_parquet import is_parquet, need_pyarrow
from portal.pack.bulk_run import Count, Source, route_source
from portal.pack.model import Pack

ENDINGS = ".csv, .csv.gz, .parquet"


def plan_of(pack: Pack, at: str | None, **how: Any) -> BulkPlan:
    """The plan for a pack, with the map in force on the day of `at`; notes go to stderr."""
    zone = ZoneInfo(pack.city.timezone)
    instant: datetime = moment(at, zone)
    here = router_of(pack, instant.astimezone(zone).date())
    for note in here.notes:
        click.echo(f"note: {note}", err=True)
    return BulkPlan(here.router, instant, **how)


def crs_of(name: str | None) -> str:
    """The coordinate system as PROJ spells it; "" where coordinates are degrees already."""
    import pyproj

    try:
        crs = pyproj.CRS.from_user_input(name or "OGC:CRS84")
    except pyproj.exceptions.CRSError:
        raise click.BadParameter(f"the coordinate system {str(name)[:60]!r} is not known") from None
    is_degrees = crs.equals(pyproj.CRS.from_user_input("OGC:CRS84"), ignore_axis_order=True)
    return "" if is_degrees else str(crs.to_wkt())


def route_file(
    plan: BulkPlan, source: Source, wanted: dict[str, str], target: Path, dask: str | None = None
) -> Count:
    """Route a file, by the workers of a Dask cluster where its address is given.

    `target` appears when all of it is written, and is left alone otherwise.
    """
    rows = bulk_csv.CHUNK_ROWS
    with _finished(target) as to:
        if dask is None:
            count = route_source(ChunkRouter(plan), source, target, to, rows, _progress)
        else:
            count = route_apart(dask, plan, source, wanted, target, to, rows)
    if sys.stderr.isatty():
        click.echo(err=True)  # ends the line of progress
    return count


@contextmanager
def _finished(target: Path) -> Iterator[Path]:
    """A file beside the target that takes its name when the block ends well, and vanishes otherwise."""
    part = target.with_name(f".{target.name}.{os.getpid()}.part")
    try:
        yield part
        part.replace(target)
    except OSError as error:
        raise BulkFileError(f"{target}: cannot be written: {error.strerror or error}") from error
    finally:
        part.unlink(missing_ok=True)


def check_ending(path: Path) -> None:
    """Refuse before any work is done: an unknown ending, or parquet without pyarrow."""
    if is_parquet(path):
        need_pyarrow(path)
    elif not path.name.lower().endswith((".csv", ".csv.gz")):
        raise BulkFileError(f"{path.name}: only files ending in {ENDINGS} are read and written")


def _progress(rows: int) -> None:
    if sys.stderr.isatty():
        click.echo(f"\r{rows:,} rows", nl=False, err=True)
