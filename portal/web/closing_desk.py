"""Knows what the desk's case page has for closing: proof beside the report, residents' words, ready-made answers."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any

from portal.i18n import localised
from portal.queries.answer_texts import AnswerText, fitting
from portal.queries.city import CityView
from portal.queries.staff_case import StaffCase
from portal.web.closing_view import said_of
from portal.web.forms.staff_move import TypedMove
from portal.web.locale import named
from portal.web.proof import comparison


def desk_closing(case: StaffCase, city: CityView, actions: Iterable[str]) -> dict[str, Any]:
    """What the panels and forms of a case need, from what was read for the page anyway."""
    return {
        "compare": comparison(case.parts["photos"], case.events),
        "photo_base": f"/desk/case/{case.row.token}/photo",
        "closing": said_of(case.row.closing_count, case.parts),
        "answers": {
            action: [
                {"id": each.id, "ending": each.ending, "text": _words(each, case), "label": named(each.texts)}
                for each in _fitting(case, city, action)
            ]
            for action in actions
        },
    }


def filled(typed: TypedMove, form: Mapping[str, str], case: StaffCase, city: CityView) -> TypedMove | None:
    """The form with the chosen answer put in, where its button was pressed and an answer chosen."""
    if "fill" not in form:
        return None
    chosen = next(
        (each for each in _fitting(case, city, typed.action) if str(each.id) == form.get("answer")), None
    )
    if chosen is None:
        return None
    words = {"public_text": _words(chosen, case)}
    ending = {"closing_code": chosen.ending} if typed.action == "resolve" else {}
    return replace(typed, values={**typed.values, **words, **ending})


def _fitting(case: StaffCase, city: CityView, action: str) -> list[AnswerText]:
    service = city.services.get(case.row.service_code)
    group = service.group if service else ""
    return fitting(city.answers, case.row.service_code, group, case.row.kind, action)


def _words(answer: AnswerText, case: StaffCase) -> str:
    """In the language in which the case was reported: its reporter reads them first."""
    return localised(answer.texts, case.row.locale)
