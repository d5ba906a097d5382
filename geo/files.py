"""Knows how to read boundary files of every usual format into a layer in WGS 84; findings, no tracebacks."""

import csv
import gzip
import io
import json
import math
import zlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import shapely

from geo.boundary import USUAL_SNAP_M, Layer
from geo.crs import Array, Datum, shift_geometry
from geo.findings import Finding
from geo.geojson import GeoJsonError, Row, crs_name, read_features
from geo.rows import ColumnError, LayerSpec, build_layer, rows_by_code
from geo.sentences import ToldError, sentence

_LON_COLUMNS = ("lon", "lng", "long", "longitude", "x")
_LAT_COLUMNS = ("lat", "latitude", "y")
_DEGREES = "EPSG:4326"
# Where nobody says which column holds the codes, one of this name, in any spelling, does.
USUAL_CODE = "code"
# So many columns are named to somebody who must choose one.
MOST_COLUMNS = 12


class FileError(ToldError):
    """A file that cannot be used at all; the message can be shown to the person who supplied it."""


def read_layer(
    path: str | Path,
    *,
    name: str,
    code: str | None,
    name_column: str | None = None,
    code_regex: str | None = None,
    code_strip_zeros: bool = False,
    crs: str | None = None,
    datum: Datum = "wgs84",
    tie_order: int = 100,
    snap_m: float = USUAL_SNAP_M,
    required: bool = False,
    is_area: bool | None = None,
) -> tuple[Layer, list[Finding]]:
    """Read a layer from GeoJSON (.gz too), zipped or plain shapefile, GeoPackage, GeoParquet or CSV points.

    `crs` overrides what the file says or fails to say; `datum` is undone after it. `code` None numbers the
    rows. Whatever cannot be used is an error finding with file and row; where the whole file cannot, the
    layer is empty. Never raises for what a file contains.
    """
    spec = LayerSpec(
        name=name,
        code=code,
        name_column=name_column,
        code_regex=code_regex,
        code_strip_zeros=code_strip_zeros,
        tie_order=tie_order,
        snap_m=snap_m,
        required=required,
        is_area=is_area,
    )
    source = read_source(path, spec, crs=crs, datum=datum)
    return source.layer, source.findings


class Source(NamedTuple):
    """A file as read. `rows` are the row numbers of each code; `extent` is the box (west, south, east, north)
    of most of its rows in the file's own coordinates, None where there are none.
    """

    layer: Layer
    findings: list[Finding]
    rows: Mapping[str, tuple[int, ...]]
    extent: tuple[float, float, float, float] | None


def read_source(
    path: str | Path, spec: LayerSpec, *, crs: str | None = None, datum: Datum = "wgs84"
) -> Source:
    """Read a file as `read_layer` does, and keep what a person needs to find a problem in it."""
    file, extent = Path(path), None
    try:
        rows, declared = _read_rows(file)
        extent = _extent(rows)
        rows = _to_wgs84(rows, declared, crs, datum)
        layer, findings = build_layer(rows, spec)
    except (FileError, ColumnError) as error:
        broken = Finding("error", "file", str(error), file=file.name)
        return Source(spec.layer((), is_area=spec.is_area is not False), [broken], {}, extent)
    if not (crs or declared) and _reader(file) is _read_with_gdal:
        message = sentence(
            "the file does not name its coordinate system; it was taken for degrees (EPSG:4326)"
        )
        findings.append(Finding("warning", "undeclared-crs", message))
    if not layer.boundaries:
        findings.append(Finding("error", "empty", "no row of the file can be used"))
    named = [replace(finding, file=file.name) for finding in findings]
    return Source(layer, named, rows_by_code(rows, spec), extent)


def read_by_usual_code(
    path: str | Path, spec: LayerSpec, *, crs: str | None = None, datum: Datum = "wgs84"
) -> Source:
    """Read a file as `read_source` does; where `spec` names no column of codes, by one that is called "code".

    Without such a column the rows are numbered, and a finding of the kind "code" says so.
    """
    if spec.code:
        return read_source(path, spec, crs=crs, datum=datum)
    done = read_source(path, replace(spec, code_regex=None), crs=crs, datum=datum)
    columns = {column for boundary in done.layer.boundaries for column in boundary.attributes}
    usual = sorted(column for column in columns if column.lower() == USUAL_CODE)
    if usual:
        return read_source(path, replace(spec, code=usual[0]), crs=crs, datum=datum)
    if any(found.kind == "file" for found in done.findings):
        return done
    message = sentence(
        "no column of codes is named, and none is called 'code'; rows are numbered; the file has %(columns)s",
        columns=", ".join(sorted(columns)[:MOST_COLUMNS]) or "0",
    )
    return done._replace(findings=[*done.findings, Finding("warning", "code", message)])


