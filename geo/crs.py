"""Knows coordinates: WGS 84, the shifted Chinese datums, and metres in a local plane at a point."""

import math
from collections.abc import Callable
from typing import Any, Literal, NamedTuple, TypeAlias, TypeVar

import numpy as np
import shapely
from numpy.typing import NDArray
from shapely.geometry.base import BaseGeometry

Datum = Literal["wgs84", "gcj02", "bd09"]
DATUMS: tuple[Datum, ...] = ("wgs84", "gcj02", "bd09")
Array: TypeAlias = NDArray[np.float64]
Number = TypeVar("Number", float, Array)
_Shift: TypeAlias = Callable[[Array, Array], tuple[Array, Array]]

# WGS 84
_A = 6378137.0
_F = 1 / 298.257223563
_E2 = _F * (2 - _F)

# GCJ-02 is defined on the Krasovsky 1940 ellipsoid.
_GCJ_A = 6378245.0
_GCJ_E2 = 0.00669342162296594323
# The shift is applied inside this box only (lon from, lon to, lat from, lat to), as every map provider does.
_CHINA = (72.004, 137.8347, 0.8293, 55.8271)
_BD_PI = math.pi * 3000.0 / 180.0
# Each round of the inverse makes the error about 1,000 times smaller: these end far below a millimetre.
_INVERSE_ROUNDS = 8


class LonLat(NamedTuple):
    """A place in EPSG:4326 degrees, x before y."""

    lon: float
    lat: float


def to_wgs84(lon: Number, lat: Number, datum: Datum) -> tuple[Number, Number]:
    """Turn degrees of `datum` into WGS 84 degrees; floats or arrays of one shape.

    The inverse is found by iteration, so a round trip with `from_wgs84` closes within a millimetre.
    Points outside China are returned as they are. Raises ValueError for an unknown datum.
    """
    shifted: tuple[Number, Number] = _shifted(lon, lat, _invert(_forward(datum)))
    return shifted


def from_wgs84(lon: Number, lat: Number, datum: Datum) -> tuple[Number, Number]:
    """Turn WGS 84 degrees into degrees of `datum`; floats or arrays of one shape."""
    shifted: tuple[Number, Number] = _shifted(lon, lat, _forward(datum))
    return shifted


def shift_geometry(geometry: BaseGeometry, datum: Datum) -> BaseGeometry:
    """Return `geometry`, given in degrees of `datum`, in WGS 84; the same object when nothing changes."""
    if datum == "wgs84":
        return geometry

    def shift(coordinates: Array) -> Array:
        return np.column_stack(to_wgs84(coordinates[:, 0], coordinates[:, 1], datum))

    return shapely.transform(shapely.force_2d(geometry), shift)


def ground_distance_m(lon1: float, lat1: float, lon2: float, lat2: float) -> float:
    """Metres between two places, for neighbours within some tens of kilometres."""
    return LocalFrame(lon1, lat1).metres_away((lon2 - lon1 + 540.0) % 360.0 - 180.0, lat2 - lat1)


def ground_area_m2(geometry: BaseGeometry) -> float:
    """Square metres of a geometry in degrees, on the ellipsoid (equal-area cylinder); 0 for lines and points."""
    return float(shapely.area(shapely.transform(geometry, _equal_area)))


class LocalFrame:
    """The azimuthal equidistant plane of metres at a place (WGS 84 ellipsoid).

    Closed form by mid-latitude series: millimetres within 10 km, no projection library. x points east and
    y north; longitudes are taken the short way round, so a plane at 179.99° sees -179.99° next to it.
    """

    __slots__ = ("lat", "lon", "metres_per_degree")

    def __init__(self, lon: float, lat: float) -> None:
        """Set the plane's centre in degrees."""
        self.lon = lon
        self.lat = lat
        sine = math.sin(math.radians(lat))
        curvature = 1.0 - _E2 * sine * sine
        prime_vertical = _A / math.sqrt(curvature)
        # Never 0, so that the poles divide without a special case.
        across = max(prime_vertical * math.cos(math.radians(lat)), 1e-6)
        self.metres_per_degree = (
            math.radians(across),
            math.radians(prime_vertical * (1.0 - _E2) / curvature),
        )

    def project(self, coordinates: Array) -> Array:
        """Project degrees (N x 2) to metres from the centre (N x 2)."""
        d_lat = np.radians(coordinates[:, 1] - self.lat)
        d_lon = np.radians((coordinates[:, 0] - self.lon + 540.0) % 360.0 - 180.0)
        middle = np.radians(self.lat) + d_lat / 2
        sine, cosine = np.sin(middle), np.cos(middle)
        curvature = 1.0 - _E2 * sine * sine
        prime_vertical = _A / np.sqrt(curvature)
        # Gauss's mid-latitude chord seen from the middle of the line ...
        east = prime_vertical * cosine * d_lon * (1 - (d_lon * sine) ** 2 / 24 + d_lat**2 / 24)
        north = prime_vertical * (1.0 - _E2) / curvature * d_lat * (1 - d_lon**2 * (2 + cosine**2) / 24)
        # ... then turned by half the meridian convergence, to the azimuth at the centre.
        turn = d_lon * sine / 2
        cos_turn, sin_turn = np.cos(turn), np.sin(turn)
        return np.column_stack((east * cos_turn - north * sin_turn, east * sin_turn + north * cos_turn))

    def project_point(self, lon: float, lat: float) -> tuple[float, float]:
        """Project one place to (x, y) metres."""
        x, y = self.project(np.array([[lon, lat]]))[0]
        return float(x), float(y)

    def metres_away(self, d_lon: float, d_lat: float) -> float:
        """Return the metres to one place so many degrees (of longitude: the short way) from the centre."""
        d_lon, d_lat = math.radians(d_lon), math.radians(d_lat)
        middle = math.radians(self.lat) + d_lat / 2
        sine, cosine = math.sin(middle), math.cos(middle)
        curvature = 1.0 - _E2 * sine * sine
        prime_vertical = _A / math.sqrt(curvature)
        east = prime_vertical * cosine * d_lon * (1 - (d_lon * sine) ** 2 / 24 + d_lat**2 / 24)
        north = prime_vertical * (1.0 - _E2) / curvature * d_lat * (1 - d_lon**2 * (2 + cosine**2) / 24)
        return math.hypot(east, north)

    def window(self, radius_m: float) -> tuple[float, float, float, float]:
        """Return a box of degrees (west, south, east, north) that holds every place within `radius_m`."""
        d_lat = radius_m / self.metres_per_degree[1] * 1.001
        # Degrees of longitude shrink towards the poles: take the side of the box that lies nearer to one.
        across = max(math.cos(math.radians(min(abs(self.lat) + d_lat, 90.0))), 1e-9)
        d_lon = min(radius_m / (math.radians(_A) * across) * 1.001, 180.0)
        return self.lon - d_lon, self.lat - d_lat, self.lon + d_lon, self.lat + d_lat


