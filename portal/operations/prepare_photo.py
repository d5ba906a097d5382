"""Knows how a stored photo becomes one that may be shown: re-encoded from its pixels, or refused."""

from __future__ import annotations

from sqlalchemy import Connection, update

from portal import photos
from portal.models.report import media
from portal.operations.context import SYSTEM, Context
from portal.operations.record_events import Draft, lock_head, record
from portal.operations.run_once import GiveUp, Work, run_once
from portal.operations.store_photo import ORIGINAL, SHOWN, THUMB


def prepare_photo(tx: Connection, context: Context, outbox_id: int) -> bool:
    """Make the versions of an outbox row's photo that may be shown; False where that is done or being done."""
    return run_once(tx, outbox_id, lambda work: _prepare(tx, context, work))


def _prepare(tx: Connection, context: Context, work: Work) -> None:
    token = work.payload["media"]
    try:
        original = context.store.get(f"{token}/{ORIGINAL}")
    except FileNotFoundError:
        raise GiveUp("the file is gone") from None
    try:
        shown, thumb = photos.make_safe(original)
    except (photos.BadPhoto, OSError, SyntaxError, ValueError, EOFError):
        # Pillow reads the pixels late: a photo that breaks off is noticed only here.
        _settle(tx, token, "refused")
        return
    context.store.put(f"{token}/{SHOWN}", shown)
    context.store.put(f"{token}/{THUMB}", thumb)
    _settle(tx, token, "ready")


def _settle(tx: Connection, token: str, state: str) -> None:
    """Set the photo's state once, and tell the case it belongs to, if it has one yet."""
    row = tx.execute(
        update(media)
        .where(media.c.token == token, media.c.state == "stored")
        .values(state=state)
        .returning(media.c.report_id)
    ).first()
    if row is not None and row.report_id is not None:
        told = {"actor": SYSTEM.in_public(), "media": token}
        record(tx, lock_head(tx, row.report_id), [Draft(f"media.{state}", told)])