def _extent(rows: Sequence[Row]) -> tuple[float, float, float, float] | None:
    """Return the box of all rows but the wildest in each direction."""
    bounds = np.array([row.geometry.bounds for row in rows if row.geometry and not row.geometry.is_empty])
    if not (len(bounds) and np.isfinite(bounds).all()):
        return None
    west, south = np.quantile(bounds[:, :2], 0.005, axis=0, method="lower")
    east, north = np.quantile(bounds[:, 2:], 0.995, axis=0, method="higher")
    return float(west), float(south), float(east), float(north)


def _read_rows(file: Path) -> tuple[list[Row], str | None]:
    """Return the rows in the file's own coordinates, and the coordinate system that it declares."""
    if not file.exists():
        raise FileError("the file does not exist")
    return _reader(file)(file)


def _reader(file: Path) -> "_Reader":
    endings = [ending.lower() for ending in file.suffixes]
    ending = next((each for each in reversed(endings) if each != ".gz"), "")
    reader = _READERS.get(ending)
    if reader is None:
        known = ", ".join(sorted(_READERS))
        raise FileError(
            "files ending in %(ending)s are not read; known are: %(known)s",
            ending=ending or "nothing",
            known=known,
        )
    return reader


def _read_geojson(file: Path) -> tuple[list[Row], str | None]:
    try:
        document = json.loads(_text(file))
        return read_features(document), crs_name(document)
    except (json.JSONDecodeError, RecursionError) as error:
        raise FileError("the file is not JSON: %(error)s", error=error) from error
    except GeoJsonError as error:
        raise FileError(str(error)) from error


def _read_csv(file: Path) -> tuple[list[Row], str | None]:
    reader = csv.DictReader(io.StringIO(_text(file), newline=""), strict=True)
    columns = {str(column).strip().lower(): column for column in reader.fieldnames or ()}
    lon = next((columns[each] for each in _LON_COLUMNS if each in columns), None)
    lat = next((columns[each] for each in _LAT_COLUMNS if each in columns), None)
    if lon is None or lat is None:
        raise FileError(
            "no columns for the place, such as lon and lat; the file has: %(columns)s",
            columns=", ".join(columns),
        )
    try:
        return [_csv_row(number, cells, lon, lat) for number, cells in enumerate(reader, start=1)], None
    except csv.Error as error:
        raise FileError(
            "line %(line_num)s cannot be read: %(error)s", line_num=reader.line_num, error=error
        ) from error


def _csv_row(number: int, cells: dict[str, Any], lon: str, lat: str) -> Row:
    others = {key: value for key, value in cells.items() if key not in {lon, lat, None}}
    try:
        x, y = float(cells[lon] or "nan"), float(cells[lat] or "nan")
    except ValueError:
        x = y = math.nan
    if not (math.isfinite(x) and math.isfinite(y)):
        return Row(
            number,
            None,
            others,
            sentence(
                "no place: %(east)s, %(north)s", east=f"{lon}={cells[lon]!r}", north=f"{lat}={cells[lat]!r}"
            ),
        )
    return Row(number, shapely.Point(x, y), others)


def _read_with_gdal(file: Path) -> tuple[list[Row], str | None]:
    import geopandas
    from pyogrio.errors import DataLayerError, DataSourceError, FieldError, GeometryError

    try:
        frame = geopandas.read_file(file, engine="pyogrio", on_invalid="ignore")
    except (DataSourceError, DataLayerError, FieldError, GeometryError, OSError, ValueError) as error:
        raise FileError("the file cannot be read: %(error)s", error=_first_line(error)) from error
    return _frame_rows(frame)


def _read_parquet(file: Path) -> tuple[list[Row], str | None]:
    import geopandas

    try:
        frame = geopandas.read_parquet(file)
    except (ImportError, OSError, ValueError, TypeError, NotImplementedError) as error:
        raise FileError("the file cannot be read: %(error)s", error=_first_line(error)) from error
    return _frame_rows(frame)


