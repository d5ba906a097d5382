"""Knows `wenlu rules simulate`: who would have gained and lost which past cases under a draft."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import click

from geo.boundary import Layer
from geo.crs import LonLat
from portal.cli.connect import reached
from portal.cli.packs import layers_on, moment, open_pack, readable
from portal.cli.rules_lint import file_type, read_text
from portal.operations.simulate_rules import Draft, simulate_cases, simulate_history
from portal.pack.city import build_city
from portal.pack.layers import read_edition
from portal.pack.mapping import read_mapping, read_requests
from portal.pack.model import Pack
from portal.pack.request_files import RequestFileError
from portal.pack.request_rows import RequestRow
from portal.web.map_file import write_map
from routing.simulate import PastCase, Simulated

MOST_RULES = 15


@click.command()
@click.argument("draft", required=False, type=file_type)
@click.option("--pack", type=click.Path(path_type=Path), help="the city's folder; no database is needed")
@click.option("--requests", type=file_type, help="a file of past requests, with --pack")
@click.option("--mapping", type=file_type, help="the MAP.toml of --requests")
@click.option("--from", "since", help="only cases filed from this day or instant on")
@click.option("--to", "until", help="only cases filed before this day or instant")
@click.option(
    "--edition", "editions", multiple=True, metavar="ID",
    help="an edition to try: its number in the database, or LAYER=N, the pack's N-th of a layer",
)  # fmt: skip
@click.option(
    "--map", "target", type=click.Path(path_type=Path, dir_okay=False),
    help="write the cases that change hands: FILE.geojson or FILE.html",
)  # fmt: skip
def simulate(
    draft: Path | None,
    pack: Path | None,
    requests: Path | None,
    mapping: Path | None,
    since: str | None,
    until: str | None,
    editions: tuple[str, ...],
    target: Path | None,
) -> None:
    """Decide past cases again under DRAFT (a rulebook) and / or other editions; nothing is changed.

    The past is that of the loaded city, or with --pack that of a file of requests. Tells who gains and who
    loses how many cases, and by which rules.
    """
    if draft is None and not editions:
        raise click.UsageError("name a DRAFT rulebook, or an --edition to try")
    if (pack is None) != (requests is None) or (requests is None) != (mapping is None):
        raise click.UsageError("--pack, --requests and --mapping go together")
    text = None if draft is None else read_text(draft)
    with readable():
        if pack is not None and requests is not None and mapping is not None:
            done = _of_files(open_pack(pack), text, editions, requests, mapping, (since, until))
        else:
            done = _of_city(text, editions, (since, until))
    for line in table(done):
        click.echo(line)
    if target is not None:
        write_map(target, "Cases that would change hands", done.map())
        click.echo(f"drawn in {target}")


Period = tuple[str | None, str | None]


def _of_city(text: str | None, editions: Sequence[str], period: Period) -> Simulated:
    if odd := [each for each in editions if not each.isdigit()]:
        raise click.BadParameter(f"{odd[0]!r} is not the number of an edition; see `wenlu boundaries list`")
    with reached() as here, here.database.reading() as tx:
        context = here.context()
        zone = ZoneInfo(context.cities.city(tx, context.jurisdiction_id).timezone)
        since, until = _instants(period, zone)
        return simulate_history(tx, context, text, [int(each) for each in editions], since, until)


def _of_files(
    pack: Pack, text: str | None, editions: Sequence[str], requests: Path, mapping: Path, period: Period
) -> Simulated:
    since, until = _instants(period, ZoneInfo(pack.city.timezone))
    try:
        rows = [row for row in read_requests(requests, read_mapping(mapping)) if row.opened_at is not None]
    except RequestFileError as fault:
        raise click.ClickException(str(fault)) from None
    cases = [case_of(row) for row in rows if _is_within(row.opened_at, since, until)]
    last = max((case.at for case in cases), default=datetime(2000, 1, 1, tzinfo=UTC))
    layers, notes = layers_on(pack, last.date())
    for note in notes:
        click.echo(note, err=True)
    tried = tuple(_edition(pack, each) for each in editions)
    return simulate_cases(cases, build_city(pack, layers=layers), Draft(text, tried))


def case_of(row: RequestRow) -> PastCase:
    """A row of a file as a past case; a default point is no place."""
    assert row.opened_at is not None
    is_placed = row.lon is not None and row.lat is not None and row.default_point is None
    place = LonLat(row.lon or 0.0, row.lat or 0.0) if is_placed else None
    return PastCase(row.external_id, row.service_code, row.opened_at, place)


def _edition(pack: Pack, named: str) -> Layer:
    name, _, number = named.partition("=")
    config = pack.city.layers.get(name)
    if config is None or not number.isdigit() or not 1 <= int(number) <= len(config.editions):
        raise click.BadParameter(f"{named!r} is not LAYER=N, an edition of the pack")
    layer, findings = read_edition(config, config.editions[int(number) - 1])
    if errors := [each for each in findings if each.severity == "error"]:
        raise click.ClickException(str(errors[0]))
    return layer


def _instants(period: Period, zone: ZoneInfo) -> tuple[datetime | None, datetime | None]:
    since, until = (moment(text, zone) if text else None for text in period)
    return since, until


def _is_within(at: datetime | None, since: datetime | None, until: datetime | None) -> bool:
    return at is not None and (since is None or at >= since) and (until is None or at < until)


def table(done: Simulated) -> list[str]:
    """The answer in lines: totals, units, then rules."""
    skipped = f", {done.skipped} of services that are not offered left out" if done.skipped else ""
    share = f" ({100 * done.moved / done.cases:.2f} %)" if done.cases else ""
    lines = [f"{done.cases} cases{skipped}; {done.moved} would change hands{share}"]
    moved = [row for row in done.units if row.gained or row.lost]
    if moved:
        lines.append(f"{'unit':<40}{'before':>8}{'after':>8}{'gained':>8}{'lost':>8}")
    lines += [f"{row.unit:<40}{row.before:>8}{row.after:>8}{row.gained:>8}{row.lost:>8}" for row in moved]
    if same := len(done.units) - len(moved):
        lines.append(f"{same} units keep what they had")
    ranked = sorted(done.rules.items(), key=lambda pair: (-pair[1], pair[0]))
    lines += [f"rule {one} -> {other}: {count}" for (one, other), count in ranked[:MOST_RULES]]
    return lines
