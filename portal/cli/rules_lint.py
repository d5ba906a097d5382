"""Knows `wenlu rules lint`: what is wrong with a rulebook, and its gaps and overlaps on a map."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import click

from geo.boundary import Layer
from geo.postgis import load_layers
from portal.cli.connect import reached
from portal.cli.packs import open_pack, readable
from portal.operations.publish_rulebook import lint_text
from portal.pack.check_rules import check_rules
from portal.pack.convert import lenient_directory_of, services_of
from portal.pack.layers import read_layers
from portal.pack.model import Finding
from portal.queries.rulebooks import active_rules, known_of_city
from portal.web.map_file import write_map
from routing.errors import RulebookError
from routing.facts import Service
from routing.lint import NEVER_REACHED, Problem
from routing.lint_map import claims_geojson
from routing.lint_places import cut_places
from routing.lint_reach import Claim, Reach, lint_reach
from routing.rules import BoundaryOf, Rulebook, parse_rulebook
from routing.units import Directory

file_type = click.Path(path_type=Path, exists=True, dir_okay=False)
Checked = tuple[list[Finding], Reach | None]


@click.command("lint")
@click.argument("file", required=False, type=file_type)
@click.option("--pack", type=click.Path(path_type=Path), help="against this pack; no database is needed")
@click.option(
    "--map", "target", type=click.Path(path_type=Path, dir_okay=False),
    help="write the gap and overlap map: FILE.geojson, or FILE.html to open in a browser",
)  # fmt: skip
def lint(file: Path | None, pack: Path | None, target: Path | None) -> None:
    """List what is wrong with a rulebook; exit 1 where there are errors.

    FILE, or the pack's rules.toml, or the rulebook in force in the loaded city. Beside unknown words: rules
    that can never hold or never lead, and places and services that nobody or two rules claim.
    """
    with readable():
        findings, reach = _of_pack(pack, file) if pack else _of_city(file)
    if target is not None and reach is not None:
        write_map(target, "Gaps and overlaps of the rulebook", claims_geojson(reach.claims))
    if tell(findings):
        sys.exit(1)
    click.echo(f"no errors, {len(findings)} warnings")
    if reach is not None and reach.claims:
        _tell_claims(reach.claims, target)


def _of_pack(folder: Path, file: Path | None) -> Checked:
    pack, name = open_pack(folder), "rules.toml"
    if file is not None:
        pack, name = replace(pack, rules_text=read_text(file)), file.name
    layers, found = read_layers(pack)
    errors = [finding for finding in found if finding.severity == "error"]
    findings = errors + [replace(each, file=name) for each in check_rules(pack, layers)]
    directory = lenient_directory_of(pack)
    if directory is None or any(each.severity == "error" for each in findings):
        return findings, None
    lines = {each.column: each.row for each in findings}
    reach = _reach(parse_rulebook(pack.rules_text), services_of(pack), directory, layers)
    return findings + _new(_findings(name, reach.problems, lines), findings), reach


def _of_city(file: Path | None) -> Checked:
    name = "rulebook in force" if file is None else file.name
    with reached() as here, here.database.reading() as tx:
        city = here.context().jurisdiction_id
        text = active_rules(tx, city) if file is None else read_text(file)
        known = known_of_city(tx, city)
        findings = _findings(name, lint_text(text, known))
        layers = load_layers(tx, city)
    try:
        rulebook = parse_rulebook(text)
    except RulebookError:
        return findings, None
    if any(each.severity == "error" for each in findings):
        return findings, None
    reach = _reach(rulebook, dict(known.services), known.directory, layers)
    return findings + _new(_findings(name, reach.problems), findings), reach


def _reach(
    rulebook: Rulebook, services: dict[str, Service], directory: Directory, layers: Sequence[Layer]
) -> Reach:
    leads = {rule.lead.layer for rule in rulebook.rules if isinstance(rule.lead, BoundaryOf)}
    wanted = leads.union(*(rule.layers for rule in rulebook.rules))
    return lint_reach(rulebook, services, directory, cut_places(layers, wanted))


def _new(found: list[Finding], told: list[Finding]) -> list[Finding]:
    """Leave out rules that are known already to come after one that always matches."""
    closed = {each.column for each in told if getattr(each.message, "pattern", "") == NEVER_REACHED}
    return [each for each in found if each.column not in closed]


def _tell_claims(claims: Sequence[Claim], target: Path | None) -> None:
    for kind, words in (("gap", "nobody but the fallback answers"), ("overlap", "two claim a case")):
        rows = [claim for claim in claims if claim.kind == kind]
        services = sorted({service for claim in rows for service in claim.services})
        if services:
            counted = f"{len(services)} service{'s' if len(services) > 1 else ''}"
            click.echo(f"{kind}: {words} somewhere for {counted}: {_short(services)}")
    click.echo(f"drawn in {target}" if target else "see where with --map FILE.html")


def _short(words: Sequence[str], most: int = 8) -> str:
    more = f" and {len(words) - most} more" if len(words) > most else ""
    return ", ".join(words[:most]) + more


def read_text(file: Path) -> str:
    """The text of a rulebook."""
    try:
        return file.read_bytes().decode("utf-8-sig")
    except UnicodeDecodeError as fault:
        raise click.ClickException(f"{file.name}: not UTF-8 at byte {fault.start + 1}") from None


def _findings(name: str, problems: Sequence[Problem], lines: dict[str, int] | None = None) -> list[Finding]:
    rows = lines or {}
    return [
        Finding(name, rows.get(each.rule_id, 0), each.rule_id, each.severity, each.message)
        for each in problems
    ]


def tell_problems(name: str, problems: Sequence[Problem]) -> int:
    """Print problems, errors to stderr; answers how many errors there are."""
    return tell(_findings(name, problems))


def tell(findings: Sequence[Finding]) -> int:
    """Print findings, errors to stderr; answers how many errors there are."""
    for found in findings:
        click.echo(str(found), err=found.severity == "error")
    return sum(found.severity == "error" for found in findings)
