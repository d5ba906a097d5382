"""Knows where files lie: originals apart from what may be served, written whole or not at all."""

from __future__ import annotations

import os
import re
import tempfile
from pathlib import Path

_NAME = re.compile(r"[0-9A-Za-z_-]{8,40}/[a-z]{1,12}(\.[a-z]{2,5})?")


class FileStore:
    """A local folder of files named `<token>/<part>`; every web and worker process shares it."""

    def __init__(self, root: Path) -> None:
        self.root = root

    def path(self, name: str) -> Path:
        """Where a file lies; ValueError for a name that is not ours."""
        if not _NAME.fullmatch(name):
            raise ValueError(f"not a file name of this store: {name!r}")
        return self.root / name[:2] / name

    def put(self, name: str, content: bytes) -> None:
        """Write a file so that a crash leaves either all of it or nothing."""
        target = self.path(name)
        target.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        handle, temporary = tempfile.mkstemp(dir=target.parent)
        try:
            with os.fdopen(handle, "wb") as out:
                out.write(content)
                out.flush()
                os.fsync(out.fileno())
            os.replace(temporary, target)
        except BaseException:
            Path(temporary).unlink(missing_ok=True)
            raise

    def get(self, name: str) -> bytes:
        """The content; FileNotFoundError where there is none."""
        return self.path(name).read_bytes()

    def has(self, name: str) -> bool:
        """Whether the file exists."""
        return self.path(name).is_file()

    def delete(self, name: str) -> None:
        """Remove the file if it is there."""
        self.path(name).unlink(missing_ok=True)
