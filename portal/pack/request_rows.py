"""How one row of a file of past requests becomes typed values under a mapping."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from typing import TYPE_CHECKING, Any

from geo.crs import to_wgs84
from portal.pack.points import default_point_at
from portal.pack.request_files import RawRow

if TYPE_CHECKING:
    from portal.pack.mapping import Compare, RequestMapping

FIELDS = ("external_id", "service_code", "state", "unit", "description")
PLACES = ("lon", "lat")
TIMES = ("opened_at", "due_at", "closed_at")


@dataclass(frozen=True, slots=True)
class RequestRow:
    """A past request: lon and lat in EPSG:4326 degrees or both None, instants aware in UTC.

    `default_point` names the default point that the place lies on: such a place is not to be trusted.
    `compare` holds recorded boundary codes by comparison name, blanks left out; `extra` whatever else the
    mapping names. `problem` says why the row cannot be used; its other fields are then what could be read.
    """

    number: int
    external_id: str
    service_code: str
    lon: float | None
    lat: float | None
    opened_at: datetime | None
    due_at: datetime | None = None
    closed_at: datetime | None = None
    state: str = ""
    unit: str = ""
    description: str = ""
    compare: Mapping[str, str] = field(default_factory=dict)
    default_point: str | None = None
    extra: Mapping[str, str] = field(default_factory=dict)
    problem: str | None = None


class RowMaker:
    """Turns raw rows into RequestRows; holds what is worked out once per file."""

    def __init__(self, mapping: RequestMapping) -> None:
        self._mapping = mapping
        self._project = _projection(mapping.crs)
        self._extra = [name for name in mapping.columns if name not in (*FIELDS, *PLACES, *TIMES)]

    def row(self, raw: RawRow) -> RequestRow:
        """Return the typed row; never raises for what a row holds."""
        problems = [raw.problem] if raw.problem else []
        lon, lat = self._place(raw, problems)
        opened_at, due_at, closed_at = (self._instant(raw, name, problems) for name in TIMES)
        if opened_at is None and not problems:
            problems.append("opened_at: missing value")
        texts = {name: self._text(raw, name) for name in FIELDS}
        texts["external_id"] = texts["external_id"] or str(raw.number)
        return RequestRow(
            number=raw.number,
            lon=lon,
            lat=lat,
            opened_at=opened_at,
            due_at=due_at,
            closed_at=closed_at,
            compare=self._compared(raw),
            default_point=self._default_point(lon, lat),
            extra={name: self._text(raw, name) for name in self._extra},
            problem="; ".join(problems) or None,
            **texts,
        )

    def _cell(self, raw: RawRow, name: str) -> Any:
        column = self._mapping.columns.get(name)
        return raw.cells.get(column) if column else None

    def _text(self, raw: RawRow, name: str) -> str:
        """The cell, translated; what a table of translations does not list becomes the default, if any."""
        value = plain(self._cell(raw, name))
        default = self._mapping.defaults.get(name, "")
        table = self._mapping.values.get(name)
        if table is not None and value:
            return table.get(value) or default or value
        return value or default

    def _place(self, raw: RawRow, problems: list[str]) -> tuple[float | None, float | None]:
        texts = [plain(self._cell(raw, name)) for name in PLACES]
        if not any(texts):
            return None, None
        try:
            lon, lat = (float(text) for text in texts)
        except ValueError:
            problems.append(f"lon, lat: {texts[0]!r}, {texts[1]!r} are not numbers")
            return None, None
        if self._project:
            lon, lat = self._project(lon, lat)
        if not (math.isfinite(lon) and abs(lon) <= 180 and abs(lat) <= 90):
            problems.append(f"lon, lat: ({texts[0]}, {texts[1]}) is not a place on earth")
            return None, None
        if self._mapping.datum != "wgs84":
            lon, lat = map(float, to_wgs84(lon, lat, self._mapping.datum))
        return lon, lat

    def _instant(self, raw: RawRow, name: str, problems: list[str]) -> datetime | None:
        value = self._cell(raw, name)
        try:
            return self._parsed(value)
        except ValueError:
            problems.append(f"{name}: {plain(value)!r} is not a date and time")
            return None

    def _parsed(self, value: Any) -> datetime | None:
        """Local times are those of the mapping's zone, the earlier one where clocks were put back."""
        if isinstance(value, date) and not isinstance(value, datetime):
            value = datetime(value.year, value.month, value.day)  # noqa: DTZ001 - the zone follows below
        if not isinstance(value, datetime):
            text = plain(value)
            if not text:
                return None
            form = self._mapping.time_format
            value = datetime.strptime(text, form) if form else datetime.fromisoformat(text)  # noqa: DTZ007
        # pandas calls a missing time NaT, which is a datetime unequal to itself.
        if value != value:
            return None
        local: datetime = value if value.tzinfo else value.replace(tzinfo=self._mapping.timezone)
        try:
            return local.astimezone(UTC)
        except OverflowError as fault:
            raise ValueError(str(fault)) from fault

    def _compared(self, raw: RawRow) -> dict[str, str]:
        found = {name: clean_code(raw.cells.get(each.column), each) for name, each in self._compares()}
        return {name: code for name, code in found.items() if code}

    def _compares(self) -> Any:
        return self._mapping.compare.items()

    def _default_point(self, lon: float | None, lat: float | None) -> str | None:
        if lon is None or lat is None:
            return None
        return default_point_at(self._mapping.default_points, lon, lat)


def clean_code(value: Any, compare: Compare) -> str:
    """The recorded code in the layer's spelling; "" where nothing was recorded."""
    code = plain(value)
    if compare.values:
        code = compare.values.get(code, "")
    if compare.regex and code:
        match = compare.regex.search(code)
        code = "" if not match else (match.group(1) or "") if match.groups() else match.group()
    if compare.strip_zeros and code:
        code = code.lstrip("0") or "0"
    return code


def plain(value: Any) -> str:
    """A cell as people write it: missing values are "", 3.0 is 3."""
    if value is None or value != value:
        return ""
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return str(value).strip()


def _projection(crs: str) -> Any:
    """The way from the file's coordinates to degrees; None where they are degrees already."""
    if not crs:
        return None
    import pyproj

    source = pyproj.CRS.from_user_input(crs)
    wgs84 = pyproj.CRS.from_user_input("OGC:CRS84")
    if source.equals(wgs84, ignore_axis_order=True):
        return None
    return pyproj.Transformer.from_crs(source, wgs84, always_xy=True).transform
