"""Knows the ready-made answers of a city: which of them fit a service and what is being done to its case."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from sqlalchemy import Connection, select

from portal.models.voice import answer_text
from routing.closing import closing_codes_for

# Moves that are not an ending of their own take the words of a stage or of the ending that they imply.
ENDING_OF = {"update": "first_answer", "reject": "declined"}


@dataclass(frozen=True, slots=True)
class AnswerText:
    """Words that a unit may start from. `applies_to` is a service code, a group or `*`."""

    id: int
    applies_to: str
    ending: str
    texts: Mapping[str, str]


def read_answer_texts(tx: Connection, jurisdiction_id: str) -> tuple[AnswerText, ...]:
    """All ready-made answers of a city, in their order."""
    query = (
        select(answer_text.c.id, answer_text.c.applies_to, answer_text.c.ending, answer_text.c.text)
        .where(answer_text.c.jurisdiction_id == jurisdiction_id)
        .order_by(answer_text.c.position, answer_text.c.id)
    )
    return tuple(AnswerText(*row) for row in tx.execute(query))


def fitting(
    answers: Iterable[AnswerText], service_code: str, group: str, kind: str, action: str
) -> list[AnswerText]:
    """The answers for an action on a case of this service: its own first, then its group's, then the general."""
    endings = {code.code for code in closing_codes_for(kind)} if action == "resolve" else set()
    endings |= {ENDING_OF[action]} if action in ENDING_OF else set()
    order = {service_code: 0, group: 1, "*": 2}
    found = [each for each in answers if each.ending in endings and each.applies_to in order]
    return sorted(found, key=lambda each: order[each.applies_to])
