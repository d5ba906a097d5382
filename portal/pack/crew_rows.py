"""How crews.csv and rosters.csv become typed rows, and what they must say to the rest of the pack."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, timedelta

from portal.i18n import N_
from portal.pack.model import CrewRow, Finding, Pack, RosterRow
from portal.pack.said import said
from portal.pack.table import Columns, Notes, Row
from routing.errors import RoutingError
from routing.rosters import read_shift

CREW_COLUMNS = Columns(
    required=("crew_code", "unit_code"),
    localised=("name",),
    optional=("services", "capacity", "lon", "lat", "email", "phone", "active"),
)
ROSTER_COLUMNS = Columns(required=("crew_code", "day"), optional=("from", "to"))
USUAL_CAPACITY = 5
# A contract that ends this soon is told of, so that another one can be made.
AHEAD = timedelta(days=180)


def crew(row: Row, file: str) -> CrewRow:
    """A crew of a unit; its base is a point in EPSG:4326."""
    place = [row.text("lon"), row.text("lat")]
    base = None
    if all(place):
        base = (row.number_in("lon", 0.0, -180, 180), row.number_in("lat", 0.0, -90, 90))
    elif any(place):
        row.notes.error(row.number, "lat" if place[0] else "lon", N_("missing value"))
    return CrewRow(
        file=file,
        row=row.number,
        code=row.code("crew_code"),
        unit_code=row.code("unit_code"),
        names=row.texts("name", required=True),
        services=tuple(part.strip() for part in row.text("services").split(";") if part.strip()),
        capacity=row.integer("capacity", USUAL_CAPACITY, 1, 1000),
        base=base,
        email=row.text("email"),
        phone=row.text("phone"),
        active=row.yes("active", default=True),
    )


def roster(row: Row, file: str) -> RosterRow | None:
    """A shift of a crew."""
    code = row.code("crew_code")
    day, starts, ends = row.text("day", required=True), row.text("from"), row.text("to")
    try:
        shift = read_shift(day, starts, ends)
    except RoutingError as fault:
        row.notes.error(row.number, "day", str(fault))
        return None
    return RosterRow(file, row.number, code, shift.day, starts, ends)


def check_crews(pack: Pack) -> list[Finding]:
    """Crews belong to units and do services that there are; every roster has its crew, every crew a roster."""
    notes = Notes("crews.csv")
    units, known = {row.code for row in pack.units}, {row.code for row in pack.crews}
    skills = {row.code for row in pack.services} | {row.group for row in pack.services}
    seen: dict[str, int] = {}
    rostered = {row.crew_code for row in pack.rosters}
    for row in pack.crews:
        if row.code in seen:
            notes.error(
                row.row,
                "crew_code",
                N_("'%(code)s' stands already in row %(seen)s"),
                code=row.code,
                seen=seen[row.code],
            )
        seen.setdefault(row.code, row.row)
        if row.unit_code not in units:
            notes.error(row.row, "unit_code", N_("there is no unit '%(unit_code)s'"), unit_code=row.unit_code)
        for skill in row.services:
            if skill not in skills:
                notes.error(
                    row.row, "services", N_("'%(skill)s' is neither a service nor a group"), skill=skill
                )
        if row.active and row.code not in rostered:
            notes.warn(
                row.row, "crew_code", N_("'%(code)s' has no roster: it is never on duty"), code=row.code
            )
    return notes.findings + _check_rosters(pack.rosters, known)


def _check_rosters(rows: Iterable[RosterRow], known: set[str]) -> list[Finding]:
    notes = Notes("rosters.csv")
    for row in rows:
        if row.crew_code not in known:
            notes.error(row.row, "crew_code", N_("there is no crew '%(crew_code)s'"), crew_code=row.crew_code)
    return notes.findings


def check_contracts(pack: Pack, today: date | None) -> list[Finding]:
    """Contracts that do not run today, or end soon: nothing is routed to such a unit."""
    notes = Notes("units.csv")
    if today is None:
        return []
    for row in filter(lambda each: each.active, pack.units):
        if row.contract_to and row.contract_to < today:
            message = said(
                N_("the contract of '%(code)s' ended on %(contract_to)s: its supervising unit answers"),
                code=row.code,
                contract_to=row.contract_to,
            )
            notes.warn(row.row, "contract_to", message)
        elif row.contract_to and row.contract_to <= today + AHEAD:
            notes.warn(
                row.row,
                "contract_to",
                N_("the contract of '%(code)s' ends on %(contract_to)s"),
                code=row.code,
                contract_to=row.contract_to,
            )
        elif row.contract_from and row.contract_from > today:
            message = said(
                N_("the contract of '%(code)s' begins on %(contract_from)s: its supervising unit answers"),
                code=row.code,
                contract_from=row.contract_from,
            )
            notes.warn(row.row, "contract_from", message)
    return notes.findings
