"""Knows how a file, or a piece of one, is routed from beginning to end in one process."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from portal.pack.bulk_answers import Answers
from portal.pack.bulk_csv import CsvSource, csv_sink
from portal.pack.bulk_many import Batch, ChunkRouter
from portal.pack.bulk_parquet import ParquetSource, is_parquet, parquet_sink, rows_of
from portal.pack.bulk_pieces import Piece

Source = CsvSource | ParquetSource
Write = Callable[[Batch, Answers], None]


@dataclass(slots=True)
class Count:
    """How many rows went through, and how many of them have an error."""

    rows: int = 0
    errors: int = 0


def open_source(path: Path, wanted: dict[str, str], piece: Piece | None = None) -> Source:
    """Open a file or a piece of it; `wanted` maps the fields of `Cells` to its columns. BulkFileError."""
    if is_parquet(path):
        return ParquetSource(path, wanted, piece and (piece.start, piece.end, piece.group))
    return CsvSource(path, wanted, piece and (piece.start, piece.end, piece.head))


def route_source(
    router: ChunkRouter,
    source: Source,
    target: Path,
    to: Path,
    chunk_rows: int,
    on_rows: Callable[[int], None],
) -> Count:
    """Route chunk by chunk into the file `to`, which will be called `target`."""
    count = Count()
    with _sink(target, to, source, router.plan.columns) as write:
        for batch in source.batches(chunk_rows):
            answers = router.route(batch.cells)
            write(batch, answers)
            count.rows += len(answers)
            count.errors += answers.errors
            on_rows(count.rows)
    source.close()
    return count


@contextmanager
def _sink(target: Path, to: Path, source: Source, columns: tuple[str, ...]) -> Iterator[Write]:
    if is_parquet(target):
        with parquet_sink(to, source, columns) as sink:
            yield sink.write
        return
    with csv_sink(target, to, source.header, columns) as out:
        yield lambda batch, answers: out.write(batch, _rows, answers)


def _rows(batch: Batch) -> Sequence[Sequence[Any]]:
    return batch.rows if batch.table is None else rows_of(batch.table)
