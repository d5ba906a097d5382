"""Knows how letters reach those in the field: a crew, and a contractor by a link; never those complained about."""

from __future__ import annotations

from sqlalchemy import Connection, select, text

from portal.channels import EMAIL, SMS
from portal.models.city import unit
from portal.models.crews import crew
from portal.models.report import report
from portal.operations.context import Context
from portal.operations.contractor_links import issue_link
from portal.queries.messages import CaseOfMessage

CONTRACTOR_LEVEL = "contractor"
LINK_PATH = "/job/open/"
# Upwards from the reader: whether one of them is the unit that the complaint is about.
_IS_ACCUSED = text("""
    WITH RECURSIVE up AS (
        SELECT unit_code, parent FROM unit WHERE jurisdiction_id = :city AND unit_code = :code
        UNION SELECT u.unit_code, u.parent FROM unit u JOIN up ON u.unit_code = up.parent
        WHERE u.jurisdiction_id = :city)
    SELECT EXISTS (SELECT 1 FROM up JOIN report r ON r.about_unit = up.unit_code WHERE r.id = :report_id)
""")


def is_accused(tx: Connection, case: CaseOfMessage, code: str) -> bool:
    """Whether a case is a complaint about this unit, or about one above it: then it is told nothing."""
    given = {"city": case.jurisdiction_id, "code": code, "report_id": case.report_id}
    return bool(tx.scalar(_IS_ACCUSED, given))


def crew_address(tx: Connection, case: CaseOfMessage, code: str) -> tuple[str, str] | None:
    """Channel and address of a crew, its e-mail before its telephone; None without either."""
    query = select(crew.c.email, crew.c.phone, crew.c.unit_code).where(
        crew.c.jurisdiction_id == case.jurisdiction_id, crew.c.crew_code == code
    )
    row = tx.execute(query).one_or_none()
    if row is None or is_accused(tx, case, row.unit_code):
        return None
    if row.email:
        return EMAIL, str(row.email)
    return (SMS, str(row.phone)) if row.phone else None


def link_of_contractor(tx: Connection, context: Context, case: CaseOfMessage, code: str) -> str | None:
    """Where a contractor who leads the case is sent; None for every other unit."""
    query = (
        select(report.c.id)
        .join(
            unit,
            (unit.c.jurisdiction_id == report.c.jurisdiction_id) & (unit.c.unit_code == report.c.lead_unit),
        )
        .where(report.c.id == case.report_id, unit.c.unit_code == code, unit.c.level == CONTRACTOR_LEVEL)
    )
    if tx.scalar(query) is None:
        return None
    return f"{context.public_url}{LINK_PATH}{issue_link(tx, context, case.report_id, code)}"
