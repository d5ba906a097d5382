"""Knows what a report may contain when it comes in, and says by field what is wrong with it."""

from __future__ import annotations

import hashlib
import json
import math
import re
import uuid
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from typing import Any, get_args

from geo.crs import Datum
from portal.errors import InvalidInput
from portal.i18n import N_, Message
from portal.queries.city import CityView, QuestionView, ServiceView

MAX_TEXT, MAX_PLACE, MAX_ANSWER, MAX_PHOTOS = 4000, 500, 500, 5
FORM_PHOTOS = 3  # the form sends its photos in one go, over a phone's line
DATUMS = get_args(Datum)
UNKNOWN_DATUM = N_("Unknown coordinate datum. Use wgs84, gcj02 or bd09.")
# Control characters break logs, XML and JSON in PostgreSQL; the direction marks of right-to-left text stay.
_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\ud800-\udfff\ufffe\uffff]")
_EMAIL = re.compile(r"[^@\s,;<>\"]{1,64}@[^@\s,;<>\"]{1,190}\.[^@\s,;<>\".]{2,24}")


@dataclass(frozen=True, slots=True)
class Contact:
    """How to reach the reporter; sealed before it is stored."""

    name: str = ""
    email: str = ""
    phone: str = ""
    channel: str = "email"
    locale: str = ""

    @property
    def is_empty(self) -> bool:
        """Whether nothing was given."""
        return not (self.name or self.email or self.phone)


@dataclass(frozen=True, slots=True)
class Submission:
    """A report as it comes in, from any channel. Degrees in `datum`; `media` are tokens of stored photos."""

    service_code: str
    lon: float | None = None
    lat: float | None = None
    accuracy_m: float | None = None
    datum: Datum | None = None
    description: str = ""
    place_words: str = ""  # where it is, in words: public only where the service is not sensitive
    client_request_id: uuid.UUID | None = None
    answers: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    contact: Contact | None = None
    is_anonymous: bool = False
    media: tuple[str, ...] = ()
    photos: tuple[bytes, ...] = ()
    channel: str = "web"
    locale: str = ""
    about_unit: str = ""
    about_case: str = ""  # the number of the case that a complaint is about: never public
    place_flag: str | None = None  # area, default_point: a place that is not the exact spot
    voice: str = ""  # where it came from, for counting distinct people: kept as a keyed hash only
    is_place_optional: bool = False  # histories and telephone calls may lack place, photo and answers

    def digest(self) -> bytes:
        """SHA-256 of what the sender decided: the same request id must bring the same content."""
        content = asdict(replace(self, photos=()))
        content["photos"] = [hashlib.sha256(photo).hexdigest() for photo in self.photos]
        for passing in ("locale", "voice"):
            content.pop(passing)
        if not self.about_case:  # requests from before there was one keep their digest
            content.pop("about_case")
        return hashlib.sha256(json.dumps(content, sort_keys=True, default=str).encode()).digest()


def check_submission(submission: Submission, city: CityView) -> Submission:
    """The submission cleaned, or InvalidInput that names every field that does not hold."""
    clean = replace(
        submission,
        description=clean_text(submission.description),
        place_words=" ".join(clean_text(submission.place_words).split()),
        contact=_cleaned_contact(submission.contact, city),
        locale=_offered(submission.locale, city),
        answers={code: tuple(clean_text(v) for v in values) for code, values in submission.answers.items()},
    )
    service = city.services.get(clean.service_code)
    faults = _text_faults(clean) | _contact_faults(clean.contact) | _unit_faults(clean, city)
    if service is None or not service.is_active:
        raise InvalidInput({"service_code": Message(N_("Please choose what it is about."))} | faults)
    faults |= _place_faults(clean, service) | _photo_faults(clean, service)
    faults |= answer_faults(clean.answers, service, is_complete=not clean.is_place_optional)
    if faults:
        raise InvalidInput(faults)
    return replace(clean, answers=shown_answers(clean.answers, service))


def clean_text(text: str) -> str:
    """The text without control characters and outer white space."""
    return _CONTROL.sub("", text.replace("\r\n", "\n")).strip()


def long_faults(most: int = MAX_TEXT, /, **texts: str) -> dict[str, Message]:
    """What is wrong with texts that are longer than may be, by field."""
    said = Message(N_("Please keep this under %(most)s characters."), {"most": most})
    return {field: said for field, text in texts.items() if len(text) > most}


def is_email(text: str) -> bool:
    """Whether something may be an e-mail address."""
    return _EMAIL.fullmatch(text) is not None


def _offered(locale: str, city: CityView) -> str:
    """A language that the city writes in; empty, the city's first, for any other."""
    return locale if locale in city.locales else ""


def _cleaned_contact(contact: Contact | None, city: CityView) -> Contact | None:
    if contact is None:
        return None
    cleaned = Contact(**{key: clean_text(value) for key, value in asdict(contact).items()})
    return None if cleaned.is_empty else replace(cleaned, locale=_offered(cleaned.locale, city))


