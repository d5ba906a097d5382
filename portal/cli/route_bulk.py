"""Knows `wenlu route bulk`: a file in, the same rows with their answers out, a chunk at a time."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import click
import pandas as pd

from geo.crs import Datum
from portal.cli.packs import moment, open_pack, pack_option, readable, router_of
from portal.pack.bulk import BulkPlan
from portal.pack.bulk_csv import BulkFileError, CsvSource, csv_sink
from portal.pack.bulk_dask import dask_router
from portal.pack.bulk_many import Batch, ChunkRouter
from portal.pack.bulk_parquet import SUFFIXES, ParquetSource, need_pyarrow, parquet_sink, rows_of
from portal.pack.model import DATUMS, Pack

Source = CsvSource | ParquetSource
Write = Callable[[Batch, pd.DataFrame], None]
ENDINGS = ".csv, .csv.gz, .parquet"


@dataclass(slots=True)
class Count:
    """How many rows went through, and how many of them have an error."""

    rows: int = 0
    errors: int = 0


@click.command()
@click.argument("source", metavar="IN", type=click.Path(path_type=Path, exists=True, dir_okay=False))
@click.argument("target", metavar="OUT", type=click.Path(path_type=Path, dir_okay=False))
@pack_option
@click.option("--lon-column", default="lon", show_default=True)
@click.option("--lat-column", default="lat", show_default=True)
@click.option("--service-column", default="service_code", show_default=True)
@click.option("--time-column", help="ISO 8601, in the city's time zone unless it names one; now without it")
@click.option("--priority-column", help="computed without it")
@click.option("--answers-column", help="a JSON object, or question=key;question=key")
@click.option("--crs", help='of the coordinates, such as "EPSG:2249"; degrees without it')
@click.option("--datum", type=click.Choice(DATUMS), help="of the coordinates; the city's without it")
@click.option("--at", help="time of all rows, and the day whose map is used; now without it")
@click.option("--dask", metavar="ADDRESS", help="of a Dask scheduler whose workers do the routing: tcp://…")
def bulk(
    source: Path,
    target: Path,
    pack: Path,
    lon_column: str,
    lat_column: str,
    service_column: str,
    time_column: str | None,
    priority_column: str | None,
    answers_column: str | None,
    crs: str | None,
    datum: Datum | None,
    at: str | None,
    dask: str | None,
) -> None:
    """Route a CSV(.gz) or (Geo)Parquet file: every column of IN, then unit, rule, confidence and layers.

    Rows keep their order. A row that cannot be routed keeps its place, with the reason in `error`.
    """
    named: dict[str, str | None] = {"lon": lon_column, "lat": lat_column, "service": service_column}
    named |= {"time": time_column, "priority": priority_column, "answers": answers_column}
    wanted = {field: column for field, column in named.items() if column}
    _check_ending(source)
    _check_ending(target)
    with readable():
        read = open_pack(pack)
        opened = _open(source, wanted)
        system = crs_of(crs or opened.crs)
        # The city's datum is that of its clients; a file that declares its geometry's system means it.
        given = datum or ("wgs84" if opened.crs else None)
        plan = plan_of(read, at, crs=system, datum=given, has_time=bool(time_column))
        count = route_file(plan, opened, target, dask)
    failed = f", {count.errors:,} of them with an error" if count.errors else ""
    click.echo(f"{count.rows:,} rows routed to {target}{failed}")


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
            count.errors += int((answers["error"] != "").sum())
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

        def write(batch: Batch, answers: pd.DataFrame) -> None:
            rows = batch.rows if batch.table is None else rows_of(batch.table)
            out.write(rows, answers)

        yield write


def _open(path: Path, wanted: dict[str, str]) -> Source:
    return ParquetSource(path, wanted) if path.suffix.lower() in SUFFIXES else CsvSource(path, wanted)


def _check_ending(path: Path) -> None:
    """Refuse before any work is done: an unknown ending, or parquet without pyarrow."""
    if path.suffix.lower() in SUFFIXES:
        need_pyarrow(path)
    elif not path.name.lower().endswith((".csv", ".csv.gz")):
        raise BulkFileError(f"{path.name}: only files ending in {ENDINGS} are read and written")


def _progress(rows: int) -> None:
    if sys.stderr.isatty():
        click.echo(f"\r{rows:,} rows", nl=False, err=True)
