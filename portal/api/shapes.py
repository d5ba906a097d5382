"""Knows how values look on the wire: instants in UTC, names in the reader's language, questions, reports."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import Any

from portal import clock
from portal.i18n import Message
from portal.queries.city import QuestionView, ServiceView
from portal.queries.nearby_reports import NearbyReport
from portal.queries.planned_works import KnownWork
from portal.queries.public_reports import PublicReport
from portal.queries.report_page import ReportView
from portal.web.known_works import until_words
from portal.web.locale import datetime_text, named, say
from portal.web.services import city, services


def instant(at: datetime | None) -> str | None:
    """An instant as ISO 8601 in UTC with seconds."""
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ") if at else None


def unit(code: str) -> dict[str, str]:
    """A unit by code and name."""
    return {"code": code, "name": named(city().unit_names(code))}


def report_url(token: str) -> str:
    """The public address of a report."""
    return f"{services().settings.public_url}/r/{token}"


def question(service_code: str, code: str | None) -> dict[str, Any] | None:
    """The one question that settles who is responsible."""
    service = city().services.get(service_code)
    found = (
        next((each for each in service.questions if each.code == code), None) if service and code else None
    )
    if found is None:
        return None
    options = [{"key": value["key"], "text": named(value["label"])} for value in found.values]
    return {"code": found.code, "text": named(found.texts), "options": options}


def decision(
    service_code: str,
    unit_code: str,
    due_at: datetime | None,
    receipt: Mapping[str, Any],
    reason: Message,
    is_ambiguous: bool,
    question_code: str | None,
    duplicates: Iterable[NearbyReport],
) -> dict[str, Any]:
    """What `where` and a filed report have in common."""
    answer = {
        "unit": unit(unit_code),
        "promise": {"due_at": instant(due_at), "words": datetime_text(due_at) if due_at else None},
        "receipt": dict(receipt),
        "reason": say(reason),
        "ambiguous": is_ambiguous,
        "duplicates": [duplicate(each) for each in duplicates],
    }
    asked = question(service_code, question_code) if is_ambiguous else None
    return answer | ({"question": asked} if asked else {})


def duplicate(found: NearbyReport) -> dict[str, Any]:
    """A likely duplicate."""
    return {
        "token": found.token,
        "url": report_url(found.token),
        "service_code": found.service_code,
        "state": found.state,
        "opened_at": instant(found.opened_at),
        "text": found.public_text,
        "unit": unit(found.unit_code),
        "distance_m": found.distance_m,
        "voices": found.voices,
        "follow_url": f"{report_url(found.token)}/follow",
    }


def known(found: KnownWork) -> dict[str, Any]:
    """A planned work or outage that explains what would be reported: the answer before the question."""
    return {"message": named(found.message), "until": instant(found.until), "words": say(until_words(found))}


def report_row(found: PublicReport | ReportView) -> dict[str, Any]:
    """A report in a list; `lon` and `lat` are the public point."""
    service = city().services.get(found.service_code)
    return {
        "token": found.token,
        "url": report_url(found.token),
        "kind": found.kind,
        "service_code": found.service_code,
        "service_name": named(service.names) if service else found.service_code,
        "status": found.status,
        "state": found.state,
        "text": found.public_text,
        "unit": unit(found.lead_unit),
        "promise": {"due_at": instant(found.promise_due_at)},
        "is_late": found.is_late(clock.now()),
        "opened_at": instant(found.opened_at),
        "closed_at": instant(found.closed_at),
        "lon": found.lon,
        "lat": found.lat,
    }


def service_row(found: ServiceView) -> dict[str, Any]:
    """A service with its questions."""
    return {
        "service_code": found.code,
        "name": named(found.names),
        "description": named(found.descriptions),
        "group": found.group,
        "group_name": named(found.group_names),
        "kind": found.kind,
        "keywords": [word for words in found.keywords.values() for word in words],
        "is_place_needed": found.is_place_needed,
        "is_sensitive": found.is_sensitive,
        "photo": found.photo,
        "duplicate_radius_m": found.duplicate_radius_m,
        "questions": [service_question(each) for each in found.questions],
    }


def service_question(found: QuestionView) -> dict[str, Any]:
    """A question of a service; `show_if` lists (question, value) of which any must be answered."""
    return {
        "code": found.code,
        "datatype": found.datatype,
        "required": found.is_required,
        "text": named(found.texts),
        "options": [{"key": value["key"], "text": named(value["label"])} for value in found.values],
        "show_if": [list(pair) for pair in found.show_if],
        "stop": dict(found.stop),
    }
