"""Knows which reports of a year belong to one story: repeats, crowds, and complaints or questions about a case."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta

import numpy as np

from portal.demo.life.events import Event

# What is about an earlier report, by how many reports at most it lies back.
ABOUT_EARLIER = frozenset({"progress-enquiry", "unit-complaint"})
NEAREST, FARTHEST = 150, 900
MIXED = timedelta(days=21)


@dataclass(frozen=True, slots=True)
class Cluster:
    """Reports that are lived together, in order of time; `about` names the report that a later one is about."""

    events: tuple[Event, ...]
    about: Mapping[int, int]

    @property
    def root(self) -> Event:
        """The report that it began with; its number names the cluster."""
        return self.events[0]


def clusters_of(events: Sequence[Event], kinds: Mapping[str, str]) -> list[Cluster]:
    """The stories of a year, the newest first; `kinds` says of each service what kind of voice it is.

    Those of the last weeks are mixed, so that the first few of them show these weeks and not one evening.
    """
    root: dict[int, int] = {}
    about: dict[int, int] = {}
    for event in events:
        earlier = event.again
        if earlier is None and event.service_code in ABOUT_EARLIER:
            earlier = about_of(events, event, kinds)
            if earlier is not None:
                about[event.number] = earlier
        root[event.number] = event.number if earlier is None else root[earlier]
    members: defaultdict[int, list[Event]] = defaultdict(list)
    for event in events:
        members[root[event.number]].append(event)
    found = [
        Cluster(tuple(each), {one.number: about[one.number] for one in each if one.number in about})
        for each in members.values()
    ]
    recent = max(event.at for event in events) - MIXED
    mixed = np.random.default_rng(len(events)).permutation(len(events))

    def place(cluster: Cluster) -> tuple[bool, int]:
        is_old = cluster.root.at < recent
        return is_old, -cluster.root.number if is_old else int(mixed[cluster.root.number])

    return sorted(found, key=place)


def about_of(events: Sequence[Event], event: Event, kinds: Mapping[str, str]) -> int | None:
    """The number of an earlier report that somebody asks or complains about; None early in the year."""
    chance = np.random.default_rng(event.number)
    for _ in range(5):
        number = event.number - int(chance.integers(NEAREST, FARTHEST))
        if number >= 0 and kinds[events[number].service_code] == "report":
            return number
    return None
