"""Knows the demo's accounts: one for each role, with random passwords in a file that only its owner reads."""

from __future__ import annotations

import json
import os
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Row, func, select

from portal.errors import Forbidden, NotReady
from portal.i18n import N_, Message
from portal.models.city import jurisdiction_table, unit
from portal.models.people import account
from portal.models.report import report
from portal.operations.context import Context
from portal.operations.manage_accounts import NewAccount, add_account, set_password
from portal.operations.passwords import new_password
from portal.queries.accounts import account_by_email, grants_of
from portal.queries.staff_rights import STAFF_ROLES, WHOLE_CITY, Grant

FILE_NAME = "demo_accounts.json"
# Where everyday cases arrive, from the most to the least likely; any other unit will do as well.
HANDLING_LEVELS = ("street", "department", "community", "contractor", "district")


def ensure_demo_accounts(tx: Connection, context: Context, folder: Path, *, is_allowed: bool) -> Path:
    """Make one account per role in the demo city and write their passwords to a 0600 file in `folder`.

    Done again it changes nothing; where the file was lost it sets new passwords. `is_allowed`: the server
    listens on the loopback address, or its operator said so. Forbidden otherwise, and in a real city.
    """
    if not is_allowed:
        raise Forbidden(Message(N_("Demo accounts are switched off on this server.")))
    city = tx.execute(
        select(jurisdiction_table).where(jurisdiction_table.c.id == context.jurisdiction_id)
    ).one_or_none()
    if city is None or not city.is_demo:
        raise Forbidden(Message(N_("Only the demo city has demo accounts.")))
    path, people = folder / FILE_NAME, _people(tx, city)
    if not (_is_complete(tx, context, people) and path.is_file()):
        _write_private(path, [_make(tx, context, grant, email) for grant, email in people])
    return path


def read_demo_accounts(folder: Path) -> list[dict[str, str]]:
    """The demo's accounts as written: role, unit, email, password; empty where there are none."""
    try:
        return list(json.loads((folder / FILE_NAME).read_text(encoding="utf-8")))
    except FileNotFoundError:
        return []


def _people(tx: Connection, city: Row[Any]) -> list[tuple[Grant, str]]:
    units = tx.execute(
        select(unit.c.unit_code, unit.c.parent, unit.c.level)
        .where(unit.c.jurisdiction_id == city.id, unit.c.is_active)
        .order_by(unit.c.position, unit.c.unit_code)
    ).all()
    handling = _handling_unit(units, city.coordination_unit, _open_cases(tx, city.id))
    above = handling.parent if handling.parent not in (None, city.coordination_unit) else handling.unit_code
    places = {"handler": handling.unit_code, "unit_head": above, "dispatcher": city.coordination_unit}
    domain = city.id if "." in city.id else f"{city.id}.example"
    return [(Grant(role, places.get(role, WHOLE_CITY)), f"{role}@{domain}") for role in STAFF_ROLES]


def _open_cases(tx: Connection, jurisdiction_id: str) -> Mapping[str, int]:
    counted = (
        select(report.c.lead_unit, func.count().label("number"))
        .where(report.c.jurisdiction_id == jurisdiction_id, report.c.closed_at.is_(None))
        .group_by(report.c.lead_unit)
    )
    return {row.lead_unit: row.number for row in tx.execute(counted)}


def _handling_unit(units: Sequence[Any], coordination_unit: str, open_cases: Mapping[str, int]) -> Any:
    """A desk with something on it; in an empty city the first office of the usual level."""
    others = [row for row in units if row.unit_code != coordination_unit] or list(units)
    if not others:
        raise NotReady(Message(N_("No city has been loaded yet.")))
    ranks = {level: rank for rank, level in enumerate(HANDLING_LEVELS)}
    return min(others, key=lambda row: (-open_cases.get(row.unit_code, 0), ranks.get(row.level, len(ranks))))


def _is_complete(tx: Connection, context: Context, people: list[tuple[Grant, str]]) -> bool:
    emails = [email for _, email in people]
    found = select(account.c.email).where(
        account.c.jurisdiction_id == context.jurisdiction_id, account.c.email.in_(emails)
    )
    return len(tx.execute(found).all()) == len(emails)


def _make(tx: Connection, context: Context, grant: Grant, email: str) -> dict[str, str]:
    password = new_password()
    known = account_by_email(tx, context.jurisdiction_id, email)
    if known is None:
        name = f"Demo {grant.role.replace('_', ' ')}"
        add_account(tx, context, NewAccount(email, name, password, is_demo=True), grant)
    else:
        set_password(tx, context, email, password)
        grant = next(iter(grants_of(tx, known.id)), grant)
    return {"role": grant.role, "unit": grant.unit_code, "email": email, "password": password}


def _write_private(path: Path, rows: list[dict[str, str]]) -> None:
    """Whole or not at all, and never readable by others, not even for a moment."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    handle, temporary = tempfile.mkstemp(dir=path.parent)  # made with mode 0600
    with os.fdopen(handle, "w", encoding="utf-8") as out:
        json.dump(rows, out, indent=1)
        out.write("\n")
    os.replace(temporary, path)
