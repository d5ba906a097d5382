"""Knows the rows that the crews and rosters of a pack become; a pack without crews leaves the desk's alone."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Table

from portal.models.crews import crew, crew_shift
from portal.pack.model import Pack

Rows = list[dict[str, Any]]


def crew_rows(pack: Pack) -> list[tuple[Table, Rows]]:
    """Both tables, or none."""
    return [(crew, _crews(pack)), (crew_shift, _shifts(pack))] if pack.crews else []


def _crews(pack: Pack) -> Rows:
    return [
        {
            "crew_code": row.code,
            "unit_code": row.unit_code,
            "name": dict(row.names),
            "services": list(row.services),
            "capacity": row.capacity,
            "geom": f"SRID=4326;POINT({row.base[0]!r} {row.base[1]!r})" if row.base else None,
            "email": row.email or None,
            "phone": row.phone or None,
            "position": position,
            "is_active": row.active,
        }
        for position, row in enumerate(pack.crews)
    ]


def _shifts(pack: Pack) -> Rows:
    return [
        {"crew_code": row.crew_code, "day": row.day, "from_time": row.starts, "to_time": row.ends}
        for row in pack.rosters
    ]
