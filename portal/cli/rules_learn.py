"""Knows `wenlu rules propose` and `learn`: rules drafted from what became of past cases, for a person to judge."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import click

from portal.cli.connect import reached
from portal.cli.packs import layers_on, moment, open_pack, readable
from portal.cli.rules_lint import file_type
from portal.cli.rules_simulate import case_of
from portal.operations.propose_rules import propose_rules
from portal.pack.city import build_city
from portal.pack.mapping import RequestMapping, read_mapping, read_requests
from portal.pack.model import Pack
from portal.pack.request_files import RequestFileError
from portal.pack.request_rows import RequestRow
from routing.learn import MIN_EVIDENCE, proposals_toml
from routing.learn_history import Columns, Known, Score, learnt_lines, lines_toml, one_spelling, score
from routing.simulate import gather_hits

# What a city records only after filing: no rule may be learnt from it.
AFTERWARDS = ("unit", "state", "closed_at", "due_at")
new_file = click.Path(path_type=Path, dir_okay=False)


@click.command()
@click.option("--since", help="only cases filed from this day or instant on")
@click.option("--least", default=MIN_EVIDENCE, show_default=True, help="hand-overs that a line rests on")
@click.option("--draft", type=new_file, help="write the rulebook in force with the lines before its own")
def propose(since: str | None, least: int, draft: Path | None) -> None:
    """Propose rule lines from hand-overs that were accepted and from the desk's assignments.

    Prints TOML with the evidence for each line; try a --draft with `rules simulate`, then publish it.
    """
    with reached() as here, here.database.reading() as tx:
        context = here.context()
        zone = ZoneInfo(context.cities.city(tx, context.jurisdiction_id).timezone)
        found = propose_rules(tx, context, moment(since, zone) if since else None, least)
    if found.lines:
        click.echo(proposals_toml(found.lines))
    if draft is not None and found.lines:
        draft.write_text(found.draft, encoding="utf-8")
    click.echo(f"{len(found.lines)} lines proposed from {found.settled} cases that were taken up", err=True)


@click.command()
@click.argument("file", type=file_type)
@click.option("--mapping", required=True, type=file_type, help="the MAP.toml of FILE")
@click.option(
    "--pack", type=click.Path(path_type=Path), help="the city: finds layers that FILE does not record"
)
@click.option("--column", required=True, help="FILE's column with the unit that handled the case")
@click.option("--service", help="FILE's column with the service; the mapping's without it")
@click.option(
    "--answer", "answers", multiple=True, metavar="QUESTION=COLUMN",
    help="a fact that intake asks for, from coarse to fine",
)  # fmt: skip
@click.option(
    "--layer", "layers", multiple=True, metavar="LAYER[=COLUMN]",
    help="a layer, from coarse to fine; without a column found from the coordinates (needs --pack)",
)  # fmt: skip
@click.option(
    "--one-spelling", "is_bare", is_flag=True, help="units that differ in a bracketed suffix are one"
)
@click.option("--out", type=new_file, help="write the rules learnt from the whole file")
def learn(
    file: Path,
    mapping: Path,
    pack: Path | None,
    column: str,
    service: str | None,
    answers: tuple[str, ...],
    layers: tuple[str, ...],
    is_bare: bool,
    out: Path | None,
) -> None:
    """Learn rules from the earlier 80 % of a file of history, and tell how far the later 20 % follow them.

    Use only columns that are known when a case is filed: what FILE's mapping calls unit, state or a later
    time is refused.
    """
    with readable():
        read = _mapping(read_mapping(mapping), column, service, answers, layers)
        columns = Columns(
            tuple(each.partition("=")[0] for each in answers),
            tuple(each.partition("=")[0] for each in layers),
        )
        known = known_cases(file, read, columns, open_pack(pack) if pack else None, is_bare=is_bare)
    if not known:
        raise click.ClickException(f"{file.name}: no row has a time and a unit")
    for line in report_lines(score(known, columns)):
        click.echo(line)
    if out is not None:
        rules = learnt_lines(sorted(known, key=lambda case: (case.at, case.name)), columns)
        out.write_text(lines_toml(rules, columns), encoding="utf-8")
        click.echo(f"{len(rules)} lines written to {out}; a person checks and publishes them")


def _mapping(
    read: RequestMapping, column: str, service: str | None, answers: tuple[str, ...], layers: tuple[str, ...]
) -> RequestMapping:
    """The mapping with the columns to learn from; refuses what is only known afterwards."""
    pairs = [pair.partition("=")[::2] for pair in (*answers, *layers)]
    asked = {f"learn:{name}": source for name, source in pairs if source}
    if odd := [name for name, source in (pair.partition("=")[::2] for pair in answers) if not source]:
        raise click.BadParameter(f"{odd[0]!r} is not QUESTION=COLUMN")
    after = {source for name, source in read.columns.items() if name in AFTERWARDS} | {column}
    if late := sorted(after & {*asked.values(), service or ""}):
        raise click.BadParameter(f"{late[0]!r} is known only after filing; nothing may be learnt from it")
    columns = {name: source for name, source in read.columns.items() if name not in AFTERWARDS}
    if service:
        columns["service_code"] = service
    return replace(read, columns={**columns, **asked, "unit": column}, compare={})


def known_cases(
    file: Path, read: RequestMapping, columns: Columns, pack: Pack | None, *, is_bare: bool
) -> list[Known]:
    """The rows of a file as known at intake; rows without a time or a unit are left out."""
    try:
        rows = [row for row in read_requests(file, read) if row.opened_at is not None and row.unit]
    except RequestFileError as fault:
        raise click.ClickException(str(fault)) from None
    found = [name for name in columns.layers if f"learn:{name}" not in read.columns]
    if found and pack is None:
        raise click.UsageError(f"--layer {found[0]} without a column needs --pack")
    hits = _codes(rows, found, pack) if pack is not None and found else [{}] * len(rows)
    names = (*columns.questions, *columns.layers)
    return [
        Known(
            row.external_id,
            row.opened_at.isoformat() if row.opened_at else "",
            one_spelling(row.unit) if is_bare else row.unit,
            (row.service_code, *(here.get(name) or row.extra.get(f"learn:{name}", "") for name in names)),
        )
        for row, here in zip(rows, hits, strict=True)
    ]


def _codes(rows: list[RequestRow], layers: list[str], pack: Pack) -> list[dict[str, str]]:
    last = max((row.opened_at for row in rows if row.opened_at), default=datetime(2000, 1, 1, tzinfo=UTC))
    city = build_city(pack, layers=layers_on(pack, last.date())[0])
    if unknown := set(layers) - {layer.name for layer in city.index.layers}:
        raise click.BadParameter(f"the pack has no layer {min(unknown)!r}")
    hits = gather_hits([case_of(row) for row in rows], city, layers)
    return [{hit.layer: hit.code for hit in reversed(here)} for here in hits]


def report_lines(found: Score) -> list[str]:
    """The figures in words."""
    return [
        f"learnt from the earlier {found.learnt_from} cases, judged on the later {found.judged}",
        f"unit first of the ranking {found.top_1:.4f}, among its first three {found.top_3:.4f}",
        f"the proposed rules alone {found.rules:.4f}; units never seen before {found.unseen:.4f}",
    ]
