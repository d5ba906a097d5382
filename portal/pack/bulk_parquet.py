"""How (Geo)Parquet is streamed for bulk routing and written again with the answers; pyarrow is an extra."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import shapely

from portal.pack.bulk_answers import EDGE, Answers
from portal.pack.bulk_csv import BulkFileError, pick
from portal.pack.bulk_many import Batch, frame_of

SUFFIXES = frozenset({".parquet", ".geoparquet"})
GEO = b"geo"


def is_parquet(path: Path) -> bool:
    """Whether a file's name says that it is parquet."""
    return path.suffix.lower() in SUFFIXES


def need_pyarrow(path: Path) -> Any:
    """The module; BulkFileError says how to get it where it is absent."""
    try:
        import pyarrow
        import pyarrow.parquet
    except ImportError:
        raise BulkFileError(
            f"{path.name}: parquet files need pyarrow, which is not installed: pip install pyarrow"
        ) from None
    return pyarrow


class ParquetSource:
    """Reads parquet. Without columns of coordinates, points come from the geometry that the file declares."""

    def __init__(
        self, path: Path, wanted: Mapping[str, str], chunks: tuple[int, int, int] | None = None
    ) -> None:
        """Open all of a file, or the chunks (from, to) of one of its row groups."""
        self.path, self._chunks = path, chunks
        self._pyarrow = need_pyarrow(path)
        try:
            self._file = self._pyarrow.parquet.ParquetFile(path)
        except (self._pyarrow.ArrowException, OSError) as error:
            raise BulkFileError(f"{path.name}: not readable as parquet: {_first_line(error)}") from error
        self.schema = self._file.schema_arrow
        self.header = list(self.schema.names)
        self._geometry, self.crs = self._geometry_column(wanted)
        if self._geometry:
            wanted = {field: column for field, column in wanted.items() if field not in ("lon", "lat")}
        self._columns = {field: self.header[at] for field, at in pick(path, self.header, wanted).items()}

    def batches(self, chunk_rows: int) -> Iterator[Batch]:
        """Yield the rows in order, a row group after the other; BulkFileError where the file cannot be read on."""
        groups = range(self._file.num_row_groups) if self._chunks is None else [self._chunks[2]]
        first, last = (0, None) if self._chunks is None else self._chunks[:2]
        try:
            for group in groups:
                found = self._file.iter_batches(batch_size=chunk_rows, row_groups=[group])
                for table in islice(found, first, last):
                    yield Batch(self._cells(table), table=table)
        except (self._pyarrow.ArrowException, OSError) as error:
            raise BulkFileError(f"{self.path.name}: not readable on: {_first_line(error)}") from error

    def close(self) -> None:
        """Let go of the file."""
        self._file.close()

    def _cells(self, table: Any) -> pd.DataFrame:
        found = {field: table.column(column).to_pylist() for field, column in self._columns.items()}
        if self._geometry:
            found["lon"], found["lat"], found["problem"] = _points(table.column(self._geometry).to_pylist())
        return frame_of(found, table.num_rows)

    def _geometry_column(self, wanted: Mapping[str, str]) -> tuple[str, str | None]:
        """The geometry to take points from, with its coordinate system; "" where lon and lat are columns."""
        declared = (self.schema.metadata or {}).get(GEO)
        if declared is None or {wanted["lon"], wanted["lat"]} <= set(self.header):
            return "", None
        try:
            document = json.loads(declared)
            column = document["primary_column"]
            about = document["columns"][column]
        except (ValueError, KeyError, TypeError) as error:
            raise BulkFileError(f"{self.path.name}: its note on geometry cannot be read") from error
        if column not in self.header or about.get("encoding") != "WKB":
            raise BulkFileError(f"{self.path.name}: only geometry written as WKB is read")
        return column, json.dumps(about["crs"]) if about.get("crs") else None


def _points(geometries: Sequence[bytes | None]) -> tuple[list[Any], list[Any], list[str]]:
    shapes = shapely.from_wkb(geometries, on_invalid="ignore")
    lons, lats, problems = [], [], []
    for raw, shape in zip(geometries, shapes, strict=True):
        is_point = shape is not None and shape.geom_type == "Point" and not shape.is_empty
        lons.append(shape.x if is_point else None)
        lats.append(shape.y if is_point else None)
        is_blank = raw is None or (shape is not None and shape.is_empty)
        problems.append("" if is_point or is_blank else "the geometry is not a point")
    return lons, lats, problems


