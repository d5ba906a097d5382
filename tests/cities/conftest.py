"""Routers made of the packs in this folder alone, and tallies of how far they agree with the record."""

from __future__ import annotations

import math
import random
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import date
from functools import cache
from itertools import islice
from pathlib import Path

import pytest

from portal.pack.city import build_city
from portal.pack.mapping import RequestMapping, RequestRow, read_mapping, read_requests
from portal.pack.reader import read_pack
from routing.decision import Decision
from routing.facts import ReportFacts
from routing.router import PointQuery, Router

HERE = Path(__file__).resolve().parent
SAMPLE = 2000
BORDER_M = 5.0
# How often a sound program may fail a sample test: never in practice, yet a real loss shows.
FALSE_ALARM = 1e-4


@dataclass(slots=True)
class Tally:
    """Counts per comparison; `is_sample` loosens what is asked of a share by chance alone."""

    is_sample: bool
    compared: Counter[str] = field(default_factory=Counter)
    missed: Counter[str] = field(default_factory=Counter)
    counts: Counter[str] = field(default_factory=Counter)

    def add(self, name: str, agrees: bool) -> None:
        self.compared[name] += 1
        self.missed[name] += not agrees

    def assert_share(self, name: str, at_least: float) -> None:
        """The share that agrees is at least this; in a sample, not below it by more than chance explains."""
        compared, missed = self.compared[name], self.missed[name]
        allowed = (1 - at_least) * compared
        if self.is_sample:
            allowed = most_by_chance(compared, 1 - at_least)
        share = 1 - missed / compared
        assert missed <= allowed, f"{name}: {share:.4%} of {compared} agree, {at_least:.2%} are asked for"


def most_by_chance(tries: int, rate: float) -> int:
    """The largest count that a binomial draw passes with at most the probability FALSE_ALARM."""
    left, count = 1.0, -1
    while left > FALSE_ALARM:
        count += 1
        log = math.lgamma(tries + 1) - math.lgamma(count + 1) - math.lgamma(tries - count + 1)
        left -= math.exp(log + count * math.log(rate) + (tries - count) * math.log1p(-rate))
    return count


@pytest.fixture(scope="session")
def router_of(wenlu_data: Path) -> Callable[..., Router]:
    """Build the Router of a city from its pack alone, once per day asked for."""

    @cache
    def build(name: str, on: date | None = None) -> Router:
        return Router(build_city(read_pack(HERE / name), on))

    return build


@pytest.fixture(scope="session")
def past_requests(wenlu_data: Path) -> Callable[..., tuple[RequestMapping, Iterator[RequestRow]]]:
    """The mapping and rows of a file; with `sample`, that many rows drawn with a fixed seed."""

    def read(city: str, mapping: str, file: str, sample: int | None):
        mapped = read_mapping(HERE / city / mapping)
        rows = read_requests(wenlu_data / file, mapped)
        return mapped, rows if sample is None else iter(drawn(rows, sample))

    return read


def drawn(rows: Iterator[RequestRow], size: int) -> list[RequestRow]:
    """A uniform sample of a stream, in file order, the same each time."""
    chance = random.Random(20111)
    kept = list(islice(rows, size))
    for seen, row in enumerate(rows, start=size):
        place = chance.randint(0, seen)
        if place < size:
            kept[place] = row
    return sorted(kept, key=lambda row: row.number)


@pytest.fixture(scope="session")
def decided(router_of, past_requests) -> Callable[..., Iterator[tuple[RequestRow, ReportFacts, Decision]]]:
    """Route the rows of a file; a place that is only the default point is no place."""

    def decide(
        city: str,
        mapping: str,
        file: str,
        sample: int | None = None,
        on: date | None = None,
        only: Callable[[RequestRow], bool] = lambda row: True,
    ):
        router = router_of(city, on)
        for row in filter(only, past_requests(city, mapping, file, sample)[1]):
            assert row.problem is None, row
            lon, lat = (row.lon, row.lat) if row.default_point is None else (None, None)
            yield row, *router.decide(PointQuery(row.service_code, row.opened_at, lon, lat))

    return decide


@pytest.fixture(scope="session")
def tally_of(decided, router_of) -> Callable[..., Tally]:
    """Compare the boundaries found with those recorded, once per file and size."""

    @cache
    def compare(city: str, mapping: str, file: str, sample: int | None) -> Tally:
        tally = Tally(is_sample=sample is not None)
        directory = router_of(city).city.directory
        layers = {name: each.layer for name, each in read_mapping(HERE / city / mapping).compare.items()}
        for row, facts, decision in decided(city, mapping, file, sample):
            tally.counts["rows"] += 1
            tally.counts["ambiguous"] += decision.ambiguous
            tally.counts["led by a unit"] += decision.lead in directory
            tally.counts["default point"] += row.default_point is not None
            if facts.point is None:
                tally.counts["no place"] += 1
                tally.counts[f"no place, led by {decision.lead}"] += 1
                continue
            for name, code in row.compare.items():
                count(tally, name, layers[name], code, facts)
        return tally

    return compare


def count(tally: Tally, name: str, layer: str, code: str, facts: ReportFacts) -> None:
    agrees = code in {hit.code for hit in facts.hits if hit.layer == layer}
    tally.add(name, agrees)
    if border_m(layer, facts) > BORDER_M:
        tally.add(f"{name}, off the border", agrees)


def border_m(layer: str, facts: ReportFacts) -> float:
    """Metres to the nearest edge in a layer, infinite beyond what the router measures."""
    inside = [hit.edge_m for hit in facts.hits if hit.layer == layer and hit.edge_m is not None]
    outside = [other.distance_m for other in facts.others if other.layer == layer]
    return min(inside + outside, default=math.inf)
