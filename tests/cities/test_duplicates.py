"""How often a proposal is right, on pairs that the cities' own records label while the test runs."""

from __future__ import annotations

import csv
import gzip
import random
import re
from collections import Counter, defaultdict
from datetime import UTC, datetime, timedelta
from itertools import combinations
from pathlib import Path
from typing import Any

import pytest

from geo.crs import LonLat, ground_distance_m
from routing.duplicates import Matter, rank_duplicates
from routing.facts import Service
from routing.words import words_of

PRECISION, RECALL = 0.95, 0.80
# Names of estates, and what is complained of, as the subject lines of the messages have them.
ESTATE = re.compile(
    r"([\u4e00-\u9fff]{2}(?:新城|花园|国际|公馆|家园|公寓|车贷|滨河苑|苑|之城|山庄|名城|华府|新村))"
)
MATTERS = {
    "mixer": "搅拌站",
    "fumes": "油烟", "parking": "车位|停车", "works": "施工|装修", "manage": "物业|业委会|业主委员会",
    "bus": "公交", "deed": "房产证|不动产证|产权", "school": "学位|幼儿园|入学|教育", "water": "停水|供水|水压",
    "power": "停电|供电|电改", "fraud": "诈骗|车贷|集资", "noise": "噪音|噪声|扰民|广场舞", "lift": "电梯",
    "fire": "消防", "waste": "垃圾", "deliver": "交房|延期|烂尾|质量",
}  # fmt: skip


def share(name: str, outcomes: Counter[tuple[bool, bool]]) -> tuple[float, float]:
    """Precision and recall of (is the same, was proposed), printed."""
    proposed = outcomes[True, True] + outcomes[False, True]
    precision = outcomes[True, True] / proposed
    recall = outcomes[True, True] / (outcomes[True, True] + outcomes[True, False])
    print(f"{name}: {sum(outcomes.values())} pairs, precision {precision:.3f}, recall {recall:.3f}")
    return precision, recall


@pytest.fixture(scope="module")
def newyork(past_requests: Any, router_of: Any) -> tuple[dict[str, Service], list[Any]]:
    rows = past_requests("newyork", "MAP.toml", "nyc/requests_2026-08-01_04.parquet", None)[1]
    kept = [row for row in rows if row.problem is None and row.lon is not None and row.default_point is None]
    return router_of("newyork").city.services, kept


def test_newyork_pairs_at_one_point_and_near_it(newyork: tuple[dict[str, Service], list[Any]]) -> None:
    """The same: one point and type within days. Not: another matter there, another service in the street, far away."""
    services, rows = newyork
    chance = random.Random(8)
    at_point, cells = defaultdict(list), defaultdict(list)
    for row in rows:
        at_point[row.lon, row.lat].append(row)
        cells[round(row.lon / 0.004), round(row.lat / 0.003)].append(row)
    pairs = [pair for group in at_point.values() for pair in combinations(group[:8], 2)]
    pairs += [pair for group in cells.values() if len(group) > 1 for pair in [chance.sample(group, 2)]]
    outcomes: Counter[tuple[bool, bool]] = Counter()
    for one, other in chance.sample(pairs, min(4000, len(pairs))):
        metres = ground_distance_m(one.lon, one.lat, other.lon, other.lat)
        is_same_type = one.service_code == other.service_code
        if (is_same_type and 1 < metres < 60) or (not is_same_type and one.description == other.description):
            continue  # neither certainly the same nor certainly not
        is_same = is_same_type and metres <= 1
        ranked = rank_duplicates(
            services[one.service_code], matter(one, services), [("1", matter(other, services))]
        )
        outcomes[is_same, bool(ranked and ranked[0].is_likely)] += 1
    precision, recall = share("New York", outcomes)
    assert precision >= PRECISION
    assert recall >= RECALL


def matter(row: Any, services: dict[str, Service]) -> Matter:
    words = frozenset(words_of(row.description or ""))
    point = LonLat(row.lon, row.lat)
    return Matter(point, row.service_code, services[row.service_code].group, row.opened_at, words)


def test_chinese_messages_without_a_place(wenlu_data: Path) -> None:
    """The first proposal for each message is one on its matter; labels come from subject lines, words from the text.

    A message names its estate and what it is about in its subject, which the comparison never sees.
    """
    messages = [one for one in read_messages(wenlu_data) if one["matter"] and one["estates"]]
    by_matter = defaultdict(list)
    for one in messages:
        by_matter[one["matter"]].append(one)
    outcomes: Counter[tuple[bool, bool]] = Counter()
    missed = 0
    for one in messages:
        earlier = [
            other for other in by_matter[one["matter"]]
            if other is not one and timedelta() <= one["at"] - other["at"] <= timedelta(days=30)
        ]  # fmt: skip
        if not earlier:
            continue
        service = Service(one["matter"], "estates", duplicate_radius_m=250)
        ranked = rank_duplicates(
            service, shape(one), [(str(n), shape(other)) for n, other in enumerate(earlier)]
        )
        likely = [earlier[int(match.case_id)] for match in ranked if match.is_likely]
        is_known = any(is_one_matter(one, other) for other in earlier)
        if likely:
            outcomes[is_one_matter(one, likely[0]), True] += 1
            missed += is_known and not is_one_matter(one, likely[0])
        else:
            outcomes[is_known, False] += 1
    outcomes[True, False] += missed
    precision, recall = share("Chinese messages", outcomes)
    assert precision >= PRECISION
    assert recall >= RECALL


def read_messages(folder: Path) -> list[dict[str, Any]]:
    with gzip.open(folder / "text/zh_messages_unlabelled_4326.csv.gz", "rt", encoding="utf-8-sig") as file:
        return [labelled(row) for row in csv.DictReader(file)]


def labelled(row: dict[str, str]) -> dict[str, Any]:
    subject, text = row["留言主题"], row["留言详情"].strip()
    at = row["留言时间"].replace("/", "-")
    day, _, time = at.partition(" ")
    parts = [int(part) for part in (*day.split("-"), *(time or "0:0:0").split(":"))]
    about = next((name for name, words in MATTERS.items() if re.search(words, subject)), "")
    return {
        "matter": about, "estates": set(ESTATE.findall(subject)), "text": text, "whole": subject + text,
        "at": datetime(*parts, tzinfo=UTC), "words": frozenset(words_of(text)),
    }  # fmt: skip


def is_one_matter(one: dict[str, Any], other: dict[str, Any]) -> bool:
    """Whether two messages of one matter name one estate, in a subject line or anywhere in the other's words."""
    return any(name in other["whole"] for name in one["estates"]) or any(
        name in one["whole"] for name in other["estates"]
    )


def shape(one: dict[str, Any]) -> Matter:
    return Matter(None, one["matter"], "estates", one["at"], one["words"])
