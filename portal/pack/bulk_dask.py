"""How the pieces of a file are routed by a Dask cluster: the same work as in one process; dask is an extra.

Workers read their pieces and write their answers themselves, in a folder that all of them see; through the
scheduler go only the names of pieces and how many rows each had.
"""

from __future__ import annotations

import pickle
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from portal.pack.bulk import BulkPlan
from portal.pack.bulk_csv import BulkFileError
from portal.pack.bulk_many import ChunkRouter
from portal.pack.bulk_parquet import is_parquet
from portal.pack.bulk_pieces import Piece, joined, pieces_of
from portal.pack.bulk_run import Count, Source, open_source, route_source

CONNECT_S = 10


@dataclass(frozen=True, slots=True)
class Job:
    """What a worker needs to know of the whole: where the plan with its index is kept, the file, and its columns."""

    plan: Path
    source: Path
    wanted: tuple[tuple[str, str], ...]
    ending: str
    chunk_rows: int

    def part(self, number: int) -> Path:
        """Where the answers of a piece go."""
        return self.plan.with_name(f"{number:06d}{self.ending}")


def route_apart(
    address: str,
    plan: BulkPlan,
    source: Source,
    wanted: dict[str, str],
    target: Path,
    to: Path,
    chunk_rows: int,
) -> Count:
    """Route a file by the workers of the cluster at `address`; BulkFileError where it cannot be had."""
    source.close()
    pieces = pieces_of(source.path, chunk_rows)
    with (
        _cluster(address) as client,
        tempfile.TemporaryDirectory(prefix=f".{target.name}.", dir=target.resolve().parent) as folder,
    ):
        ending = ".parquet" if is_parquet(target) else ".csv"
        job = Job(Path(folder) / "plan", source.path.resolve(), tuple(wanted.items()), ending, chunk_rows)
        job.plan.write_bytes(pickle.dumps(plan, pickle.HIGHEST_PROTOCOL))
        done = client.compute(_frame(pieces, job)).result()
        parts = [job.part(number) for number in range(len(pieces))]
        joined(parts, target, to, source.header, plan.columns)
    return Count(int(done["rows"].sum()), int(done["errors"].sum()))


def _frame(pieces: list[Piece | None], job: Job) -> Any:
    """A Dask frame with a partition for each piece."""
    from dask import dataframe

    meta = pd.DataFrame({"rows": pd.Series(dtype="int64"), "errors": pd.Series(dtype="int64")})
    from_map: Any = dataframe.from_map
    return from_map(route_piece, list(enumerate(pieces)), job=job, meta=meta)


def route_piece(numbered: tuple[int, Piece | None], job: Job) -> pd.DataFrame:
    """On a worker: route a piece into its own file."""
    number, piece = numbered
    part = job.part(number)
    source = open_source(job.source, dict(job.wanted), piece)
    count = route_source(_router(job.plan), source, part, part, job.chunk_rows, lambda _: None)
    return pd.DataFrame({"rows": [count.rows], "errors": [count.errors]})


class _Kept(threading.local):
    """The router of the last plan in a worker's thread, with what it has decided."""

    path: Path | None = None
    router: ChunkRouter | None = None


_KEPT = _Kept()


def _router(path: Path) -> ChunkRouter:
    """The router of a plan, whose index is read once."""
    if _KEPT.router is None or _KEPT.path != path:
        _KEPT.path, _KEPT.router = path, ChunkRouter(pickle.loads(path.read_bytes()))  # noqa: S301 - our own file
    return _KEPT.router


@contextmanager
def _cluster(address: str) -> Iterator[Any]:
    """Connect to the scheduler at `address`."""
    try:
        import dask_geopandas  # noqa: F401 - registers geometry with dask's frames
        import distributed
    except ImportError:
        raise BulkFileError(
            "--dask needs dask-geopandas and distributed, which are not installed: pip install 'wenlu[dask]'"
        ) from None
    try:
        connect: Any = distributed.Client
        client: Any = connect(address, timeout=CONNECT_S)
    except (OSError, ValueError) as error:
        raise BulkFileError(f"--dask {address}: {error}") from error
    try:
        client.wait_for_workers(1, timeout=CONNECT_S)
        yield client
    except (distributed.scheduler.KilledWorker, distributed.client.FutureCancelledError) as error:
        raise BulkFileError(f"--dask {address}: the cluster gave up: {error}") from error
    except TimeoutError as error:
        raise BulkFileError(f"--dask {address}: no worker answers") from error
    finally:
        client.close()
