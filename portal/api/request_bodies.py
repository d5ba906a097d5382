"""Knows how a request to the API becomes a submission: JSON or form fields, faults by field."""

from __future__ import annotations

import json
import math
import uuid
from collections.abc import Mapping
from datetime import datetime
from typing import TYPE_CHECKING, Any, cast
from zoneinfo import ZoneInfo

from flask import request
from werkzeug.exceptions import BadRequest

from portal.errors import InvalidInput
from portal.i18n import N_, Message
from portal.operations.submission import DATUMS, UNKNOWN_DATUM, Contact, Submission
from portal.web.forms.place import Place, settle_place
from portal.web.locale import current_locale
from portal.web.services import city

if TYPE_CHECKING:
    from geo.crs import Datum

NOT_TEXT = N_("This must be text.")
NOT_NUMBER = N_("This must be a number.")
FIRST_YEAR, LAST_YEAR = 1970, 2100  # beyond, calendars and time zones end
Body = Mapping[str, Any]
CONTACT = ("name", "email", "phone", "channel", "locale")


def body() -> Body:
    """The request's body as a mapping: a JSON object, or the fields of a form; of a GET, its query."""
    if request.method == "GET":
        return _unfolded(request.args)
    if request.is_json:
        try:
            given = request.get_json()
        except RecursionError:  # nested deeper than the parser can follow
            raise BadRequest from None
        if not isinstance(given, dict):
            raise InvalidInput({"body": Message(N_("The body must be a JSON object."))})
        return given
    return _unfolded(request.form)


def _unfolded(fields: Any) -> dict[str, Any]:
    """Form fields as an object: `answers` and `contact` as JSON text, or as `answers[code]`."""
    given: dict[str, Any] = {}
    for name, values in fields.lists():
        whole, bracket, rest = name.partition("[")
        if bracket:
            inner = given.setdefault(whole, {})
            if isinstance(inner, dict):
                inner[rest.rstrip("]")] = values if len(values) > 1 else values[0]
        elif name in ("answers", "contact"):
            given[name] = _json(name, values[0])
        else:
            given[name] = values if name == "media" else values[0]
    return given


def _json(field: str, text: str) -> Any:
    try:
        return json.loads(text) if text.strip() else {}
    except (ValueError, RecursionError):
        raise InvalidInput({field: Message(N_("This must be a JSON object."))}) from None


def submission_of(given: Body, *, channel: str = "api") -> Submission:
    """The submission of a body with its files; InvalidInput by field."""
    tokens = given.get("media") or []
    if not isinstance(tokens, list) or not all(
        isinstance(token, str) and token.isascii() and (token.isalnum() or not token) for token in tokens
    ):
        raise InvalidInput({"media": Message(N_("This must be a list of media ids."))})
    files = [each for name in ("media", "photo") for each in request.files.getlist(name) if each.filename]
    place = settle_place(_point(given), text(given, "area"), city().router.city.index.layers)
    return Submission(
        service_code=text(given, "service_code"),
        lon=place.lon,
        lat=place.lat,
        accuracy_m=place.accuracy_m,
        datum=place.datum,
        place_flag=place.flag,
        description=text(given, "description"),
        place_words=text(given, "place_words"),
        client_request_id=_request_id(given),
        answers=answers(given.get("answers")),
        contact=_contact(given.get("contact")),
        is_anonymous=_yes(given, "anonymous"),
        media=tuple(token for token in tokens if token),
        photos=tuple(each.read() for each in files),
        channel=channel,
        locale=current_locale(),
        about_unit=text(given, "about_unit"),
        about_case=text(given, "about_case"),
    )


def _point(given: Body) -> Place:
    datum = text(given, "datum") or None
    if datum not in (None, *DATUMS):
        raise InvalidInput({"datum": Message(UNKNOWN_DATUM)})
    known = cast("Datum | None", datum)
    return Place(number(given, "lon"), number(given, "lat"), number(given, "accuracy_m"), known)


def text(given: Body, name: str) -> str:
    """A field that must be text; empty where it is absent."""
    value = given.get(name)
    if value is None:
        return ""
    if not isinstance(value, str):
        raise InvalidInput({name: Message(NOT_TEXT)})
    return value


def number(given: Body, name: str) -> float | None:
    """A field that must be a finite number; None where it is absent."""
    value = given.get(name)
    if value is None or value == "":
        return None
    try:
        found = math.nan if isinstance(value, bool) else float(value)
    except (TypeError, ValueError, OverflowError):
        found = math.nan
    if not math.isfinite(found):
        raise InvalidInput({name: Message(NOT_NUMBER)})
    return found


def answers(given: Any) -> dict[str, tuple[str, ...]]:
    """Answers by question code; each a text or a list of texts."""
    if given is None:
        return {}
    if not isinstance(given, dict) or len(given) > 100:
        raise InvalidInput({"answers": Message(N_("Answers must be an object: question code to answer."))})
    return {str(code): _values(str(code), value) for code, value in given.items()}


def _values(code: str, value: Any) -> tuple[str, ...]:
    values = value if isinstance(value, list) else [] if value is None else [value]
    if len(values) > 100 or not all(isinstance(each, str | int | float) for each in values):
        raise InvalidInput({f"answers.{code}": Message(N_("An answer must be text or a list of texts."))})
    return tuple(str(each) for each in values)


def moment(given: Body, name: str) -> datetime | None:
    """An ISO 8601 instant; without a zone it is the city's local time."""
    if not (written := text(given, name)):
        return None
    try:
        found = datetime.fromisoformat(written)
    except ValueError:
        raise InvalidInput(
            {name: Message(N_("This must be a time like 2026-05-04T09:30:00+08:00."))}
        ) from None
    if not FIRST_YEAR <= found.year <= LAST_YEAR:
        years = {"first": FIRST_YEAR, "last": LAST_YEAR}
        raise InvalidInput({name: Message(N_("This must be a time from %(first)s to %(last)s."), years)})
    return found if found.tzinfo else found.replace(tzinfo=ZoneInfo(city().timezone))


def _request_id(given: Body) -> uuid.UUID | None:
    if not (written := text(given, "client_request_id")):
        return None
    try:
        return uuid.UUID(written)
    except ValueError:
        raise InvalidInput({"client_request_id": Message(N_("This must be a UUID."))}) from None


def _contact(given: Any) -> Contact | None:
    if not given:
        return None
    if not isinstance(given, dict):
        raise InvalidInput({"contact": Message(N_("This must be a JSON object."))})
    parts = {name: text(given, name) for name in CONTACT if given.get(name) is not None}
    return Contact(**{"locale": current_locale()} | parts)


def _yes(given: Body, name: str) -> bool:
    value = given.get(name, False)
    if isinstance(value, bool):
        return value
    if str(value).lower() in ("", "0", "false", "no", "1", "true", "yes", "on"):
        return str(value).lower() in ("1", "true", "yes", "on")
    raise InvalidInput({name: Message(N_("This must be true or false."))})
