"""Knows the queues: their names, which job belongs to which, and the connection to Redis."""

from __future__ import annotations

from functools import lru_cache

from redis import Redis

# Urgent work first: workers listen in this order.
QUEUES = ("urgent", "default", "slow")
QUEUE_OF = {
    "jobs.sweep.sweep_clocks": "urgent",
    "jobs.seal.seal_events": "urgent",
    "jobs.incidents.watch_incidents": "urgent",
    "jobs.messages.deliver_message": "default",
    "jobs.messages.send_digests": "default",
    "jobs.messages.send_news": "slow",
    "jobs.webhooks.feed_webhooks": "default",
    "jobs.webhooks.deliver_webhook": "default",
    "jobs.media.prepare_photo": "slow",
    "jobs.seal.make_day_roots": "slow",
    "jobs.publish.publish_open_data": "slow",
    "jobs.closing.close_silent": "slow",
    "jobs.closing.keep_dates": "slow",
    "jobs.figures.refresh_area_days": "slow",
    "jobs.figures.suspect_points": "slow",
    "jobs.retention.forget_expired": "slow",
    "jobs.retention.erase_due": "slow",
}


@lru_cache(maxsize=8)
def connect(redis_url: str) -> Redis:
    """A client for Redis with short time-outs, so that a dead Redis is noticed at once."""
    return Redis.from_url(redis_url, socket_connect_timeout=2, socket_timeout=30, health_check_interval=30)
