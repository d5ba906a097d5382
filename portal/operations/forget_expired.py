"""Knows what is kept only for a time: attempts, sessions, uploads that no report came to use, finished work."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from itertools import islice
from pathlib import Path

from sqlalchemy import Connection, delete, select, update

from portal import clock
from portal.models.crews import field_request
from portal.models.incident import follower
from portal.models.open_city import subscription
from portal.models.people import attempt, staff_session
from portal.models.report import media, report
from portal.models.work import outbox
from portal.queries.followers import ASKED
from portal.storage import FileStore

ATTEMPTS_KEPT = timedelta(days=2)
UPLOADS_KEPT = timedelta(days=1)
VOICES_KEPT = timedelta(days=2)
UNPROVED_KEPT = timedelta(days=14)
FINISHED_WORK_KEPT = timedelta(days=30)
FIELD_REQUESTS_KEPT = timedelta(days=60)  # longer than any phone stays without a net


def forget_expired(tx: Connection) -> int:
    """Remove rows whose time is over; answers how many. Their files follow when no row names them any more."""
    at = clock.now()
    expired = (
        delete(attempt).where(attempt.c.at < at - ATTEMPTS_KEPT),
        delete(staff_session).where(staff_session.c.expires_at < at),
        delete(media).where(media.c.report_id.is_(None), media.c.created_at < at - UPLOADS_KEPT),
        delete(outbox).where(outbox.c.done_at < at - FINISHED_WORK_KEPT),
        delete(field_request).where(field_request.c.at < at - FIELD_REQUESTS_KEPT),
        # Who speaks is needed while a group may gather; the span keeps the index of opening times useful.
        update(report)
        .where(
            report.c.opened_at.between(at - 5 * VOICES_KEPT, at - VOICES_KEPT), report.c.voice.is_not(None)
        )
        .values(voice=None),
        delete(follower).where(follower.c.state == ASKED, follower.c.created_at < at - UNPROVED_KEPT),
        delete(subscription).where(
            subscription.c.state == ASKED, subscription.c.created_at < at - UNPROVED_KEPT
        ),
    )
    return sum(tx.execute(statement).rowcount for statement in expired)


def remove_stray_files(tx: Connection, store: FileStore) -> int:
    """Remove old files that no row names; answers how many photos. New ones may wait for their commit."""
    removed = 0
    found = _old_folders(store)
    while some := list(islice(found, 500)):
        tokens = {folder.name: folder for folder in some}
        known = set(tx.scalars(select(media.c.token).where(media.c.token.in_(tokens))))
        for token in tokens.keys() - known:
            for path in tokens[token].iterdir():
                path.unlink(missing_ok=True)
            tokens[token].rmdir()
            removed += 1
    return removed


def _old_folders(store: FileStore) -> Iterator[Path]:
    """Folders of photos that nobody wrote into for a while."""
    before = (clock.now() - UPLOADS_KEPT).timestamp()
    for folder in store.root.glob("??/*"):
        if folder.is_dir() and folder.stat().st_mtime < before:
            yield folder
