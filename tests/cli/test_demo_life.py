"""When the demo city lives its year: only the drawn one, only where it is wanted, and its program may end."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from portal.cli.processes import Command
from portal.cli.supervisor import Program, Watch
from portal.cli.up import DEMO_CITY, make_programs
from portal.settings import Settings

LINHAI = DEMO_CITY.parent / "linhai"


@pytest.mark.parametrize(
    ("pack", "environ", "lives"),
    [
        pytest.param(DEMO_CITY, {}, True, id="the drawn city"),
        pytest.param(DEMO_CITY, {"DEMO_LIFE": "0"}, False, id="switched off"),
        pytest.param(LINHAI, {}, False, id="another city"),
    ],
)
def test_who_lives_a_year(tmp_path: Path, pack: Path, environ: dict[str, str], lives: bool) -> None:
    settings = Settings.from_environ({"WENLU_HOME": str(tmp_path), **environ})
    programs = make_programs(settings, pack.resolve(), "mark")
    assert ("life" in [program.name for program in programs]) is lives
    assert settings.as_environ()["DEMO_LIFE"] == ("1" if settings.has_demo_life else "")


@pytest.mark.parametrize(
    ("code", "may_end", "is_tried_again"),
    [
        pytest.param(0, True, False, id="it came to its end"),
        pytest.param(1, True, True, id="it failed"),
        pytest.param(0, False, True, id="it should never end"),
    ],
)
def test_a_program_with_an_end_of_its_own_is_left_at_peace(
    tmp_path: Path, code: int, may_end: bool, is_tried_again: bool
) -> None:
    command = Command([sys.executable, "-c", ""], tmp_path / "log", {}, tmp_path)
    ended = subprocess.Popen([sys.executable, "-c", f"raise SystemExit({code})"])
    ended.wait(30)
    watch = Watch(Program("life", command, may_end=may_end, process=ended))
    watch.look(watch.started, lambda _: None)
    assert (watch.retry_at is not None) is is_tried_again
