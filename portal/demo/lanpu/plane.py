"""Knows the plane in which the city is drawn (metres, x east, y north) and how it becomes degrees."""

from __future__ import annotations

import math
from collections.abc import Iterable

import numpy as np
import shapely
from numpy.typing import NDArray
from shapely.geometry.base import BaseGeometry

Array = NDArray[np.float64]
Numbers = NDArray[np.int64]
LON, LAT = 121.86, 28.86
# Metres of one degree at the city's middle.
PER_DEGREE = np.array([111_320.0 * math.cos(math.radians(LAT)), 110_860.0])
DIGITS = 7
# The warp bends every straight line a little, as streets of a grown city are: amplitude and wave in metres.
WARPS = ((130.0, 5200.0, 0.4, 1.9), (26.0, 2300.0, 2.6, 0.7))


def warped(xy: Array) -> Array:
    """Bend the plane smoothly; neighbours stay neighbours."""
    x, y = xy[:, 0], xy[:, 1]
    dx, dy = np.zeros_like(x), np.zeros_like(y)
    for amplitude, wave, one, other in WARPS:
        k = 2 * math.pi / wave
        dx += amplitude * np.sin(k * (0.31 * x + y) + one)
        dy += amplitude * np.sin(k * (x - 0.27 * y) + other)
    return np.column_stack((x + dx, y + dy))


def to_degrees(xy: Array) -> Array:
    """Lon and lat of points in the unwarped plane, rounded to a centimetre."""
    return np.asarray(np.round(warped(xy) / PER_DEGREE + (LON, LAT), DIGITS))


def degrees(geometry: BaseGeometry, step: float = 90.0) -> BaseGeometry:
    """A geometry of the plane in degrees; long edges get corners so that they bend with the plane."""
    return shapely.transform(shapely.segmentize(geometry, step), to_degrees)


def metres(geometry: BaseGeometry) -> BaseGeometry:
    """A geometry in degrees, in metres around the city's middle: for lengths and areas."""
    return shapely.transform(geometry, lambda xy: (xy - (LON, LAT)) * PER_DEGREE)


def kilometres(points: Iterable[tuple[float, float]]) -> Array:
    """Control points written in kilometres, as metres."""
    return np.array(list(points), dtype=float) * 1000.0


def lonlat(xy: Array) -> Array:
    """Degrees of metres around the city's middle: the way back from `metres`."""
    return np.asarray(xy / PER_DEGREE + (LON, LAT))


def unbent(geometry: BaseGeometry) -> BaseGeometry:
    """From degrees back to the plane in which the city was drawn; a few rounds of correcting a first guess."""

    def back(degrees_: Array) -> Array:
        wanted = (degrees_ - (LON, LAT)) * PER_DEGREE
        guess = wanted.copy()
        for _ in range(6):
            guess += wanted - warped(guess)
        return np.asarray(guess)

    return shapely.transform(geometry, back)


def smooth(points: Array, step: float = 60.0, *, is_closed: bool = False) -> Array:
    """A Catmull-Rom curve through the points, with a corner every `step` metres or so."""
    if is_closed:
        padded = np.vstack((points[-1], points, points[0], points[1]))
    else:
        padded = np.vstack((2 * points[0] - points[1], points, 2 * points[-1] - points[-2]))
    pieces = []
    for a, b, c, d in zip(padded, padded[1:], padded[2:], padded[3:], strict=False):
        t = np.linspace(0, 1, max(2, int(np.hypot(*(c - b)) / step)), endpoint=False)[:, None]
        pieces.append(
            0.5 * (2 * b + (c - a) * t + (2 * a - 5 * b + 4 * c - d) * t**2 + (3 * b - a - 3 * c + d) * t**3)
        )
    return np.vstack((*pieces, points[0] if is_closed else points[-1]))


def rough(points: Array, chance: np.random.Generator, amplitude: float, wave: float) -> Array:
    """A line pushed aside by smooth noise; its ends stay where they are."""
    along = np.concatenate(([0.0], np.cumsum(np.hypot(*np.diff(points, axis=0).T))))
    total = along[-1]
    push = np.zeros(len(points))
    for octave in range(3):
        knots = np.linspace(0, total, max(4, int(total / wave * 2**octave)))
        push += np.interp(along, knots, chance.normal(0, amplitude / 1.9**octave, len(knots)))
    width = max(1, int(wave / 8 / max(total / len(points), 1.0)))
    if width > 1 and len(points) > 2 * width:
        push = np.convolve(np.pad(push, width, mode="edge"), np.ones(width) / width, "same")[width:-width]
    push = push * np.clip(np.minimum(along, total - along) / wave * 2, 0, 1)
    along_x, along_y = np.gradient(points[:, 0]), np.gradient(points[:, 1])
    length = np.maximum(np.hypot(along_x, along_y), 1e-9)
    return np.asarray(points + np.column_stack((-along_y / length, along_x / length)) * push[:, None])


def polygons(geometry: BaseGeometry) -> list[shapely.Polygon]:
    """The polygons of a geometry, whatever else is in it."""
    return [part for part in shapely.get_parts(geometry) if part.geom_type == "Polygon"]


def lines(geometry: BaseGeometry) -> list[shapely.LineString]:
    """The lines of a geometry, whatever else is in it."""
    return [part for part in shapely.get_parts(geometry) if part.geom_type == "LineString" and part.length]
