"""`wenlu route bulk --dask`: a cluster's workers write the very file that one process writes."""

from __future__ import annotations

import hashlib
import random
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from portal.pack.bulk_pieces import pieces_of
from portal.pack.bulk_run import open_source


@pytest.fixture(scope="module")
def cluster() -> Iterator[str]:
    """The address of a scheduler with two worker processes on this machine."""
    pytest.importorskip("dask_geopandas", reason="needs the extra `dask`")
    import distributed

    with distributed.LocalCluster(
        n_workers=2, threads_per_worker=1, host="127.0.0.1", dashboard_address=None
    ) as running:
        yield running.scheduler_address


@pytest.fixture
def source(tmp_path: Path) -> Path:
    chance = random.Random(2)
    services = ["street-light", "noise", "enquiry", "nope", ""]
    rows = [
        f"{n},{chance.uniform(121.55, 121.67)},{chance.uniform(29.15, 29.28)},{chance.choice(services)}"
        for n in range(7000)
    ]
    file = tmp_path / "in.csv"
    file.write_text("\n".join(["id,lon,lat,service_code", "x,x,x,noise", *rows, ""]))
    return file


def digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


@pytest.mark.parametrize("ending", ["csv", "csv.gz", "parquet"])
def test_the_same_file(wenlu, demo, source, cluster, tmp_path, monkeypatch, ending):
    monkeypatch.setattr("portal.pack.bulk_csv.CHUNK_ROWS", 500)
    targets = [tmp_path / f"{name}.{ending}" for name in ("one", "many")]
    said = []
    for target, more in zip(targets, [(), ("--dask", cluster)], strict=True):
        ran = wenlu("route", "bulk", source, target, "--pack", demo, "--at", "2026-11-20T19:00", *more)
        assert (ran.code, ran.err) == (0, "")
        said.append(ran.out.replace(target.name, ""))
    assert digest(targets[0]) == digest(targets[1])
    assert said[0] == said[1]
    assert said[0].startswith("7,001 rows routed")


ODD = {
    "quoted cells with commas and ends of lines": lambda n: f'{n},121.6,29.2,noise,"a, ""b""\n{n}"',
    "rows of another width, and none": lambda n: ["", f"{n},121.6", f"{n},121.6,29.2,noise,x"][n % 3],
    "ends of lines from elsewhere": lambda n: f"{n},121.6,29.2,noise,x\r",
    "a row that breaks the rules": lambda n: f'{n},121.6,29.2,noise,"x"{"y" if n == 900 else ""}',
    "not UTF-8": lambda n: f"{n},121.6,29.2,noise,\udcff",
}


@pytest.mark.parametrize("row", ODD.values(), ids=ODD)
@pytest.mark.parametrize("mark", ["", "\ufeff"], ids=["plain", "marked"])
def test_pieces_of_an_odd_file_hold_its_rows_once_and_in_order(tmp_path, row, mark):
    """Without a cluster: every piece read by itself gives the batches that the whole file gives."""
    file, wanted = tmp_path / "in.csv", {"lon": "lon", "lat": "lat", "service": "service_code"}
    text = "\n".join([f"{mark}id,lon,lat,service_code,words", *map(row, range(2000)), ""])
    file.write_bytes(text.encode("utf-8", "surrogateescape"))
    pieces = pieces_of(file, 40)
    assert len(pieces) > 2
    whole = cells_of(open_source(file, wanted))
    assert [one for piece in pieces for one in cells_of(open_source(file, wanted, piece))] == whole
    assert sum(len(batch) for batch in whole) > 1300


def cells_of(source: Any) -> list[list[tuple[Any, ...]]]:
    return [list(batch.cells.itertuples(index=False, name=None)) for batch in source.batches(40)]


def refused(wenlu: Any, demo: Path, source: Path, address: str) -> str:
    target = source.with_name("out.csv")
    ran = wenlu("route", "bulk", source, target, "--pack", demo, "--dask", address)
    assert (ran.code, ran.err.count("\n"), target.exists()) == (1, 1, False)
    return ran.err


def test_without_dask_it_says_what_to_install(wenlu, demo, source, monkeypatch):
    monkeypatch.setitem(sys.modules, "distributed", None)
    assert "pip install 'wenlu[dask]'" in refused(wenlu, demo, source, "tcp://127.0.0.1:1")


@pytest.mark.parametrize("address", ["tcp://127.0.0.1:1", "nonsense://x"], ids=["nobody there", "no address"])
def test_a_cluster_that_is_not_there(wenlu, demo, source, monkeypatch, address):
    pytest.importorskip("distributed", reason="needs the extra `dask`")
    monkeypatch.setattr("portal.pack.bulk_dask.CONNECT_S", 1)
    assert f"--dask {address}" in refused(wenlu, demo, source, address)
