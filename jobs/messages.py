"""Knows the jobs that send messages and digests."""

from __future__ import annotations

import sys

from jobs.runtime import runtime
from portal.operations import deliver_message as operation
from portal.operations import digest_letter as digests
from portal.operations import news_letter as news

NEWS_AT_ONCE = 200


def deliver_message(outbox_id: int) -> None:
    """Send the message of an outbox row."""
    runtime().send_off(
        outbox_id,
        lambda parts: operation.deliver_message(
            parts.database, parts.context, parts.outlet, outbox_id, parts.lease
        ),
    )


def send_digests() -> int:
    """Ask for the digests that are due; answers how many."""
    return runtime().repeat(lambda tx, _: digests.send_digests(tx), sys.maxsize)


def send_news() -> int:
    """Look for news of those who follow an area, a service or a unit; answers for how many."""
    return runtime().repeat(lambda tx, _: news.send_news(tx, NEWS_AT_ONCE), NEWS_AT_ONCE)
