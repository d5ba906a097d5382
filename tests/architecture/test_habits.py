"""Who commits, who reads the clock, how large things grow, and how tests are laid out (rules 3, 6 and 7)."""

from __future__ import annotations

import ast
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

MODULE_LINES, FUNCTION_LINES, USUAL_LINES, HANDLER_LINES = 400, 40, 25, 25
COMMITS = frozenset({"commit", "begin", "begin_nested", "rollback"})
WALL_CLOCK = frozenset(
    {
        *("datetime.now", "datetime.utcnow", "datetime.today", "date.today", "datetime.date.today"),
        *("datetime.datetime.now", "datetime.datetime.utcnow", "datetime.datetime.today"),
        *("time.time", "time.time_ns", "time.localtime", "time.gmtime", "time.ctime", "time.strftime"),
    }
)
FROM_TIME = frozenset({"time", "time_ns", "localtime", "gmtime", "ctime", "strftime"})


def commits(tree: ast.AST) -> Iterator[int]:
    """Lines that begin or end a transaction."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr in COMMITS:
            yield node.lineno


def clock_readings(tree: ast.AST) -> Iterator[int]:
    """Lines that ask what time it is, called or handed on; measuring a span (`time.monotonic`) is no reading."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute) and ast.unparse(node) in WALL_CLOCK:
            yield node.lineno
        if isinstance(node, ast.ImportFrom) and node.module == "time":
            yield from (node.lineno for name in node.names if name.name in FROM_TIME)


def test_transactions_begin_and_end_only_in_db(sources: list[Any]) -> None:
    found = {source.name: list(commits(source.tree)) for source in sources}
    assert found.pop("portal/db.py"), "the check sees none where there are some"
    assert {name: lines for name, lines in found.items() if lines} == {}


def test_the_wall_clock_is_read_only_in_clock(sources: list[Any]) -> None:
    found = {source.name: list(clock_readings(source.tree)) for source in sources}
    assert found.pop("portal/clock.py"), "the check sees none where there is one"
    assert {name: lines for name, lines in found.items() if lines} == {}


@pytest.mark.parametrize(
    ("code", "is_reading"),
    [
        ("datetime.now(UTC)", True),
        ("datetime.datetime.utcnow()", True),
        ("field(default_factory=datetime.now)", True),
        ("date.today()", True),
        ("time.time()", True),
        ("from time import time", True),
        ("time.monotonic()", False),
        ("clock.now()", False),
        ("datetime.combine(day, time())", False),
    ],
)
def test_what_counts_as_reading_the_clock(code: str, is_reading: bool) -> None:
    assert bool(list(clock_readings(ast.parse(code)))) is is_reading


def test_modules_stay_short(sources: list[Any]) -> None:
    too_long = {source.name: len(source.lines) for source in sources if len(source.lines) > MODULE_LINES}
    assert too_long == {}


def measured(sources: list[Any]) -> Iterator[tuple[str, int, bool]]:
    """Every function with its length and whether a reason for it stands beside it. Migrations are lists of
    tables, written by a program."""
    for source in sources:
        if "/migrations/" in source.name:
            continue
        for node in source.functions:
            beside = source.lines[max(node.lineno - 2, 0) : node.body[0].lineno]
            yield (
                f"{source.name}:{node.lineno} {node.name}",
                (node.end_lineno or node.lineno) - node.lineno + 1,
                any("# long:" in line for line in beside),
            )


def test_functions_stay_short(sources: list[Any]) -> None:
    lengths = list(measured(sources))
    assert len(lengths) > 1000
    in_order = sorted(length for _, length, _ in lengths)
    assert in_order[int(len(in_order) * 0.9)] <= USUAL_LINES
    assert [row for row in lengths if row[1] > FUNCTION_LINES and not row[2]] == []


def test_handlers_parse_call_and_render(sources: list[Any]) -> None:
    """A view does little: what is long belongs into an operation, a query or a form."""
    views = [
        (f"{source.name}:{node.lineno} {node.name}", (node.end_lineno or 0) - node.body[0].lineno + 1)
        for source in sources
        for node in source.functions
        if source.name.startswith(("portal/web/", "portal/api/"))
        and any(ast.unparse(each).startswith("access.") for each in node.decorator_list)
    ]
    assert len(views) > 20
    assert [view for view in views if view[1] > HANDLER_LINES] == []


def test_every_module_says_what_it_knows(sources: list[Any]) -> None:
    silent = [source.name for source in sources if source.tree.body and not ast.get_docstring(source.tree)]
    assert silent == []


def test_tests_are_not_packages(checkout: Path) -> None:
    """A `tests/geo/__init__.py` would shadow `geo`."""
    assert [str(path) for path in (checkout / "tests").rglob("__init__.py")] == []
    settings = tomllib.loads((checkout / "pyproject.toml").read_text())
    assert "--import-mode=importlib" in settings["tool"]["pytest"]["ini_options"]["addopts"]
