"""Knows how far one map lies beside another: the shift that brings their lines together, in metres.

The lines of both are drawn into grids of equal cells and correlated over every shift within reach at once.
What the two have in common (a coast, a district's border that streets follow too) makes one peak; the rest
makes an even ground. So the layers may be of different level, and need not cover the same area.
"""

from dataclasses import dataclass

import numpy as np
import shapely
from shapely import STRtree

from geo.boundary import Layer
from geo.crs import Array, LocalFrame

# BD-09 lies 1,250 m beside WGS 84.
REACH_M = 1500.0
_CELL_M = 25.0
# Cells along one side at most; a longer area gets larger cells.
_CELLS = 4096
# Height of the peak over the ground, in robust standard deviations. Maps of one city reach 5.5 (house blocks
# against wards) to 100; maps of two cities 2.8 by chance.
_SURE = 5.0
# A peak must stand this much above what is there without any shift.
_BETTER = 1.25
_PROBES = 4000
_NEAR_M = 40.0


@dataclass(frozen=True, slots=True)
class Shift:
    """How a layer lies beside its reference: metres to the east and north, and how sure that is.

    `height` is that of the peak in robust standard deviations of the ground, `gain` how much more of the
    lines falls together with the shift undone than as the maps stand (1 where they lie right already).
    """

    east_m: float
    north_m: float
    height: float
    gain: float

    @property
    def size_m(self) -> float:
        """Length of the shift in metres."""
        return float(np.hypot(self.east_m, self.north_m))

    @property
    def is_sure(self) -> bool:
        """Whether the two maps have lines in common at all."""
        return self.height >= _SURE

    @property
    def is_shifted(self) -> bool:
        """Whether the layer surely lies beside the reference."""
        return self.is_sure and self.gain >= _BETTER


def measure_shift(layer: Layer, reference: Layer) -> Shift | None:
    """Measure how far the lines of `layer` lie from those of `reference`, within 1,500 m.

    None where the two do not come near each other, or one of them has no areas.
    """
    ours, theirs = _rings(layer), _rings(reference)
    if not (len(ours) and len(theirs)):
        return None
    frame = _frame(theirs)
    ours, theirs = _projected(ours, frame), _projected(theirs, frame)
    cell = max(_CELL_M, float(np.ptp(_coordinates(theirs), axis=0).max()) / _CELLS)
    a, b = _common(_samples(ours, cell / 2), _samples(theirs, cell / 2))
    if not (len(a) and len(b)):
        return None
    votes = _correlate(a, b, cell)
    middle = votes.shape[0] // 2
    inner = votes[1:-1, 1:-1]
    row, column = (int(n) + 1 for n in np.unravel_index(inner.argmax(), inner.shape))
    ground = float(np.median(votes))
    spread = 1.4826 * float(np.median(np.abs(votes - ground))) or 1.0
    peak, standing = float(votes[row, column]), float(votes[middle, middle])
    shift = np.array([row - middle, column - middle], float) * cell
    east, north = _refined(ours, theirs, shift)
    return Shift(east, north, (peak - ground) / spread, peak / max(standing, 1.0))


def _rings(layer: Layer) -> Array:
    areas = shapely.get_parts([boundary.geometry for boundary in layer.boundaries])
    return np.asarray(shapely.get_rings(areas[shapely.get_type_id(areas) == 3]))


def _frame(rings: Array) -> LocalFrame:
    west, south, east, north = shapely.total_bounds(rings)
    return LocalFrame((west + east) / 2, (south + north) / 2)


def _projected(rings: Array, frame: LocalFrame) -> Array:
    return np.asarray(shapely.transform(rings, frame.project))


def _coordinates(rings: Array) -> Array:
    return np.asarray(shapely.get_coordinates(rings))


def _samples(rings: Array, step: float) -> Array:
    lines = shapely.linestrings(_coordinates(rings), indices=_ring_of(rings))
    return _coordinates(shapely.segmentize(lines, step))


def _ring_of(rings: Array) -> Array:
    return np.repeat(np.arange(len(rings)), shapely.get_num_coordinates(rings))


def _common(a: Array, b: Array) -> tuple[Array, Array]:
    """Keep what lies within reach of the other's box, so that the grid is no larger than it must be."""
    a = a[_is_in(a, b)]
    return (a, b[_is_in(b, a)]) if len(a) else (a, b[:0])


def _is_in(points: Array, others: Array) -> Array:
    low, high = others.min(axis=0) - REACH_M, others.max(axis=0) + REACH_M
    return np.asarray(((points >= low) & (points <= high)).all(axis=1))


def _correlate(a: Array, b: Array, cell: float) -> Array:
    """Count the cells that both maps use, for each shift within reach; neighbouring shifts are added up."""
    low = np.minimum(a.min(axis=0), b.min(axis=0))
    high = np.maximum(a.max(axis=0), b.max(axis=0)) + REACH_M + cell
    rows, columns = (int(n) for n in np.ceil((high - low) / cell) + 1)

    def drawn(points: Array) -> Array:
        grid = np.zeros((rows, columns), dtype=np.float32)
        at = ((points - low) / cell).astype(int)
        grid[at[:, 0], at[:, 1]] = 1.0
        return np.asarray(np.fft.rfft2(grid))

    common = np.fft.irfft2(drawn(a) * np.conj(drawn(b)), s=(rows, columns))
    reach = int(REACH_M / cell)
    shifts = np.arange(-reach, reach + 1)
    votes = common[np.ix_(shifts % rows, shifts % columns)]
    wide = np.pad(votes, 1)
    size = len(shifts)
    return np.asarray(sum(wide[i : i + size, j : j + size] for i in range(3) for j in range(3)))


def _refined(ours: Array, theirs: Array, shift: Array) -> tuple[float, float]:
    """Slide samples of the reference onto the layer's own lines: least squares across them, a few rounds."""
    corners = _coordinates(ours)
    is_within = np.diff(_ring_of(ours)) == 0
    starts, ends = corners[:-1][is_within], corners[1:][is_within]
    lines = STRtree(shapely.linestrings(np.stack((starts, ends), axis=1)))
    along = ends - starts
    normals = np.column_stack((-along[:, 1], along[:, 0])) / np.maximum(np.hypot(*along.T), 1e-9)[:, None]
    probes = _samples(theirs, _CELL_M)
    probes = probes[:: max(1, len(probes) // _PROBES)]
    for reach in (_NEAR_M, _NEAR_M, _NEAR_M / 2, _NEAR_M / 2):
        moved = probes + shift
        found = lines.query_nearest(shapely.points(moved), max_distance=reach, all_matches=False)
        if found.shape[1] < 10:
            break
        across = normals[found[1]]
        distance = np.einsum("ij,ij->i", starts[found[1]] - moved[found[0]], across)
        shift = shift + np.linalg.lstsq(across, distance, rcond=None)[0]
    return float(shift[0]), float(shift[1])
