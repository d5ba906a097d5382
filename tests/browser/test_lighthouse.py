"""Lighthouse on the pages that residents open first, as a phone on a slow line sees them (`make lighthouse`).

LIGHTHOUSE is the command that runs it. Each page is measured three times; the middle one counts. On a machine that
is busy with something else the speed says nothing, and is not judged: Lighthouse measures the machine as well.
"""

from __future__ import annotations

import json
import os
import shlex
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from statistics import median
from typing import Any
from urllib.request import urlopen

import pytest

from .town import build

LIGHTHOUSE = os.environ.get("LIGHTHOUSE", "")
CHECKOUT = Path(__file__).resolve().parents[2]
FLAGS = (
    "--headless --no-sandbox --disable-gpu --disable-background-networking --disable-component-update"
    " --disable-sync"
)
AT_REST = 750  # Lighthouse's own index of the machine: a laptop at rest has 1,000 and more
WANTED = {"performance": 95, "accessibility": 100, "best-practices": 95}
pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(not LIGHTHOUSE, reason="measured by `make lighthouse`"),
]


@pytest.fixture(scope="module")
def served(live: Any) -> Iterator[tuple[str, dict[str, str]]]:
    """The city of these tests behind the real web server, and the parts of its addresses."""
    parts = build(live.app).parts
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    environ = os.environ | live.app.extensions["wenlu"].settings.as_environ() | {"PORT": str(port)}
    command = [
        sys.executable,
        "-m",
        "gunicorn",
        "--config",
        "portal/deploy/gunicorn.conf.py",
        "portal.app:create_app()",
    ]
    process = subprocess.Popen(command, cwd=CHECKOUT, env=environ)
    address = f"http://127.0.0.1:{port}"
    try:
        for _ in range(150):
            try:
                urlopen(address + "/healthz")
                break
            except OSError:
                time.sleep(0.2)
        yield address, parts
    finally:
        process.terminate()
        process.wait(20)


@pytest.mark.timeout(900)
@pytest.mark.parametrize("path", ["/", "/report", "/map", "/r/{case}"])
def test_lighthouse_is_content(served: tuple[str, dict[str, str]], tmp_path: Path, path: str) -> None:
    address, parts = served
    runs = [_measured(address + path.format_map(parts), tmp_path / f"{number}.json") for number in range(3)]
    found = {name: round(median(each[name] for each in runs)) for name in WANTED}
    print(path, found)
    low = {name: score for name, score in found.items() if score < WANTED[name]}
    index = json.loads((tmp_path / "0.json").read_text())["environment"]["benchmarkIndex"]
    if low.keys() == {"performance"} and index < AT_REST:
        pytest.skip(f"the machine is busy (index {index}): performance {found['performance']} is not judged")
    assert not low, _why(tmp_path / "0.json")


def _measured(url: str, out: Path) -> dict[str, float]:
    browser = shutil.which("chromium") or shutil.which("google-chrome") or ""
    command = [
        *shlex.split(LIGHTHOUSE), url, "--quiet", "--output=json", f"--output-path={out}",
        f"--only-categories={','.join(WANTED)}", f"--chrome-flags={FLAGS}",
    ]  # fmt: skip
    subprocess.run(command, check=True, env=os.environ | {"CHROME_PATH": browser}, timeout=280)
    return {name: each["score"] * 100 for name, each in json.loads(out.read_text())["categories"].items()}


def _why(out: Path) -> str:
    audits = json.loads(out.read_text())["audits"].values()
    low = [each for each in audits if each["score"] is not None and each["score"] < 0.9]
    return "\n".join(f"{each['id']}: {each.get('displayValue', '')}" for each in low)
