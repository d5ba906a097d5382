"""Knows what staff and residents write while a case is lived: ready-made sentences by occasion and service."""

from __future__ import annotations

import csv
from collections import defaultdict
from functools import cache
from pathlib import Path

import numpy as np

FILE = Path(__file__).parent / "said.csv"
LANGUAGES = ("zh_Hans", "en")


def say(
    occasion: str, chance: np.random.Generator, language: str, service_code: str = "", group: str = ""
) -> str:
    """One sentence for an occasion: of the service or its group where there are such, else one for all."""
    known = _sentences()[occasion]
    fitting = [*known.get(service_code, ()), *known.get(group, ())] or list(known["*"])
    words: str = fitting[int(chance.integers(len(fitting)))][LANGUAGES.index(language)]
    return words


@cache
def _sentences() -> dict[str, dict[str, list[tuple[str, str]]]]:
    found: dict[str, dict[str, list[tuple[str, str]]]] = defaultdict(lambda: defaultdict(list))
    with FILE.open(encoding="utf-8", newline="") as stream:
        for row in csv.DictReader(stream):
            for scope in row["scope"].split(";"):
                found[row["occasion"]][scope].append((row["zh_Hans"], row["en"]))
    return found
