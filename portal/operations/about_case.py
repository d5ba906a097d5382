"""Knows which case a complaint is about, and that its unit is the one complained about where none is named."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from sqlalchemy import Connection, Table, select

from portal.crypto import read_token
from portal.errors import InvalidInput
from portal.i18n import N_, Message
from portal.models.crews import complaint_case
from portal.models.report import report
from portal.operations.context import Context
from portal.operations.submission import Submission, clean_text
from portal.queries.city import CityView

COMPLAINT = "complaint"


def settle_accused(tx: Connection, context: Context, city: CityView, submission: Submission) -> Submission:
    """The submission with the unit that a complaint about a case is about; InvalidInput for a case nobody has."""
    service = city.services.get(submission.service_code)
    token = read_token(clean_text(submission.about_case))[:40]
    if not token or service is None or service.kind != COMPLAINT:
        return replace(submission, about_case="")
    here = (report.c.token == token) & (report.c.jurisdiction_id == context.jurisdiction_id)
    lead = tx.scalar(select(report.c.lead_unit).where(here))
    if lead is None:
        raise InvalidInput({"about_case": Message(N_("There is no report with this number."))})
    return replace(submission, about_case=token, about_unit=submission.about_unit or lead)


def about_case_rows(
    context: Context, case_id: int, submission: Submission
) -> list[tuple[Table, list[dict[str, Any]]]]:
    """The row that keeps the case; apart from the report, because it would name whoever complains."""
    if not submission.about_case:
        return []
    row = {
        "jurisdiction_id": context.jurisdiction_id, "report_id": case_id, "about_token": submission.about_case,
    }  # fmt: skip
    return [(complaint_case, [row])]
