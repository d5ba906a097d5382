"""How each table of a pack becomes typed rows: which columns it has and what a cell of each may hold."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from portal.i18n import N_
from portal.pack.crew_rows import CREW_COLUMNS, ROSTER_COLUMNS, crew, roster
from portal.pack.letter_rows import CHANNEL_COLUMNS, WORDING_COLUMNS, channel, wording
from portal.pack.model import (
    CLOCKS,
    DATATYPES,
    KINDS,
    LIST_DATATYPES,
    PRIORITIES,
    SPAN_UNITS,
    STAGES,
    AnswerRow,
    Choice,
    DutyRow,
    HolidayRow,
    PlanRow,
    QuestionRow,
    ServiceRow,
    TargetRow,
    UnitBoundary,
    UnitRow,
)
from portal.pack.table import CODE, Columns, Row
from routing.closing import CLOSING_CODES

PHOTO = ("none", "optional", "required")
SERVICE_TYPES = ("realtime", "batch")
UNIT_CELLS = (
    "parent",
    "level",
    "email",
    "webhook",
    "phone",
    "supervisor_unit",
    "contract_from",
    "contract_to",
)
ENDINGS = (*CLOSING_CODES, *STAGES)
Complain = Callable[..., None]
SCOPE_COLUMNS = ("service_code", "service", "group", "scope")


@dataclass(frozen=True, slots=True)
class Table:
    """A file of the pack: its columns, how a row is parsed and whether a pack can do without it."""

    file: str
    columns: Columns
    parse: Callable[[Row, str], Any]
    required: bool = False


def service(row: Row, file: str) -> ServiceRow:
    """A service; Open311 clients turn numeric codes into numbers, so those are refused."""
    code = row.code("service_code")
    if code and _looks_numeric(code):
        row.notes.error(
            row.number, "service_code", N_("'%(code)s' looks like a number; begin with a letter"), code=code
        )
    keywords = row.texts("keywords")
    return ServiceRow(
        file=file,
        row=row.number,
        code=code,
        group=row.code("group"),
        kind=row.choice("kind", KINDS, "report", required=True),
        names=row.texts("name", required=True),
        descriptions=row.texts("description"),
        keywords={locale: _split(text) for locale, text in keywords.items()},
        group_names=row.texts("group_name"),
        importance=row.integer("importance", 2, 1, 3),
        sensitive=row.yes("sensitive"),
        duplicate_radius_m=row.number_in("duplicate_radius_m", 250.0, 0, 10_000),
        photo=row.choice("photo", PHOTO, "optional"),
        type=row.choice("type", SERVICE_TYPES, "realtime"),
        active=row.yes("active", default=True),
    )


def question(row: Row, file: str) -> QuestionRow:
    """A question of a service."""
    datatype = row.choice("datatype", DATATYPES, "string", required=True)
    values = _choices(row)
    if datatype in LIST_DATATYPES and not values:
        row.notes.error(row.number, "values", N_("a %(datatype)s needs values"), datatype=datatype)
    if datatype not in LIST_DATATYPES and values:
        row.notes.error(row.number, "values", N_("a %(datatype)s has no values"), datatype=datatype)
    return QuestionRow(
        file=file,
        row=row.number,
        service_code=row.code("service_code"),
        code=row.code("code"),
        datatype=datatype,
        required=row.yes("required"),
        order=row.integer("order", row.number, 0),
        texts=row.texts("question", required=True),
        values=values,
        show_if=_pairs(row, "show_if"),
        stop=dict(_pairs(row, "stop")),
    )


def unit(row: Row, file: str) -> UnitRow:
    """A unit as one row says it; merge_units joins repeated rows."""
    layer, boundary = row.text("layer"), row.text("boundary_code")
    if bool(layer) != bool(boundary):
        row.notes.error(row.number, "layer" if boundary else "boundary_code", N_("missing value"))
    contract_from, contract_to = row.day("contract_from"), row.day("contract_to")
    if contract_from and contract_to and contract_from > contract_to:
        row.notes.error(row.number, "contract_to", N_("lies before contract_from"))
    return UnitRow(
        file=file,
        row=row.number,
        code=row.code("unit_code"),
        parent=row.code("parent", required=False),
        level=row.text("level"),
        names=row.texts("name"),
        boundaries=(UnitBoundary(layer, boundary, row.number),) if layer and boundary else (),
        email=row.text("email"),
        webhook=row.text("webhook"),
        phone=row.text("phone"),
        supervisor_unit=row.code("supervisor_unit", required=False),
        contract_from=contract_from,
        contract_to=contract_to,
        active=row.yes("active", default=True),
    )


def duty(row: Row, file: str) -> DutyRow:
    """A line of the published catalogue."""
    return DutyRow(
        file=file,
        row=row.number,
        unit_code=row.code("unit_code"),
        service_code=row.code("service_code"),
        standards=row.texts("standard"),
        procedures=row.texts("procedure"),
        legal_basis=row.text("legal_basis"),
        review_by=row.day("review_by"),
    )


def target(row: Row, file: str) -> TargetRow:
    """A target; its scope may stand in any of the scope columns."""
    scope = next((text for column in SCOPE_COLUMNS if (text := row.text(column))), "")
    if not scope:
        row.notes.error(row.number, "service_code", N_("missing value"))
    clock = row.choice("clock", CLOCKS, "unit", required=True)
    stage = row.choice("stage", STAGES, "resolve", required=True)
    if clock == "promise" and scope.startswith("@"):
        row.notes.error(
            row.number, "clock", N_("a contract binds the unit's own clock; the promise is the city's")
        )
    if clock == "promise" and stage != "resolve":
        row.notes.error(row.number, "stage", N_("the promise has only the stage resolve"))
    amount = row.number_in("amount", 0.0, 0, 100_000, required=True)
    if not amount and row.text("amount"):
        row.notes.error(row.number, "amount", N_("must be more than 0"))
    unit = row.choice("unit", SPAN_UNITS, "days", required=True)
    if unit.endswith("days") and amount != int(amount):
        row.notes.error(
            row.number,
            "amount",
            N_("%(amount)s %(unit)s: days are counted whole"),
            amount=f"{amount:g}",
            unit=unit,
        )
    return TargetRow(
        file=file,
        row=row.number,
        scope=scope,
        priority=row.choice("priority", PRIORITIES),
        clock=clock,
        stage=stage,
        amount=amount,
        unit=unit,
    )


def holiday(row: Row, file: str) -> HolidayRow | None:
    """A day off, or a make-up working day."""
    day = row.day("date", required=True)
    row.text("working", required=True)
    working = row.yes("working")
    return HolidayRow(file, row.number, day, working, row.texts("name")) if day else None


def plan(row: Row, file: str) -> PlanRow:
    """A response plan."""
    return PlanRow(
        file=file,
        row=row.number,
        code=row.code("code"),
        titles=row.texts("title", required=True),
        trigger=row.text("trigger"),
        steps=row.texts("steps", required=True),
    )


def answer(row: Row, file: str) -> AnswerRow:
    """A ready-made answer: words for an ending, or for a stage of the unit's clock."""
    scope, ending = row.text("service_code"), row.text("closing_code")
    if not scope:
        row.notes.error(row.number, "service_code", N_("missing value"))
    if ending not in ENDINGS:
        row.notes.error(
            row.number,
            "closing_code",
            N_("'%(ending)s' is not one of %(list)s"),
            ending=ending,
            list=", ".join(ENDINGS),
        )
    return AnswerRow(file, row.number, scope, ending, row.texts("text", required=True))


