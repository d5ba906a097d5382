"""A copy of the demo pack that a test may spoil."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from datetime import date
from pathlib import Path

import pytest

from portal.pack.check import check
from portal.pack.model import Finding
from portal.pack.reader import read_pack

TODAY = date(2026, 11, 20)
DEMO = Path(__file__).resolve().parents[2] / "portal" / "demo" / "linhai"


@pytest.fixture
def demo() -> Path:
    return DEMO


@pytest.fixture
def pack_folder(tmp_path: Path) -> Path:
    return Path(shutil.copytree(DEMO, tmp_path / "linhai"))


@pytest.fixture
def spoil(pack_folder: Path) -> Callable[[str, str | None, str | None], Path]:
    """Replace a passage that stands once in a file; None deletes the file, a missing passage appends."""

    def change(name: str, old: str | None, new: str | None) -> Path:
        path = pack_folder / name
        if new is None:
            path.unlink()
            return pack_folder
        text = path.read_text(encoding="utf-8") if path.exists() else ""
        if old is None:
            path.write_text(text + new, encoding="utf-8")
            return pack_folder
        assert text.count(old) == 1, f"{old!r} stands {text.count(old)} times in {name}"
        path.write_text(text.replace(old, new), encoding="utf-8")
        return pack_folder

    return change


@pytest.fixture
def findings_after(spoil: Callable[[str, str | None, str | None], Path]) -> Callable[..., list[Finding]]:
    """Spoil the demo pack and return what the check finds."""
    return lambda name, old, new: check(read_pack(spoil(name, old, new)), TODAY)
