"""The tour through the library in the docs is true: each page's code runs as it stands, in a process of its own."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

BLOCK = re.compile(r"^```python\n(.*?)^```$", re.MULTILINE | re.DOTALL)
RUN = """
import doctest, sys
test = doctest.DocTestParser().get_doctest(sys.stdin.read(), {}, "tour", None, 0)
runner = doctest.DocTestRunner(optionflags=doctest.REPORT_ONLY_FIRST_FAILURE)
runner.run(test)
banned = {"flask", "sqlalchemy", "redis", "rq", "portal"} & set(sys.modules)
assert not banned, f"the tour needs {banned}"
sys.exit(runner.failures)
"""


@pytest.mark.parametrize("page", ["portal/docs/engine.md"])
def test_the_tour_runs_as_it_is_printed(checkout: Path, page: str) -> None:
    blocks = BLOCK.findall((checkout / page).read_text(encoding="utf-8"))
    assert len(blocks) > 5
    ran = subprocess.run(
        [sys.executable, "-c", RUN], input="\n".join(blocks), cwd=checkout, capture_output=True, text=True
    )
    assert ran.returncode == 0, ran.stdout + ran.stderr
