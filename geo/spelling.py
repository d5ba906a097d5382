"""Knows how codes are spelt: which of a layer's codes look unlike the rest, and which are one code twice."""

import re
import unicodedata
from collections import Counter, defaultdict
from collections.abc import Sequence

from geo.findings import Finding
from geo.sentences import sentence

# So many codes must there be, and this share of them alike, before another spelling is odd.
_ENOUGH = 4
_MOST = 0.8
_RUNS = re.compile(r"\d+|[^\W\d_]+|[\W_]")


def check_codes(codes: Sequence[str]) -> list[Finding]:
    """Return warnings about codes that differ from each other by spelling only, or from all the others.

    Kinds: alike-codes (`18`, `018` and `Ward 18`: one boundary or two?), odd-code (`Ward 18` among numbers).
    """
    different = list(dict.fromkeys(codes))
    return [*_alike(different), *_odd(different)]


def _alike(codes: Sequence[str]) -> list[Finding]:
    groups: defaultdict[str, list[str]] = defaultdict(list)
    keys = [_key(code) for code in codes]
    numbers = {key for key in keys if key.isdecimal()}
    for code, key in zip(codes, keys, strict=True):
        # "Ward 18" may be the "18" of the same file; where no such number stands alone, "ward18" it is.
        tail = key.lstrip("abcdefghijklmnopqrstuvwxyz")
        groups[tail if tail in numbers else key].append(code)
    findings = []
    for first, *others in groups.values():
        if others:
            spelt = ", ".join(repr(other) for other in others)
            message = sentence(
                "the codes %(first)s and %(spelt)s may be one code in several spellings",
                first=repr(first),
                spelt=spelt,
            )
            findings.append(Finding("warning", "alike-codes", message, code=first))
    return findings


def _key(code: str) -> str:
    """Fold what people vary: capitals, width, blanks, hyphens, zeros in front of numbers."""
    runs = _RUNS.findall(unicodedata.normalize("NFKC", code).casefold())
    return "".join(run.lstrip("0") or "0" if run.isdecimal() else run for run in runs if run.isalnum())


def _odd(codes: Sequence[str]) -> list[Finding]:
    patterns = {code: _pattern(code) for code in codes}
    (usual, count), *_ = Counter(patterns.values()).most_common(1) or [("", 0)]
    if (
        len(codes) < _ENOUGH
        or count < _MOST * len(codes)
        or not any("0" in each for each in patterns.values())
    ):
        return []
    like = next(code for code in codes if patterns[code] == usual)
    odd = [code for code in codes if patterns[code] != usual]
    return [_unlike(code, like) for code in odd] + _unevenly_filled([c for c in codes if patterns[c] == "0"])


def _unevenly_filled(numbers: Sequence[str]) -> list[Finding]:
    """Find the fewer of two sorts among short numbers: with zeros in front, and without."""
    filled = [code for code in numbers if code.startswith("0") and len(code) > 1]
    width = max(map(len, filled), default=0)
    bare = [code for code in numbers if len(code) < width and not code.startswith("0")]
    if not (filled and bare):
        return []
    few, many = sorted((filled, bare), key=len)
    return [_unlike(code, many[0]) for code in few]


def _unlike(code: str, like: str) -> Finding:
    message = sentence(
        "the code %(code)s is spelt unlike the others, such as %(like)s", code=repr(code), like=repr(like)
    )
    return Finding("warning", "odd-code", message, code=code)


def _pattern(code: str) -> str:
    """Draw a code: 0 for a number (00 for one in full-width digits), a for letters, other signs as they are."""
    if not any(sign.isdecimal() for sign in code):
        return "a"
    return "".join(
        ("0" if run.isascii() else "00") if run.isdecimal() else "a" if run.isalnum() else run
        for run in _RUNS.findall(code)
    )
