"""Knows how to keep a set of child processes running: started, watched, started again, stopped in order."""

from __future__ import annotations

import contextlib
import signal
import subprocess
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from portal.cli import processes
from portal.cli.places import ServerError
from portal.cli.processes import Command
from portal.cli.servers import PrivateServer

FIRST_DELAY = 1.0
LONGEST_DELAY = 30.0
STEADY_SECONDS = 60.0
STOP_SECONDS = 5.0
PAUSE_SECONDS = 0.25


@dataclass(slots=True)
class Program:
    """One of our own programs (web, worker, relay, cron) as a child process. `may_end`: it has an end of its own."""

    name: str
    command: Command
    may_end: bool = False
    process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start it; it gets ready in its own time."""
        self.process = processes.spawn(self.command)

    def is_running(self) -> bool:
        """Whether the child lives."""
        return self.process is not None and self.process.poll() is None

    def is_done(self) -> bool:
        """Whether it came to its own end."""
        return self.may_end and self.process is not None and self.process.poll() == 0


@dataclass(slots=True)
class Watch:
    """A child under watch: when it was last started, how often it fell in a row, when it is tried again."""

    child: Program | PrivateServer
    started: float = field(default_factory=time.monotonic)
    falls: int = 0
    retry_at: float | None = None

    def look(self, now: float, say: Callable[[str], None]) -> None:
        """Start a child that ended again: after a second, then twice as long each time, 30 seconds at most."""
        if isinstance(self.child, Program) and self.child.is_done():
            return
        if self.retry_at is not None:
            if now >= self.retry_at:
                self._start_again(now, say)
        elif not self.child.is_running():
            self.falls = 1 if now - self.started > STEADY_SECONDS else self.falls + 1
            delay = min(FIRST_DELAY * 2 ** (self.falls - 1), LONGEST_DELAY)
            self.retry_at = now + delay
            say(f"{self.child.name} ended unexpectedly; starting it again in {delay:.0f} s")

    def _start_again(self, now: float, say: Callable[[str], None]) -> None:
        self.started, self.retry_at = now, None
        try:
            self.child.start()
        except (ServerError, OSError) as error:
            say(str(error).splitlines()[0])


def wait_until(is_ready: Callable[[], bool], program: Program, seconds: float) -> None:
    """Wait for readiness; ServerError with the end of the log when the program ends or time runs out."""
    until = time.monotonic() + seconds
    while not is_ready():
        if not program.is_running():
            raise ServerError(f"{program.name} could not start:\n{processes.last_lines(program.command.log)}")
        if time.monotonic() > until:
            raise ServerError(
                f"{program.name} was not ready after {seconds:.0f} s; see {program.command.log}"
            )
        time.sleep(0.05)


def watch(children: Sequence[Program | PrivateServer], say: Callable[[str], None]) -> None:
    """Keep the children running until interrupted (KeyboardInterrupt)."""
    watches = [Watch(child) for child in children]
    while True:
        now = time.monotonic()
        for each in watches:
            each.look(now, say)
            processes.keep_small(
                each.child.log if isinstance(each.child, PrivateServer) else each.child.command.log
            )
        time.sleep(PAUSE_SECONDS)


def stop_all(programs: Sequence[Program]) -> None:
    """Ask all to stop at once, give them a few seconds together, kill the rest."""
    living = [program.process for program in programs if program.process is not None and program.is_running()]
    for process in living:
        process.send_signal(signal.SIGTERM)
    until = time.monotonic() + STOP_SECONDS
    for process in living:
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(max(until - time.monotonic(), 0.01))
    for process in living:
        processes.end(process, signal.SIGKILL, 1.0)
