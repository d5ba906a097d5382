"""How a file of past requests is streamed: CSV, gzipped CSV or parquet, as rows of plain cells."""

from __future__ import annotations

import csv
import gzip
import io
import zlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TextIO

BATCH = 4096


class RequestFileError(ValueError):
    """A file of requests that cannot be read; the message can be shown to the person who supplied it."""


@dataclass(frozen=True, slots=True)
class RawRow:
    """A row as the file has it. `number` counts from 1, the header of a CSV file being row 1."""

    number: int
    cells: Mapping[str, Any]
    problem: str | None = None


def read_raw(path: Path, columns: Sequence[str], delimiter: str, encoding: str) -> Iterator[RawRow]:
    """Yield the rows with the wanted columns. Faults of the whole file are raised at the first `next`."""
    if not path.is_file():
        raise RequestFileError(f"{path.name}: there is no such file")
    if path.suffix.lower() in {".parquet", ".geoparquet"}:
        return _parquet_rows(path, columns)
    return _csv_rows(path, columns, delimiter, encoding)


def _open_text(path: Path, encoding: str) -> TextIO:
    if path.suffix.lower() == ".gz":
        return io.TextIOWrapper(gzip.open(path, "rb"), encoding=encoding, newline="")
    return path.open(encoding=encoding, newline="")


def _csv_rows(path: Path, columns: Sequence[str], delimiter: str, encoding: str) -> Iterator[RawRow]:
    number = 1
    try:
        with _open_text(path, encoding) as stream:
            reader = csv.reader(stream, delimiter=delimiter)
            header = [cell.strip() for cell in next(reader, [])]
            places = _places(path, header, columns)
            for number, cells in enumerate(reader, start=2):
                if not cells:
                    continue
                problem = None
                if len(cells) != len(header):
                    problem = f"{len(cells)} cells where the header has {len(header)}"
                    cells += [""] * (len(header) - len(cells))
                yield RawRow(number, {name: cells[place] for name, place in places.items()}, problem)
    except (OSError, EOFError, zlib.error, UnicodeError, LookupError, csv.Error) as fault:
        raise RequestFileError(f"{path.name}: not readable after row {number}: {fault}") from fault


def _parquet_rows(path: Path, columns: Sequence[str]) -> Iterator[RawRow]:
    import pyarrow
    from pyarrow import parquet

    try:
        with parquet.ParquetFile(path) as file:
            _places(path, file.schema_arrow.names, columns)
            number = 1
            for batch in file.iter_batches(batch_size=BATCH, columns=list(columns)):
                for cells in batch.to_pylist():
                    number += 1
                    yield RawRow(number, cells)
    except (pyarrow.ArrowException, OSError) as fault:
        raise RequestFileError(f"{path.name}: not readable as parquet: {fault}") from fault


def _places(path: Path, header: Sequence[str], columns: Sequence[str]) -> dict[str, int]:
    missing = [column for column in columns if column not in header]
    if missing:
        raise RequestFileError(f"{path.name}: no column {', '.join(map(repr, missing))} in the file")
    return {column: header.index(column) for column in columns}
