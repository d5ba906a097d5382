"""Knows what an administrator changes about messages: wordings with versions, units' channels, dead letters."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import Connection, delete, func, select

from portal import clock
from portal.channels import is_address
from portal.errors import Conflict, InvalidInput, NotFound
from portal.i18n import N_, Message
from portal.models.city import unit
from portal.models.messaging import message_channel, message_template
from portal.operations.context import Actor, Context
from portal.operations.letter_wishes import BAD_ADDRESS
from portal.operations.letter_wording import render_wording, wording_faults
from portal.operations.record_events import Draft, city_head, record
from portal.operations.run_once import drop, revive
from portal.operations.write_letter import letter_page, occasions, wording_shipped
from portal.pack.letter_rows import AUDIENCES
from portal.queries.letter_cells import channel_owner
from portal.queries.messages import wording_of
from portal.queries.outbox import given_up

NO_MESSAGE = N_("There is no such message.")
CHANGED = N_("Somebody else has changed this wording in the meantime. Please look again.")
NO_UNIT = N_("Please choose a unit.")
# What the preview fills the places with.
SAMPLE = {
    "service": "…", "unit": "…", "city": "…", "token": "7F3K9QW2XH4M8N", "link": "https://example.org/r/7F3K9QW2XH4M8N",
    "opened": "1.1.2026 09:00", "due": "8.1.2026 17:00", "second_due": "15.1.2026 17:00", "text": "…", "reason": "…",
    "plan": "…", "outside_body": "…", "duplicate_of": "2B4D6F8H1K3M5N", "is_urgent": False,
}  # fmt: skip


def current_wording(
    tx: Connection, jurisdiction_id: str, audience: str, occasion: str, locale: str
) -> tuple[str, str]:
    """Subject and body that hold now, with their places open. NotFound for a message that there is not."""
    if audience not in AUDIENCES or occasion not in occasions(audience):
        raise NotFound(Message(NO_MESSAGE))
    edited = wording_of(tx, jurisdiction_id, audience, occasion, locale)
    return edited or wording_shipped(audience, occasion, locale)


def preview(subject: str, body: str, locale: str, samples: dict[str, str]) -> tuple[str, str, str]:
    """Subject, text and page as a reader would get them. InvalidInput by field."""
    if faults := wording_faults(subject, body):
        raise InvalidInput(faults)
    places = SAMPLE | samples
    said = " ".join(render_wording(subject, places).split())
    text = f"{render_wording(body, places).strip()}\n\n{places['link']}\n"
    return said, text, letter_page(said, text, str(places["link"]), locale)


def edit_wording(
    tx: Connection,
    context: Context,
    actor: Actor,
    key: tuple[str, str, str],
    words: tuple[str, str] | None,
    seen: int,
) -> int:
    """Keep a new version of (audience, occasion, locale), or go back to ours with None; answers its number.

    InvalidInput by field, Conflict where another version came since `seen`, NotFound for no such message.
    """
    audience, occasion, locale = key
    if audience not in AUDIENCES or occasion not in occasions(audience):
        raise NotFound(Message(NO_MESSAGE))
    if words is not None and (faults := wording_faults(*words)):
        raise InvalidInput(faults)
    head = city_head(tx, context.jurisdiction_id)  # one writer at a time
    newest = version_of(tx, context.jurisdiction_id, key)
    if newest != seen:
        raise Conflict(Message(CHANGED))
    subject, body = words or (None, None)
    tx.execute(
        message_template.insert().values(
            jurisdiction_id=context.jurisdiction_id, audience=audience, occasion=occasion, locale=locale,
            version=newest + 1, subject=subject, body=body, made_at=clock.now(),
        )
    )  # fmt: skip
    public: dict[str, object] = {"actor": actor.in_public(), "audience": audience, "occasion": occasion}
    public |= {"locale": locale, "version": newest + 1, "is_shipped": words is None}
    record(tx, head, [Draft("wording.changed", public, actor.in_private())])
    return newest + 1


def version_of(tx: Connection, jurisdiction_id: str, key: tuple[str, str, str]) -> int:
    """The number of the newest version; 0 where it was never edited."""
    query = select(func.max(message_template.c.version)).where(
        message_template.c.jurisdiction_id == jurisdiction_id,
        message_template.c.audience == key[0],
        message_template.c.occasion == key[1],
        message_template.c.locale == key[2],
    )
    return tx.scalar(query) or 0


def add_channel(
    tx: Connection, context: Context, actor: Actor, unit_code: str, kind: str, address: str
) -> None:
    """Let a unit be written to by a further channel. InvalidInput by field."""
    here = (unit.c.jurisdiction_id == context.jurisdiction_id) & (unit.c.unit_code == unit_code)
    if tx.scalar(select(unit.c.id).where(here)) is None:
        raise InvalidInput({"unit": Message(NO_UNIT)})
    if not is_address(kind, address.strip()):
        raise InvalidInput({"address": Message(BAD_ADDRESS)})
    sealed = context.keyring.seal({"address": address.strip()}, bound_to=channel_owner(unit_code))
    row = {"jurisdiction_id": context.jurisdiction_id, "unit_code": unit_code, "kind": kind}
    tx.execute(message_channel.insert().values(row | {"sealed": sealed, "created_at": clock.now()}))
    told = {"actor": actor.in_public(), "unit": unit_code, "channel": kind}
    record(tx, city_head(tx, context.jurisdiction_id), [Draft("channel.added", told, actor.in_private())])


def remove_channel(tx: Connection, context: Context, actor: Actor, channel_id: int) -> None:
    """Take a unit's channel away; nothing happens where it has gone already."""
    mine = (message_channel.c.id == channel_id) & (
        message_channel.c.jurisdiction_id == context.jurisdiction_id
    )
    gone = (
        delete(message_channel)
        .where(mine, message_channel.c.unit_code.is_not(None))
        .returning(message_channel.c.unit_code, message_channel.c.kind)
    )
    row = tx.execute(gone).first()
    if row is not None:
        told = {"actor": actor.in_public(), "unit": row.unit_code, "channel": row.kind}
        head = city_head(tx, context.jurisdiction_id)
        record(tx, head, [Draft("channel.removed", told, actor.in_private())])


def settle_dead(tx: Connection, context: Context, actor: Actor, numbers: Sequence[int], what: str) -> int:
    """Give dead letters of this city a new start, or give them up for good; all where none is named.

    Answers how many.
    """
    ours = [row.outbox_id for row in given_up(tx, jurisdiction_id=context.jurisdiction_id)]
    chosen = [number for number in ours if not numbers or number in numbers]
    act = revive if what == "retry" else drop
    done = sum(act(tx, number) for number in chosen)
    if done:
        told = {"actor": actor.in_public(), "count": done, "what": "retry" if what == "retry" else "drop"}
        head = city_head(tx, context.jurisdiction_id)
        record(tx, head, [Draft("outbox.settled", told, actor.in_private())])
    return done


def minute_words(minutes: int | None) -> str:
    """A time of day as a form shows it; empty for none."""
    return "" if minutes is None else f"{minutes // 60:02d}:{minutes % 60:02d}"
