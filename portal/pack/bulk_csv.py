"""How a CSV file (.gz too) is streamed for bulk routing and written again with the answers; no row is lost."""

from __future__ import annotations

import csv
import gzip
import io
import zlib
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from itertools import islice
from pathlib import Path
from typing import Any, TextIO

import pandas as pd

from portal.pack.bulk_many import Batch, frame_of

# Enough for arrays to pay, few enough to stay within tens of megabytes.
CHUNK_ROWS = 1 << 15
# Far above any cell that was meant: an unclosed quote must not swallow a file of gigabytes.
CELL_LIMIT = 1 << 20


class BulkFileError(ValueError):
    """A file that cannot be routed or written at all; the message can be shown to a person."""


def pick(path: Path, header: Sequence[str], wanted: Mapping[str, str]) -> dict[str, int]:
    """Where each wanted field's column stands; BulkFileError names a column that is missing or doubled."""
    places = {}
    for field, column in wanted.items():
        if list(header).count(column) != 1:
            wrong = "stands twice in" if column in header else "is not in"
            listed = ", ".join(header) or "none"
            raise BulkFileError(f"{path.name}: column {column!r} {wrong} the file, which has: {listed[:200]}")
        places[field] = header.index(column)
    return places


class CsvSource:
    """Reads a CSV file. `wanted` maps the fields of `Cells` to columns."""

    def __init__(self, path: Path, wanted: Mapping[str, str]) -> None:
        self.path = path
        self._stream = _opened(path)
        self._lines = _Lines(self._stream)
        self._reader = csv.reader(self._lines, strict=True)
        self._width = 0
        rows, problems = self._read(1)
        if not rows or problems[0]:
            raise BulkFileError(f"{path.name}: no header row {problems[0] if rows else ''}".strip())
        self.header = rows[0]
        self._places = pick(path, [name.strip() for name in self.header], wanted)
        self.crs: str | None = None

    def batches(self) -> Iterator[Batch]:
        """Yield the rows in order; BulkFileError where the file cannot be read on."""
        rows, problems = self._read(CHUNK_ROWS)
        while rows:
            cells = {field: [row[place] for row in rows] for field, place in self._places.items()}
            yield Batch(frame_of({**cells, "problem": problems}, len(rows)), rows)
            rows, problems = self._read(CHUNK_ROWS)

    def close(self) -> None:
        """Let go of the file."""
        self._stream.close()

    def _read(self, count: int) -> tuple[list[list[str]], list[str]]:
        """The next rows, made as wide as the header, and what was wrong with each; none at the end of the file."""
        while True:
            rows, unread = self._raw(count)
            if not rows:
                return [], []
            self._width = self._width or len(rows[0])
            if not unread and self._width and _is_clean(rows, self._width):
                return rows, [""] * len(rows)
            # Lines without a cell are no rows.
            made = [self._made(row, unread.get(place, "")) for place, row in enumerate(rows) if row]
            if made:
                return [row for row, _ in made], [problem for _, problem in made]

    def _raw(self, count: int) -> tuple[list[list[str]], dict[int, str]]:
        """The next rows as they stand, and which of them broke the rules of quoting."""
        rows: list[list[str]] = []
        unread: dict[int, str] = {}
        while len(rows) < count:
            try:
                # Step by step: what came before an error is kept.
                for row in islice(self._reader, count - len(rows)):
                    rows.append(row)
                break
            except csv.Error as error:
                unread[len(rows)] = f"the row cannot be read: {error}"
                rows.append(self._mended(error))
            except (OSError, EOFError, zlib.error) as error:
                raise BulkFileError(f"{self._where}: not readable on: {error}") from error
        return rows, unread

    def _made(self, row: list[str], problem: str) -> tuple[list[str], str]:
        width = self._width
        if len(row) != width and not problem:
            problem = f"{len(row)} cells where the header has {width}"
        row, is_text = _decoded([*row, *[""] * (width - len(row))][:width])
        return row, problem or ("" if is_text else "not UTF-8")

    def _mended(self, error: csv.Error) -> list[str]:
        """The cells of a row that broke the rules of quoting, as well as they can be made out."""
        if "unexpected end" in str(error) or "field larger" in str(error):
            raise BulkFileError(f"{self._where}: a quote before it is never closed") from error
        return next(csv.reader([self._lines.last]), [])

    @property
    def _where(self) -> str:
        return f"{self.path.name}, line {self._lines.number}"


