"""Knows how a file is routed: from a pack to a plan, from a source to a target, a chunk at a time."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import click

from portal.cli.packs import moment, router_of
from portal.pack.bulk import BulkPlan
from portal.pack.bulk_answers import Answers
from portal.pack.bulk_csv import BulkFileError, CsvSource, csv_sink
from portal.pack.bulk_dask import dask_router
from portal.pack.bulk_many import Batch, ChunkRouter
from portal.pack.bulk_parquet import SUFFIXES, ParquetSource, need_pyarrow, parquet_sink, rows_of
from portal.pack.model import Pack

Source = CsvSource | ParquetSource
Write = Callable[[Batch, Answers], None]
ENDINGS = ".csv, .csv.gz, .parquet"


@dataclass(slots=True)
class Count:
    """How many rows went through, and how many of them have an error."""

    rows: int = 0
    errors: int = 0


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


def route_file(plan: BulkPlan, source: Source, target: Path, dask: str | None = None) -> Count:
    """Route chunk by chunk, by the workers of a Dask cluster where its address is given.

    `target` appears when all of it is written, and is left alone otherwise.
    """
    count = Count()
    with (
        nullcontext(ChunkRouter(plan)) if dask is None else dask_router(dask, plan) as router,
        _finished(target) as to,
        _sink(target, to, source, plan.columns) as write,
    ):
        for batch, answers in router.routed(source.batches()):
            write(batch, answers)
            count.rows += len(answers)
            count.errors += answers.errors
            _progress(count.rows)
    source.close()
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


@contextmanager
def _sink(target: Path, to: Path, source: Source, columns: tuple[str, ...]) -> Iterator[Write]:
    if target.suffix.lower() in SUFFIXES:
        with parquet_sink(to, source, columns) as sink:
            yield sink.write
        return
    with csv_sink(target, to, source.header, columns) as out:
        yield lambda batch, answers: out.write(batch, _rows, answers)


def _rows(batch: Batch) -> Sequence[Sequence[Any]]:
    return batch.rows if batch.table is None else rows_of(batch.table)


def open_source(path: Path, wanted: dict[str, str]) -> Source:
    """Open a file; `wanted` maps the fields of `Cells` to its columns. BulkFileError where it cannot be."""
    return ParquetSource(path, wanted) if path.suffix.lower() in SUFFIXES else CsvSource(path, wanted)


def check_ending(path: Path) -> None:
    """Refuse before any work is done: an unknown ending, or parquet without pyarrow."""
    if path.suffix.lower() in SUFFIXES:
        need_pyarrow(path)
    elif not path.name.lower().endswith((".csv", ".csv.gz")):
        raise BulkFileError(f"{path.name}: only files ending in {ENDINGS} are read and written")


def _progress(rows: int) -> None:
    if sys.stderr.isatty():
        click.echo(f"\r{rows:,} rows", nl=False, err=True)
