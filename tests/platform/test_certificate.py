"""A certificate of this machine's own: who it names, that it is trusted through its authority, when it is made anew."""

from __future__ import annotations

import socket
import ssl
import stat
import threading
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from portal import clock
from portal.cli.certificate import Certificate, local_certificate
from portal.cli.up import with_certificate
from portal.settings import Settings


def handshake(files: Certificate, name: str) -> None:
    """A server with the certificate, and a client that trusts the authority and nothing else."""
    server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    server.load_cert_chain(files.certificate, files.key)
    client = ssl.create_default_context(cafile=str(files.authority))
    here, there = socket.socketpair()
    with here, there:

        def serve() -> None:
            with server.wrap_socket(here, server_side=True) as link:
                link.recv(1)

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        with client.wrap_socket(there, server_hostname=name) as link:
            link.send(b".")
        thread.join(5)


@pytest.mark.parametrize("name", ["localhost", "127.0.0.1", "portal.city.example"])
def test_a_client_that_trusts_the_authority_trusts_the_server(name: str, tmp_path: Path) -> None:
    handshake(local_certificate(tmp_path, "portal.city.example"), name)


def test_only_the_owner_can_read_the_keys(tmp_path: Path) -> None:
    local_certificate(tmp_path / "tls", "")
    assert stat.S_IMODE((tmp_path / "tls").stat().st_mode) == 0o700
    assert {stat.S_IMODE(path.stat().st_mode) for path in (tmp_path / "tls").glob("*key*")} == {0o600}


@pytest.mark.parametrize(
    ("days", "host", "is_new_leaf", "is_new_authority"),
    [
        pytest.param(1, "a.example", False, False, id="the next day: the same"),
        pytest.param(1, "b.example", True, False, id="another name: another leaf"),
        pytest.param(380, "a.example", True, False, id="soon over: another leaf, which phones still trust"),
        pytest.param(3300, "a.example", True, True, id="the authority ends before a new leaf would"),
    ],
)
def test_what_is_made_anew(
    days: int, host: str, is_new_leaf: bool, is_new_authority: bool, tmp_path: Path
) -> None:
    files = local_certificate(tmp_path, "a.example")
    before = files.certificate.read_bytes(), files.authority.read_bytes()
    with clock.simulated(datetime.now(UTC) + timedelta(days=days)):
        local_certificate(tmp_path, host)
    after = files.certificate.read_bytes(), files.authority.read_bytes()
    assert (before[0] != after[0], before[1] != after[1]) == (is_new_leaf, is_new_authority)


@pytest.mark.parametrize(
    ("changes", "is_made"),
    [
        pytest.param({"is_https": True}, True, id="HTTPS and nobody else sees to it"),
        pytest.param({"is_https": True, "trusted_proxies": 1}, False, id="a proxy ends TLS"),
        pytest.param({"is_https": True, "tls_certificate": "a", "tls_key": "b"}, False, id="the city's own"),
        pytest.param({}, False, id="plain HTTP"),
    ],
)
def test_when_a_certificate_is_made(changes: dict[str, object], is_made: bool, settings: Settings) -> None:
    found = with_certificate(replace(settings, **changes))
    assert (found.tls_certificate.endswith("tls/certificate.pem")) is is_made
