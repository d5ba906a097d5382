"""Answers `/admin/accounts`: who may sign in and do what; and the page where an invited person chooses a password."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from flask import Blueprint, make_response, redirect, render_template, request
from sqlalchemy import Connection
from werkzeug.wrappers import Response

from portal.errors import Conflict, InvalidInput, NotFound, WenluError
from portal.i18n import N_, Message
from portal.operations.invite_staff import accept_invitation, invite_again, invite_person, invited
from portal.operations.manage_accounts import grant_role, revoke_role, set_active
from portal.queries.accounts import AccountRow, list_accounts
from portal.queries.staff_rights import STAFF_ROLES, Grant
from portal.web import access
from portal.web.admin import READERS, actor, shared
from portal.web.services import reading, services, writing

NO_ACCOUNT = N_("There is no such account.")
NOT_THE_SAME = N_("The two passwords are not the same.")

pages = Blueprint("admin_accounts", __name__)


@pages.get("/admin/accounts")
@access.staff(*READERS)
def index() -> Response:
    """Every account with its roles, and a form to invite somebody."""
    return _list_page(200)


@pages.post("/admin/accounts")
@access.staff("admin")
def invite() -> Response:
    """Make an account; its invitation is shown this once."""
    given = request.form
    try:
        with writing() as tx:
            code = invite_person(
                tx,
                services().context,
                given.get("email", "")[:300],
                given.get("name", ""),
                _grant(given),
                actor(),
            )
    except InvalidInput as refused:
        return _list_page(422, faults=refused.fields)
    except Conflict as refused:
        return _list_page(409, faults={"email": refused.message})
    return _list_page(200, link=_link(code), invited_email=given.get("email", "")[:300])


@pages.get("/admin/accounts/<int:account_id>")
@access.staff(*READERS)
def show(account_id: int) -> Response:
    """One account: its roles, and what can be done with it."""
    return _account_page(200, account_id)


@pages.post("/admin/accounts/<int:account_id>")
@access.staff("admin")
def change(account_id: int) -> Response:
    """Grant, take away, switch off, open again, or invite anew."""
    what = request.form.get("what", "")
    try:
        with writing() as tx:
            row = _found(list_accounts(tx, services().jurisdiction_id), account_id)
            code = _changed(tx, row, what)
    except InvalidInput as refused:
        return _account_page(422, account_id, faults=refused.fields)
    except WenluError as refused:
        return _account_page(409, account_id, refused=refused.message)
    if code:
        return _account_page(200, account_id, link=_link(code))
    return redirect(f"/admin/accounts/{account_id}?done=account", 303)


@pages.get("/desk/invitation/<code>")
@access.public
def welcome(code: str) -> Response:
    """Where an invited person chooses a password."""
    return _welcome_page(200, code)


@pages.post("/desk/invitation/<code>")
@access.public
def accept(code: str) -> Response:
    """Keep the password that was chosen; the invitation is used up."""
    password = request.form.get("password", "")[:300]
    try:
        if password != request.form.get("password_again", "")[:300]:
            raise InvalidInput({"password_again": Message(NOT_THE_SAME)})
        with writing() as tx:
            accept_invitation(tx, services().context, code, password)
    except InvalidInput as refused:
        return _welcome_page(422, code, refused.fields)
    return redirect("/desk/sign-in?note=password", 303)


def _changed(tx: Connection, row: AccountRow, what: str) -> str:
    """Do what was asked; answers the code of an invitation, if that was it."""
    context = services().context
    if what == "grant":
        grant_role(tx, context, row.email, _grant(request.form), actor())
    elif what == "revoke":
        revoke_role(tx, context, row.email, _grant(request.form), actor())
    elif what in {"close", "open"}:
        set_active(tx, context, row.email, what == "open", actor())
    elif what == "invite":
        return invite_again(tx, context, row.email, actor())
    return ""


def _grant(given: Mapping[str, str]) -> Grant:
    return Grant(given.get("role", ""), given.get("unit", ""))


def _link(code: str) -> str:
    return f"{services().settings.public_url}/desk/invitation/{code}"


def _found(rows: list[AccountRow], account_id: int) -> AccountRow:
    row = next((each for each in rows if each.account_id == account_id), None)
    if row is None:
        raise NotFound(Message(NO_ACCOUNT))
    return row


def _list_page(status: int, **more: Any) -> Response:
    with reading() as tx:
        rows = list_accounts(tx, services().jurisdiction_id)
    sought = request.args.get("q", "").strip()[:100].casefold()
    found = [
        row
        for row in rows
        if sought
        in f"{row.email} {row.name} {' '.join(f'{g.role} {g.unit_code}' for g in row.grants)}".casefold()
    ]
    given = {"faults": {}, "link": "", "sought": sought, "roles": STAFF_ROLES} | more
    page = render_template("staff/admin/accounts.html", rows=found, **given, **shared())
    return make_response(page, status)


def _account_page(status: int, account_id: int, **more: Any) -> Response:
    with reading() as tx:
        row = _found(list_accounts(tx, services().jurisdiction_id), account_id)
    given = {"faults": {}, "link": "", "refused": None, "roles": STAFF_ROLES} | more
    return make_response(render_template("staff/admin/account.html", row=row, **given, **shared()), status)


def _welcome_page(status: int, code: str, faults: Mapping[str, Message] | None = None) -> Response:
    with writing() as tx:
        row = invited(tx, services().context, code)
    page = render_template("staff/admin/welcome.html", email=row.email, faults=faults or {})
    return make_response(page, status)
