"""Knows how a problem in somebody's data is told: which file, row and boundary, how bad, how large."""

from dataclasses import dataclass
from typing import Literal

Severity = Literal["error", "warning"]


@dataclass(frozen=True, slots=True)
class Finding:
    """One problem. An error means that the row or file was not used; a warning that it was, as described.

    `kind` is a stable slug to test and filter by (for example "overlap"); `row` counts features from 1 as
    they stand in the file; `area_m2` is what the problem covers on the ground.
    """

    severity: Severity
    kind: str
    message: str
    code: str = ""
    row: int | None = None
    area_m2: float | None = None
    file: str = ""