def _frame_rows(frame: Any) -> tuple[list[Row], str | None]:
    if not hasattr(frame, "geometry") or getattr(frame, "_geometry_column_name", None) is None:
        raise FileError("the file has no geometry column")
    geometries = frame.geometry.array
    records = frame.drop(columns=frame.geometry.name).to_dict("records")
    rows = [
        Row(number, geometry, properties, "" if geometry is not None else sentence("the row has no geometry"))
        for number, (geometry, properties) in enumerate(zip(geometries, records, strict=True), start=1)
    ]
    return rows, frame.crs.to_wkt() if frame.crs is not None else None


_Reader = Callable[[Path], tuple[list[Row], str | None]]
_READERS: dict[str, _Reader] = {
    ".geojson": _read_geojson,
    ".json": _read_geojson,
    ".csv": _read_csv,
    ".zip": _read_with_gdal,
    ".shp": _read_with_gdal,
    ".gpkg": _read_with_gdal,
    ".parquet": _read_parquet,
    ".geoparquet": _read_parquet,
}


def _text(file: Path) -> str:
    try:
        content = file.read_bytes()
        content = gzip.decompress(content) if file.suffix.lower() == ".gz" else content
        return content.decode("utf-8-sig")
    except (OSError, EOFError, zlib.error, UnicodeDecodeError) as error:
        raise FileError("the file cannot be read: %(error)s", error=_first_line(error)) from error


def _first_line(error: Exception) -> str:
    return (str(error).splitlines() or [type(error).__name__])[0]


def _to_wgs84(rows: Sequence[Row], declared: str | None, override: str | None, datum: Datum) -> list[Row]:
    """Bring all rows to WGS 84 degrees; refuse coordinates that the system in force cannot have."""
    system = override or declared
    crs = _parse_crs(system or _DEGREES)
    _check_fit(rows, crs, system)
    move = _transformer(crs)
    return [_move(row, move, datum) for row in rows]


def _parse_crs(name: str) -> Any:
    import pyproj

    try:
        return pyproj.CRS.from_user_input(name)
    except pyproj.exceptions.CRSError as error:
        raise FileError("the coordinate system %(name)s is not known", name=repr(name[:60])) from error


def _check_fit(rows: Sequence[Row], crs: Any, system: str | None) -> None:
    """Raise where feet or metres stand where degrees should, or the other way round."""
    bounds = [row.geometry.bounds for row in rows if row.geometry is not None and not row.geometry.is_empty]
    if not bounds:
        return
    # The middle one, so that a single wild row is that row's own problem.
    x, y = np.abs(np.median(np.array(bounds), axis=0)[:2])
    looks_like_degrees = x <= 360.0 and y <= 90.0
    if crs.is_geographic and not looks_like_degrees:
        if system is None:
            raise FileError(
                "coordinates such as (%(x)s, %(y)s) are not degrees but feet or metres, and the file does not name"
                ' its coordinate system: give it, for example crs = "EPSG:2249"',
                x=f"{x:.0f}",
                y=f"{y:.0f}",
            )
        raise FileError(
            "coordinates such as (%(x)s, %(y)s) are not degrees but feet or metres, and the file says that they are"
            ' degrees: give its coordinate system, for example crs = "EPSG:2249"',
            x=f"{x:.0f}",
            y=f"{y:.0f}",
        )
    if crs.is_projected and looks_like_degrees:
        raise FileError(
            "coordinates such as (%(x)s, %(y)s) are degrees, not those of %(name)s",
            x=f"{x:.5f}",
            y=f"{y:.5f}",
            name=crs.name,
        )


def _transformer(crs: Any) -> Callable[[Array], Array] | None:
    """Return the way to WGS 84 for N x 2 coordinates (x before y), None where there is nothing to do."""
    import pyproj

    wgs84 = pyproj.CRS.from_user_input("OGC:CRS84")
    if crs.equals(wgs84, ignore_axis_order=True):
        return None
    transformer = pyproj.Transformer.from_crs(crs, wgs84, always_xy=True)

    def move(coordinates: Array) -> Array:
        return np.column_stack(transformer.transform(coordinates[:, 0], coordinates[:, 1]))

    return move


def _move(row: Row, move: Callable[[Array], Array] | None, datum: Datum) -> Row:
    geometry = row.geometry
    if geometry is None:
        return row
    if move is not None:
        geometry = shapely.transform(shapely.force_2d(geometry), move)
    return replace(row, geometry=shift_geometry(geometry, datum))
