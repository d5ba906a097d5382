"""Knows what a tracking page says of the incident that its report belongs to: the first report, and all voices."""

from __future__ import annotations

from typing import Any

from sqlalchemy import ScalarSelect, func, select, text

from portal.models.incident import follower
from portal.models.report import report
from portal.queries.case_parts import Part, Row
from portal.queries.followers import CONFIRMED, COUNTED


class IncidentPart(Part):
    """One row: number and state of the incident's first report, and how many people say so."""

    def __init__(self) -> None:
        super().__init__(report, "token", case_column="id")

    def of(self, case_id: int) -> ScalarSelect[Any]:
        """The row as one JSON value."""
        first, member = report.alias("first"), report.alias("member")
        members = select(func.count()).where(member.c.primary_id == first.c.id).scalar_subquery()
        cases = select(member.c.id).where(member.c.primary_id == first.c.id)
        others = select(func.count()).where(
            (follower.c.report_id == first.c.id) | follower.c.report_id.in_(cases),
            follower.c.state.in_([COUNTED, CONFIRMED]),
        )
        shape = func.json_build_array(
            func.json_build_object(
                text("'token'"), first.c.token, text("'state'"), first.c.state,
                text("'closing_code'"), first.c.closing_code,
                text("'voices'"), 1 + members + others.scalar_subquery(),
            )
        )  # fmt: skip
        of_case = report.join(first, first.c.id == func.coalesce(report.c.primary_id, report.c.id))
        return select(shape).select_from(of_case).where(report.c.id == case_id).scalar_subquery()

    def read(self, rows: list[dict[str, Any]] | None) -> list[Row]:
        """The row of that value."""
        return list(rows or [])
