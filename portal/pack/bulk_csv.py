"""How a CSV file (.gz too) is streamed for bulk routing and written again with the answers; no row is lost."""

from __future__ import annotations

import csv
import gzip
import io
import zlib
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from itertools import islice
from pathlib import Path
from typing import Any, TextIO

from portal.pack.bulk_answers import Answers, row_texts
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

    def __init__(
        self, path: Path, wanted: Mapping[str, str], span: tuple[int, int, int] | None = None
    ) -> None:
        """Open all of a file, or the bytes of a `span` (from, to) behind its first ones, the header."""
        self.path = path
        self._stream = _opened(path, span)
        self._lines = Lines(self._stream)
        self._reader = csv.reader(self._lines, strict=True)
        self._width = 0
        rows, problems = self._read(1)
        if not rows or problems[0]:
            raise BulkFileError(f"{path.name}: no header row {problems[0] if rows else ''}".strip())
        self.header = rows[0]
        self._places = pick(path, [name.strip() for name in self.header], wanted)
        self.crs: str | None = None

    def batches(self, chunk_rows: int) -> Iterator[Batch]:
        """Yield the rows in order; BulkFileError where the file cannot be read on."""
        while True:
            if lines := self._plain_lines(chunk_rows):
                cells = ",".join(lines).split(",")
                found = {field: cells[place :: self._width] for field, place in self._places.items()}
                yield Batch(frame_of(found, len(lines)), lines=lines)
                continue
            rows, problems = self._read(chunk_rows)
            if not rows:
                return
            found = {field: [row[place] for row in rows] for field, place in self._places.items()}
            yield Batch(frame_of({**found, "problem": problems}, len(rows)), rows)

    def close(self) -> None:
        """Let go of the file."""
        self._stream.close()

    def _plain_lines(self, count: int) -> list[str]:
        """The next lines where a comma is all that divides cells; none (and nothing is read) where it is not so."""
        try:
            lines = self._lines.take(count)
        except (OSError, EOFError, zlib.error) as error:
            raise BulkFileError(f"{self._where}: not readable on: {error}") from error
        block = "".join(lines)
        is_plain = self._width > 1 and '"' not in block and "\r" not in block and _is_text(block)
        if is_plain and {line.count(",") for line in lines} == {self._width - 1}:
            last = [] if block.endswith("\n") else [lines.pop()]
            return [*(line[:-1] for line in lines), *last]
        self._lines.give_back(lines)
        return []

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


class Lines:
    """The lines of a stream, remembering where it stands: the number of lines and of characters handed out."""

    def __init__(self, stream: TextIO) -> None:
        self.stream, self.last, self.number, self.size = stream, "", 0, 0
        self._waiting: deque[str] = deque()

    def __iter__(self) -> Lines:
        return self

    def __next__(self) -> str:
        self.last = self._waiting.popleft() if self._waiting else next(self.stream)
        self.number += 1
        self.size += len(self.last)
        return self.last

    def take(self, count: int) -> list[str]:
        """The next lines, as they end."""
        waiting = [self._waiting.popleft() for _ in range(min(count, len(self._waiting)))]
        lines = [*waiting, *islice(self.stream, count - len(waiting))]
        self.number += len(lines)
        self.size += sum(map(len, lines))
        return lines

    def give_back(self, lines: Sequence[str]) -> None:
        """Read these lines again before what follows them."""
        self._waiting.extendleft(reversed(lines))
        self.number -= len(lines)
        self.size -= sum(map(len, lines))


def _opened(path: Path, span: tuple[int, int, int] | None) -> TextIO:
    csv.field_size_limit(CELL_LIMIT)
    try:
        raw: Any = path.open("rb")
    except OSError as error:
        raise BulkFileError(f"{path.name}: cannot be opened: {error.strerror or error}") from error
    if span is not None:
        with raw:
            raw = io.BytesIO(_bytes_of(raw, *span))
    elif path.suffix.lower() == ".gz":
        raw = gzip.GzipFile(fileobj=raw)
    return io.TextIOWrapper(raw, encoding="utf-8-sig", errors="surrogateescape", newline="")


def _bytes_of(raw: Any, start: int, end: int, head: int) -> bytes:
    header: bytes = raw.read(head)
    raw.seek(start)
    rest: bytes = raw.read(end - start)
    return header + rest


def _is_clean(rows: list[list[str]], width: int) -> bool:
    """Whether all rows are as wide as they should be, and in real characters."""
    if set(map(len, rows)) - {width}:
        return False
    return all(_is_text("".join(row)) for row in rows)


def _is_text(text: str) -> bool:
    """Whether all of it could be read as UTF-8."""
    try:
        text.encode()
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
        self._stream = stream
        self._kept = [place for place, name in enumerate(header) if name.strip() not in columns]
        self._keeps_all = len(self._kept) == len(header)
        stream.write(header_line(header, columns))

    def write(self, batch: Batch, rows: Callable[[Batch], Sequence[Sequence[Any]]], answers: Answers) -> None:
        """Append a batch with its answers; its `rows` are not asked for where its lines can be handed on."""
        told = answers.lines(_text)
        if batch.lines and self._keeps_all:
            given = batch.lines
        elif not self._kept:
            self._stream.write("".join(f"{answer}\n" for answer in told))
            return
        else:
            given = row_texts([[row[place] for place in self._kept] for row in rows(batch)])
        self._stream.write("".join([f"{line},{answer}\n" for line, answer in zip(given, told, strict=True)]))


def _text(name: str, value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if value is None:
        return ""
    return f"{value:.3f}" if name == "confidence" else str(value)


def header_line(header: Sequence[str], columns: Sequence[str]) -> str:
    """The first line of a file of answers: a column of the same name gives way."""
    kept = [name for name in header if name.strip() not in columns]
    return row_texts([[*kept, *columns]])[0] + "\n"


@contextmanager
def output_stream(path: Path, to: Path) -> Iterator[Any]:
    """Open `to` for writing bytes; it is gzipped where `path`, its name in the end, says so."""
    with to.open("wb") as file:
        if path.suffix.lower() != ".gz":
            yield file
            return
        # Neither name nor time inside, so that the same answers make the same file.
        with gzip.GzipFile("", "wb", compresslevel=6, fileobj=file, mtime=0) as packed:
            yield packed


@contextmanager
def csv_sink(path: Path, to: Path, header: Sequence[str], columns: Sequence[str]) -> Iterator[CsvSink]:
    """Open `to` for writing answers; `path` is its name in the end."""
    with output_stream(path, to) as raw, io.TextIOWrapper(raw, encoding="utf-8", newline="") as stream:
        yield CsvSink(stream, header, columns)
