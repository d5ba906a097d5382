"""Knows `wenlu route`: one decision explained, or a whole file routed, from a pack and without a database."""

from __future__ import annotations

import json
from difflib import get_close_matches
from pathlib import Path
from zoneinfo import ZoneInfo

import click

from geo.crs import Datum
from portal.cli.packs import PackRouter, moment, open_pack, pack_option, readable, router_of
from portal.cli.route_bulk import bulk
from portal.cli.route_trace import trace
from portal.cli.route_words import as_document, as_text
from portal.pack.model import DATUMS, PRIORITIES
from routing.priority import Priority
from routing.router import PointQuery


@click.group()
def route() -> None:
    """Who answers for what, and why."""


route.add_command(bulk)
route.add_command(trace)


@route.command()
@pack_option
@click.option("--lon", required=True, type=float, help="longitude in degrees")
@click.option("--lat", required=True, type=float, help="latitude in degrees")
@click.option("--service", required=True, help="service_code")
@click.option("--accuracy", type=float, help="metres; the city's default without it, clamped to 1…500")
@click.option("--at", help="ISO 8601, in the city's time zone unless it names one; now without it")
@click.option("--answer", "answers", multiple=True, metavar="QUESTION=KEY", help="may be given several times")
@click.option("--priority", type=click.Choice(PRIORITIES), help="computed without it")
@click.option("--datum", type=click.Choice(DATUMS), help="of --lon and --lat; the city's without it")
@click.option("--format", "form", type=click.Choice(["text", "json"]), default="text", show_default=True)
def explain(
    pack: Path,
    lon: float,
    lat: float,
    service: str,
    accuracy: float | None,
    at: str | None,
    answers: tuple[str, ...],
    priority: Priority | None,
    datum: Datum | None,
    form: str,
) -> None:
    """Explain one decision: unit, reason, near misses, clocks and receipt."""
    with readable():
        read = open_pack(pack)
        zone = ZoneInfo(read.city.timezone)
        instant = moment(at, zone)
        here = router_of(read, instant.astimezone(zone).date())
        _check_service(here, service)
        query = PointQuery(
            service_code=service,
            at=instant,
            lon=lon,
            lat=lat,
            accuracy_m=accuracy,
            answers=parse_answers(answers),
            datum=datum,
            priority=priority,
        )
        try:
            routed = here.router.route(query)
        except OverflowError:
            raise click.ClickException(f"clocks cannot be worked out from {instant.isoformat()}") from None
    if form == "json":
        click.echo(json.dumps(as_document(here, routed), ensure_ascii=False, indent=2))
    else:
        click.echo("\n".join(as_text(here, routed)))


def parse_answers(given: tuple[str, ...]) -> dict[str, tuple[str, ...]]:
    """`question=key` pairs; a question named again has several keys."""
    answers: dict[str, tuple[str, ...]] = {}
    for pair in given:
        question, mark, key = (part.strip() for part in pair.partition("="))
        if not (question and mark and key):
            raise click.BadParameter(f"{pair!r} is not QUESTION=KEY")
        answers[question] = (*answers.get(question, ()), key)
    return answers


def _check_service(here: PackRouter, code: str) -> None:
    known = here.router.city.services
    if code not in known:
        like = get_close_matches(code, known, n=3)
        hint = f"did you mean {' or '.join(like)}?" if like else f"the pack has {', '.join(known)}"
        raise click.ClickException(f"there is no service {code!r}; {hint}")
