"""Knows who may call each route: every view declares it, and an undeclared route is refused at registration."""

from __future__ import annotations

import hmac
from collections.abc import Callable
from dataclasses import dataclass
from ipaddress import ip_address
from typing import Any, Literal, Protocol, TypeVar
from urllib.parse import urlencode

from flask import Flask, current_app, g, redirect, request
from werkzeug.wrappers import Response

from portal.errors import Forbidden
from portal.i18n import N_
from portal.web.services import services

View = TypeVar("View", bound=Callable[..., Any])
SIGN_IN_PATH = "/desk/sign-in"
STAFF_FINDER = "wenlu_staff_finder"
NOT_YOURS = N_("You do not have the right to see this page.")
OPERATORS_ONLY = N_("This address answers on the machine itself only.")


@dataclass(frozen=True, slots=True)
class Access:
    """Who may call: everybody, staff (with one of `roles`, or any role), or an operator on the machine."""

    audience: Literal["public", "staff", "operator"]
    roles: frozenset[str] = frozenset()


class StaffMember(Protocol):
    """What the sign-in must know of a person for the access check."""

    @property
    def roles(self) -> frozenset[str]:
        """Every role that the person has somewhere."""


class UndeclaredRoute(TypeError):
    """A route does not say who may call it."""


def public(view: View) -> View:
    """Everybody may call this view."""
    return _declare(view, Access("public"))


def staff(*roles: str) -> Callable[[View], View]:
    """Signed-in staff may call this view: those with one of the roles, or all when none is named."""
    return lambda view: _declare(view, Access("staff", frozenset(roles)))


def operator(view: View) -> View:
    """Only a program on this machine may call this view, or one that sends the operator's token."""
    return _declare(view, Access("operator"))


def declared(view: Callable[..., Any]) -> Access | None:
    """What a view declares."""
    return getattr(view, "access", None)


def _declare(view: View, access: Access) -> View:
    view.access = access  # type: ignore[attr-defined]
    return view


class GuardedFlask(Flask):
    """A Flask application that takes no route without a declaration."""

    def add_url_rule(
        self, rule: str, endpoint: str | None = None, view_func: Any = None, *args: Any, **options: Any
    ) -> None:
        """Register a route; UndeclaredRoute where its view does not say who may call it."""
        if view_func is not None and declared(view_func) is None:
            raise UndeclaredRoute(
                f"{rule} ({endpoint}) needs @access.public, @access.staff or @access.operator"
            )
        super().add_url_rule(rule, endpoint, view_func, *args, **options)


def set_staff_finder(app: Flask, find: Callable[[], StaffMember | None]) -> None:
    """Tell the access check how the person behind a request is found; the result becomes `g.staff`."""
    app.extensions[STAFF_FINDER] = find


def enforce() -> Response | None:
    """Before every request: let it pass, send staff to sign in, or refuse (Forbidden)."""
    view = current_app.view_functions.get(request.endpoint or "")
    access = declared(view) if view else None
    if access is None or access.audience == "public":
        return None
    if access.audience == "operator":
        if not _has_token():
            _only_from_here()
        return None
    return _only_staff(access.roles)


def _has_token() -> bool:
    """Whether this is the operator's own program elsewhere."""
    scheme, _, given = request.headers.get("Authorization", "").partition(" ")
    if scheme.lower() != "bearer":
        return False
    token = services().settings.metrics_token
    return bool(token) and hmac.compare_digest(given.strip().encode(), token.encode())


def _only_from_here() -> None:
    # A proxy on this machine would make everybody look local, so a forwarded request never counts as such.
    is_forwarded = "X-Forwarded-For" in request.headers or "Forwarded" in request.headers
    try:
        is_here = ip_address(request.remote_addr or "").is_loopback
    except ValueError:
        is_here = request.remote_addr in ("", None) and "REMOTE_ADDR" in request.environ  # a Unix socket
    if not is_here or is_forwarded:
        raise Forbidden(OPERATORS_ONLY)


def _only_staff(roles: frozenset[str]) -> Response | None:
    find = current_app.extensions.get(STAFF_FINDER)
    g.staff = person = find() if find else None
    if person is None:
        target = request.full_path.rstrip("?") if request.method == "GET" else request.path
        return redirect(SIGN_IN_PATH + "?" + urlencode({"next": target}), 303)
    if roles and not roles & person.roles:
        raise Forbidden(NOT_YOURS)
    return None
