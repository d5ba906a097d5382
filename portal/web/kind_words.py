"""Knows how each of the five kinds of feedback is spoken to: a report is mended, a praise is thanked for."""

from __future__ import annotations

from dataclasses import dataclass

from flask import Blueprint

from portal.i18n import N_
from portal.web.services import city


@dataclass(frozen=True, slots=True)
class KindWords:
    """What one kind of feedback is called, and what is said of it. `promise` stands before the date."""

    name: str
    number: str
    filed: str
    promise: str
    next: str
    wants: str


KINDS = {
    "report": KindWords(
        N_("Report"), N_("Report %(number)s"), N_("%(unit)s answers for this"), N_("Promise"),
        N_("The unit looks at it on the spot and tells you what it did."),
        N_("What should the unit know?"),
    ),
    "complaint": KindWords(
        N_("Complaint"), N_("Complaint %(number)s"), N_("%(unit)s looks into your complaint"),
        N_("Answer by"),
        N_("It is never handled by the unit it is about, and that unit is not told that you complained."),
        N_("What happened, and when?"),
    ),
    "enquiry": KindWords(
        N_("Question"), N_("Question %(number)s"), N_("%(unit)s answers your question"), N_("Answer by"),
        N_("You get an answer in words."), N_("What do you want to know?"),
    ),
    "suggestion": KindWords(
        N_("Suggestion"), N_("Suggestion %(number)s"), N_("%(unit)s considers your suggestion"), N_("Answer by"),
        N_("The unit says whether it takes it up, and why."), N_("What do you suggest?"),
    ),
    "praise": KindWords(
        N_("Praise"), N_("Praise %(number)s"), N_("Thank you: %(unit)s will read it"), N_("Read by"),
        N_("Thank you. It is passed on to those who deserve it; there is nothing that you need to do."),
        N_("What was done well, and by whom?"),
    ),
}  # fmt: skip
ANSWERED = {"praise": N_("Read and passed on"), "suggestion": N_("Considered and answered")}

pages = Blueprint("kind_words", __name__)  # no pages of its own: words for every template


def kind_words(kind: str) -> KindWords:
    """The words for a kind; those of a report for any other."""
    return KINDS.get(kind, KINDS["report"])


def complaint_service() -> str:
    """The first service by which one can complain about a unit; empty where the city has none."""
    found = (each.code for each in city().services.values() if each.is_active and each.kind == "complaint")
    return next(found, "")


pages.add_app_template_global(kind_words, "kind_words")
pages.add_app_template_global(complaint_service, "complaint_service")
