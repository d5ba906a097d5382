"""How chunks are routed by a Dask cluster: the same work as in one process, in the same order; dask is an extra."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Any

import pandas as pd

from portal.pack.bulk import BulkPlan
from portal.pack.bulk_answers import Answers
from portal.pack.bulk_csv import BulkFileError
from portal.pack.bulk_many import Batch, ChunkRouter

CONNECT_S = 10
# Enough that no worker waits, few enough that memory does not grow with the file.
_AHEAD = 3


class DaskRouter:
    """Routes batches on the workers of a cluster, some ahead, and hands them back in order."""

    def __init__(self, client: Any, plan: BulkPlan) -> None:
        self._client = client
        self._plan = client.scatter(plan, broadcast=True, hash=False)

    def routed(self, batches: Iterable[Batch]) -> Iterator[tuple[Batch, Answers]]:
        """Yield each batch with its answers."""
        waiting: deque[tuple[Batch, Any]] = deque()
        for batch in batches:
            # Chunks that are alike are still chunks of their own.
            answers = self._client.submit(_route, self._plan, batch.cells, pure=False)
            waiting.append((batch, answers))
            if len(waiting) >= _AHEAD * max(len(self._client.nthreads()), 1):
                yield self._next(waiting)
        while waiting:
            yield self._next(waiting)

    def _next(self, waiting: deque[tuple[Batch, Any]]) -> tuple[Batch, Answers]:
        batch, answers = waiting.popleft()
        return batch, answers.result()


@contextmanager
def dask_router(address: str, plan: BulkPlan) -> Iterator[DaskRouter]:
    """Connect to the scheduler at `address`; BulkFileError where that, or a worker, cannot be had."""
    try:
        import distributed
    except ImportError:
        raise BulkFileError(
            "--dask needs distributed, which is not installed: pip install 'wenlu[dask]'"
        ) from None
    try:
        connect: Any = distributed.Client
        client: Any = connect(address, timeout=CONNECT_S)
    except (OSError, ValueError) as error:
        raise BulkFileError(f"--dask {address}: {error}") from error
    try:
        client.wait_for_workers(1, timeout=CONNECT_S)
        yield DaskRouter(client, plan)
    except (distributed.scheduler.KilledWorker, distributed.client.FutureCancelledError) as error:
        raise BulkFileError(f"--dask {address}: the cluster gave up: {error}") from error
    except TimeoutError as error:
        raise BulkFileError(f"--dask {address}: no worker answers") from error
    finally:
        client.close()


class _Kept(threading.local):
    """The router of the last plan in a worker's thread, with what it has decided."""

    router: ChunkRouter | None = None


_KEPT = _Kept()


def _route(plan: BulkPlan, chunk: pd.DataFrame) -> Answers:
    """On a worker: route a chunk."""
    if _KEPT.router is None or _KEPT.router.plan is not plan:
        _KEPT.router = ChunkRouter(plan)
    return _KEPT.router.route(chunk)
