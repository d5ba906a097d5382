"""Knows how boundary files reach a command: options, reading with the usual code column, telling findings."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click

from geo import files
from geo.crs import Datum
from geo.findings import Finding
from geo.rows import LayerSpec
from portal.pack.model import DATUMS

# Where no --code is given, a column of this name, in any spelling, holds the codes.
USUAL_CODE = "code"


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
        click.option("--code", help=f'column of the codes; without it one called "{USUAL_CODE}"'),
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
    cleaned = {
        "name_column": source.name,
        "code_regex": source.code_regex,
        "code_strip_zeros": source.code_strip_zeros,
        **settings,
    }

    def by(code: str | None, how: dict[str, Any]) -> files.Source:
        spec = LayerSpec(layer_name, code, **how)
        return files.read_source(source.file, spec, crs=source.crs, datum=source.datum)

    if source.code:
        return by(source.code, cleaned)
    done = by(None, cleaned | {"code_regex": None})
    columns = {column for boundary in done.layer.boundaries for column in boundary.attributes}
    usual = sorted(column for column in columns if column.lower() == USUAL_CODE)
    if usual:
        return by(usual[0], cleaned)
    if any(found.kind == "file" for found in done.findings):
        return done
    message = f"no --code names the column of codes, and none is called {USUAL_CODE!r}"
    if is_code_needed:
        told = Finding("error", "code", message)
    else:
        told = Finding("warning", "code", f"{message}; rows are numbered")
    return done._replace(findings=[*done.findings, told])


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
