"""The `wenlu` command run in this process, as its entry point runs it: exit code, stdout and stderr."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import pytest

from portal.cli.main import main

DEMO = Path(__file__).resolve().parents[2] / "portal" / "demo" / "linhai"


class Ran(NamedTuple):
    code: int
    out: str
    err: str


@pytest.fixture
def wenlu(capsys: pytest.CaptureFixture[str]) -> Callable[..., Ran]:
    """Run a command; whatever it raises but SystemExit fails the test, as it would be a traceback."""

    def run(*arguments: object) -> Ran:
        capsys.readouterr()
        code: object = 0
        try:
            main([str(argument) for argument in arguments])
        except SystemExit as end:
            code = end.code
        out, err = capsys.readouterr()
        return Ran(int(code or 0), out, err)

    return run


@pytest.fixture
def demo() -> Path:
    return DEMO


@pytest.fixture
def pack(tmp_path: Path) -> Path:
    """A copy of the demo pack that a test may spoil."""
    return Path(shutil.copytree(DEMO, tmp_path / "linhai"))
