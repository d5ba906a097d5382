"""Knows how a closing is rated: speed, result and manner from 1 to 5, once a person, with words if they like."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from sqlalchemy import Connection, select

from portal.db import insert_together
from portal.errors import Conflict, Forbidden, InvalidInput
from portal.i18n import N_, Message
from portal.masking import mask
from portal.models.voice import rating
from portal.operations.cast_voice import EARLIER, MOST_WORDS
from portal.operations.context import FOLLOWER_ROLE, REPORTER_ROLE, Actor, Context
from portal.operations.move_report import Move, lock_case
from portal.operations.record_events import Draft, record
from portal.operations.submission import clean_text, long_faults
from portal.operations.voice_links import GUEST_ROLE, Voter

ASPECTS = ("speed", "result", "manner")
RATING_SCORES = range(1, 6)
RATERS = (REPORTER_ROLE, FOLLOWER_ROLE, GUEST_ROLE)


@dataclass(frozen=True, slots=True)
class Rating:
    """What somebody thinks of a closing; `scores` by aspect."""

    scores: Mapping[str, int]
    words: str = ""


def rate_closing(
    tx: Connection, context: Context, token: str, voter: Voter, given: Rating, closing_no: int | None = None
) -> None:
    """Keep a rating of the newest closing, also when it has been contested since; it counts for who closed.

    Raises Conflict for a second one and for an earlier closing, Forbidden, NotFound, InvalidInput by field.
    """
    words = clean_text(given.words)
    _check(given.scores, words)
    case = lock_case(tx, context, token, Actor(voter.role), Move("rate"))
    row = case.row
    if voter.role not in RATERS:
        raise Forbidden(Message(N_("Only the person who filed this report may do that.")))
    asked = row.closing_count if closing_no is None else closing_no
    if asked != row.closing_count or not row.closing_count or row.state == "duplicate":
        raise Conflict(Message(EARLIER))
    mine = (rating.c.report_id == row.id) & (rating.c.closing_no == asked)
    if tx.scalar(select(rating.c.id).where(mine, rating.c.voter_key == voter.key)) is not None:
        raise Conflict(Message(N_("You have rated this already. Thank you.")))
    scores = {aspect: given.scores[aspect] for aspect in ASPECTS}
    shown = mask(words)
    kept = scores | {
        "jurisdiction_id": row.jurisdiction_id, "report_id": row.id, "closing_no": asked,
        "voter_key": voter.key, "role": voter.role, "unit_code": row.closing_unit or row.lead_unit,
        "service_code": row.service_code, "words": shown, "at": case.now,
    }  # fmt: skip
    insert_together(tx, [(rating, [kept])])
    public = {"actor": case.actor.in_public(), "unit": kept["unit_code"], "closing_no": asked} | scores
    if words:
        public["text"] = "" if row.is_private else shown
    record(tx, case.head, [Draft("closing.rated", public, {"text": words} if words else {})])


def _check(scores: Mapping[str, int], words: str) -> None:
    faults = {
        aspect: Message(N_("Please choose one to five."))
        for aspect in ASPECTS
        if scores.get(aspect) not in RATING_SCORES
    }
    if faults := faults | long_faults(MOST_WORDS, words=words):
        raise InvalidInput(faults)
