"""Knows how boundary files reach a command: options, reading with the usual code column, telling findings."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import click

from geo import files
from geo.crs import Datum
from geo.findings import Finding
from geo.rows import LayerSpec
from portal.pack.model import DATUMS


@dataclass(frozen=True, slots=True)
class Source:
    """A file and how it is to be read; `code` None: the usual column, else rows are numbered."""

    file: Path
    code: str | None
    name: str | None
    crs: str | None
    datum: Datum
    code_regex: str | None
    code_strip_zeros: bool


def source_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """The argument and options that say how a boundary file is read, handed over one by one."""
    options = [
        click.argument("file", type=click.Path(path_type=Path, exists=True, dir_okay=False)),
        click.option("--code", help=f'column of the codes; without it one called "{files.USUAL_CODE}"'),
        click.option("--name", help="column of the names"),
        click.option("--crs", help='such as "EPSG:2249"; overrides what the file says or fails to say'),
        click.option("--datum", type=click.Choice(DATUMS), default="wgs84", show_default=True),
        click.option("--code-regex", help="its first group, or the whole match, is the code"),
        click.option("--code-strip-zeros", is_flag=True, help="drop zeros in front of codes"),
    ]
    for option in reversed(options):
        command = option(command)
    return command


def read(source: Source, layer_name: str, *, is_code_needed: bool = False, **settings: Any) -> files.Source:
    """Read the file; where no code column was named, by the usual one if the file has it."""
    step(f"reading {source.file.name}")
    spec = LayerSpec(
        layer_name,
        source.code,
        name_column=source.name,
        code_regex=source.code_regex,
        code_strip_zeros=source.code_strip_zeros,
        **settings,
    )
    done = files.read_by_usual_code(source.file, spec, crs=source.crs, datum=source.datum)
    if not is_code_needed:
        return done
    found = [
        replace(each, severity="error") if each.kind == "code" and each.severity == "warning" else each
        for each in done.findings
    ]
    return done._replace(findings=found)


def tell(findings: Iterable[Finding], file: str) -> int:
    """Print findings, errors to stderr; answers how many errors there are."""
    errors = 0
    for found in findings:
        row = f":{found.row}" if found.row else ""
        code = f" {found.code}" if found.code else ""
        line = f"{file}{row}{code}: {found.severity}: {found.kind}: {found.message}"
        click.echo(line, err=found.severity == "error")
        errors += found.severity == "error"
    return errors


def step(what: str) -> None:
    """Say what is being done, to a person at a terminal."""
    if sys.stderr.isatty():
        click.echo(f"  {what}", err=True)