def _text_faults(submission: Submission) -> dict[str, Message]:
    faults = {}
    if len(submission.description) > MAX_TEXT:
        most = {"most": MAX_TEXT}
        faults["description"] = Message(N_("Please keep the description under %(most)s characters."), most)
    if len(submission.place_words) > MAX_PLACE:
        most = {"most": MAX_PLACE}
        faults["place_words"] = Message(N_("Please describe the place in at most %(most)s characters."), most)
    return faults


def _place_faults(submission: Submission, service: ServiceView) -> dict[str, Message]:
    lon, lat = submission.lon, submission.lat
    if submission.datum is not None and submission.datum not in DATUMS:
        return {"datum": Message(UNKNOWN_DATUM)}
    if submission.accuracy_m is not None and not (
        math.isfinite(submission.accuracy_m) and submission.accuracy_m >= 0
    ):
        return {"accuracy_m": Message(N_("The accuracy must be a number of metres."))}
    if lon is None and lat is None:
        if service.is_place_needed and not submission.is_place_optional:
            return {"place": Message(N_("Please mark the place on the map, or choose the area."))}
        return {}
    if lon is None or lat is None or not (math.isfinite(lon) and math.isfinite(lat)):
        return {"place": Message(N_("The place needs both a longitude and a latitude."))}
    if abs(lon) > 180 or abs(lat) > 90:
        return {
            "place": Message(N_("This place is not on the globe: longitude and latitude may be swapped."))
        }
    return {}


def _contact_faults(contact: Contact | None) -> dict[str, Message]:
    if contact is None:
        return {}
    faults = {}
    if contact.email and not is_email(contact.email):
        faults["email"] = Message(N_("This e-mail address does not look right."))
    if contact.phone and not re.fullmatch(r"[0-9+() .\-/]{5,30}", contact.phone):
        faults["phone"] = Message(N_("This telephone number does not look right."))
    if len(contact.channel) > 20:
        faults["channel"] = Message(N_("This way to be reached is unknown."))
    if len(contact.name) > 200:
        faults["name"] = Message(N_("This name is too long."))
    return faults


def _photo_faults(submission: Submission, service: ServiceView) -> dict[str, Message]:
    count = len(submission.media) + len(submission.photos)
    if count > MAX_PHOTOS:
        return {"media": Message(N_("Please send at most %(most)s photos."), {"most": MAX_PHOTOS})}
    if service.photo == "required" and not count and not submission.is_place_optional:
        return {"media": Message(N_("This kind of report needs a photo."))}
    return {}


def _unit_faults(submission: Submission, city: CityView) -> dict[str, Message]:
    if submission.about_unit and submission.about_unit not in city.directory:
        return {"about_unit": Message(N_("This unit does not exist."))}
    return {}


def answer_faults(
    answers: Mapping[str, tuple[str, ...]], service: ServiceView, *, is_complete: bool = True
) -> dict[str, Message]:
    """What is wrong with the answers, by `answers.<question code>`; a history need not be complete."""
    faults = {}
    for question in service.questions:
        given = tuple(v for v in answers.get(question.code, ()) if v)
        if not question.is_shown(answers) or not (given or is_complete):
            continue
        fault = _answer_fault(question, given, service)
        if fault is not None:
            faults[f"answers.{question.code}"] = fault
    return faults


def _answer_fault(question: QuestionView, given: tuple[str, ...], service: ServiceView) -> Message | None:
    if not given:
        return Message(N_("Please answer this question.")) if question.is_required else None
    if any(len(value) > MAX_ANSWER for value in given):
        return Message(N_("Please answer in at most %(most)s characters."), {"most": MAX_ANSWER})
    keys = {value["key"] for value in question.values}
    if question.datatype in {"singlevaluelist", "multivaluelist"} and not set(given) <= keys:
        return Message(N_("Please choose one of the answers offered."))
    if question.datatype != "multivaluelist" and len(given) > 1:
        return Message(N_("Please give one answer."))
    if question.datatype == "number" and not _is_number(given[0]):
        return Message(N_("Please enter a number."))
    stopped = next((question.stop[value] for value in given if value in question.stop), None)
    return Message("%(notice)s", {"notice": service.notice(stopped)}) if stopped else None


def _is_number(text: str) -> bool:
    try:
        return math.isfinite(float(text.replace(",", ".")))
    except ValueError:
        return False


def shown_answers(answers: Mapping[str, tuple[str, ...]], service: ServiceView) -> dict[str, tuple[str, ...]]:
    """Only answers to questions that are asked: anything else could steer the rules unseen."""
    asked = {question.code for question in service.questions if question.is_shown(answers)}
    return {
        code: tuple(v for v in values if v)
        for code, values in answers.items()
        if code in asked and any(values)
    }


def as_plain(answers: Mapping[str, tuple[str, ...]]) -> dict[str, Any]:
    """Answers as they are stored."""
    return {code: list(values) for code, values in answers.items()}
