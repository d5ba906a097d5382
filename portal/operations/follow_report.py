"""Knows how somebody says "me too": counted once, written to only after they proved their address."""

from __future__ import annotations

import hmac
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from sqlalchemy import Connection, Row, case, func, select, update
from sqlalchemy.dialects.postgresql import insert as insert_or

from portal import clock
from portal.crypto import new_token
from portal.db import insert_together
from portal.errors import Forbidden, InvalidInput, NotFound, TooMany
from portal.i18n import N_, Message
from portal.models.incident import follower
from portal.models.report import report
from portal.operations.context import REPORTER, Context
from portal.operations.limit_attempts import Limit, reserve_attempt
from portal.operations.outbox_rows import DELIVER, letter, outbox_row
from portal.operations.record_events import Draft, lock_head, record
from portal.operations.submission import is_email
from portal.operations.voices import one_mailbox
from portal.queries.followers import ASKED, CONFIRMED, COUNTED, LEFT

FOLLOWED = "request.followed"
# One family behind one address says it together; a street does so from its own addresses.
VOICES = Limit("me-too", 5, timedelta(days=1))
QUESTIONS = Limit("letter.follow", 5, timedelta(days=1))  # anybody may type anybody's address
NO_REPORT = N_("There is no report with this number.")
WRONG_LINK = N_("This link does not belong to anybody who follows a report.")
TOO_MANY = N_("Your network has said so several times today already. Leave an e-mail address to be counted.")


@dataclass(frozen=True, slots=True)
class Followed:
    """What became of a "me too": the report that is followed, and whether a letter asks for a proof."""

    token: str
    is_new: bool
    is_asked: bool


def follow_report(
    tx: Connection, context: Context, token: str, voice: str, address: str, email: str, locale: str
) -> Followed:
    """Count a voice for the incident that a report belongs to, once; with an e-mail, ask whether it is theirs.

    `voice` and `address` are where it came from: neither is kept in clear. Raises NotFound for a private or
    unknown report, InvalidInput for an address that is none, TooMany.
    """
    row = _first_of_incident(tx, context, token)
    if email and not is_email(email):
        raise InvalidInput({"email": Message(N_("This e-mail address does not look right."))})
    said_by = one_mailbox(email) if email else voice
    counted = (
        QUESTIONS.of(context, one_mailbox(email)) if email else VOICES.of(context, row.token, address),
    )
    found = _voice(tx, context, row.id, said_by)
    if found is not None and (found.state in {COUNTED, CONFIRMED} or not email):
        return Followed(row.token, is_new=False, is_asked=False)
    if wait := reserve_attempt(tx, context, counted):
        raise TooMany(Message(TOO_MANY), wait)
    return _add(tx, context, row, said_by, email.strip(), locale)


def confirm_follower(tx: Connection, context: Context, token: str, secret: str) -> None:
    """Prove an address: from now on everything that the incident's reporter is told is told to it as well."""
    row = _own(tx, context, token, secret)
    if row.state not in {ASKED, LEFT} or row.sealed is None:
        return
    head = lock_head(tx, row.report_id)
    now = clock.now()
    tx.execute(update(follower).where(follower.c.id == row.id).values(state=CONFIRMED, confirmed_at=now))
    record(tx, head, [Draft(FOLLOWED, {"actor": REPORTER.in_public()})])


def leave_report(tx: Connection, context: Context, token: str, secret: str) -> None:
    """Stop the letters and forget the address; the voice was counted and stays so."""
    row = _own(tx, context, token, secret)
    state = COUNTED if row.state == CONFIRMED else LEFT
    tx.execute(update(follower).where(follower.c.id == row.id).values(state=state, sealed=None))


def stop_following(tx: Connection, context: Context, token: str, code: str) -> None:
    """The same by the link that a mail program presses; again changes nothing. Forbidden: a wrong code."""
    if not hmac.compare_digest(follower_stop_code(context, token).encode(), code.encode()):
        raise Forbidden(Message(WRONG_LINK))
    mine = (follower.c.token == token) & (follower.c.jurisdiction_id == context.jurisdiction_id)
    state = case((follower.c.state == CONFIRMED, COUNTED), else_=LEFT)
    tx.execute(
        update(follower)
        .where(mine, follower.c.state.in_([ASKED, CONFIRMED]))
        .values(state=state, sealed=None)
    )


def follower_stop_code(context: Context, token: str) -> str:
    """The code of the address that ends a follower's letters with one POST."""
    return context.keyring.pseudonym("stop-letters", f"follower {token}").hex()[:24]


def follower_secret(context: Context, token: str) -> str:
    """The secret of a follower's own link: derived, so that letters can carry it and no table does."""
    return context.keyring.reporter_secret(f"follower {token}")


def _first_of_incident(tx: Connection, context: Context, token: str) -> Any:
    first = report.alias()
    query = (
        select(first.c.id, first.c.token)
        .select_from(report.join(first, first.c.id == func.coalesce(report.c.primary_id, report.c.id)))
        .where(report.c.token == token, report.c.jurisdiction_id == context.jurisdiction_id)
        .where(~first.c.is_private, ~report.c.is_private)
    )
    row = tx.execute(query).one_or_none()
    if row is None:
        raise NotFound(Message(NO_REPORT))
    return row


def _pseudonym(context: Context, report_id: int, said_by: str) -> bytes:
    return context.keyring.pseudonym(f"follower {report_id}", said_by)


def _voice(tx: Connection, context: Context, report_id: int, said_by: str) -> Any:
    mine = (follower.c.report_id == report_id) & (follower.c.voice == _pseudonym(context, report_id, said_by))
    return tx.execute(select(follower.c.id, follower.c.state).where(mine)).one_or_none()


def _add(tx: Connection, context: Context, row: Row[Any], said_by: str, email: str, locale: str) -> Followed:
    token, now = new_token(), clock.now()
    head = lock_head(tx, row.id)
    values = {
        "jurisdiction_id": context.jurisdiction_id, "token": token, "report_id": row.id, "locale": locale,
        "voice": _pseudonym(context, row.id, said_by), "created_at": now,
        "sealed": context.keyring.seal({"email": email}, bound_to=f"follower:{token}") if email else None,
        "state": ASKED if email else COUNTED,
    }  # fmt: skip
    asked = insert_or(follower).values(values)
    renewed = {name: values[name] for name in ("token", "sealed", "state", "locale")}
    query = asked.on_conflict_do_update(
        index_elements=["report_id", "voice"], set_=renewed, where=follower.c.state.in_([ASKED, LEFT])
    )
    number = tx.scalar(query.returning(follower.c.id))
    if number is None:  # the same voice was quicker
        return Followed(row.token, is_new=False, is_asked=False)
    if email:
        ask = letter("follow", row.id, f"follower:{number}", "", None)
        insert_together(tx, [outbox_row(context.jurisdiction_id, now, DELIVER, [ask])])
    else:
        record(tx, head, [Draft(FOLLOWED, {"actor": REPORTER.in_public()})])
    return Followed(row.token, is_new=True, is_asked=bool(email))


def _own(tx: Connection, context: Context, token: str, secret: str) -> Row[Any]:
    if not context.keyring.is_reporter_secret(f"follower {token}", secret.strip().removeprefix("#")):
        raise Forbidden(Message(WRONG_LINK))
    mine = (follower.c.token == token) & (follower.c.jurisdiction_id == context.jurisdiction_id)
    row = tx.execute(select(follower).where(mine).with_for_update()).one_or_none()
    if row is None:
        raise NotFound(Message(WRONG_LINK))
    return row