TABLES: Mapping[str, Table] = {
    "services": Table(
        "services.csv",
        Columns(
            required=("service_code", "group", "kind"),
            localised=("name",),
            optional=("importance", "sensitive", "duplicate_radius_m", "photo", "type", "active"),
            localised_optional=("description", "keywords", "group_name"),
        ),
        service,
        required=True,
    ),
    "questions": Table(
        "questions.csv",
        Columns(
            required=("service_code", "code", "datatype"),
            localised=("question",),
            optional=("required", "order", "values", "show_if", "stop"),
        ),
        question,
    ),
    "units": Table(
        "units.csv",
        Columns(
            required=("unit_code", "parent", "level"),
            localised=("name",),
            optional=("layer", "boundary_code", *UNIT_CELLS[2:], "active"),
        ),
        unit,
        required=True,
    ),
    "duties": Table(
        "duties.csv",
        Columns(
            required=("unit_code", "service_code"),
            optional=("legal_basis", "review_by"),
            localised_optional=("standard", "procedure"),
        ),
        duty,
    ),
    "targets": Table(
        "targets.csv",
        Columns(required=("clock", "stage", "amount", "unit"), optional=("priority", *SCOPE_COLUMNS)),
        target,
        required=True,
    ),
    "holidays": Table(
        "holidays.csv", Columns(required=("date", "working"), localised_optional=("name",)), holiday
    ),
    "plans": Table(
        "plans.csv", Columns(required=("code",), optional=("trigger",), localised=("title", "steps")), plan
    ),
    "crews": Table("crews.csv", CREW_COLUMNS, crew),
    "rosters": Table("rosters.csv", ROSTER_COLUMNS, roster),
    "answers": Table(
        "answers.csv", Columns(required=("service_code", "closing_code"), localised=("text",)), answer
    ),
    "wordings": Table("wordings.csv", WORDING_COLUMNS, wording),
    "channels": Table("channels.csv", CHANNEL_COLUMNS, channel),
}


