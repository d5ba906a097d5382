"""The demo city behind the real application, called as a program calls it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient

from portal.app import create_app
from portal.operations.load_city import DEMO, load_city_folder
from portal.settings import Settings


@pytest.fixture(scope="module")
def app(database_url: str, redis_url: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Flask]:
    home = tmp_path_factory.mktemp("home")
    settings = Settings.from_environ(
        {"WENLU_HOME": str(home), "DATABASE_URL": database_url, "REDIS_URL": redis_url}
    )
    made = create_app(replace(settings, public_url="http://localhost"))
    load_city_folder(made.extensions["wenlu"].database, DEMO / "linhai")
    yield made
    made.extensions["wenlu"].database.dispose()


@pytest.fixture
def client(app: Flask) -> FlaskClient:
    """A program that reads English and keeps no cookies."""
    made = app.test_client(use_cookies=False)
    made.environ_base["HTTP_ACCEPT_LANGUAGE"] = "en"
    return made


@pytest.fixture
def body() -> Callable[..., dict[str, Any]]:
    """A sound report as JSON, with changes; None leaves a field out."""

    def make(**changes: Any) -> dict[str, Any]:
        given = {
            "service_code": "park-repair", "lon": 121.640, "lat": 29.185, "accuracy_m": 10,
            "description": "The bench is broken",
        } | changes  # fmt: skip
        return {name: value for name, value in given.items() if value is not None}

    return make
