"""Knows the form of one row of a table: a field for each cell, made from the columns of the file."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from portal.pack.cell_files import longest
from portal.pack.cells import PLACES, RowCells, columns_of
from portal.pack.model import CLOCKS, DATATYPES, KINDS, PRIORITIES, SPAN_UNITS, STAGES
from portal.pack.rows import ENDINGS, PHOTO, SERVICE_TYPES
from portal.pack.works_rows import EDITED, PLACE
from portal.web.admin_words import COLUMNS, HINTS

Kind = Literal["text", "long", "choice", "date", "reference"]
YES_NO = ("yes", "no")
CHOICES: Mapping[str, tuple[str, ...]] = {
    "kind": KINDS,
    "photo": PHOTO,
    "type": SERVICE_TYPES,
    "datatype": DATATYPES,
    "priority": PRIORITIES,
    "clock": CLOCKS,
    "stage": STAGES,
    "unit": SPAN_UNITS,
    "closing_code": ENDINGS,
    **dict.fromkeys(("active", "working", "required", "sensitive"), YES_NO),
}
DATES = frozenset({"date", "contract_from", "contract_to", "review_by"})
LONG = frozenset(
    {"description", "standard", "procedure", "steps", "text", "question", "values", "message", PLACE, PLACES}
)
# What a cell names, where it does not name its own row.
REFERENCES: Mapping[tuple[str, str], str] = {
    ("questions", "service_code"): "services",
    ("duties", "service_code"): "services",
    ("duties", "unit_code"): "units",
    ("targets", "service_code"): "scopes",
    ("answers", "service_code"): "scopes",
    ("units", "parent"): "units",
    ("units", "supervisor_unit"): "units",
    ("crews", "unit_code"): "units",
    ("rosters", "crew_code"): "crews",
}
MAY_BE_EMPTY = frozenset({"parent", "level"})


@dataclass(frozen=True, slots=True)
class Field:
    """One cell of a row: what it is called, how it is filled in."""

    name: str
    label: str
    kind: Kind
    locale: str = ""
    hint: str = ""
    choices: tuple[str, ...] = ()
    reference: str = ""
    is_required: bool = False
    most: int = 0


def fields_of(table: str, locales: Sequence[str]) -> list[Field]:
    """The fields of a table, those that must be filled in first."""
    names = columns_of(table, locales)
    if table == "units":
        names = [name for name in names if name not in ("layer", "boundary_code")] + [PLACES]
    return [_field(table, name, locales) for name in names]


def read_cells_of_form(given: Mapping[str, str], table: str, locales: Sequence[str]) -> RowCells:
    """What was typed; empty fields are left out."""
    typed = ((field.name, given.get(field.name, "")) for field in fields_of(table, locales))
    return {name: text for name, raw in typed if (text := raw.replace("\r\n", "\n").strip())}


def columns_shown(table: str, row: RowCells) -> Iterable[tuple[str, str]]:
    """What a list says of a row beside its key and name."""
    shown = [
        name for name in EDITED[table].columns.required + EDITED[table].columns.optional if row.get(name)
    ]
    return ((name, row[name]) for name in shown[:4])


def _field(table: str, name: str, locales: Sequence[str]) -> Field:
    columns = EDITED[table].columns
    stem, locale = _stem(name, locales)
    is_required = name in columns.required and name not in MAY_BE_EMPTY
    is_required = is_required or stem in columns.localised or (table, name) == ("targets", "service_code")
    hint = HINTS.get(f"{table}.{stem}") or HINTS.get(stem, "")
    hint = HINTS["scope"] if REFERENCES.get((table, name)) == "scopes" else hint
    return Field(
        name=name,
        label=COLUMNS[stem],
        kind=_kind(table, name, stem),
        locale=locale,
        hint="" if (table, stem) == ("duties", "services") else hint,
        choices=_choices(table, name),
        reference=REFERENCES.get((table, name), ""),
        is_required=is_required,
        most=longest(name),
    )


def _kind(table: str, name: str, stem: str) -> Kind:
    if (table, name) in REFERENCES:
        return "reference"
    if _choices(table, name):
        return "choice"
    if name in DATES:
        return "date"
    return "long" if stem in LONG else "text"


def _choices(table: str, name: str) -> tuple[str, ...]:
    # The word "unit" is a span of time in targets and nowhere else.
    return () if name == "unit" and table != "targets" else CHOICES.get(name, ())


def _stem(name: str, locales: Sequence[str]) -> tuple[str, str]:
    for locale in locales:
        if name.endswith(f"_{locale}"):
            return name.removesuffix(f"_{locale}"), locale
    return name, ""
