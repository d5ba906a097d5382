"""Knows where private servers are: their programs, their data folders, and short folders for sockets."""

from __future__ import annotations

import os
import shutil
import stat
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

from portal.cli import processes
from portal.cli.processes import Account
from portal.errors import WenluError

SOCKET_PATH_LIMIT = 107
OLDEST_POSTGRES = 14


class ServerError(WenluError):
    """A private server cannot be run; the message says why in one line."""


def postgres_programs(version: str | None = None) -> Path:
    """The folder with the programs of the newest PostgreSQL (or that major version) that has PostGIS."""
    found = {major: folder for major, folder in _installations() if (folder / "postgres").exists()}
    usable = [major for major in found if version in (None, str(major)) and major >= OLDEST_POSTGRES]
    if not usable:
        wanted = f"PostgreSQL {version}" if version else f"PostgreSQL {OLDEST_POSTGRES} or newer"
        raise ServerError(
            f"{wanted} with PostGIS is not installed; `make run` installs it, or set DATABASE_URL"
        )
    return found[max(usable)]


def _installations() -> Iterator[tuple[int, Path]]:
    """Major versions with PostGIS: Debian's layout first, then whatever `pg_config` on the path describes."""
    for control in Path("/usr/share/postgresql").glob("*/extension/postgis.control"):
        yield (
            int(control.parent.parent.name),
            Path("/usr/lib/postgresql") / control.parent.parent.name / "bin",
        )
    if program := shutil.which("pg_config"):
        asked = [program, "--bindir", "--sharedir", "--version"]
        answer = subprocess.run(asked, capture_output=True, text=True, check=False).stdout.splitlines()
        if len(answer) == 3 and (Path(answer[1]) / "extension/postgis.control").exists():
            yield int("".join(c for c in answer[2].split()[1].split(".")[0] if c.isdigit())), Path(answer[0])


def redis_program() -> str:
    """The Redis server; `redis-check-rdb` is the same program, and what it does depends on its `argv[0]`."""
    for name in ("redis-server", "valkey-server", "redis-check-rdb"):
        if program := shutil.which(name):
            return program
    raise ServerError("Redis is not installed; `make run` installs it, or set REDIS_URL")


def socket_folder(home: Path) -> Path:
    """A short folder for the sockets of one home: socket paths over 107 bytes fail."""
    name = f"wenlu-{processes.short_hash(home)}"
    candidates = [Path("/run")] if os.geteuid() == 0 and os.access("/run", os.W_OK) else []
    candidates += [Path(tempfile.gettempdir()), Path("/tmp")]  # noqa: S108 - the folder is checked before use
    for parent in candidates:
        if len(os.fsencode(parent / name / ".s.PGSQL.5432.lock")) <= SOCKET_PATH_LIMIT:
            return parent / name
    raise ServerError("no folder with a short enough name for sockets; set TMPDIR to a short one")


def make_socket_folder(folder: Path, account: Account | None) -> None:
    """Make it for the server's account only; refuse one that somebody else put there first."""
    make_owned_folder(folder, account)
    found = folder.lstat()
    expected = account.uid if account else os.geteuid()
    if not stat.S_ISDIR(found.st_mode) or found.st_uid != expected or found.st_mode & 0o077:
        raise ServerError(f"{folder} is not a private folder of ours; remove it")


def make_owned_folder(folder: Path, account: Account | None) -> None:
    """Make a folder (0700) that belongs to the server's account."""
    try:
        folder.mkdir(mode=0o700, parents=True)
    except FileExistsError:
        return
    if account:
        os.chown(folder, account.uid, account.gid)


def data_place(home: Path, account: Account | None) -> Path:
    """Where the data folders go: the home, or `/var/lib/wenlu/<hash>` when the account cannot reach into it.

    A cluster that exists already decides, so that a later change of a parent's mode loses nobody's data.
    """
    elsewhere = Path("/var/lib/wenlu") / processes.short_hash(home)
    if account is None:
        return home
    if (elsewhere / "postgres" / "PG_VERSION").exists() or not _can_reach(home, account):
        if (home / "postgres" / "PG_VERSION").exists():
            raise ServerError(
                f"{home / 'postgres'} holds the database, but {account.name} cannot reach into {home}"
            )
        elsewhere.mkdir(mode=0o711, parents=True, exist_ok=True)
        return elsewhere
    return home


def make_home(home: Path) -> None:
    """Make a home folder that others cannot list, yet the database's account can pass through."""
    home.mkdir(mode=0o711, parents=True, exist_ok=True)


def _can_reach(home: Path, account: Account) -> bool:
    make_home(home)
    asked = ["test", "-x", str(home)]
    return subprocess.run(asked, check=False, cwd="/", **processes.as_account(account)).returncode == 0
