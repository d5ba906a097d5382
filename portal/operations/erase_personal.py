"""Knows how a person is forgotten: contact, letters and originals first, words and exact place later; chains hold."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Literal

from sqlalchemy import Connection, case, delete, null, select, update

from portal import clock
from portal.errors import NotFound
from portal.i18n import N_, Message
from portal.models.city import jurisdiction_table
from portal.models.crews import complaint_case, contractor_question, crew_loan
from portal.models.custody import task
from portal.models.incident import follower
from portal.models.ledger import case_file, event, event_private
from portal.models.oversight import extension, supervision
from portal.models.report import contact, media, report
from portal.operations.context import SYSTEM, Actor, Context
from portal.operations.record_events import Draft, head_of, record_all
from portal.operations.relay_words import RELAYED
from portal.operations.store_photo import ORIGINAL
from portal.operations.submission import clean_text
from portal.operations.view_contact import VIEWED
from portal.pack.privacy import PrivacyFigures
from portal.storage import FileStore

Stage = Literal["contact", "text"]
CONTACT_ERASED, TEXT_ERASED = "contact.erased", "text.erased"
KINDS: Mapping[Stage, str] = {"contact": CONTACT_ERASED, "text": TEXT_ERASED}
STAMPS = {"contact": report.c.contact_erased_at, "text": report.c.text_erased_at}
BATCH = 200


def erase_due(tx: Connection, context: Context, limit: int = BATCH) -> int:
    """Forget what each city keeps no longer, oldest first; answers how many cases were handled."""
    now, done = clock.now(), 0
    for city in tx.execute(
        select(jurisdiction_table.c.id, jurisdiction_table.c.config["privacy"].label("kept"))
    ):
        figures, here = PrivacyFigures.of(city.kept), replace(context, jurisdiction_id=city.id)
        done += erase_closed(tx, here, now - timedelta(days=figures.contact_days), "contact", limit)
        done += erase_closed(tx, here, now - timedelta(days=figures.text_days), "text", limit)
    return done


def erase_closed(
    tx: Connection,
    context: Context,
    before: datetime,
    stage: Stage,
    limit: int = BATCH,
    only: Collection[int] = (),
) -> int:
    """Forget one stage of at most `limit` cases that were closed before an instant; answers how many.

    `only`: no others than these.
    """
    due = (
        select(report.c.id)
        .where(
            report.c.jurisdiction_id == context.jurisdiction_id,
            report.c.closed_at < before,
            report.c.closed_at.is_not(None),
            STAMPS[stage].is_(None),
        )
        .order_by(report.c.closed_at)
        .limit(limit)
    )
    due = due.where(report.c.id.in_(only)) if only else due
    return _erase(tx, context, tx.scalars(due).all(), [stage], SYSTEM, "retention")


def erase_case(tx: Connection, context: Context, token: str, actor: Actor, why: str) -> int:
    """Forget the person behind one report, whatever its state; 0 where that was done before. NotFound."""
    here = (report.c.token == clean_text(token)) & (report.c.jurisdiction_id == context.jurisdiction_id)
    case_id = tx.scalar(select(report.c.id).where(here))
    if case_id is None:
        raise NotFound(Message(N_("There is no report with this number.")))
    return _erase(tx, context, [case_id], ["contact", "text"], actor, why, is_waiting=True)


def tokens_of_contact(tx: Connection, context: Context, wanted: str) -> Iterator[str]:
    """The reports whose contact has this e-mail address or telephone number: every one is opened to see."""
    query = select(report.c.token, contact.c.sealed).join(report, report.c.id == contact.c.report_id)
    mine = query.where(contact.c.jurisdiction_id == context.jurisdiction_id).order_by(report.c.id)
    needle = _folded(wanted)
    for row in tx.execute(mine, execution_options={"yield_per": 1000}):
        try:
            known = context.keyring.open(row.sealed, bound_to=f"contact:{row.token}")
        except ValueError:
            continue
        if needle and needle in {_folded(str(known.get(name) or "")) for name in ("email", "phone")}:
            yield row.token


def _folded(text: str) -> str:
    """One form for an address or a number, however it was written."""
    text = text.strip().lower()
    return text if "@" in text else "".join(sign for sign in text if sign.isdigit())


def _erase(
    tx: Connection,
    context: Context,
    case_ids: Collection[int],
    stages: Sequence[Stage],
    actor: Actor,
    why: str,
    *,
    is_waiting: bool = False,
) -> int:
    """Lock the cases (those that are busy are left for the next time), erase, and say so in their books."""
    locked = select(case_file).where(case_file.c.id.in_(case_ids)).order_by(case_file.c.id)
    heads = tx.execute(locked.with_for_update(skip_locked=not is_waiting)).all()
    stamps = {
        row.id: row
        for row in tx.execute(
            select(report.c.id, *STAMPS.values()).where(report.c.id.in_([head.id for head in heads]))
        )
    }
    drafts: dict[int, list[Draft]] = {}
    for stage in stages:
        ids = [head.id for head in heads if stamps[head.id]._mapping[f"{stage}_erased_at"] is None]
        {"contact": _erase_contact, "text": _erase_text}[stage](tx, context.store, ids)
        for case_id in ids:
            told = Draft(KINDS[stage], {"actor": actor.in_public(), "why": why})
            drafts.setdefault(case_id, []).append(told)
    record_all(tx, [(head_of(head), drafts[head.id], ()) for head in heads if head.id in drafts], clock.now())
    return len(drafts)


def _erase_contact(tx: Connection, store: FileStore, ids: Sequence[int]) -> None:
    """The address, what went between resident and unit, who looked, and the photos as they were taken.

    The case that a complaint is about goes, too: it leads to whoever complained.
    """
    said = select(event.c.case_seq).where(
        event.c.case_id == event_private.c.case_id,
        event.c.case_seq == event_private.c.case_seq,
        event.c.kind.in_((*RELAYED, VIEWED)),
    )
    tx.execute(delete(contact).where(contact.c.report_id.in_(ids)))
    tx.execute(delete(complaint_case).where(complaint_case.c.report_id.in_(ids)))
    tx.execute(update(follower).where(follower.c.report_id.in_(ids)).values(sealed=None))
    tx.execute(delete(event_private).where(event_private.c.case_id.in_(ids), said.exists()))
    changed = update(media).where(media.c.report_id.in_(ids)).values(capture=null())
    for token in tx.scalars(changed.returning(media.c.token)):
        store.delete(f"{token}/{ORIGINAL}")
    stamp = {"contact_erased_at": clock.now(), "client_digest": None}
    tx.execute(update(report).where(report.c.id.in_(ids)).values(stamp))


def _erase_text(tx: Connection, store: FileStore, ids: Sequence[int]) -> None:
    """The words as written, the exact place, and everything that was private in the case's book."""
    tx.execute(delete(event_private).where(event_private.c.case_id.in_(ids)))
    # A private report has no public words: whatever stands there was masked by a machine, for nobody.
    is_private = report.c.is_private
    values = {
        "description": case((is_private, ""), else_=report.c.public_text),
        "public_text": case((is_private, ""), else_=report.c.public_text),
        "geom": report.c.public_geom,
        "accuracy_m": None,
        "receipt": report.c.public_receipt,
        "text_erased_at": clock.now(),
    }
    tx.execute(update(report).where(report.c.id.in_(ids)).values(values))
    tx.execute(update(task).where(task.c.report_id.in_(ids)).values(words=None, rating_words=None))
    words = {"words": supervision.c.public_words, "finding_words": supervision.c.public_finding_words}
    tx.execute(update(supervision).where(supervision.c.report_id.in_(ids)).values(words))
    asked = {"reason": extension.c.public_reason, "answer": extension.c.public_answer}
    tx.execute(update(extension).where(extension.c.report_id.in_(ids)).values(asked))
    tx.execute(update(crew_loan).where(crew_loan.c.report_id.in_(ids)).values(words=""))
    questions = contractor_question.c
    answer = case((questions.answer.is_not(None), ""))
    mine = questions.report_id.in_(ids)
    tx.execute(update(contractor_question).where(mine).values(question="", answer=answer))
