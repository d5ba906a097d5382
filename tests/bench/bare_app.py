"""The barest Flask app that stores what an intake stores: the same rows, one statement, nothing checked."""

from __future__ import annotations

import os
import secrets
from datetime import UTC, datetime
from typing import Any

from flask import Flask, request
from sqlalchemy import func, select

from portal.crypto import new_token
from portal.db import Database, insert_together
from portal.models.ledger import case_file, event
from portal.models.report import clock, report
from portal.models.work import outbox

app = Flask(__name__)
database = Database(os.environ["DATABASE_URL"])
CITY = "linhai.example"


@app.post("/api/v1/reports")
def store() -> tuple[dict[str, str], int]:
    """Insert a report, three events, three clocks and two outbox rows, as DESIGN.md measured it."""
    given: dict[str, Any] = request.get_json()
    now, token, empty = datetime.now(UTC), new_token(), bytes(32)
    with database.transaction() as tx:
        case_id = tx.scalar(select(func.nextval(func.pg_get_serial_sequence("case_file", "id"))))
        head = {"id": case_id, "jurisdiction_id": CITY, "subject": "report", "token": token, "last_seq": 3}
        row = {
            "id": case_id, "jurisdiction_id": CITY, "token": token, "kind": "report", "service_code": "pothole",
            "state": "routed", "priority": "normal", "channel": "api", "locale": "en", "is_anonymous": False,
            "is_private": False, "geom": f"SRID=4326;POINT({given['lon']} {given['lat']})",
            "description": given["description"], "public_text": given["description"], "answers": {},
            "lead_unit": "centre", "assist_units": [], "rule": "fallback", "rulebook_version": 1,
            "confidence": 1, "is_ambiguous": False, "receipt": {}, "public_receipt": {}, "opened_at": now,
            "updated_at": now,
        }  # fmt: skip
        events = [
            {"jurisdiction_id": CITY, "case_id": case_id, "case_seq": n, "at": now, "kind": "request.bare",
             "public": {}, "private_commitment": empty, "prev_hash": empty, "hash": secrets.token_bytes(32)}
            for n in (1, 2, 3)
        ]  # fmt: skip
        clocks = [
            {"jurisdiction_id": CITY, "report_id": case_id, "kind": "unit", "stage": stage, "state": "running",
             "started_at": now, "at_risk_at": now, "due_at": now, "next_at": now, "span_unit": "hours"}
            for stage in ("accept", "first_answer", "resolve")
        ]  # fmt: skip
        jobs = [
            {"jurisdiction_id": CITY, "job": "bare", "payload": {}, "created_at": now, "available_at": now}
            for _ in (1, 2)
        ]
        insert_together(tx, [(case_file, [head | {"last_hash": empty}]), (report, [row]), (event, events),
                             (clock, clocks), (outbox, jobs)])  # fmt: skip
    return {"token": token}, 201
