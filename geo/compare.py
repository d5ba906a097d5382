"""Knows what changed between two editions of a layer: ground gained and lost by code, and from whom to whom."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import shapely
from shapely import STRtree
from shapely.geometry.base import BaseGeometry

from geo.boundary import Boundary, Layer
from geo.crs import ground_area_m2

Kind = Literal["same", "redrawn", "moved", "renamed", "recoded", "new", "gone"]
# Less than this that a boundary gains and loses is drawing, not a change of hands.
MOVED_M2 = 100.0
# So much of the ground of both must be common for another code to be the same boundary.
_SAME_GROUND = 0.98
NOBODY = ""


@dataclass(frozen=True, slots=True)
class Change:
    """What became of one boundary. `old_code` and `new_code` differ where it was recoded; one is '' for new and
    gone. `gained_m2` and `lost_m2` are ground that it did not have, or has no longer.

    Kinds: same (to the last digit), redrawn (under 100 m² changed), moved, renamed (the name alone), recoded
    (another code on the same ground), new, gone. A boundary that was renamed and moved is told as moved.
    """

    kind: Kind
    old_code: str
    new_code: str
    old_name: str
    new_name: str
    gained_m2: float
    lost_m2: float

    @property
    def code(self) -> str:
        """The code that it has now, or had last."""
        return self.new_code or self.old_code


@dataclass(frozen=True, slots=True)
class Transfer:
    """Ground that changed hands: codes of the old and of the new edition, '' for nobody."""

    from_code: str
    to_code: str
    area_m2: float


@dataclass(frozen=True, slots=True)
class Comparison:
    """All changes in order of the code, and all transfers of over 100 m², the largest first."""

    changes: tuple[Change, ...]
    transfers: tuple[Transfer, ...]

    def of_kind(self, *kinds: Kind) -> tuple[Change, ...]:
        """The changes of these kinds."""
        return tuple(change for change in self.changes if change.kind in kinds)


def compare_layers(old: Layer, new: Layer) -> Comparison:
    """Compare two editions of a layer. Points and lines have no ground: they are compared by where they are."""
    before = {boundary.code: boundary for boundary in old.boundaries}
    after = {boundary.code: boundary for boundary in new.boundaries}
    codes = _recoded(before, after)
    changes = [_change(before[code], after.get(codes.get(code, code))) for code in before]
    known = {codes.get(code, code) for code in before}
    changes += [_change(None, boundary) for code, boundary in after.items() if code not in known]
    return Comparison(
        tuple(sorted(changes, key=lambda change: change.code)), _transfers(before, after, codes)
    )


def _recoded(before: dict[str, Boundary], after: dict[str, Boundary]) -> dict[str, str]:
    """Return the new code of each old one that is gone while its ground stands under a new code."""
    gone = [boundary for code, boundary in before.items() if code not in after]
    fresh = [boundary for code, boundary in after.items() if code not in before]
    tree = STRtree([boundary.geometry for boundary in fresh])
    codes: dict[str, str] = {}
    for one in gone:
        for position in tree.query(one.geometry, predicate="intersects"):
            other = fresh[position]
            if other.code not in codes.values() and _is_same_ground(one.geometry, other.geometry):
                codes[one.code] = other.code
                break
    return codes


def _is_same_ground(one: BaseGeometry, other: BaseGeometry) -> bool:
    if shapely.get_dimensions(one) < 2:
        return bool(shapely.equals(one, other))
    common = ground_area_m2(shapely.intersection(one, other))
    return common >= _SAME_GROUND * max(ground_area_m2(one), ground_area_m2(other))


def _change(old: Boundary | None, new: Boundary | None) -> Change:
    gained = _left(new, old)
    lost = _left(old, new)
    return Change(
        _kind(old, new, gained + lost),
        old.code if old else NOBODY,
        new.code if new else NOBODY,
        old.name if old else "",
        new.name if new else "",
        gained,
        lost,
    )


def _left(one: Boundary | None, other: Boundary | None) -> float:
    if one is None or (other is not None and shapely.equals_exact(one.geometry, other.geometry)):
        return 0.0
    return ground_area_m2(shapely.difference(one.geometry, other.geometry) if other else one.geometry)


def _kind(old: Boundary | None, new: Boundary | None, changed_m2: float) -> Kind:
    if old is None or new is None:
        return "new" if old is None else "gone"
    if old.code != new.code:
        return "recoded"
    is_elsewhere = shapely.get_dimensions(new.geometry) < 2 and not shapely.equals(old.geometry, new.geometry)
    if changed_m2 >= MOVED_M2 or is_elsewhere:
        return "moved"
    if old.name != new.name:
        return "renamed"
    return "same" if shapely.equals_exact(old.geometry, new.geometry) else "redrawn"


def _transfers(
    before: dict[str, Boundary], after: dict[str, Boundary], codes: dict[str, str]
) -> tuple[Transfer, ...]:
    """Work out who has whose ground: what a boundary gained, cut with what each other one lost."""
    stays = {codes.get(code, code): boundary.geometry for code, boundary in before.items()}
    gained = _differences(after, stays)
    lost = _differences(
        before, {code: after[to].geometry for code in before if (to := codes.get(code, code)) in after}
    )
    found = [
        Transfer(giver, taker, ground_area_m2(shapely.intersection(lost[giver], gained[taker])))
        for giver, taker in _meeting(lost, gained)
    ]
    found += _unclaimed(gained, [boundary.geometry for boundary in before.values()], is_gain=True)
    found += _unclaimed(lost, [boundary.geometry for boundary in after.values()], is_gain=False)
    return tuple(sorted((each for each in found if each.area_m2 >= MOVED_M2), key=lambda each: -each.area_m2))


def _differences(boundaries: dict[str, Boundary], others: dict[str, BaseGeometry]) -> dict[str, BaseGeometry]:
    """Return the ground of each boundary that it does not have in the other edition, where there is any."""
    found = {}
    for code, boundary in boundaries.items():
        other = others.get(code)
        if other is not None and shapely.equals_exact(boundary.geometry, other):
            continue
        left = boundary.geometry if other is None else shapely.difference(boundary.geometry, other)
        if shapely.area(left) > 0.0:
            found[code] = left
    return found


def _meeting(lost: dict[str, BaseGeometry], gained: dict[str, BaseGeometry]) -> Iterable[tuple[str, str]]:
    if not (lost and gained):
        return ()
    givers, takers = list(lost), list(gained)
    one, other = STRtree(list(gained.values())).query(list(lost.values()), predicate="intersects")
    return ((givers[i], takers[j]) for i, j in zip(one, other, strict=True))


def _unclaimed(
    parts: dict[str, BaseGeometry], others: Sequence[BaseGeometry], *, is_gain: bool
) -> list[Transfer]:
    """Return the ground that came from nobody, or went to nobody."""
    tree, geometries = STRtree(others), np.array(others, dtype=object)
    transfers = []
    for code, part in parts.items():
        near = geometries[tree.query(part, predicate="intersects")]
        left = shapely.difference(part, shapely.union_all(near)) if len(near) else part
        ends = (NOBODY, code) if is_gain else (code, NOBODY)
        transfers.append(Transfer(*ends, ground_area_m2(left)))
    return transfers
