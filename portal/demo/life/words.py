"""Knows how residents put what they see: short texts in both languages, composed from parts."""

from __future__ import annotations

import csv
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path

import numpy as np

FILE = Path(__file__).parent / "phrases.csv"
LANGUAGES = ("zh_Hans", "en")
Parts = Mapping[str, Sequence[str]]
# What stands around the matter itself; the empty ones keep many texts as short as people write them.
ZH: Parts = {
    "where": (
        "{road}靠近{spot}", "{road}路口", "{road}边上", "{spot}门口", "{community}，{road}", "{road}公交站旁",
        "{spot}旁边", "{road}人行道上", "", "",
    ),
    "since": (
        "", "", "", "", "，已经三天了", "，从上周就这样", "，昨晚开始的", "，反映过一次没解决", "，好久了",
        "，每天都这样",
    ),
    "ask": (
        "。", "。", "", "，请尽快处理。", "，希望有人来看看。", "，请安排一下，谢谢。", "，麻烦了。", "！",
        "，有没有人管？",
    ),
    "end": ("。", "。", ""),
}  # fmt: skip
EN: Parts = {
    "where": (
        "{road} near {spot}: ", "On {road}, ", "Corner of {road}: ", "In front of {spot} ", "{community}, {road}: ",
        "", "",
    ),
    "since": ("", "", "", ", for three days now", ", since last week", ", since last night", ", reported once before"),
    "ask": (".", ".", "", ". Please have a look.", ". Thank you.", "!"),
    "end": (".", ".", ""),
}  # fmt: skip
AGAIN_WORDS = {
    "zh_Hans": ("，我也看到了。", "，我们这栋楼都在说。", "，今天还是这样。", "，邻居也反映了。"),
    "en": (". I saw it too.", ". Same here, next door.", ". Still like this today."),
}


def compose(
    language: str, code: str, kind: str, filling: Mapping[str, str], chance: np.random.Generator
) -> str:
    """One text of a report or of another kind of feedback; `filling` names road, spot and community."""
    matter = _one(phrases()[code][LANGUAGES.index(language)], chance)
    parts = ZH if language == "zh_Hans" else EN
    if kind != "report":
        text = matter + _one(parts["end"], chance)
    else:
        where = _one(parts["where"], chance).format(**filling)
        comma = "，" if where and language == "zh_Hans" else ""
        text = where + comma + matter + _one(parts["since"], chance) + _one(parts["ask"], chance)
    return text[:1].upper() + text[1:]


def repeat(language: str, code: str, chance: np.random.Generator) -> str:
    """What a neighbour writes who sees the same."""
    return _one(phrases()[code][LANGUAGES.index(language)], chance) + _one(AGAIN_WORDS[language], chance)


@cache
def phrases() -> Mapping[str, tuple[Sequence[str], Sequence[str]]]:
    """What is wrong, in both languages, by service."""
    with FILE.open(encoding="utf-8", newline="") as stream:
        return {
            row["service_code"]: (row["zh_Hans"].split("|"), row["en"].split("|"))
            for row in csv.DictReader(stream)
        }


def _one(options: Sequence[str], chance: np.random.Generator) -> str:
    return options[int(chance.integers(len(options)))]
