"""Fixtures for every test: real PostgreSQL, PostGIS and Redis, fresh databases, the shared city data."""

from __future__ import annotations

import itertools
import os
import shutil
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from portal.cli.servers import PrivatePostgres, PrivateRedis, create_database, drop_database
from portal.settings import Settings

if TYPE_CHECKING:
    from portal.db import Database

CHECKOUT = Path(__file__).resolve().parent.parent
UNSAFE_BUT_FAST = {
    "fsync": "off",
    "synchronous_commit": "off",
    "full_page_writes": "off",
    "max_connections": "200",
}


# They start, kill and drive real processes and wait for them: on a machine that does something else at that
# moment one may fail that is sound. It is tried once more, on new processes, and the report shows it (R).
WITH_PROCESSES = ("faults", "platform", "test_web_server.py")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Give tests of real processes a second try; every other test has one."""
    for item in items:
        is_driving = "chromium" in getattr(item, "fixturenames", ())
        if is_driving or any(part in item.path.parts for part in WITH_PROCESSES):
            item.add_marker(pytest.mark.flaky(reruns=1))


@dataclass(frozen=True, slots=True)
class Servers:
    """Where the tests' servers are: an address that may create databases, and the queue."""

    admin_url: str
    redis_url: str
    outlive_the_tests: bool


@pytest.fixture(scope="session")
def servers() -> Iterator[Servers]:
    """The servers of DATABASE_URL and REDIS_URL where both are set, otherwise private ones."""
    if os.environ.get("DATABASE_URL") and os.environ.get("REDIS_URL"):
        yield Servers(os.environ["DATABASE_URL"], os.environ["REDIS_URL"], outlive_the_tests=True)
        return
    home = Path(tempfile.mkdtemp(prefix="wenlu-test-"))
    home.chmod(0o711)  # started by root, the database runs as another account
    postgres, redis = PrivatePostgres(home, UNSAFE_BUT_FAST), PrivateRedis(home)
    try:
        postgres.start()
        redis.start()
        yield Servers(postgres.url("postgres", user="postgres"), redis.url(), outlive_the_tests=False)
    finally:
        redis.stop()
        postgres.stop()
        for folder in (postgres.sockets, home):
            shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="session")
def new_database(servers: Servers) -> Iterator[Callable[..., str]]:
    """Make a database (a copy of `template`, if named) and return its address; all are gone at the end."""
    numbers = itertools.count(1)
    made: list[str] = []

    def make(template: str | None = None) -> str:
        name = f"wenlu_test_{os.getpid()}_{next(numbers)}"
        made.append(name)
        create_database(servers.admin_url, name, template=template)
        return with_database(servers.admin_url, name)

    yield make
    for name in reversed(made) if servers.outlive_the_tests else ():  # each takes a checkpoint
        drop_database(servers.admin_url, name)


@pytest.fixture(scope="session")
def postgis_template(new_database: Callable[..., str]) -> str:
    """The name of a database with PostGIS and nothing else, to copy."""
    return database_of(new_database())


@pytest.fixture(scope="session")
def migrated_template(new_database: Callable[..., str], postgis_template: str) -> str:
    """The name of a database with every migration applied once, to copy."""
    from portal.cli.database import migrate

    url = new_database(postgis_template)
    migrate(url)
    return database_of(url)


@pytest.fixture
def empty_database_url(new_database: Callable[..., str], postgis_template: str) -> str:
    """A fresh database for this test, with PostGIS and no tables."""
    return new_database(postgis_template)


@pytest.fixture(scope="module")
def database_url(new_database: Callable[..., str], migrated_template: str) -> str:
    """A migrated, empty database for this module."""
    return new_database(migrated_template)


@pytest.fixture(scope="module")
def database(database_url: str) -> Iterator[Database]:
    """The module's migrated database, opened."""
    from portal.db import Database

    opened = Database(database_url)
    yield opened
    opened.dispose()


@pytest.fixture(scope="session")
def redis_url(servers: Servers) -> str:
    """The tests' Redis. Shared by all of them: use queue and key names of your own."""
    return servers.redis_url


@pytest.fixture(scope="session")
def wenlu_data() -> Path:
    """The real data of several cities (`WENLU_DATA`), never changed by a test."""
    folder = Path(os.environ.get("WENLU_DATA") or CHECKOUT.parent / "shared" / "data")
    if not folder.is_dir():
        pytest.skip(f"the shared data is not at {folder}; set WENLU_DATA")
    return folder


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    """Settings with nothing from the environment and a home of their own."""
    return Settings.from_environ({"WENLU_HOME": str(tmp_path / "home")})


def with_database(url: str, name: str) -> str:
    """The same server's address for another database."""
    head, mark, options = url.partition("?")
    return f"{head.rpartition('/')[0]}/{name}{mark}{options}"


def database_of(url: str) -> str:
    """The database's name in an address."""
    return url.partition("?")[0].rpartition("/")[2]


FLAGS = [
    "--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-component-update",
    "--disable-sync",
]  # fmt: skip


@pytest.fixture(scope="session")
def chromium() -> Iterator[Any]:
    """One headless Chromium for every browser test: Playwright runs once in a process."""
    program = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    playwright = pytest.importorskip("playwright.sync_api")
    if program is None:
        pytest.skip("no Chromium is installed; `make test` installs one")
    if not (CHECKOUT / "static/vendor/leaflet/leaflet.js").exists():
        pytest.skip("Leaflet is not in static/vendor; `make test` installs it")
    with playwright.sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=program, headless=True, args=FLAGS)
        yield browser
        browser.close()
