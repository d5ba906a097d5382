"""A live server on the loopback address with the demo city, and a real browser in front of it."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from werkzeug.serving import make_server

from portal.app import create_app
from portal.operations.load_city import DEMO, load_city_folder
from portal.settings import Settings

CHECKOUT = Path(__file__).resolve().parents[2]


@dataclass(frozen=True, slots=True)
class Live:
    """The running portal."""

    address: str
    app: Flask


@pytest.fixture(scope="module")
def live(database_url: str, redis_url: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Live]:
    home = tmp_path_factory.mktemp("home")
    settings = Settings.from_environ(
        {"WENLU_HOME": str(home), "DATABASE_URL": database_url, "REDIS_URL": redis_url}
    )
    # The port is known only once the server listens, and links must name it.
    server = make_server("127.0.0.1", 0, Flask("waiting"), threaded=True)
    address = f"http://127.0.0.1:{server.server_port}"
    app = create_app(replace(settings, public_url=address))
    load_city_folder(app.extensions["wenlu"].database, DEMO / "linhai")
    server.app = app
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield Live(address, app)
    server.shutdown()
    thread.join()
    app.extensions["wenlu"].database.dispose()


@pytest.fixture
def phone(chromium: Any) -> Iterator[Any]:
    """A page on a phone, 390 points wide; every message of the console is a fault."""
    context = chromium.new_context(
        viewport={"width": 390, "height": 844}, locale="en-GB", permissions=["geolocation"],
        geolocation={"longitude": 121.640, "latitude": 29.185, "accuracy": 18}, has_touch=True,
    )  # fmt: skip
    page = context.new_page()
    faults: list[str] = []
    page.on(
        "console",
        lambda message: faults.append(message.text) if message.type in ("error", "warning") else None,
    )
    page.on("pageerror", lambda error: faults.append(str(error)))
    yield page
    context.close()
    assert [fault for fault in faults if "ERR_INTERNET_DISCONNECTED" not in fault] == []


@pytest.fixture
def plain_phone(chromium: Any) -> Iterator[Any]:
    """The same without JavaScript."""
    context = chromium.new_context(
        viewport={"width": 390, "height": 844}, locale="en-GB", java_script_enabled=False
    )
    yield context.new_page()
    context.close()
