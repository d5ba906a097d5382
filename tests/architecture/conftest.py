"""The source files of the packages, parsed once for every rule."""

from __future__ import annotations

import ast
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import pytest

CHECKOUT = Path(__file__).resolve().parents[2]
PACKAGES = ("geo", "routing", "portal", "jobs")


@dataclass(frozen=True)
class Source:
    """One module: where it is, its text and its syntax tree."""

    path: Path

    @property
    def name(self) -> str:
        return self.path.relative_to(CHECKOUT).as_posix()

    @cached_property
    def lines(self) -> list[str]:
        return self.path.read_text(encoding="utf-8").splitlines()

    @cached_property
    def tree(self) -> ast.Module:
        return ast.parse("\n".join(self.lines))

    @property
    def functions(self) -> list[ast.FunctionDef | ast.AsyncFunctionDef]:
        return [
            node for node in ast.walk(self.tree) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        ]


@pytest.fixture(scope="session")
def checkout() -> Path:
    return CHECKOUT


@pytest.fixture(scope="session")
def sources() -> list[Source]:
    """Every module of the four packages."""
    found = [Source(path) for package in PACKAGES for path in sorted((CHECKOUT / package).rglob("*.py"))]
    assert len(found) > 150, "the packages are not where this test looks for them"
    return found
