"""The colours of the map of progress: told apart with every kind of colour blindness, by day and by night."""

from __future__ import annotations

import itertools
import re
from pathlib import Path

import numpy as np
import pytest

SHEET = Path(__file__).resolve().parents[2] / "static" / "css" / "open-city.css"
# Machado, Oliveira and Fernandes (2009), full severity, on linear RGB.
SIGHT = {
    "all colours": np.eye(3),
    "no red": np.array([[0.152, 1.053, -0.205], [0.115, 0.786, 0.099], [-0.004, -0.048, 1.052]]),
    "no green": np.array([[0.367, 0.861, -0.228], [0.280, 0.673, 0.047], [-0.012, 0.043, 0.969]]),
    "no blue": np.array([[1.256, -0.077, -0.179], [-0.078, 0.931, 0.148], [0.005, 0.691, 0.304]]),
}
TO_XYZ = np.array([[0.4124, 0.3576, 0.1805], [0.2126, 0.7152, 0.0722], [0.0193, 0.1192, 0.9505]])
WHITE = np.array([0.9505, 1.0, 1.089])
LEAST = 9.0  # CIE 1976: about four times what can just be told apart side by side


def schemes() -> dict[str, dict[str, str]]:
    light, dark = SHEET.read_text(encoding="utf-8").split("@media (prefers-color-scheme: dark)", 1)
    pattern = r"--((?:on-time|open)-\d): (#[0-9a-f]{6})"
    return {"light": dict(re.findall(pattern, light)), "dark": dict(re.findall(pattern, dark))}


def seen(colour: str, sight: str) -> np.ndarray:
    """A colour as somebody sees it, in CIE Lab."""
    plain = np.array([int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)])
    linear = np.where(plain <= 0.04045, plain / 12.92, ((plain + 0.055) / 1.055) ** 2.4)
    ratio = TO_XYZ @ np.clip(SIGHT[sight] @ linear, 0, 1) / WHITE
    bent = np.where(ratio > 0.008856, np.cbrt(ratio), 7.787 * ratio + 16 / 116)
    return np.array([116 * bent[1] - 16, 500 * (bent[0] - bent[1]), 200 * (bent[1] - bent[2])])


@pytest.mark.parametrize("sight", SIGHT)
@pytest.mark.parametrize("measure", ["on-time", "open"])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_no_two_classes_look_the_same(scheme: str, measure: str, sight: str) -> None:
    colours = {name: value for name, value in schemes()[scheme].items() if name.startswith(measure)}
    assert len(colours) == (6 if measure == "on-time" else 5), "too few to say is a class of shares alone"
    for (one, first), (other, second) in itertools.combinations(colours.items(), 2):
        apart = float(np.linalg.norm(seen(first, sight) - seen(second, sight)))
        assert apart > LEAST, f"{one} and {other}: {apart:.1f}"