def merge_units(rows: list[UnitRow], locales: tuple[str, ...], error: Complain) -> tuple[UnitRow, ...]:
    """Join rows that repeat a unit for more boundaries: later rows may leave cells blank or repeat them, not
    contradict them. `error(row, column, message)` is told of contradictions and of missing names.
    """
    units: dict[str, UnitRow] = {}
    for row in rows:
        first = units.get(row.code)
        if first is None:
            units[row.code] = row
            _check_unit_names(row, locales, error)
            continue
        if not row.boundaries:
            error(
                row.row,
                "unit_code",
                N_("'%(code)s' stands already in row %(row)s"),
                code=row.code,
                row=first.row,
            )
        known = {(boundary.layer, boundary.code) for boundary in first.boundaries}
        for boundary in row.boundaries:
            if (boundary.layer, boundary.code) in known:
                error(
                    row.row,
                    "boundary_code",
                    N_("'%(code)s' is named twice for '%(unit)s'"),
                    code=boundary.code,
                    unit=row.code,
                )
        _check_same(first, row, error)
        units[row.code] = replace(first, boundaries=first.boundaries + row.boundaries)
    return tuple(units.values())


def _check_unit_names(row: UnitRow, locales: tuple[str, ...], error: Complain) -> None:
    for locale in locales:
        if not row.names.get(locale):
            error(row.row, f"name_{locale}", N_("missing value"))


def _check_same(first: UnitRow, row: UnitRow, error: Complain) -> None:
    for column in UNIT_CELLS:
        value = getattr(row, column)
        if value and value != getattr(first, column):
            error(
                row.row,
                column,
                N_("%(value)s contradicts row %(row)s of the same unit"),
                value=value,
                row=first.row,
            )
    for locale, name in row.names.items():
        if name != first.names.get(locale):
            error(
                row.row,
                f"name_{locale}",
                N_("'%(name)s' contradicts row %(row)s of the same unit"),
                name=name,
                row=first.row,
            )


def _split(text: str) -> tuple[str, ...]:
    return tuple(part.strip() for part in text.replace("；", ";").split(";") if part.strip())


def _looks_numeric(code: str) -> bool:
    try:
        float(code)
    except ValueError:
        return False
    return True


def _choices(row: Row) -> tuple[Choice, ...]:
    """`key=label|label;…`: labels in the alphabetical order of the locales (en before zh_Hans)."""
    choices: list[Choice] = []
    for part in _split(row.text("values")):
        key, equals, text = part.partition("=")
        key = key.strip()
        labels = [label.strip() for label in text.split("|")]
        if not equals or not CODE.fullmatch(key) or not all(labels):
            row.notes.error(row.number, "values", N_("'%(part)s' is not key=label|label"), part=part)
            continue
        if any(choice.key == key for choice in choices):
            row.notes.error(row.number, "values", N_("the key '%(key)s' stands twice"), key=key)
        if len(labels) != len(row.locales):
            row.notes.error(
                row.number,
                "values",
                N_("'%(key)s' has %(count)s labels, not %(languages)s"),
                key=key,
                count=len(labels),
                languages=len(row.locales),
            )
            continue
        choices.append(Choice(key, dict(zip(sorted(row.locales), labels, strict=True))))
    return tuple(choices)


def _pairs(row: Row, column: str) -> tuple[tuple[str, str], ...]:
    pairs = []
    for part in _split(row.text(column)):
        left, equals, right = (text.strip() for text in part.partition("="))
        if not (left and equals and right):
            row.notes.error(row.number, column, N_("'%(part)s' is not of the form code=key"), part=part)
            continue
        pairs.append((left, right))
    return tuple(pairs)
