"""What the tables of a pack must say about each other: every code named somewhere exists, once."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from itertools import chain

from portal.i18n import N_
from portal.pack.model import (
    PRIORITIES,
    Finding,
    Pack,
    QuestionRow,
    ServiceRow,
    TargetRow,
    UnitRow,
)
from portal.pack.said import listed, said
from portal.pack.table import Notes
from portal.pack.works_rows import check_works
from routing.errors import RulebookError
from routing.escalation import WHOM
from routing.rules import parse_rulebook

EMAIL = re.compile(r"[^@\s,;<>]+@[^@\s,;<>.]+(\.[^@\s,;<>.]+)+")
WEBHOOK = re.compile(r"https?://[^\s/@]+(/\S*)?")
NEEDED = (("promise", "resolve"), ("unit", "resolve"))
# Scope, priority, clock and stage of a target.
Key = tuple[str, str, str, str]
WANTED = (("unit", "accept"), ("unit", "first_answer"))


def check_rows(pack: Pack) -> list[Finding]:
    """Cross-check services, questions, units, duties, targets, holidays, plans and works."""
    checks = (
        _check_services,
        _check_questions,
        _check_units,
        _check_duties,
        _check_targets,
        _check_ladder,
        _check_days,
        _check_plans,
        _check_answers,
        check_works,
    )
    return list(chain.from_iterable(check(pack) for check in checks))


def _once(notes: Notes, column: str, rows: Iterable[tuple[int, object]]) -> None:
    """Note each row whose key stands already in an earlier one."""
    first: dict[object, int] = {}
    for row, key in rows:
        if key in first:
            shown = " ".join(filter(None, map(str, key))) if isinstance(key, tuple) else str(key)
            notes.error(
                row, column, N_("'%(shown)s' stands already in row %(first)s"), shown=shown, first=first[key]
            )
        first.setdefault(key, row)


def _check_services(pack: Pack) -> list[Finding]:
    notes = Notes("services.csv")
    _once(notes, "service_code", ((row.row, row.code) for row in pack.services))
    folded: dict[str, ServiceRow] = {}
    for row in pack.services:
        other = folded.setdefault(row.code.casefold(), row)
        if other.code != row.code:
            notes.error(
                row.row,
                "service_code",
                N_("'%(code)s' differs only in case from row %(row)s"),
                code=row.code,
                row=other.row,
            )
        titles = next(each.group_names for each in pack.services if each.group == row.group)
        if row.group_names and row.group_names != titles:
            notes.warn(
                row.row,
                "group_name",
                N_("the group '%(group)s' has another name in an earlier row"),
                group=row.group,
            )
    groups = {row.group for row in pack.services}
    for row in pack.services:
        if row.code in groups:
            notes.warn(
                row.row,
                "service_code",
                N_("'%(code)s' is also a group: targets mean the service"),
                code=row.code,
            )
    return notes.findings


def _check_questions(pack: Pack) -> list[Finding]:
    notes = Notes("questions.csv")
    _once(notes, "code", ((row.row, (row.service_code, row.code)) for row in pack.questions))
    services = {row.code for row in pack.services}
    by_service: dict[str, dict[str, QuestionRow]] = {}
    for row in pack.questions:
        by_service.setdefault(row.service_code, {}).setdefault(row.code, row)
        if row.service_code not in services:
            notes.error(
                row.row,
                "service_code",
                N_("there is no service '%(service_code)s'"),
                service_code=row.service_code,
            )
    for row in pack.questions:
        siblings = by_service[row.service_code]
        _check_show_if(row, siblings, notes)
        _check_stop(row, siblings, notes)
    return notes.findings


def _check_show_if(row: QuestionRow, siblings: Mapping[str, QuestionRow], notes: Notes) -> None:
    for code, key in row.show_if:
        other = siblings.get(code)
        if other is None or code == row.code:
            notes.error(
                row.row, "show_if", N_("there is no other question '%(code)s' for this service"), code=code
            )
        elif other.values and key not in {choice.key for choice in other.values}:
            notes.error(row.row, "show_if", N_("'%(code)s' has no answer '%(key)s'"), code=code, key=key)
    seen, code = {row.code}, row.show_if[0][0] if row.show_if else ""
    while code in siblings:
        if code in seen:
            notes.error(row.row, "show_if", N_("the questions wait for each other and are never shown"))
            return
        seen.add(code)
        code = siblings[code].show_if[0][0] if siblings[code].show_if else ""


def _check_stop(row: QuestionRow, siblings: Mapping[str, QuestionRow], notes: Notes) -> None:
    for key, message in row.stop.items():
        if key not in {choice.key for choice in row.values}:
            notes.error(row.row, "stop", N_("'%(key)s' is no answer of this question"), key=key)
        notice = siblings.get(message)
        if notice is None or notice.datatype != "notice":
            notes.warn(
                row.row,
                "stop",
                N_("no notice '%(message)s' for this service: nothing would be explained"),
                message=message,
            )


def _check_units(pack: Pack) -> list[Finding]:
    notes = Notes("units.csv")
    units = {row.code: row for row in pack.units}
    for row in pack.units:
        for column, code in (("parent", row.parent), ("supervisor_unit", row.supervisor_unit)):
            if code and code not in units:
                notes.error(row.row, column, N_("there is no unit '%(code)s'"), code=code)
        if row.supervisor_unit == row.code:
            notes.error(row.row, "supervisor_unit", N_("a unit does not supervise itself"))
        if circle := _circle(row, units):
            notes.error(row.row, "parent", N_("parents run in a circle: %(list)s"), list=" > ".join(circle))
        _check_contact(row, notes)
    _once(notes, "boundary_code", _claims(pack.units))
    city = pack.city
    if city.coordination_unit and city.coordination_unit not in units:
        config = Notes("city.toml", notes.findings)
        line = pack.config_lines.get("coordination_unit", 0)
        config.error(
            line,
            "coordination_unit",
            N_("there is no unit '%(coordination_unit)s' in units.csv"),
            coordination_unit=city.coordination_unit,
        )
    elif city.coordination_unit and not units[city.coordination_unit].active:
        notes.error(
            units[city.coordination_unit].row, "active", N_("the coordination unit cannot be switched off")
        )
    return notes.findings


def _claims(units: Iterable[UnitRow]) -> list[tuple[int, tuple[str, str]]]:
    """Boundaries claimed by units without a contract's end: two claims of one boundary are a mistake, while
    two contracts may follow one another.
    """
    return [
        (boundary.row, (boundary.layer, boundary.code))
        for row in units
        if row.active and not (row.contract_from or row.contract_to)
        for boundary in row.boundaries
    ]


def _circle(row: UnitRow, units: Mapping[str, UnitRow]) -> list[str]:
    """The circle that a unit stands in, beginning and ending with it; empty when it stands in none."""
    path = [row.code]
    code = row.parent
    while code in units and code not in path:
        path.append(code)
        code = units[code].parent
    return [*path, code] if code == row.code else []


def _check_contact(row: UnitRow, notes: Notes) -> None:
    if row.email and not EMAIL.fullmatch(row.email):
        notes.error(row.row, "email", N_("'%(email)s' is not an e-mail address"), email=row.email)
    if row.webhook and not WEBHOOK.fullmatch(row.webhook):
        notes.error(
            row.row,
            "webhook",
            N_("'%(webhook)s' is not an http(s) address without credentials"),
            webhook=row.webhook,
        )


def _check_duties(pack: Pack) -> list[Finding]:
    notes = Notes("duties.csv")
    services = {row.code for row in pack.services}
    units = {row.code for row in pack.units}
    _once(notes, "service_code", ((row.row, (row.unit_code, row.service_code)) for row in pack.duties))
    for row in pack.duties:
        if row.unit_code not in units:
            notes.error(row.row, "unit_code", N_("there is no unit '%(unit_code)s'"), unit_code=row.unit_code)
        if row.service_code not in services:
            notes.error(
                row.row,
                "service_code",
                N_("there is no service '%(service_code)s'"),
                service_code=row.service_code,
            )
    return notes.findings


def _classes(rules_text: str) -> set[str]:
    """The classes of targets that rules name; none where the rules cannot be read, which is told elsewhere."""
    try:
        return {rule.targets for rule in parse_rulebook(rules_text).rules if rule.targets}
    except RulebookError:
        return set()


def _check_targets(pack: Pack) -> list[Finding]:
    notes = Notes("targets.csv")
    scopes = {"*", *(row.code for row in pack.services), *(row.group for row in pack.services)}
    scopes |= {f"@{row.code}" for row in pack.units} | _classes(pack.rules_text)
    rows = [(row.row, (row.scope, row.priority, row.clock, row.stage)) for row in pack.targets]
    _once(notes, "service_code", rows)
    for row in pack.targets:
        if row.scope not in scopes:
            message = N_("'%(scope)s' is neither a service, a group, @unit nor *, and no rule names it")
            note = notes.error if row.scope.startswith("@") else notes.warn
            note(row.row, "service_code", message, scope=row.scope)
    known = dict(zip((key for _, key in rows), pack.targets, strict=True))
    for service in pack.services:
        for clock, stage in NEEDED:
            if not _is_covered(service, clock, stage, known):
                notes.error(
                    1,
                    "service_code",
                    N_("the service '%(code)s' has no %(clock)s target for %(stage)s"),
                    code=service.code,
                    clock=clock,
                    stage=stage,
                )
    for clock, stage in WANTED:
        bare = [row.code for row in pack.services if not _is_covered(row, clock, stage, known)]
        if bare:
            message = said(
                N_("no %(clock)s target for %(stage)s: %(shown)s"),
                clock=clock,
                stage=stage,
                shown=listed(bare),
            )
            notes.warn(1, "service_code", message)
    _check_emergencies(pack, known, notes)
    return notes.findings


def _check_answers(pack: Pack) -> list[Finding]:
    notes = Notes("answers.csv")
    scopes = {"*", *(row.code for row in pack.services), *(row.group for row in pack.services)}
    for row in pack.answers:
        if row.scope not in scopes:
            notes.error(
                row.row,
                "service_code",
                N_("'%(scope)s' is neither a service, a group nor *"),
                scope=row.scope,
            )
    return notes.findings


def _check_ladder(pack: Pack) -> list[Finding]:
    notes, line = Notes("city.toml"), pack.config_lines.get("escalation.step", 0)
    known = {*WHOM, *(row.level for row in pack.units)}
    for step in pack.city.escalation.steps:
        if step.to not in known:
            notes.error(
                line,
                "escalation.step.to",
                N_("'%(to)s' is neither %(list)s nor a level of units"),
                to=step.to,
                list=", ".join(WHOM),
            )
    return notes.findings


def _check_emergencies(pack: Pack, known: Mapping[Key, TargetRow], notes: Notes) -> None:
    for clock, stage in NEEDED:
        hidden = [row.code for row in pack.services if _hides_emergency(row, clock, stage, known)]
        if hidden:
            message = said(
                N_("their own %(clock)s target hides the wider one for emergencies: %(shown)s"),
                clock=clock,
                shown=listed(hidden),
            )
            notes.warn(1, "priority", message)


def _hides_emergency(service: ServiceRow, clock: str, stage: str, known: Mapping[Key, TargetRow]) -> bool:
    """The narrowest scope wins before the priority does, so that a blank row can stand before an emergency's.
    That is harmless where it asks for no more time.
    """
    if service.kind != "report":
        return False
    keys = [(scope, given) for scope in _scopes(service) for given in ("emergency", "")]
    found = [
        known[scope, given, clock, stage] for scope, given in keys if (scope, given, clock, stage) in known
    ]
    wider = [row for row in found if row.priority]
    if not found or found[0].priority or not wider:
        return False
    return found[0].unit != wider[0].unit or found[0].amount > wider[0].amount


def _scopes(service: ServiceRow) -> tuple[str, str, str]:
    return (service.code, service.group, "*")


def _is_covered(service: ServiceRow, clock: str, stage: str, known: Mapping[Key, TargetRow]) -> bool:
    return all(
        any((scope, given, clock, stage) in known for scope in _scopes(service) for given in (priority, ""))
        for priority in PRIORITIES
    )


def _check_days(pack: Pack) -> list[Finding]:
    notes = Notes("holidays.csv")
    _once(notes, "date", ((row.row, row.day) for row in pack.holidays))
    return notes.findings


def _check_plans(pack: Pack) -> list[Finding]:
    notes = Notes("plans.csv")
    _once(notes, "code", ((row.row, row.code) for row in pack.plans))
    return notes.findings
