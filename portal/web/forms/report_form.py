"""Knows the report form: what was typed, kept whatever happens, and the submission it amounts to."""

from __future__ import annotations

import math
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field

from werkzeug.datastructures import FileStorage, MultiDict

from geo.boundary import Layer
from portal.channels import EMAIL, SMS
from portal.errors import InvalidInput
from portal.i18n import N_, Message
from portal.operations.submission import FORM_PHOTOS, Contact, Submission
from portal.web.forms.place import Place, settle_place

ANSWER = "q."
TEXT_FIELDS = (
    "service_code", "lon", "lat", "accuracy_m", "area", "place_words", "description", "name", "email", "phone",
    "channel", "about_unit", "about_case",
)  # fmt: skip
# In the order of the page, so that the list of faults reads from top to bottom.
ORDER = (
    "form", "service_code", "answers", "about_unit", "about_case", "place", "place_words", "accuracy_m", "datum",
    "description", "media", "email", "phone", "channel", "name",
)  # fmt: skip
Faults = Mapping[str, Message]


@dataclass(frozen=True, slots=True)
class ReportForm:
    """The form as the resident left it: every field a text, so that nothing typed is lost."""

    texts: Mapping[str, str]
    answers: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    media: tuple[str, ...] = ()
    is_anonymous: bool = False
    request_id: str = ""
    faults: Faults = field(default_factory=dict)

    def __getitem__(self, name: str) -> str:
        return self.texts.get(name, "")

    def answer(self, code: str) -> tuple[str, ...]:
        """What was answered to a question."""
        return self.answers.get(code, ())


def in_page_order(faults: Faults) -> dict[str, Message]:
    """The faults from the top of the page to its end."""
    places = {name: number for number, name in enumerate(ORDER)}
    return dict(sorted(faults.items(), key=lambda each: places.get(each[0].partition(".")[0], len(ORDER))))


def empty_form(values: Mapping[str, str]) -> ReportForm:
    """A fresh form; the address may choose the service."""
    texts = {
        name: values[name][:200] for name in ("service_code", "about_unit", "about_case") if name in values
    }
    return ReportForm(texts, request_id=str(uuid.uuid4()))


def read_form(form: MultiDict[str, str]) -> ReportForm:
    """What was sent, as text."""
    answers = {
        name[len(ANSWER) :]: tuple(form.getlist(name))[:50] for name in form if name.startswith(ANSWER)
    }
    dropped = set(form.getlist("drop_media"))
    return ReportForm(
        texts={name: form.get(name, "") for name in TEXT_FIELDS},
        answers=answers,
        media=tuple(token for token in form.getlist("media") if _is_token(token) and token not in dropped),
        is_anonymous=bool(form.get("anonymous")),
        request_id=form.get("client_request_id", ""),
    )


def _is_token(text: str) -> bool:
    return text.isascii() and text.isalnum()


def read_photos(files: list[FileStorage], kept: int) -> tuple[tuple[bytes, ...], Faults]:
    """The photos that were chosen, and a fault for more than a form may bring with those kept before."""
    chosen = [each for each in files if each.filename]
    if len(chosen) + kept > FORM_PHOTOS:
        most = {"most": FORM_PHOTOS}
        return (), {"media": Message(N_("Please send at most %(most)s photos."), most)}
    return tuple(each.read() for each in chosen), {}


def submission_of(
    form: ReportForm, layers: tuple[Layer, ...], locale: str, photos: tuple[bytes, ...] = ()
) -> tuple[Submission, Faults]:
    """The submission of a form, and faults by field for what cannot be read: there it is left empty."""
    place, faults = _place(form, layers)
    submission = Submission(
        service_code=form["service_code"],
        lon=place.lon,
        lat=place.lat,
        accuracy_m=place.accuracy_m,
        datum=place.datum,
        description=form["description"],
        place_words=form["place_words"],
        client_request_id=_request_id(form.request_id),
        answers=dict(form.answers),
        contact=_contact(form, locale),
        is_anonymous=form.is_anonymous,
        media=form.media,
        photos=photos,
        channel="web",
        locale=locale,
        about_unit=form["about_unit"],
        about_case=form["about_case"],
        place_flag=place.flag,
    )
    return submission, {**faults, **_channel_faults(form)}


def _place(form: ReportForm, layers: tuple[Layer, ...]) -> tuple[Place, Faults]:
    try:
        return settle_place(_point(form), form["area"], layers), {}
    except InvalidInput as refusal:
        return Place(), refusal.fields


def _point(form: ReportForm) -> Place:
    """The coordinates, where there are any."""
    if not (form["lon"].strip() or form["lat"].strip()):
        return Place()
    accuracy_m = _number(form, "accuracy_m") if form["accuracy_m"].strip() else None
    return Place(_number(form, "lon"), _number(form, "lat"), accuracy_m, "wgs84")


def _number(form: ReportForm, name: str) -> float:
    try:
        value = float(form[name].strip().replace(",", "."))
    except ValueError:
        value = math.nan
    if not math.isfinite(value):
        raise InvalidInput(
            {"place": Message(N_("Please write coordinates as plain numbers, for example 121.609."))}
        )
    return value


def _request_id(text: str) -> uuid.UUID | None:
    try:
        return uuid.UUID(text)
    except ValueError:
        return None


def _contact(form: ReportForm, locale: str) -> Contact | None:
    if form.is_anonymous:
        return None
    channel = SMS if form["channel"] == SMS else EMAIL
    contact = Contact(form["name"], form["email"].strip(), form["phone"].strip(), channel, locale)
    return None if contact.is_empty else contact


def _channel_faults(form: ReportForm) -> Faults:
    """Who wants an SMS must say to which number."""
    if form["channel"] != SMS or form.is_anonymous or form["phone"].strip():
        return {}
    return {"phone": Message(N_("Please give the telephone number to which an SMS can go."))}
