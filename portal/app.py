"""Puts the web application together: its parts, its safeguards, its pages and its API."""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Iterator
from types import ModuleType

import portal.api
import portal.web
from portal.api.problems import problem_face
from portal.settings import Settings
from portal.web import access, assets, csrf, errors, health, locale, security
from portal.web.services import EXTENSION, make_services

FACES = (("/api/", problem_face),)
# Have no routes, and folium and reportlab take longer to import than all the rest: the pages that draw fetch them.
LATE = frozenset({"maps", "work_order_pdf"})


def create_app(settings: Settings | None = None) -> access.GuardedFlask:
    """The WSGI application; settings are read from the environment where none are given."""
    settings = settings or Settings.from_environ()
    app = access.GuardedFlask("portal", static_folder=None, template_folder="templates")
    app.json.ensure_ascii = False  # type: ignore[attr-defined]
    app.jinja_env.trim_blocks = app.jinja_env.lstrip_blocks = True
    app.extensions[EXTENSION] = make_services(settings)
    health.install(app)
    security.install(app, settings)
    locale.install(app)
    csrf.install(app)
    app.before_request(access.enforce)
    errors.install(app, FACES)
    assets.install(app)
    for module in web_modules():
        if (found := getattr(module, "pages", None)) is not None:
            app.register_blueprint(found)
        if (find := getattr(module, "find_staff", None)) is not None:
            access.set_staff_finder(app, find)
    return app


def web_modules() -> Iterator[ModuleType]:
    """Every module of the two faces: one with `pages` has routes, one with `find_staff` knows who is signed in."""
    for package in (portal.web, portal.api):
        for found in sorted(pkgutil.iter_modules(package.__path__), key=lambda each: each.name):
            if not found.ispkg and found.name not in LATE:
                yield importlib.import_module(f"{package.__name__}.{found.name}")
