"""Knows the form by which one thing is done to many cases, and what it means for each of them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from werkzeug.datastructures import MultiDict

from portal.errors import InvalidInput
from portal.i18n import N_, Message, localised
from portal.operations.move_checks import Move
from portal.queries.answer_texts import fitting
from portal.queries.city import CityView
from portal.queries.many_cases import ManyCase
from portal.web.bulk_words import FIELDS
from portal.web.forms.staff_move import read_seq

MOST_AT_ONCE = 200
LONGEST_TEXT = 4000
NAMES = ("crew", "person", "to_unit", "code", "pause", "reason", "public_text", "note", "answer")
# Which field of the form holds the reason of an action.
_REASON = {"transfer": "code", "wait": "pause", "assign": "reason"}


@dataclass(frozen=True, slots=True)
class BulkForm:
    """What was typed. `seen`: the cases that were ticked, each with the newest event that stood in the list."""

    action: str
    seen: Mapping[str, int]
    values: Mapping[str, str]
    back: str = ""

    def value(self, name: str) -> str:
        """What stands in a field that belongs to the action."""
        return self.values.get(name, "") if name in FIELDS.get(self.action, ()) else ""

    def faults(self) -> list[Message]:
        """What is wrong whatever the case."""
        found = []
        if not self.seen:
            found.append(Message(N_("Please choose at least one case.")))
        if self.action not in FIELDS:
            found.append(Message(N_("Please choose what should be done.")))
        return found

    def move(self, case: ManyCase, view: CityView) -> Move:
        """The move for one of the cases; InvalidInput where the ready-made answer does not fit it."""
        return Move(
            self.action,
            reason=self.value(_REASON.get(self.action, "reason")),
            to_unit=self.value("to_unit"),
            public_text=self._answer(case, view) or self.value("public_text"),
            note=self.value("note"),
            seen_seq=self.seen[case.token],
        )

    def _answer(self, case: ManyCase, view: CityView) -> str:
        """The chosen ready-made answer in the language in which the case was reported."""
        if not (chosen := self.value("answer")):
            return ""
        service = view.services.get(case.service_code)
        group = service.group if service else ""
        offered = fitting(view.answers, case.service_code, group, case.kind, self.action)
        for each in offered:
            if str(each.id) == chosen:
                return localised(each.texts, case.locale)
        raise InvalidInput({"answer": Message(N_("This ready-made answer does not fit this case."))})


def read_bulk(form: MultiDict[str, str]) -> BulkForm:
    """What the form brought; the button of one case brings that case alone, and what is done to it."""
    one, _, seq = form.get("take", "").partition(":")
    if one.isascii() and one.isalnum():
        return BulkForm("take", {one: read_seq(seq)}, {}, form.get("back", ""))
    tokens = [token for token in form.getlist("token") if token.isascii() and token.isalnum()]
    return BulkForm(
        form.get("action", ""),
        {token: read_seq(form.get(f"seq-{token}", "")) for token in tokens[:MOST_AT_ONCE]},
        {name: form.get(name, "").replace("\r\n", "\n").strip()[:LONGEST_TEXT] for name in NAMES},
        form.get("back", ""),
    )
