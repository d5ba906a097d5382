"""A process that is killed in the middle of its work leaves only whole reports."""

from __future__ import annotations

import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text

from portal.operations.seal_events import seal_events
from portal.operations.verify_ledger import verify_ledger

CHECKOUT = Path(__file__).resolve().parents[2]
# Four threads file reports as fast as they can, and say each number only once it is committed.
INTAKE = """
import sys, threading, uuid
from pathlib import Path
from portal.crypto import Keyring
from portal.db import Database
from portal.operations.context import Context
from portal.operations.submission import Contact, Submission
from portal.operations.submit_report import submit_report
from portal.storage import FileStore

url, folder = sys.argv[1:]
database = Database(url)
context = Context("linhai.example", Keyring("a secret of the tests"), FileStore(Path(folder)))

def file_reports():
    while True:
        given = Submission(
            "pothole", 121.5549, 29.15, 5.0, answers={"depth": ("large",)}, description="A hole.",
            client_request_id=uuid.uuid4(), contact=Contact(email="li@mail.example"),
        )
        with database.transaction() as tx:
            filed = submit_report(tx, context, given)
        sys.stdout.write(filed.token + "\\n")
        sys.stdout.flush()

for _ in range(4):
    threading.Thread(target=file_reports).start()
"""
BROKEN = {
    "reports without a case file": "SELECT token FROM report WHERE id NOT IN (SELECT id FROM case_file)",
    "case files without a report":
        "SELECT token FROM case_file WHERE subject = 'report' AND id NOT IN (SELECT id FROM report)",
    "reports without both events":
        "SELECT token FROM report AS r WHERE (SELECT count(*) FROM event WHERE case_id = r.id) <> 2",
    "reports without their private parts":
        "SELECT token FROM report AS r WHERE (SELECT count(*) FROM event_private WHERE case_id = r.id) <> 2",
    "reports without four clocks":
        "SELECT token FROM report AS r WHERE (SELECT count(*) FROM clock WHERE report_id = r.id) <> 4",
    "reports without contact": "SELECT token FROM report WHERE id NOT IN (SELECT report_id FROM contact)",
    "reports without both messages": "SELECT token FROM report AS r WHERE "
        "(SELECT count(*) FROM outbox WHERE CAST(payload->>'report_id' AS bigint) = r.id) <> 2",
    "messages without a report": "SELECT CAST(id AS text) FROM outbox WHERE "
        "CAST(payload->>'report_id' AS bigint) NOT IN (SELECT id FROM report)",
    "events that nobody will seal": "SELECT CAST(id AS text) FROM event WHERE id NOT IN "
        "(SELECT event_id FROM event_pending UNION SELECT event_id FROM event_seal)",
}  # fmt: skip


def file_until_killed(url: str, folder: Path, after: int) -> set[str]:
    """The numbers that a process said before it was killed at its `after`-th report."""
    command = [sys.executable, "-c", INTAKE, url, str(folder)]
    with subprocess.Popen(command, cwd=CHECKOUT, stdout=subprocess.PIPE, text=True) as child:
        assert child.stdout is not None
        said = [child.stdout.readline().strip() for _ in range(after)]
        child.send_signal(signal.SIGKILL)
        said += [line.strip() for line in child.stdout if line.endswith("\n")]
    assert child.returncode == -signal.SIGKILL
    return set(said)


@pytest.mark.faults
def test_a_killed_intake_leaves_only_whole_reports(linhai: Any, database_url: str, tmp_path: Path) -> None:
    said: set[str] = set()
    for after in (5, 23, 40):
        said |= file_until_killed(database_url, tmp_path, after)
    assert len(said) >= 68
    with linhai.database.reading() as tx:
        stored = set(tx.scalars(text("SELECT token FROM report")))
        left = {what: list(tx.scalars(text(query))) for what, query in BROKEN.items()}
    assert said <= stored, "a report that was promised is lost"
    assert len(stored) <= len(said) + 3 * 4, "more than one for each thread was stored and not said"
    assert {what: rows for what, rows in left.items() if rows} == {}
    with linhai.database.transaction() as tx:
        assert seal_events(tx) >= 2 * len(said)
    with linhai.database.reading() as tx:
        assert verify_ledger(tx).faults == []
    linhai.file()  # nobody holds a lock