def rows_of(table: Any) -> list[list[Any]]:
    """The rows of an arrow table as plain values, geometry as WKT."""
    columns = [_plain_column(column.to_pylist()) for column in table.columns]
    return [list(row) for row in zip(*columns, strict=True)]


def _plain_column(values: list[Any]) -> list[Any]:
    if any(isinstance(value, bool) for value in values):
        return [str(value).lower() if isinstance(value, bool) else value for value in values]
    if not any(isinstance(value, bytes) for value in values):
        return values
    shapes = shapely.from_wkb(values, on_invalid="ignore")
    return [None if shape is None else shapely.to_wkt(shape, rounding_precision=7) for shape in shapes]


class ParquetSink:
    """Writes rows with their answers as GeoParquet: the file's own geometry, or the points that were routed."""

    def __init__(self, path: Path, source: Any, columns: Sequence[str]) -> None:
        self._pyarrow = need_pyarrow(path)
        self._columns = list(columns)
        schema = getattr(source, "schema", None) or self._text_schema(source.header)
        for place in reversed(range(len(schema.names))):
            if schema.names[place].strip() in self._columns:
                schema = schema.remove(place)
        self._kept = [place for place, name in enumerate(source.header) if name.strip() not in self._columns]
        is_geo = GEO in (schema.metadata or {})
        self._point = "" if is_geo else "point" if "geometry" in schema.names else "geometry"
        self.schema = self._with_answers(schema)
        self._writer = self._pyarrow.parquet.ParquetWriter(path, self.schema, compression="zstd")

    def write(self, batch: Batch, answers: Answers) -> None:
        """Append rows, each with its answer."""
        arrow, given = self._pyarrow, batch.table
        if given is None:
            rows = batch.rows
            texts = [[row[place] for row in rows] for place in self._kept]
            kept = [arrow.array(column, arrow.string()) for column in texts]
        else:
            kept = [given.column(place) for place in self._kept]
        fields = list(self.schema)[len(kept) :]
        new = [
            self._column(answers, name, field.type)
            for name, field in zip(self._columns, fields, strict=False)
        ]
        if self._point:
            new.append(arrow.array(_wkb(answers), arrow.binary()))
        self._writer.write_table(arrow.Table.from_arrays([*kept, *new], schema=self.schema))

    def close(self) -> None:
        """Finish the file."""
        self._writer.close()

    def _column(self, answers: Answers, name: str, kind: Any) -> Any:
        """A column of answers: each value that rows share is made once."""
        arrow = self._pyarrow
        if name == EDGE:
            return arrow.array(answers.edge_m, kind, from_pandas=True)
        at, values = answers.column(name)
        return arrow.array(values, kind).take(arrow.array(at))

    def _text_schema(self, header: Sequence[str]) -> Any:
        return self._pyarrow.schema([(name, self._pyarrow.string()) for name in header])

    def _with_answers(self, schema: Any) -> Any:
        arrow = self._pyarrow
        types = {"confidence": arrow.float64(), "edge_distance_m": arrow.float64()}
        types |= {"ambiguous": arrow.bool_(), "snapped": arrow.bool_()}
        for name in self._columns:
            schema = schema.append(arrow.field(name, types.get(name, arrow.string())))
        if not self._point:
            return schema
        schema = schema.append(arrow.field(self._point, arrow.binary()))
        about = {"encoding": "WKB", "geometry_types": ["Point"]}
        note = {"version": "1.0.0", "primary_column": self._point, "columns": {self._point: about}}
        return schema.with_metadata({**(schema.metadata or {}), GEO: json.dumps(note).encode()})


def _wkb(answers: Answers) -> list[bytes | None]:
    lon, lat = answers.lon, answers.lat
    is_placed = np.isfinite(lon)
    found = np.full(lon.size, None, object)
    found[is_placed] = shapely.to_wkb(shapely.points(lon[is_placed], lat[is_placed]))
    return list(found)


@contextmanager
def parquet_sink(to: Path, source: Any, columns: Sequence[str]) -> Iterator[ParquetSink]:
    """Open `to` for writing."""
    sink = ParquetSink(to, source, columns)
    try:
        yield sink
    finally:
        sink.close()


def _first_line(error: Exception) -> str:
    return (str(error).splitlines() or [type(error).__name__])[0]
