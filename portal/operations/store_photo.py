"""Knows how a photo comes in: sniffed, its original kept in private, the rest left to a job."""

from __future__ import annotations

import hashlib

from sqlalchemy import Connection

from portal import clock, crypto, photos
from portal.db import insert_together
from portal.errors import InvalidInput
from portal.i18n import N_, Message
from portal.models.report import media
from portal.operations.context import Context
from portal.operations.outbox_rows import outbox_row

PREPARE = "jobs.media.prepare_photo"
ORIGINAL, SHOWN, THUMB = "original", "shown.jpg", "thumb.jpg"
NOT_A_PHOTO = N_("This file is not a photo that we can read. JPEG, PNG, WebP, HEIC and GIF are welcome.")


def store_photo(tx: Connection, context: Context, content: bytes, purpose: str = "report") -> str:
    """Keep a photo and answer its token; InvalidInput for anything that is not one, whatever its name says.

    The file is written before the row: a rollback leaves a file without a row, which the clean-up removes.
    """
    try:
        facts = photos.inspect(content)
    except photos.BadPhoto:
        raise InvalidInput({"media": Message(NOT_A_PHOTO)}) from None
    token, at = crypto.new_token(), clock.now()
    context.store.put(f"{token}/{ORIGINAL}", content)
    row = {
        "jurisdiction_id": context.jurisdiction_id, "token": token, "purpose": purpose, "state": "stored",
        "digest": hashlib.sha256(content).digest(), "format": facts.format, "width": facts.width,
        "height": facts.height, "capture": facts.capture, "created_at": at,
    }  # fmt: skip
    insert_together(
        tx, [(media, [row]), outbox_row(context.jurisdiction_id, at, PREPARE, [{"media": token}])]
    )
    return token
