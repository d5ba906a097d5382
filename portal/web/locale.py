"""Knows which language and time zone a page is shown in, and the words and dates that templates write."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime
from functools import cache
from pathlib import Path
from typing import Any
from urllib.parse import urlencode
from zoneinfo import ZoneInfo

from babel.dates import format_date as babel_date
from babel.numbers import format_decimal, format_percent
from flask import Flask, Response, g, request

from geo.sentences import Sentence
from portal import clock
from portal.errors import NotReady
from portal.i18n import (
    CATALOGUES,
    SOURCE_LOCALE,
    Message,
    best_locale,
    datetime_words,
    html_language,
    is_right_to_left,
    localised,
    message_of,
    translations,
)
from portal.masking import mask
from portal.web.services import city, services

COOKIE = "wenlu_lang"
ONE_YEAR = 365 * 24 * 3600
# What the switch calls a language. Which there are: the folders of portal/translations.
OWN_NAMES = {"en": "English", "zh_Hans": "中文"}


@cache
def translated_locales() -> tuple[str, ...]:
    """The languages that have a catalogue, and the source language."""
    found = sorted(path.parent.name for path in Path(CATALOGUES).glob("*/LC_MESSAGES"))
    return (SOURCE_LOCALE, *(name for name in found if name != SOURCE_LOCALE))


def offered_locales() -> tuple[str, ...]:
    """The city's languages that we have words for, its default first; all of ours before a city is loaded."""
    try:
        wanted = tuple(city().locales)
    except NotReady:
        wanted = ()
    return tuple(name for name in wanted if name in translated_locales()) or translated_locales()


def current_locale() -> str:
    """The language of this request: asked for in the address, kept in the cookie, else the browser's."""
    if "locale" not in g:
        g.locale = _choose(offered_locales())
    return str(g.locale)


def _choose(offered: tuple[str, ...]) -> str:
    for wanted in (request.args.get("lang"), request.cookies.get(COOKIE)):
        if wanted in offered:
            return str(wanted)
    return best_locale(request.headers.get("Accept-Language", ""), offered)


def safe_locale() -> str:
    """The language where the database may be away: never raises."""
    try:
        return current_locale()
    except Exception:  # an error page must not fail for the reason it reports
        g.locale = _choose(translated_locales())
        return str(g.locale)


def gettext(msgid: str, **params: Any) -> str:
    """A sentence in the reader's language; parameters may be Messages or name maps."""
    return Message(msgid, params).in_locale(safe_locale())


def ngettext(one: str, many: str, count: int, **params: Any) -> str:
    """A sentence that depends on a number, which it may name as %(count)s."""
    text = translations(safe_locale()).ngettext(one, many, count)
    return str(text) % {"count": number(count), **params}


def named(names: Mapping[str, str] | str | None) -> str:
    """A name map in the reader's language; a name that has only one form stays as it is."""
    return names if isinstance(names, str) else localised(names or {}, safe_locale())


def unit_name(code: str) -> str:
    """A unit's name in the reader's language."""
    return named(city().unit_names(code))


def service_name(code: str) -> str:
    """A service's name in the reader's language; its code where it has gone."""
    found = city().services.get(code)
    return named(found.names) if found else code


def layer_title(name: str) -> str:
    """A layer's title in the reader's language."""
    return named(city().layer_title(name))


def boundary_name(layer: str, code: str) -> str:
    """A boundary's name."""
    return named(city().boundary_name(layer, code))


def say(message: Message | str) -> str:
    """A message in the reader's language; plain text stays as it is."""
    if isinstance(message, Sentence):
        message = message_of(message)
    return message.in_locale(safe_locale()) if isinstance(message, Message) else message


def local(at: datetime) -> datetime:
    """An instant in the city's time zone."""
    return at.astimezone(ZoneInfo(city().timezone))


def datetime_text(at: datetime) -> str:
    """Day and time in words, the year only when it is another one."""
    moment = local(at)
    return datetime_words(moment, safe_locale(), with_year=moment.year != local(clock.now()).year)


def date_text(day: date | datetime) -> str:
    """A day in words."""
    shown = local(day) if isinstance(day, datetime) else day
    return babel_date(shown, "long", locale=safe_locale())


def number(value: float) -> str:
    """A number in the reader's notation."""
    return format_decimal(value, locale=safe_locale())


def percent(share: float) -> str:
    """A share in per cent, whole."""
    return format_percent(share, "#0%", locale=safe_locale())


def duration_text(seconds: float) -> str:
    """A length of time in its largest unit, rounded down: "3 days", "5 hours", "12 minutes"."""
    minutes = max(0, int(seconds // 60))
    if minutes < 60:
        return ngettext("%(count)s minute", "%(count)s minutes", minutes)
    if minutes < 48 * 60:
        return ngettext("%(count)s hour", "%(count)s hours", minutes // 60)
    return ngettext("%(count)s day", "%(count)s days", minutes // (24 * 60))


def city_name() -> str:
    """The name of the city that is served; ours while the database is away."""
    try:
        return named(city().names)
    except Exception:  # an error page must not fail for the reason it reports
        return "Wenlu"


def language_links() -> list[dict[str, Any]]:
    """The languages on offer, each with the address of this page in it."""
    here = safe_locale()
    path = request.path if request.method in ("GET", "HEAD") else "/"
    kept = [(key, value) for key, value in request.args.items(multi=True) if key != "lang"]
    try:
        offered = offered_locales()
    except Exception:  # the database is away: the error page still wants its languages
        offered = translated_locales()
    return [
        {
            "tag": html_language(name),
            "name": OWN_NAMES.get(name, name),
            "href": f"{path}?{urlencode([*kept, ('lang', name)])}",
            "is_current": name == here,
        }
        for name in offered
    ]


def install(app: Flask) -> None:
    """Give templates their words, and keep a language that was asked for in the address."""
    app.jinja_env.globals |= {
        "_": gettext,
        "ngettext": ngettext,
        "named": named,
        "language_links": language_links,
        "city_name": city_name,
        "unit_name": unit_name,
        "service_name": service_name,
        "layer_title": layer_title,
        "boundary_name": boundary_name,
        "page_locale": safe_locale,
        "page_language": lambda: html_language(safe_locale()),
        "page_direction": lambda: "rtl" if is_right_to_left(safe_locale()) else "ltr",
    }
    app.jinja_env.filters |= {
        "datetime": datetime_text,
        "date": date_text,
        "number": number,
        "percent": percent,
        "duration": duration_text,
        "shielded": mask,
        "say": say,
        "named": named,
    }

    app.after_request(_keep_language)


def _keep_language(response: Response) -> Response:
    wanted = request.args.get("lang")
    if wanted in translated_locales() and not request.path.startswith(("/api/", "/static/")):
        is_https = services().settings.is_https
        response.set_cookie(COOKIE, wanted, max_age=ONE_YEAR, httponly=True, samesite="Lax", secure=is_https)
    if not request.path.startswith(("/static/", "/tiles/")):  # the same in every language
        response.vary.update(("Accept-Language", "Cookie"))
    return response
