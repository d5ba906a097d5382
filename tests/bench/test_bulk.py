"""How quick `wenlu route bulk` is on real New York requests (2 m jitter), from file to file, beside row by row.

make bench, or: python -m pytest tests/bench/test_bulk.py -s
"""

from __future__ import annotations

import resource
import time
import tomllib
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from portal.cli.bulk_file import route_file
from portal.cli.packs import open_pack, router_of
from portal.pack.bulk import BulkPlan, Cells, route_rows
from portal.pack.bulk_run import open_source

CITY = Path(__file__).resolve().parents[1] / "cities" / "newyork"
WANTED = {"lon": "lon", "lat": "lat", "service": "service_code"}
AT = datetime(2026, 8, 5, 16, tzinfo=UTC)
MANY, FEW = 500_000, 2_000
JITTER_DEGREES = (2 / 84_000, 2 / 111_000)


@pytest.fixture(scope="module")
def plan(wenlu_data: Path) -> BulkPlan:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("WENLU_DATA", str(wenlu_data))
        return BulkPlan(router_of(open_pack(CITY), AT.date()).router, AT)


@pytest.fixture(scope="module")
def requests(wenlu_data: Path) -> pd.DataFrame:
    """Real requests drawn again and again, each moved a little; some have no place."""
    services = tomllib.loads((CITY / "MAP.toml").read_text())["values"]["service_code"]
    table = pd.read_parquet(wenlu_data / "nyc" / "requests_2026-08-01_04.parquet")
    chance = np.random.default_rng(5)
    table = table.iloc[chance.integers(0, len(table), MANY)]
    places = table[["longitude", "latitude"]].to_numpy(float) + chance.normal(0, JITTER_DEGREES, (MANY, 2))
    codes = [services.get(kind, "other") for kind in table["complaint_type"]]
    return pd.DataFrame({"lon": places[:, 0].round(7), "lat": places[:, 1].round(7), "service_code": codes})


@pytest.mark.parametrize("ending", ["csv", "parquet"])
def test_file_to_file(plan: BulkPlan, requests: pd.DataFrame, tmp_path: Path, ending: str) -> None:
    """Half a million rows; at least four times as quick as row by row without any file."""
    file = tmp_path / f"in.{ending}"
    requests.to_csv(file, index=False) if ending == "csv" else requests.to_parquet(file)
    source = open_source(file, WANTED)
    start = time.process_time()
    count = route_file(plan, source, WANTED, tmp_path / f"out.{ending}")
    bulk = (time.process_time() - start) / count.rows
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e3
    columns = requests[:FEW].astype(object).itertuples(index=False)
    rows = [Cells(lon, lat, service, None, None, None, "") for lon, lat, service in columns]
    start = time.process_time()
    route_rows(plan, rows)
    single = (time.process_time() - start) / FEW
    print(
        f"\n{ending}: {1 / bulk:,.0f} rows/s, row by row {1 / single:,.0f}; {single / bulk:.0f}x; {peak:.0f} MB peak"
    )
    assert count.rows == MANY
    assert single / bulk > 4


@pytest.mark.parametrize("ending", ["csv", "parquet"])
def test_two_workers(plan: BulkPlan, requests: pd.DataFrame, tmp_path: Path, ending: str) -> None:
    """The same bytes from two worker processes; the processor time of the busiest is what a free machine waits for."""
    distributed = pytest.importorskip("distributed")
    file, targets = tmp_path / f"in.{ending}", [tmp_path / f"{name}.{ending}" for name in ("one", "two")]
    table = pd.concat([requests] * 4, ignore_index=True)
    table.to_csv(file, index=False) if ending == "csv" else table.to_parquet(file)
    start = time.process_time()
    route_file(plan, open_source(file, WANTED), WANTED, targets[0])
    one = time.process_time() - start
    with (
        distributed.LocalCluster(
            2, threads_per_worker=1, host="127.0.0.1", dashboard_address=None
        ) as cluster,
        distributed.Client(cluster) as client,
    ):
        client.run(lambda: __import__("portal.pack.bulk_dask"))
        before, start = client.run(time.process_time), time.process_time()
        route_file(plan, open_source(file, WANTED), WANTED, targets[1], cluster.scheduler_address)
        here, after = time.process_time() - start, client.run(time.process_time)
    busiest = max(after[worker] - before[worker] for worker in after)
    print(
        f"\n{ending}: {len(table):,} rows, one process {one:.1f} s; two workers {busiest:.1f} s, {here:.1f} s here"
    )
    print(f"  {one / (busiest + here):.2f}x")
    assert targets[0].read_bytes() == targets[1].read_bytes()
