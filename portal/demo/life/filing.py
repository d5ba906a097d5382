"""Knows what a resident of the demo sends: words, answers, a photo, a name and number that nobody has."""

from __future__ import annotations

import uuid
from datetime import datetime, timedelta

from portal.demo.life.events import Event
from portal.demo.life.pictures import draw_photo
from portal.demo.life.stage import Case, Stage
from portal.operations.submission import Contact, Submission
from portal.queries.city import ServiceView

PHOTO_SHARE = {"required": 0.75, "optional": 0.22}
# Older photos would fill a disk and be seen by nobody: there are some, and most of the last weeks.
PHOTO_DAYS, OLD_PHOTO_SHARE = 21, 0.06
GRAVE_SHARE = 0.12  # of answers that call for the emergency services too
NAMESPACE = uuid.UUID("7a1c2f9e-52d0-4b54-9f0e-6a3b8de2c411")
SURNAMES = "王李张刘陈杨黄赵吴周徐孙马朱胡林郭何高罗"
GIVEN = ("敏", "伟", "芳", "磊", "静", "强", "晓燕", "建国", "丽华", "志明", "小红", "文杰", "雨桐", "海波")


def request_id(jurisdiction_id: str, number: int) -> uuid.UUID:
    """The number under which a report of the year is filed: the same at every attempt."""
    return uuid.uuid5(NAMESPACE, f"{jurisdiction_id}:{number}")


def submission_of(stage: Stage, event: Event, about: Case | None) -> Submission:
    """What the resident sends."""
    service = stage.city.services[event.service_code]
    has_place = service.kind == "report"
    is_told = service.kind == "complaint"
    answers = answers_of(stage, service, about)
    accused = about.lead if about else stage.one_of(sorted(stage.crowd.streets))
    return Submission(
        service_code=event.service_code,
        lon=event.lon if has_place else None,
        lat=event.lat if has_place else None,
        accuracy_m=event.accuracy_m if has_place else None,
        datum="wgs84" if has_place else None,
        description=event.text,
        client_request_id=request_id(stage.context.jurisdiction_id, event.number),
        answers=answers,
        contact=contact_of(stage, event),
        photos=photos_of(stage, event, service),
        channel=event.channel,
        locale=event.language,
        voice=f"lanpu {event.number}",
        about_unit=accused if is_told else "",
        about_case=about.token if is_told and about else "",
        is_place_optional=True,
    )


def answers_of(stage: Stage, service: ServiceView, about: Case | None) -> dict[str, tuple[str, ...]]:
    """Answers to the questions with choices; nobody chooses what stops the form, few what a notice warns of."""
    answers: dict[str, tuple[str, ...]] = {}
    warned = {pair for asked in service.questions if asked.datatype == "notice" for pair in asked.show_if}
    for question in service.questions:
        if not question.is_shown(answers):
            continue
        keys = [value["key"] for value in question.values if value["key"] not in question.stop]
        if keys and (question.is_required or stage.maybe(0.6)):
            grave = [key for key in keys if (question.code, key) in warned]
            likely = (
                grave if grave and stage.maybe(GRAVE_SHARE) else [key for key in keys if key not in grave]
            )
            first_are_usual = int(len(likely) * stage.chance.random() ** 1.6)
            answers[question.code] = (likely[first_are_usual],)
        elif question.is_required and about is not None:
            answers[question.code] = (about.token if "token" in question.code else about.lead,)
    return answers


def contact_of(stage: Stage, event: Event) -> Contact | None:
    """Two in three leave a name and a telephone number that nobody has; no e-mail, so that nobody is written to."""
    if not stage.maybe(0.92 if event.channel == "phone" else 0.6):
        return None
    name = stage.one_of(SURNAMES) + stage.one_of(GIVEN)
    return Contact(name=name, phone=f"0570-555-{event.number % 90_000 + 10_000}", channel="phone")


def photos_of(stage: Stage, event: Event, service: ServiceView) -> tuple[bytes, ...]:
    """A photo from the web, of what can be photographed."""
    share = PHOTO_SHARE.get(service.photo, 0.0) if event.channel == "web" and service.kind == "report" else 0
    if not share or not stage.maybe(share * photo_share(stage, event.at)):
        return ()
    return (
        draw_photo(stage.chance, service.code, service.group, event.at, (event.lon, event.lat), event.number),
    )


def photo_share(stage: Stage, at: datetime) -> float:
    """How many of the photos of a time are kept."""
    return 1.0 if stage.until - at < timedelta(PHOTO_DAYS) else OLD_PHOTO_SHARE
