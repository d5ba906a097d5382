"""Knows which jobs run by themselves, and how often."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Scheduled:
    """A job without arguments that runs every `every_s` seconds, first when the clock process starts.

    Intervals, not times of day: a machine that sleeps at night catches up when it wakes. What belongs to an hour of
    a city's day asks by itself whether it has come. A run that no
    worker took before the next one is due disappears, so that nothing piles up while workers are away.
    """

    job: str
    every_s: int


SCHEDULE = (
    Scheduled("jobs.seal.seal_events", 3),
    Scheduled("jobs.sweep.sweep_clocks", 15),
    Scheduled("jobs.seal.make_day_roots", 600),
    Scheduled("jobs.closing.close_silent", 900),
    Scheduled("jobs.closing.keep_dates", 60),
    Scheduled("jobs.messages.send_digests", 120),
    Scheduled("jobs.messages.send_news", 300),
    Scheduled("jobs.figures.refresh_area_days", 600),
    Scheduled("jobs.figures.suspect_points", 24 * 3600),
    Scheduled("jobs.webhooks.feed_webhooks", 10),
    Scheduled("jobs.retention.forget_expired", 6 * 3600),
    Scheduled("jobs.publish.publish_open_data", 600),  # looks whether the night has come
    Scheduled("jobs.retention.erase_due", 3600),
)
