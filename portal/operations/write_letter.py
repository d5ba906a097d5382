"""Knows the words of each message: a template per occasion, in the reader's language, as text and as a page."""

from __future__ import annotations

import re
from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from portal.i18n import (
    CATALOGUES,
    N_,
    SOURCE_LOCALE,
    Message,
    best_locale,
    datetime_words,
    html_language,
    localised,
)
from portal.operations.letter_wording import render_wording
from portal.queries.messages import CaseOfMessage

FOLDER = Path(__file__).parent.parent / "templates" / "mail"
REPORTER, UNIT, FOLLOWER = "reporter", "unit", "follower"
URGENT = frozenset({"emergency", "high"})
OPEN_IT = N_("Open the report")
STOP_LETTERS = N_("No more letters about this report")


def audience_of(to: str) -> str:
    """Whose letters somebody gets: who follows a report reads what its reporter reads."""
    return REPORTER if to == REPORTER or to.startswith(f"{FOLLOWER}:") else UNIT


def occasions(audience: str) -> frozenset[str]:
    """The messages that there are for the reporter, or for a unit: one file each."""
    return frozenset(path.stem for path in (FOLDER / audience).glob("[a-z]*.txt"))


@dataclass(frozen=True, slots=True)
class Order:
    """What a message is about and for whom; `words` are what somebody wrote for the public, `due_at` what is due.

    `second_due_at` is the date of an extension or a plan, `outside_body` who got a case that is not ours,
    `duplicate_of` the number of the report that this one was joined with, `say_link` where its reader answers,
    `incident` the number of the report that it tells of, where that is not the reader's own.
    """

    audience: str
    occasion: str
    locale: str
    link: str
    words: str = ""
    reason: Message | None = None
    due_at: datetime | None = None
    second_due_at: datetime | None = None
    outside_body: str = ""
    duplicate_of: str = ""
    say_link: str = ""
    incident: str = ""


def letter_locale(wanted: str, city_locale: str) -> str:
    """The language that a letter is written in: the reader's where we speak it, else the city's."""
    spoken = sorted({SOURCE_LOCALE, *(path.name for path in CATALOGUES.iterdir() if path.is_dir())})
    first = city_locale if city_locale in spoken else SOURCE_LOCALE
    return best_locale(wanted.replace("_", "-"), (first, *spoken))


def write_letter(
    order: Order, case: CaseOfMessage, wording: tuple[str, str] | None = None
) -> tuple[str, str]:
    """Subject and text of a message: in the city's own wording (subject and body), where it has one."""
    facts = _facts(order, case)
    if wording is None:
        template = _environment().get_template(f"{order.audience}/{order.occasion}.txt")
        subject, _, text = template.render(facts).strip().partition("\n")
    else:
        places = {name: value for name, value in facts.items() if name != "_"}
        subject, body = (render_wording(each, places) for each in wording)
        text = f"{body}\n{_environment().get_template(f'{order.audience}/_foot.txt').render(facts)}"
    return " ".join(subject.split()), re.sub(r"\n{3,}", "\n\n", text).strip() + "\n"


def wording_shipped(audience: str, occasion: str, locale: str) -> tuple[str, str]:
    """Subject and body that came with us, as the editor shows them: translated, with their places open."""
    source = (FOLDER / audience / f"{occasion}.txt").read_text(encoding="utf-8")
    source = re.sub(r"\{% include .*? %\}", "", source)

    def said(found: re.Match[str]) -> str:
        values = dict(re.findall(r"(\w+)=(\w+)", found.group(2)))
        text = Message(found.group(1).replace('\\"', '"')).in_locale(locale)
        return re.sub(r"%\((\w+)\)s", lambda place: "{{ " + values[place.group(1)] + " }}", text)

    open_text = re.sub(r'\{\{ _\("((?:[^"\\]|\\.)*)"((?:, \w+=\w+)*)\) \}\}', said, source)
    subject, _, body = open_text.strip().partition("\n")
    return subject.strip(), re.sub(r"\n{3,}", "\n\n", body).strip()


def letter_page(
    subject: str,
    text: str,
    link: str,
    locale: str,
    stop_url: str = "",
    *,
    label: str = OPEN_IT,
    stop: str = STOP_LETTERS,
    links: Collection[str] = (),
) -> str:
    """The same words as a page: no picture, no colour of its own, nothing from elsewhere.

    `link` becomes the button that says `label`; lines that are one of `links` can be followed as well.
    """
    paragraphs = [part.split("\n") for part in text.strip().split("\n\n")]
    return (
        _pages()
        .get_template("letter.html")
        .render(
            subject=subject,
            paragraphs=paragraphs,
            link=link,
            label=Message(label).in_locale(locale),
            links=links,
            language=html_language(locale),
            stop_url=stop_url,
            stop_label=Message(stop).in_locale(locale),
        )
    )


def _facts(order: Order, case: CaseOfMessage) -> dict[str, Any]:
    locale = letter_locale(order.locale, case.city_locale)

    def instant(at: datetime | None) -> str:
        """As people of the city write it; empty where there is none."""
        moment = at.astimezone(ZoneInfo(case.timezone)) if at else None
        return datetime_words(moment, locale, with_year=True) if moment else ""

    return {
        "_": lambda msgid, **params: Message(msgid, params).in_locale(locale),
        "token": case.token,
        "service": localised(case.service_names, locale),
        "unit": localised(case.unit_names, locale),
        "city": localised(case.city_names, locale),
        "link": order.link,
        "opened": instant(case.opened_at),
        "due": instant(order.due_at or case.promise_due_at),
        "second_due": instant(order.second_due_at or case.second_due_at),
        "outside_body": order.outside_body,
        "duplicate_of": order.duplicate_of,
        "incident": order.incident,
        "say_link": order.say_link,
        "text": order.words,
        "reason": order.reason.in_locale(locale) if order.reason else "",
        "plan": localised(case.plan_title, locale) if case.plan_title else "",
        "is_urgent": case.priority in URGENT,
    }


@cache
def _environment() -> Environment:
    return Environment(
        loader=FileSystemLoader(FOLDER),
        autoescape=False,  # noqa: S701 - plain text, never HTML
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )


@cache
def _pages() -> Environment:
    return Environment(
        loader=FileSystemLoader(FOLDER), autoescape=True, undefined=StrictUndefined, trim_blocks=True
    )
