"""Knows `wenlu route bulk`: a file in, the same rows with their answers out."""

from __future__ import annotations

from pathlib import Path

import click

from geo.crs import Datum
from portal.cli.packs import open_pack, pack_option, readable
from portal.pack.model import DATUMS


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
    # Tables take as long to import as one decision with everything else, and `route explain` needs none.
    from portal.cli.bulk_file import check_ending, crs_of, plan_of, route_file
    from portal.pack.bulk_run import open_source

    named: dict[str, str | None] = {"lon": lon_column, "lat": lat_column, "service": service_column}
    named |= {"time": time_column, "priority": priority_column, "answers": answers_column}
    wanted = {field: column for field, column in named.items() if column}
    check_ending(source)
    check_ending(target)
    with readable():
        read = open_pack(pack)
        opened = open_source(source, wanted)
        system = crs_of(crs or opened.crs)
        # The city's datum is that of its clients; a file that declares its geometry's system means it.
        given = datum or ("wgs84" if opened.crs else None)
        plan = plan_of(read, at, crs=system, datum=given, has_time=bool(time_column))
        count = route_file(plan, opened, wanted, target, dask)
    failed = f", {count.errors:,} of them with an error" if count.errors else ""
    click.echo(f"{count.rows:,} rows routed to {target}{failed}")