def _equal_area(coordinates: Array) -> Array:
    sine = np.sin(np.radians(coordinates[:, 1]))
    e = math.sqrt(_E2)
    y = (1.0 - _E2) * (sine / (1.0 - _E2 * sine * sine) + np.arctanh(e * sine) / e)
    return np.column_stack((np.radians(coordinates[:, 0]) * _A, y * _A / 2))


def _shifted(lon: Any, lat: Any, shift: _Shift) -> Any:
    is_scalar = np.ndim(lon) == 0
    lons, lats = np.atleast_1d(np.asarray(lon, float)), np.atleast_1d(np.asarray(lat, float))
    out_lon, out_lat = shift(lons, lats)
    return (float(out_lon[0]), float(out_lat[0])) if is_scalar else (out_lon, out_lat)


def _forward(datum: Datum) -> _Shift:
    if datum == "wgs84":
        return _unchanged
    if datum == "gcj02":
        return _wgs84_to_gcj02
    if datum == "bd09":
        return _wgs84_to_bd09
    raise ValueError(f"unknown datum {datum!r}: expected one of {', '.join(DATUMS)}")


def _invert(forward: _Shift) -> _Shift:
    """Return the inverse of `forward` by fixed-point iteration: the shift varies by about 1 in 1,000."""
    if forward is _unchanged:
        return forward

    def backward(lon: Array, lat: Array) -> tuple[Array, Array]:
        guess_lon, guess_lat = lon, lat
        for _ in range(_INVERSE_ROUNDS):
            there_lon, there_lat = forward(guess_lon, guess_lat)
            guess_lon, guess_lat = guess_lon + lon - there_lon, guess_lat + lat - there_lat
        return guess_lon, guess_lat

    return backward


def _unchanged(lon: Array, lat: Array) -> tuple[Array, Array]:
    return lon, lat


def _in_china(lon: Array, lat: Array) -> NDArray[np.bool_]:
    west, east, south, north = _CHINA
    return (lon >= west) & (lon <= east) & (lat >= south) & (lat <= north)


def _wgs84_to_gcj02(lon: Array, lat: Array) -> tuple[Array, Array]:
    x, y = lon - 105.0, lat - 35.0
    root = np.sqrt(np.abs(x))
    ripple = 20.0 * np.sin(6.0 * x * np.pi) + 20.0 * np.sin(2.0 * x * np.pi)
    north = -100.0 + 2.0 * x + 3.0 * y + 0.2 * y * y + 0.1 * x * y + 0.2 * root
    north += (ripple + _waves(y, (20.0, 40.0), (1.0, 3.0)) + _waves(y, (160.0, 320.0), (12.0, 30.0))) * 2 / 3
    east = 300.0 + x + 2.0 * y + 0.1 * x * x + 0.1 * x * y + 0.1 * root
    east += (ripple + _waves(x, (20.0, 40.0), (1.0, 3.0)) + _waves(x, (150.0, 300.0), (12.0, 30.0))) * 2 / 3

    phi = np.radians(lat)
    curvature = 1.0 - _GCJ_E2 * np.sin(phi) ** 2
    meridian = _GCJ_A * (1.0 - _GCJ_E2) / curvature**1.5
    across = _GCJ_A / np.sqrt(curvature) * np.cos(phi)
    is_shifted = _in_china(lon, lat)
    return (
        np.where(is_shifted, lon + np.degrees(east / across), lon),
        np.where(is_shifted, lat + np.degrees(north / meridian), lat),
    )


def _waves(along: Array, heights: tuple[float, float], lengths: tuple[float, float]) -> Array:
    return sum(
        (height * np.sin(along / length * np.pi) for height, length in zip(heights, lengths, strict=True)),
        start=np.zeros_like(along),
    )


def _wgs84_to_bd09(lon: Array, lat: Array) -> tuple[Array, Array]:
    x, y = _wgs84_to_gcj02(lon, lat)
    reach = np.hypot(x, y) + 0.00002 * np.sin(y * _BD_PI)
    angle = np.arctan2(y, x) + 0.000003 * np.cos(x * _BD_PI)
    is_shifted = _in_china(lon, lat)
    return (
        np.where(is_shifted, reach * np.cos(angle) + 0.0065, lon),
        np.where(is_shifted, reach * np.sin(angle) + 0.006, lat),
    )
