"""Knows the ladder that a breach climbs in each city, without building the whole city for it."""

from __future__ import annotations

from collections.abc import Collection

from sqlalchemy import Connection, func, select, text

from portal.models.city import jurisdiction_table, unit
from routing.escalation import Escalation, Ladder
from routing.units import Directory, Unit


def ladders(tx: Connection, jurisdictions: Collection[str]) -> dict[str, Ladder]:
    """The ladder of each of these cities, in one statement."""
    shape = "json_build_object('code', unit_code, 'parent', parent, 'level', level, 'above', supervisor_unit)"
    units = (
        select(func.json_agg(text(shape)))
        .where(unit.c.jurisdiction_id == jurisdiction_table.c.id)
        .correlate(jurisdiction_table)
        .scalar_subquery()
    )
    query = select(
        jurisdiction_table.c.id,
        jurisdiction_table.c.coordination_unit,
        jurisdiction_table.c.config["escalation"].label("escalation"),
        units.label("units"),
    ).where(jurisdiction_table.c.id.in_(sorted(jurisdictions)))
    found = {}
    for row in tx.execute(query):
        known = [
            Unit(each["code"], each["parent"] or "", each["level"], supervisor=each["above"] or "")
            for each in row.units or ()
        ]
        found[row.id] = Ladder(Escalation.from_plain(row.escalation), Directory(known, row.coordination_unit))
    return found
