"""Knows how a file is cut into pieces that can be routed apart, and how the routed pieces become one file again."""

from __future__ import annotations

import csv
import io
import shutil
from collections.abc import Sequence
from itertools import islice, pairwise
from pathlib import Path
from typing import Any, NamedTuple

from portal.pack.bulk_csv import CELL_LIMIT, Lines, header_line, output_stream
from portal.pack.bulk_parquet import is_parquet, need_pyarrow

BOM = b"\xef\xbb\xbf"
# So many chunks make a piece: seconds of work, tens of megabytes.
PIECE_CHUNKS = 8


class Piece(NamedTuple):
    """Part of a file: bytes of a CSV file, of which `head` begin it everywhere; chunks of a row group of parquet."""

    start: int
    end: int
    head: int = 0
    group: int = -1


def pieces_of(path: Path, chunk_rows: int) -> list[Piece | None]:
    """Cut a file between chunks of so many rows. None stands for the whole of a file that cannot be cut."""
    if is_parquet(path):
        return _parquet_pieces(path, chunk_rows) or [None]
    return [None] if path.suffix.lower() == ".gz" else _csv_pieces(path, chunk_rows * PIECE_CHUNKS) or [None]


def _parquet_pieces(path: Path, chunk_rows: int) -> list[Piece | None]:
    about = need_pyarrow(path).parquet.ParquetFile(path).metadata
    return [
        Piece(first, first + PIECE_CHUNKS, group=group)
        for group in range(about.num_row_groups)
        for first in range(0, -(-about.row_group(group).num_rows // chunk_rows), PIECE_CHUNKS)
    ]


def _csv_pieces(path: Path, rows: int) -> list[Piece | None]:
    """Cut where a row ends as the reader of CSV sees it; behind a row that it cannot read nothing is cut."""
    csv.field_size_limit(CELL_LIMIT)
    end = path.stat().st_size
    cuts: list[int] = []
    with path.open("rb") as raw:
        skipped = len(BOM) if raw.read(len(BOM)) == BOM else 0
        raw.seek(skipped)
        # One byte is one character, and every mark of CSV is one byte of UTF-8.
        lines = Lines(io.TextIOWrapper(raw, encoding="latin-1", newline="\n"))
        try:
            next(csv.reader(lines, strict=True), None)
            cuts.append(skipped + lines.size)
            while cuts[-1] < end:
                _skip_rows(lines, rows)
                cuts.append(skipped + lines.size)
        except csv.Error:
            cuts.append(end)
    return [Piece(start, stop, head=cuts[0]) for start, stop in pairwise(cuts)]


def _skip_rows(lines: Lines, rows: int) -> None:
    block = lines.take(rows)
    text = "".join(block)
    if '"' not in text and "\r" not in text:
        return
    lines.give_back(block)
    for _ in islice(csv.reader(lines, strict=True), rows):
        pass


def joined(
    parts: Sequence[Path], target: Path, to: Path, header: Sequence[str], columns: Sequence[str]
) -> None:
    """Write the routed pieces, in order, as one file `to`, which will be called `target`."""
    if is_parquet(target):
        _joined_parquet(parts, to)
        return
    skipped = len(header_line(header, columns).encode())
    with output_stream(target, to) as out:
        for number, part in enumerate(parts):
            with part.open("rb") as stream:
                stream.seek(skipped if number else 0)
                shutil.copyfileobj(stream, out, 1 << 20)
        out.flush()  # as one process does: what is gzipped is then the same to the byte


def _joined_parquet(parts: Sequence[Path], to: Path) -> None:
    parquet: Any = need_pyarrow(to).parquet
    with parquet.ParquetWriter(to, parquet.read_schema(parts[0]), compression="zstd") as writer:
        for part in parts:
            file = parquet.ParquetFile(part)
            for group in range(file.metadata.num_row_groups):
                writer.write_table(file.read_row_group(group))