class _Lines:
    """The lines of a stream, remembering where it stands."""

    def __init__(self, stream: TextIO) -> None:
        self.stream, self.last, self.number = stream, "", 0

    def __iter__(self) -> _Lines:
        return self

    def __next__(self) -> str:
        self.last = next(self.stream)
        self.number += 1
        return self.last


def _opened(path: Path) -> TextIO:
    csv.field_size_limit(CELL_LIMIT)
    try:
        raw: Any = path.open("rb")
    except OSError as error:
        raise BulkFileError(f"{path.name}: cannot be opened: {error.strerror or error}") from error
    if path.suffix.lower() == ".gz":
        raw = gzip.GzipFile(fileobj=raw)
    return io.TextIOWrapper(raw, encoding="utf-8-sig", errors="surrogateescape", newline="")


def _is_clean(rows: list[list[str]], width: int) -> bool:
    """Whether all rows are as wide as they should be, and in real characters."""
    if set(map(len, rows)) - {width}:
        return False
    try:
        for row in rows:
            "".join(row).encode()
    except UnicodeEncodeError:
        return False
    return True


def _decoded(row: list[str]) -> tuple[list[str], bool]:
    """The row in real characters, and whether it was so already; stray bytes become replacement marks."""
    try:
        "".join(row).encode()
    except UnicodeEncodeError:
        return [cell.encode(errors="surrogateescape").decode(errors="replace") for cell in row], False
    return row, True


class CsvSink:
    """Writes rows with their answers as CSV, in UTF-8."""

    def __init__(self, stream: TextIO, header: Sequence[str], columns: Sequence[str]) -> None:
        self._stream, self._columns = stream, list(columns)
        self._kept = [place for place, name in enumerate(header) if name.strip() not in columns]
        self._keeps_all = len(self._kept) == len(header)
        stream.write(_as_lines([[*(header[place] for place in self._kept), *columns]]))

    def write(self, rows: Sequence[Sequence[Any]], answers: pd.DataFrame) -> None:
        """Append rows, each with its answer."""
        texts = [_texts(name, answers[name].tolist()) for name in self._columns]
        if not self._keeps_all:
            rows = [[row[place] for place in self._kept] for row in rows]
        found = zip(rows, zip(*texts, strict=True), strict=True)
        self._stream.write(_as_lines([(*row, *answer) for row, answer in found]))


def _as_lines(rows: Sequence[Sequence[Any]]) -> str:
    """The rows as CSV that ends lines in LF and quotes cells with CR or LF."""
    out = io.StringIO(newline="")
    # Ends rows in CR LF, so that cells with either are quoted; then takes the CR away again.
    csv.writer(out, lineterminator="\r\n").writerows(rows)
    text = out.getvalue()
    if text.count("\r") == len(rows):
        return text.replace("\r\n", "\n")
    lines = _UnixLines()
    csv.writer(lines, lineterminator="\r\n").writerows(rows)
    return "".join(lines.written)


class _UnixLines:
    def __init__(self) -> None:
        self.written: list[str] = []

    def write(self, line: str) -> int:
        self.written.append(line.removesuffix("\r\n") + "\n")
        return len(line)


def _texts(name: str, values: list[Any]) -> list[str]:
    """The answers of a column as they are written."""
    known = {value: _text(name, value) for value in set(values)}
    return [known[value] for value in values]


def _text(name: str, value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if value is None:
        return ""
    return f"{value:.3f}" if name == "confidence" else str(value)


@contextmanager
def csv_sink(path: Path, to: Path, header: Sequence[str], columns: Sequence[str]) -> Iterator[CsvSink]:
    """Open `to` for writing; it is gzipped where `path`, its name in the end, says so."""
    with to.open("wb") as file:
        # Neither name nor time inside, so that the same answers make the same file.
        raw: Any = file
        if path.suffix.lower() == ".gz":
            raw = gzip.GzipFile("", "wb", compresslevel=6, fileobj=file, mtime=0)
        with io.TextIOWrapper(raw, encoding="utf-8", newline="") as stream:
            yield CsvSink(stream, header, columns)
