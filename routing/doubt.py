"""Knows how unsure a point is: what else it could lie in, and in how much of its accuracy disc."""

from __future__ import annotations

import math
from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING

from geo.boundary import Hit

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from geo.boundary import Nearby
    from routing.facts import ReportFacts

# Two borders of different layers at one distance are one border: a street's edge that is also a district's.
_SAME_BORDER_M = 1.0
# A share of the disc under this is not worth a second decision.
_NEGLIGIBLE = 0.02


@dataclass(frozen=True, slots=True)
class Alternative:
    """Hits that the point could also have had, the layers in which they differ, and their weight there.

    `weight` is a share of the accuracy disc before shares are scaled to one. `distance_m` says how much
    farther off it lies than what the point was found in.
    """

    hits: tuple[Hit, ...]
    layers: tuple[str, ...]
    weight: float
    distance_m: float = 0.0


def disc_share_beyond(edge_m: float, radius_m: float) -> float:
    """Return the share of a disc that lies beyond a straight edge at `edge_m` from its centre."""
    x = edge_m / radius_m
    if x >= 1.0:
        return 0.0
    return (math.acos(x) - x * math.sqrt(1.0 - x * x)) / math.pi


def alternatives(facts: ReportFacts, layers: frozenset[str]) -> list[Alternative]:
    """Return what the point could lie in instead, within its accuracy radius, nearest first.

    Only `layers` are looked at: what no rule asks about cannot change the answer.
    """
    within = [
        other
        for other in facts.others
        if other.distance_m < facts.accuracy_m
        and other.layer in layers
        and not any(hit.layer == other.layer and hit.code == other.code for hit in facts.hits)
    ]
    found = [_entered(facts, group) for group in _borders(within)]
    return found + _left(facts, within, layers)


def overlaps(facts: ReportFacts, layer: str) -> list[Alternative]:
    """Return the further boundaries of one layer that hold the point too, each as if it stood alone."""
    here = sorted((hit for hit in facts.hits if hit.layer == layer), key=lambda hit: hit.code)
    rest = tuple(hit for hit in facts.hits if hit.layer != layer)
    return [Alternative((*rest, hit), (layer,), 1.0) for hit in here[1:]]


def claims(
    facts: ReportFacts, lead: str, lost: Sequence[tuple[Alternative, str]], every: Iterable[Alternative]
) -> dict[str, float]:
    """Return the share of the disc that each unit would lead in: `lead` first, then the largest.

    `lost` are the alternatives with another unit, and that unit. Where several layers are in doubt, the one
    that leaves the lead least speaks.
    """
    lost_by, all_by = _sum_by_layer(one for one, _ in lost), _sum_by_layer(every)
    totals = {layer: _own(facts, layer) + all_by[layer] for layer in lost_by}
    if not totals:
        return {lead: 1.0}
    layer = max(lost_by, key=lambda name: (lost_by[name] / totals[name], name))
    shares: defaultdict[str, float] = defaultdict(float)
    for alternative, unit in lost:
        if layer in alternative.layers:
            shares[unit] += alternative.weight / totals[layer]
    ranked = sorted(shares.items(), key=lambda pair: (-pair[1], pair[0]))
    return {lead: min(max(1.0 - sum(shares.values()), 0.0), 1.0), **dict(ranked)}


def _borders(others: Sequence[Nearby]) -> list[list[Nearby]]:
    """Group boundaries of different layers that lie behind one and the same border."""
    groups: list[list[Nearby]] = []
    for other in sorted(others, key=lambda one: (one.distance_m, one.layer, one.code)):
        for group in groups:
            is_close = other.distance_m - group[0].distance_m <= _SAME_BORDER_M
            if is_close and all(one.layer != other.layer for one in group):
                group.append(other)
                break
        else:
            groups.append([other])
    return groups


def _entered(facts: ReportFacts, group: list[Nearby]) -> Alternative:
    layers = tuple(other.layer for other in group)
    editions = {hit.layer: hit.edition for hit in facts.hits}
    rest = tuple(hit for hit in facts.hits if hit.layer not in layers)
    new = tuple(Hit(one.layer, one.code, editions.get(one.layer, 0), 0.0, False) for one in group)
    # Beside a boundary that the point only snapped to, the other one is as far off as their difference.
    snapped_m = max(
        (hit.edge_m or 0.0 for hit in facts.hits if hit.snapped and hit.layer in layers), default=0.0
    )
    weight = max(_weight(facts, other) for other in group)
    return Alternative(rest + new, layers, weight, max(group[0].distance_m - snapped_m, 0.0))


def _left(facts: ReportFacts, within: Sequence[Nearby], layers: frozenset[str]) -> list[Alternative]:
    """Return the cases of leaving a boundary with no neighbour behind its edge, such as a park's."""
    taken: defaultdict[str, float] = defaultdict(float)
    for other in within:
        taken[other.layer] += _weight(facts, other)
    found = []
    for hit in sorted(facts.hits, key=lambda one: (one.layer, one.code)):
        if hit.layer not in layers or hit.snapped or hit.edge_m is None or hit.edge_m >= facts.accuracy_m:
            continue
        share = facts.shares.get(hit.layer)
        empty = disc_share_beyond(hit.edge_m, facts.accuracy_m) if share is None else share.get("", 0.0)
        weight = empty - taken[hit.layer] if share is None else empty
        if weight > _NEGLIGIBLE:
            rest = tuple(one for one in facts.hits if one is not hit)
            found.append(Alternative(rest, (hit.layer,), weight, hit.edge_m))
    return found


def _weight(facts: ReportFacts, other: Nearby) -> float:
    share = facts.shares.get(other.layer)
    if share is None:
        return disc_share_beyond(other.distance_m, facts.accuracy_m)
    return share.get(other.code, 0.0)


def _own(facts: ReportFacts, layer: str) -> float:
    """Return the weight of staying where the point is, in one layer."""
    codes = [hit for hit in facts.hits if hit.layer == layer]
    share = facts.shares.get(layer)
    if share is not None:
        return sum(share.get(hit.code, 0.0) for hit in codes) if codes else share.get("", 0.0)
    if codes and codes[0].snapped:
        return disc_share_beyond(codes[0].edge_m or 0.0, facts.accuracy_m)
    if len(codes) > 1:
        return 1.0
    nearest = min(
        [other.distance_m for other in facts.others if other.layer == layer]
        + [hit.edge_m for hit in codes if hit.edge_m is not None],
        default=facts.accuracy_m,
    )
    return 1.0 - disc_share_beyond(nearest, facts.accuracy_m)


def _sum_by_layer(found: Iterable[Alternative]) -> dict[str, float]:
    sums: defaultdict[str, float] = defaultdict(float)
    for alternative in found:
        for layer in alternative.layers:
            sums[layer] += alternative.weight
    return dict(sums)
