"""Knows the desk's forms: which fields each action asks for, and how what was typed becomes a move."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime, time
from typing import Literal
from zoneinfo import ZoneInfo

from werkzeug.datastructures import FileStorage, MultiDict

from portal.i18n import N_
from portal.operations.move_checks import Move
from portal.operations.submission import MAX_PHOTOS
from portal.web.staff_words import CLOSING_CODES, CLOSING_HINTS, REASONS
from routing.closing import closing_codes_for
from routing.lifecycle import TRANSFER_REASONS, WAIT_REASONS

FieldKind = Literal["area", "line", "choice", "ending", "unit", "date", "photos"]
LONGEST_TEXT = 4000


@dataclass(frozen=True, slots=True)
class Field:
    """One thing that a form asks for; `choices` are (value, label, hint)."""

    name: str
    kind: FieldKind
    label: str
    hint: str = ""
    is_required: bool = False
    choices: tuple[tuple[str, str, str], ...] = ()


def _codes(codes: Sequence[str]) -> tuple[tuple[str, str, str], ...]:
    return tuple((code, REASONS[code], "") for code in codes)


_PUBLIC = N_("Everybody can read this. Leave out names and telephone numbers.")
_INNER = N_("Only staff can read this.")
PUBLIC_TEXT = Field("public_text", "area", N_("What the public reads"), _PUBLIC, True)
MAYBE_PUBLIC = Field("public_text", "area", N_("What the public reads"), _PUBLIC)
NOTE = Field("note", "area", N_("Internal note"), _INNER)
PHOTOS = Field(
    "photos", "photos", N_("Photos from the spot"), N_("They are shown to everybody, without their data.")
)
WHY = Field("reason", "line", N_("Reason"), _INNER, True)
UNIT = Field("to_unit", "unit", N_("Which unit takes over?"), "", True)
DATE = Field("until", "date", N_("Second date"), N_("Stands beside the promise, which stays as it is."), True)

OTHER = Field(
    "duplicate_of",
    "line",
    N_("Number of the other report"),
    N_("As it stands at the top of its page."),
)

FIELDS: Mapping[str, tuple[Field, ...]] = {
    "route": (),
    "accept": (),
    "start": (),
    "resume": (),
    "close": (),
    "unmerge": (),
    "update": (PUBLIC_TEXT, PHOTOS),
    "note": (replace(NOTE, is_required=True),),
    "wait": (
        Field("reason", "choice", N_("Reason"), "", True, _codes(WAIT_REASONS)),
        Field(
            "until",
            "date",
            N_("On hold until"),
            N_("The clock runs again by itself after this day; left empty, after the usual days."),
        ),
        MAYBE_PUBLIC,
    ),
    "transfer": (Field("reason", "choice", N_("Reason"), "", True, _codes(TRANSFER_REASONS)), UNIT, NOTE),
    "assign": (UNIT, WHY, MAYBE_PUBLIC),
    "extend": (DATE, WHY, MAYBE_PUBLIC),
    "reopen": (WHY, MAYBE_PUBLIC),
    "reject": (WHY, replace(PUBLIC_TEXT, label=N_("The rule, in words for the public"))),
    "mark_duplicate": (replace(OTHER, is_required=True), MAYBE_PUBLIC),
}
# One press is enough: these ask for nothing.
PLAIN_ACTIONS = tuple(action for action, fields in FIELDS.items() if not fields)


def fields_of(action: str, kind: str) -> tuple[Field, ...]:
    """The fields of an action for a case of this kind."""
    return _resolve_fields(kind) if action == "resolve" else FIELDS[action]


def _resolve_fields(kind: str) -> tuple[Field, ...]:
    endings = tuple(
        (one.code, CLOSING_CODES[one.code], CLOSING_HINTS[one.code]) for one in closing_codes_for(kind)
    )
    return (
        Field("closing_code", "ending", N_("How did it end?"), "", True, endings),
        MAYBE_PUBLIC,
        PHOTOS,
        Field("reason", "line", N_("Why there is no photo, or the reason"), _INNER),
        Field("outside_body", "line", N_("Outside body that takes over"), N_("Only for “Not ours”.")),
        replace(OTHER, hint=N_("Only for “Same as another report”.")),
        Field(
            "until",
            "date",
            N_("Second date"),
            N_("Only for “Planned for a later date”, and for what remains of “Partly fixed”."),
        ),
    )


@dataclass(frozen=True, slots=True)
class TypedMove:
    """What somebody typed, kept as typed so that no refusal loses it. `media`: photos already stored.

    `seen_seq`: the newest event that stood on their page; 0 where the form does not say, so that nothing was seen.
    """

    action: str
    seen_seq: int = 0
    values: Mapping[str, str] = field(default_factory=dict)
    media: tuple[str, ...] = ()

    def value(self, name: str) -> str:
        """What stands in a field."""
        return self.values.get(name, "")

    def as_move(self, timezone: str) -> Move:
        """The move that is asked for."""
        return Move(
            action=self.action,
            reason=self.value("reason"),
            to_unit=self.value("to_unit"),
            closing_code=self.value("closing_code"),
            public_text=self.value("public_text"),
            note=self.value("note"),
            media=self.media,
            seen_seq=self.seen_seq,
            outside_body=self.value("outside_body"),
            duplicate_of=self.value("duplicate_of"),
            until=end_of_day(self.value("until"), timezone),
        )


NAMES = ("reason", "to_unit", "closing_code", "public_text", "note", "outside_body", "until", "duplicate_of")


def read_move(form: MultiDict[str, str]) -> TypedMove:
    """What a form brought, without its photos; anything else in it is left aside."""
    return TypedMove(
        action=form.get("action", ""),
        seen_seq=read_seq(form.get("seen_seq", "")),
        values={name: form[name].replace("\r\n", "\n").strip() for name in NAMES if form.get(name)},
        media=tuple(form.getlist("media")[:MAX_PHOTOS]),
    )


def read_seq(text: str) -> int:
    """The number of an event that a form brought back; 0 for anything else."""
    return int(text) if text.isascii() and text.isdecimal() and len(text) < 10 else 0


def read_account(text: str) -> int | None:
    """The number of an account that a form brought back; None for anything else."""
    return int(text) if text.isascii() and text.isdecimal() and len(text) < 18 else None


def read_photos(files: Sequence[FileStorage], has_already: int) -> list[bytes]:
    """The photos that were chosen, as many as a case may get at once."""
    chosen = [each.read() for each in files[: MAX_PHOTOS - has_already] if each.filename]
    return [content for content in chosen if content]


def end_of_day(text: str, timezone: str) -> datetime | None:
    """The last minute of a day typed as YYYY-MM-DD, in the city's time; None for anything else."""
    try:
        return datetime.combine(date.fromisoformat(text), time(23, 59), ZoneInfo(timezone))
    except ValueError:
        return None
