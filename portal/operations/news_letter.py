"""Knows the letters to those who follow an area, a service or a unit: the first question, and the news when due."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import urlencode
from zoneinfo import ZoneInfo

from sqlalchemy import Connection, Row, update

from portal import clock
from portal.channels import EMAIL
from portal.db import insert_together
from portal.i18n import N_, Message, datetime_words, localised
from portal.mail import Letter
from portal.models.open_city import subscription
from portal.operations.context import Context
from portal.operations.message_readers import ANOTHER_KEY, Reader, digest_due, message_mark
from portal.operations.outbox_rows import DELIVER, outbox_row
from portal.operations.run_once import GiveUp, Work
from portal.operations.subscribe import (
    ASK,
    SUBSCRIBER,
    subscription_secret,
    subscription_stop_code,
)
from portal.operations.write_letter import letter_locale, letter_page
from portal.queries.city import CityView
from portal.queries.subscriptions import (
    AREA,
    ASKED,
    CONFIRMED,
    MOST_LINES,
    SERVICE,
    NewsLine,
    Subject,
    due_subscriptions,
    news_of,
    subscription_by_id,
)

NEWS = "news"
MOST_WORDS = 120
# What is being committed just now is told of the next time.
LAG = timedelta(minutes=1)
ASK_SUBJECT = N_("Do you want news of %(subject)s?")
ASK_WORDS = N_(
    "Somebody asked for letters about %(subject)s and left this address. If it was you, open your own link "
    "and agree. If it was not you, do nothing: nobody writes again."
)
NEWS_SUBJECT = N_("%(subject)s: %(new)s new, %(closed)s closed")
CAME_IN, ENDED = N_("New (%(count)s)"), N_("Closed (%(count)s)")
AND_MORE = N_("and more")
ALL_ON_MAP = N_("All of it on the map:")
OWN_LINK = N_("You asked for these letters. With your own link you can end them:")
ASK_LABEL, NEWS_LABEL = N_("Open my link"), N_("Look or end it")
STOP = N_("No more of these letters")


def send_news(tx: Connection, limit: int = 200) -> int:
    """Look for news of those whose turn it is, and ask for a letter where there are some; answers how many looked."""
    now = clock.now()
    rows = due_subscriptions(tx, now, limit)
    for row in rows:
        until = now - LAG
        if news_of(tx, row.jurisdiction_id, Subject(row.kind, row.code), row.told_until, until):
            asked = {
                "template": NEWS,
                "to": f"{SUBSCRIBER}:{row.id}",
                "since": row.told_until.isoformat(),
                "until": until.isoformat(),
            }
            insert_together(tx, [outbox_row(row.jurisdiction_id, now, DELIVER, [asked])])
        later = {"told_until": max(until, row.told_until), "next_at": digest_due(now, row.pace, row.timezone)}
        tx.execute(update(subscription).where(subscription.c.id == row.id).values(later))
    return len(rows)


def subscriber_letter(tx: Connection, context: Context, work: Work) -> tuple[Reader, Letter] | None:
    """The question or the news of an outbox row; None where nobody wants it any more, or nothing is left to tell."""
    row = subscription_by_id(tx, int(str(work.payload["to"]).partition(":")[2]))
    is_question = work.payload["template"] == ASK
    if row is None or row.state != (ASKED if is_question else CONFIRMED):
        return None
    city = context.cities.city(tx, row.jurisdiction_id)
    locale = letter_locale(row.locale, city.locales[0])
    reader = _reader(context, row)
    if is_question:
        return reader, _question(context, work, row, city, reader, locale)
    instants = [datetime.fromisoformat(work.payload[name]) for name in ("since", "until")]
    lines = news_of(tx, row.jurisdiction_id, Subject(row.kind, row.code), *instants)
    return (reader, _news(context, work, row, city, reader, locale, lines)) if lines else None


def subject_names(city: CityView, subject: Subject) -> Any:
    """What is followed, by language; its code where it has gone."""
    if subject.kind == AREA:
        layer, _, code = subject.code.partition(":")
        return city.boundary_name(layer, code)
    if subject.kind == SERVICE:
        found = city.services.get(subject.code)
        return found.names if found else subject.code
    return city.unit_names(subject.code)


def _reader(context: Context, row: Row[Any]) -> Reader:
    try:
        address = str(context.keyring.open(row.sealed, bound_to=f"subscription:{row.token}")["email"])
    except ValueError:
        raise GiveUp(ANOTHER_KEY) from None
    # The secret stands in the fragment, which no server log ever sees.
    link = f"{context.public_url}/subscription/{row.token}#{subscription_secret(context, row.token)}"
    stop = f"{context.public_url}/unsubscribe/news/{row.token}/{subscription_stop_code(context, row.token)}"
    return Reader(f"{SUBSCRIBER}:{row.id}", EMAIL, address, row.locale, link, stop)


def _question(
    context: Context, work: Work, row: Row[Any], city: CityView, reader: Reader, locale: str
) -> Letter:
    about = {"subject": _named(city, row, locale)}
    subject = Message(ASK_SUBJECT, about).in_locale(locale)
    text = (
        f"{Message(ASK_WORDS, about).in_locale(locale)}\n\n{reader.link}\n\n{localised(city.names, locale)}\n"
    )
    page = letter_page(subject, text, reader.link, locale, label=ASK_LABEL)
    mark = message_mark(context, work.outbox_id)
    return Letter(reader.address, subject, text, mark, locale, page)


def _news(
    context: Context,
    work: Work,
    row: Row[Any],
    city: CityView,
    reader: Reader,
    locale: str,
    lines: Sequence[NewsLine],
) -> Letter:
    new, ended = ([each for each in lines if each.is_new is wanted] for wanted in (True, False))
    counts = {"new": _count(new), "closed": _count(ended)}
    subject = Message(NEWS_SUBJECT, {"subject": _named(city, row, locale), **counts}).in_locale(locale)
    here = f"{context.public_url}/map?{urlencode({row.kind: row.code})}"
    parts = [_section(context, city, locale, title, some) for title, some in ((CAME_IN, new), (ENDED, ended))]
    foot = [
        f"{Message(ALL_ON_MAP).in_locale(locale)}\n{here}",
        f"{Message(OWN_LINK).in_locale(locale)}\n{reader.link}",
        localised(city.names, locale),
    ]
    text = "\n\n".join([*(part for part in parts if part), *foot]) + "\n"
    links = {here, *(_address(context, each) for each in lines)}
    page = letter_page(
        subject, text, reader.link, locale, reader.stop_url, label=NEWS_LABEL, stop=STOP, links=links
    )
    mark = message_mark(context, work.outbox_id)
    return Letter(reader.address, subject, text, mark, locale, page, reader.stop_url)


def _section(context: Context, city: CityView, locale: str, title: str, lines: Sequence[NewsLine]) -> str:
    """A heading and a few lines for each report; empty where there is none."""
    if not lines:
        return ""
    told = [Message(title, {"count": _count(lines)}).in_locale(locale)]
    for each in lines[:MOST_LINES]:
        at = datetime_words(each.at.astimezone(ZoneInfo(city.timezone)), locale, with_year=False)
        service = city.services.get(each.service_code)
        name = localised(service.names, locale) if service else each.service_code
        words = " ".join(each.public_text.split())
        short = words if len(words) <= MOST_WORDS else f"{words[:MOST_WORDS]}…"
        head = f"{name} · {localised(city.unit_names(each.unit_code), locale)} · {at}"
        told.append("\n".join(part for part in (head, short, _address(context, each)) if part))
    more = [f"… {Message(AND_MORE).in_locale(locale)}"] if len(lines) > MOST_LINES else []
    return "\n\n".join([*told, *more])


def _address(context: Context, line: NewsLine) -> str:
    return f"{context.public_url}/r/{line.token}"


def _count(lines: Sequence[NewsLine]) -> str:
    return str(len(lines)) if len(lines) <= MOST_LINES else f"{MOST_LINES}+"


def _named(city: CityView, row: Row[Any], locale: str) -> str:
    names = subject_names(city, Subject(row.kind, row.code))
    return names if isinstance(names, str) else localised(names, locale)
