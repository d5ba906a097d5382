"""Every job that is named anywhere can be found, has a queue, and its queue has a worker."""

from __future__ import annotations

import inspect
import re
import subprocess
import sys
from pathlib import Path

import pytest

from jobs.cron import find_job
from jobs.outbox import TIMEOUT_S
from jobs.runtime import DEFAULT_LEASE_S
from jobs.schedule import SCHEDULE
from jobs.worker import FORKED_QUEUES
from portal.queue import QUEUE_OF, QUEUES

CHECKOUT = Path(__file__).resolve().parents[2]
NAME = re.compile(r"[\"'](jobs\.[a-z_]+\.[a-z_]+)[\"']")


def named_in_the_code() -> set[str]:
    files = (path for top in ("portal", "jobs", "routing", "geo") for path in (CHECKOUT / top).rglob("*.py"))
    return {name for path in files for name in NAME.findall(path.read_text(encoding="utf-8"))}


def test_names_are_found_in_the_code() -> None:
    assert {"jobs.messages.deliver_message", "jobs.media.prepare_photo"} <= named_in_the_code()


@pytest.mark.parametrize("name", sorted(named_in_the_code() | set(QUEUE_OF) | {one.job for one in SCHEDULE}))
def test_every_job_name_resolves_and_has_a_queue(name: str) -> None:
    assert inspect.isfunction(find_job(name))
    assert QUEUE_OF[name] in QUEUES, "the worker listens on these by default"


@pytest.mark.parametrize("name", sorted(QUEUE_OF))
def test_a_job_takes_an_id_or_nothing_and_is_short(name: str) -> None:
    job, scheduled = find_job(name), {one.job for one in SCHEDULE}
    assert list(inspect.signature(job).parameters) == ([] if name in scheduled else ["outbox_id"])
    assert len(inspect.getsource(job).splitlines()) <= 20


def test_a_worker_listens_on_every_queue_by_default() -> None:
    from jobs.__main__ import _parser

    assert _parser().parse_args(["worker"]).queues.split(",") == list(QUEUES)
    assert set(QUEUE_OF.values()) | FORKED_QUEUES == set(QUEUES)


def test_a_lease_outlasts_the_longest_job() -> None:
    assert DEFAULT_LEASE_S > TIMEOUT_S


def test_jobs_never_reach_flask() -> None:
    modules = {"jobs.worker", "jobs.outbox", "jobs.cron"} | {name.rpartition(".")[0] for name in QUEUE_OF}
    asked = f"import sys, {', '.join(sorted(modules))}; print([m for m in sys.modules if m == 'flask'])"
    done = subprocess.run(
        [sys.executable, "-c", asked], cwd=CHECKOUT, check=True, capture_output=True, text=True
    )
    assert done.stdout.strip() == "[]"


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        pytest.param([], "required: process", id="no process"),
        pytest.param(["relay"], "set DATABASE_URL and REDIS_URL", id="no servers"),
    ],
)
def test_what_cannot_start_says_why_in_one_line(arguments: list[str], said: str, tmp_path: Path) -> None:
    environment = {"WENLU_HOME": str(tmp_path), "PATH": "/usr/bin:/bin"}
    command = [sys.executable, "-m", "jobs", *arguments]
    done = subprocess.run(command, cwd=CHECKOUT, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode != 0
    assert said in done.stderr
    assert "Traceback" not in done.stderr
