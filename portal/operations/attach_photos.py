"""Knows how photos get onto a case: tokens of stored ones are claimed once, bytes are stored first."""

from __future__ import annotations

from sqlalchemy import Connection, update

from portal.errors import InvalidInput
from portal.i18n import N_, Message
from portal.models.report import media
from portal.operations.context import Context
from portal.operations.store_photo import store_photo
from portal.operations.submission import clean_text


def attach_photos(
    tx: Connection,
    context: Context,
    case_id: int,
    tokens: tuple[str, ...],
    photos: tuple[bytes, ...],
    purpose: str,
) -> tuple[str, ...]:
    """Attach photos to a case and answer their tokens; InvalidInput where a token is unknown or taken."""
    wanted = [
        *(clean_text(token) for token in tokens),
        *(store_photo(tx, context, content, purpose) for content in photos),
    ]
    if not wanted:
        return ()
    claim = (
        update(media)
        .where(
            media.c.token.in_(wanted),
            media.c.jurisdiction_id == context.jurisdiction_id,
            media.c.report_id.is_(None),
        )
        .values(report_id=case_id, purpose=purpose)
    )
    if tx.execute(claim).rowcount != len(set(wanted)):
        raise InvalidInput({"media": Message(N_("A photo has expired. Please add it again."))})
    return tuple(wanted)
