"""Knows how to start a child that dies with its parent, and how to end what a killed parent left."""

from __future__ import annotations

import contextlib
import ctypes
import hashlib
import os
import pwd
import shutil
import signal
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

MARK = "WENLU_SUPERVISED"
PREPARING = "Preparing: "  # begins each step that `portal.cli.prepare` says
PR_SET_PDEATHSIG = 1
LOG_LIMIT_BYTES = 10_000_000
PROC = Path("/proc")


@dataclass(frozen=True, slots=True)
class Account:
    """The unprivileged account that servers run as when we are root."""

    name: str
    uid: int
    gid: int


@dataclass(frozen=True, slots=True)
class Command:
    """One program to start: `executable` differs from `argv[0]` where a program looks at its own name."""

    argv: Sequence[str]
    log: Path
    env: Mapping[str, str]
    cwd: Path
    executable: str | None = None
    account: Account | None = None
    death_signal: signal.Signals = signal.SIGTERM


def unprivileged_account() -> Account | None:
    """Who servers run as: `postgres` or `nobody` when we are root, None (ourselves) otherwise."""
    if os.geteuid() != 0:
        return None
    for name in ("postgres", "nobody"):
        with contextlib.suppress(KeyError):
            entry = pwd.getpwnam(name)
            return Account(name, entry.pw_uid, entry.pw_gid)
    return Account("65534", 65534, 65534)


def short_hash(home: Path) -> str:
    """Ten characters that stand for a home folder in names of sockets and processes."""
    return hashlib.sha256(str(home.resolve()).encode()).hexdigest()[:10]


def spawn(command: Command) -> subprocess.Popen[bytes]:
    """Start a program in a session of its own (Ctrl-C reaches only us), its output added to its log.

    The kernel sends it `death_signal` when we die, however we die.
    """
    with _open_log(command.log) as log:
        return subprocess.Popen(
            list(command.argv),
            executable=command.executable,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
            cwd=command.cwd,
            env=dict(command.env),
            start_new_session=True,
            preexec_fn=_die_with_parent(command.death_signal),
            **as_account(command.account),
        )


def as_account(account: Account | None) -> dict[str, Any]:
    """The arguments that make `subprocess` change to the account before it runs the program."""
    return {} if account is None else {"user": account.uid, "group": account.gid, "extra_groups": []}


def _die_with_parent(death_signal: signal.Signals) -> Callable[[], None] | None:
    """Runs in the child after the change of account, because that change clears the setting."""
    try:
        prctl = ctypes.CDLL(None, use_errno=True).prctl
    except (OSError, AttributeError):  # not Linux: a next start cleans up instead
        return None
    parent = os.getpid()

    def arrange() -> None:
        prctl(PR_SET_PDEATHSIG, int(death_signal), 0, 0, 0)
        if os.getppid() != parent:  # it died between the fork and here
            os._exit(1)

    return arrange


def _open_log(path: Path) -> IO[bytes]:
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    keep_small(path)
    return os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600), "ab")


def keep_small(path: Path) -> None:
    """Set a log that grew too long aside; what writes to it appends, so it goes on at the start."""
    if path.exists() and path.stat().st_size > LOG_LIMIT_BYTES:
        shutil.copyfile(path, path.with_suffix(".old.log"))
        os.truncate(path, 0)


def last_lines(path: Path, count: int = 12) -> str:
    """The end of a log, for an error message."""
    try:
        return "\n".join(path.read_text(errors="replace").splitlines()[-count:])
    except OSError:
        return ""


def end(process: subprocess.Popen[bytes], first: signal.Signals, seconds: float) -> None:
    """Ask a child to stop, wait, then kill it and its group; returns once it is reaped."""
    process.send_signal(first)  # does nothing once it has ended
    try:
        process.wait(seconds)
    except subprocess.TimeoutExpired:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def end_leftovers(is_ours: Callable[[int], bool], first: signal.Signals, seconds: float = 10.0) -> int:
    """End every process that `is_ours` recognises, asking first; returns how many there were.

    Each is recognised again right before a signal: its number may have come to mean another process.
    """
    found = [pid for pid in process_ids() if is_ours(pid)]
    for sign, wait in ((first, seconds), (signal.SIGKILL, 5.0)):
        for pid in found:
            _signal_if(pid, is_ours, sign)
        until = time.monotonic() + wait
        while any(is_ours(pid) for pid in found) and time.monotonic() < until:
            time.sleep(0.05)
    return len(found)


def _signal_if(pid: int, is_ours: Callable[[int], bool], sign: signal.Signals) -> None:
    if is_ours(pid):
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.kill(pid, sign)


def process_ids() -> Iterator[int]:
    """Every process but this one; none where there is no /proc."""
    if PROC.is_dir():
        yield from (
            int(entry.name)
            for entry in PROC.iterdir()
            if entry.name.isdigit() and int(entry.name) != os.getpid()
        )


def is_marked(pid: int, mark: str) -> bool:
    """Whether a supervisor of this home started the process or its parent: the environment says so."""
    return f"{MARK}={mark}".encode() in _read(pid, "environ").split(b"\0") and not _is_dead(pid)


def arguments(pid: int) -> list[str]:
    """A process's command line; empty when it is gone, dead or another user's."""
    return [] if _is_dead(pid) else _read(pid, "cmdline").decode(errors="replace").split("\0")


def works_in(pid: int, folder: Path) -> bool:
    """Whether a process works in `folder`, as each part of a PostgreSQL server does in its data."""
    try:
        return os.readlink(PROC / str(pid) / "cwd") == str(folder) and not _is_dead(pid)
    except OSError:
        return False


def _read(pid: int, name: str) -> bytes:
    try:
        return (PROC / str(pid) / name).read_bytes()
    except OSError:
        return b""


def _is_dead(pid: int) -> bool:
    """Gone, or a zombie that only waits to be reaped."""
    state = _read(pid, "stat").rpartition(b")")[2].split()
    return not state or state[0] in (b"Z", b"X")
