"""Knows how both faces file a report: one transaction, tried again where two copies of one request met."""

from __future__ import annotations

import uuid
from dataclasses import replace

from flask import request
from sqlalchemy.exc import IntegrityError

from portal.errors import TooMany
from portal.operations.limit_attempts import address_block, count_attempts
from portal.operations.store_photo import store_photo
from portal.operations.submission import Submission
from portal.operations.submit_report import Submitted, is_known_request, is_repeat_race, submit_report
from portal.web.limits import PHOTOS, REPORTS, refuse_flood
from portal.web.services import reading, services, writing


def file_report(submission: Submission) -> Submitted:
    """Store a report, or find the one that the same request made before.

    Raises what `submit_report` does, and TooMany where the address has filed too many.
    """
    # One that names no request gets a number of its own, so that it can never be taken for a repetition.
    submission = replace(
        submission,
        client_request_id=submission.client_request_id or uuid.uuid4(),
        voice=address_block(request.remote_addr or ""),
    )
    try:
        with writing() as tx:
            counted = refuse_flood(tx, REPORTS)
            filed = submit_report(tx, services().context, submission)
            count_attempts(tx, services().context, [] if filed.is_repeat else counted)
            return filed
    except IntegrityError as error:
        if not is_repeat_race(error):
            raise
    except TooMany:
        if not _was_filed(submission):
            raise
    with writing() as tx:
        return submit_report(tx, services().context, submission)


def _was_filed(submission: Submission) -> bool:
    """Whether this is a request that came before: answering it again files nothing."""
    with reading() as tx:
        return is_known_request(tx, services().jurisdiction_id, submission.client_request_id)


def keep_photo(content: bytes) -> str:
    """Store a photo before its report exists, and answer its token.

    InvalidInput for what is no photo; TooMany where the address has sent too many.
    """
    with writing() as tx:
        counted = refuse_flood(tx, PHOTOS)
        token = store_photo(tx, services().context, content)
        count_attempts(tx, services().context, counted)
        return token
