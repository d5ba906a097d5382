"""Knows the response plan that a rule opened for a case: its steps, and which of them are done."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from sqlalchemy import ScalarSelect, func, select, text

from portal.models.city import response_plan
from portal.models.ledger import event
from portal.models.report import report
from portal.queries.case_parts import DESK_PARTS, Part, Row

STEP_DONE = "plan.step_done"
_STEPS = re.compile(r"[;；\n]+")


def plan_steps(texts: Mapping[str, str]) -> list[dict[str, str]]:
    """The steps of a plan in order: parts of one text between semicolons, in every language."""
    parted = {
        locale: [part.strip() for part in _STEPS.split(words) if part.strip()]
        for locale, words in texts.items()
    }
    count = max((len(parts) for parts in parted.values()), default=0)
    return [
        {locale: parts[number] for locale, parts in parted.items() if number < len(parts)}
        for number in range(count)
    ]


class PlanPart(Part):
    """One row where the rule that decided names a plan: title, steps with `position`, `text` and `done`."""

    def __init__(self) -> None:
        super().__init__(report, "id", case_column="id")

    def of(self, case_id: int) -> ScalarSelect[Any]:
        """The row as one JSON value."""
        ticked = select(func.json_agg(event.c.public)).where(
            event.c.case_id == case_id, event.c.kind == STEP_DONE
        )
        shape = func.json_build_array(
            func.json_build_object(
                text("'code'"), response_plan.c.code, text("'title'"), response_plan.c.title,
                text("'steps'"), response_plan.c.steps, text("'ticked'"), ticked.scalar_subquery(),
            )
        )  # fmt: skip
        opened = (response_plan.c.jurisdiction_id == report.c.jurisdiction_id) & (
            response_plan.c.code == report.c.receipt["plan"].astext
        )
        return select(shape).select_from(report.join(response_plan, opened)).where(
            report.c.id == case_id
        ).scalar_subquery()  # fmt: skip

    def read(self, rows: list[dict[str, Any]] | None) -> list[Row]:
        """The row of that value; of another plan's steps none is done."""
        return [
            row | {
                "steps": [
                    {"position": position, "text": words, "done": position in done}
                    for position, words in enumerate(plan_steps(row["steps"]), start=1)
                ]
            }
            for row in rows or []
            for done in [{each["step"] for each in row["ticked"] or [] if each["plan"] == row["code"]}]
        ]  # fmt: skip


DESK_PARTS["plan"] = PlanPart()
