"""The guard of outgoing requests: hostile addresses as a table, and real servers behind the allow-list."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from contextlib import suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from ipaddress import ip_address, ip_network
from typing import ClassVar

import pytest

from portal.net_guard import MOST_READ, MOST_SENT, Blocked, NetGuard, is_public

HERE = (ip_network("127.0.0.0/8"),)


@pytest.mark.parametrize(
    "url",
    [
        "http://127.0.0.1/", "http://127.1/", "http://127.0.0.1:8080/x", "http://2130706433/",
        "http://0177.0.0.1/", "http://0x7f.0.0.1/", "http://0x7f000001/", "http://017700000001/", "http://0/",
        "http://0.0.0.0/", "http://10.1.2.3/", "http://172.16.0.1/", "http://192.168.1.1/", "http://100.64.0.1/",
        "http://169.254.169.254/latest/meta-data/", "http://224.0.0.1/", "http://240.0.0.1/",
        "http://255.255.255.255/", "http://192.0.2.1/", "http://198.18.0.1/", "http://[::1]/", "http://[::]/",
        "http://[::ffff:127.0.0.1]/", "http://[::ffff:7f00:1]/", "http://[::ffff:10.0.0.1]/", "http://[fe80::1]/",
        "http://[fc00::1]/", "http://[fd00:ec2::254]/", "http://[ff02::1]/", "http://[fec0::1]/",
        "http://[64:ff9b::7f00:1]/", "http://[64:ff9b::a9fe:a9fe]/", "http://[2002:7f00:1::]/",
        "http://[2001:0:7f00:1::]/", "http://[2001:db8::1]/",
        "http://[::7f00:1]/", "http://[::127.0.0.1]/", "http://[::ffff:0:7f00:1]/", "http://[fe80::1%25eth0]/",
        "http://localhost/", "http://localhost./", "http://user:pw@example.org/", "http://user@127.0.0.1/",
        "http://example.org\\@127.0.0.1/", "http://127.0.0.1\t/", "http://127.0.0.1\r\nHost: x/", "http:///x",
        "http://", "https://", "ftp://example.org/", "file:///etc/passwd", "gopher://127.0.0.1:6379/_x",
        "//example.org/",
        "javascript:alert(1)", "http://example.org:0/", "http://example.org:99999/", "http://[::1/", "",
        "http://exa mple.org/", "http://１２７.0.0.1/", "http://①②⑦.0.0.1/", "dict://127.0.0.1:11211/",
        "http://%31%32%37.0.0.1/",
    ],
)  # fmt: skip
def test_what_is_not_on_the_public_internet_is_not_reached(url: str) -> None:
    with pytest.raises(Blocked) as raised:
        NetGuard().check(url)
    assert "127" not in str(raised.value), "the reason names no part of the address"


@pytest.mark.parametrize(
    ("ip", "expected"),
    [
        ("93.184.215.14", True), ("2606:4700:4700::1111", True), ("8.8.8.8", True), ("100.128.0.1", True),
        ("100.127.255.255", False), ("172.32.0.1", True), ("172.31.255.255", False), ("192.88.99.1", True),
    ],
)  # fmt: skip
def test_what_is_public(ip: str, expected: bool) -> None:
    assert is_public(ip_address(ip)) is expected


@pytest.mark.parametrize(
    "ips", [["93.184.215.14", "127.0.0.1"], ["10.0.0.1"], ["::1"], ["93.184.215.14", "::ffff:10.0.0.1"], []]
)
def test_one_bad_address_of_a_name_is_enough(ips: list[str]) -> None:
    with pytest.raises(Blocked):
        NetGuard(resolver=lambda host, port: ips).check("https://hook.example.org/")


def test_an_allowed_network_lets_only_itself_in() -> None:
    guard = NetGuard((ip_network("10.1.0.0/16"),))
    assert guard.check("http://10.1.2.3/").ips == ["10.1.2.3"]
    for other in ("http://10.2.0.1/", "http://127.0.0.1/"):
        with pytest.raises(Blocked):
            guard.check(other)


class Server(BaseHTTPRequestHandler):
    """Answers as its path says, and keeps what it was sent."""

    got: ClassVar[list[tuple[str, dict[str, str], bytes]]] = []

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        Server.got.append((self.path, dict(self.headers), body))
        self.send_response(302 if self.path == "/redirect" else 200)
        if self.path == "/redirect":
            self.send_header("Location", "/elsewhere")
        self.end_headers()
        if self.path == "/huge":
            self.wfile.write(b"x" * (MOST_READ * 4))

    def log_message(self, *_: object) -> None:
        """Quiet."""


@pytest.fixture
def address() -> Iterator[str]:
    Server.got.clear()
    server = ThreadingHTTPServer(("127.0.0.1", 0), Server)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()


def test_what_is_allowed_is_sent_with_its_headers(address: str) -> None:
    answer = NetGuard(HERE).post(f"{address}/in?a=1", b"{}", {"X-Mark": "m"})
    assert answer.status == 200
    ((path, headers, body),) = Server.got
    assert (path, headers["X-Mark"], body) == ("/in?a=1", "m", b"{}")


def test_no_redirect_is_followed(address: str) -> None:
    assert NetGuard(HERE).post(f"{address}/redirect", b"", {}).status == 302
    assert [path for path, _, _ in Server.got] == ["/redirect"]


def test_sizes_are_bounded_both_ways(address: str) -> None:
    guard = NetGuard(HERE)
    assert len(guard.post(f"{address}/huge", b"", {}).body) <= MOST_READ
    with pytest.raises(Blocked, match="too long"):
        guard.post(address, b"x" * (MOST_SENT + 1), {})


def test_a_name_that_changes_after_the_check_changes_nothing(address: str) -> None:
    """DNS rebinding: the connection goes to the address that was looked at, and the name is asked once."""
    asked = []

    def resolver(host: str, port: int) -> list[str]:
        asked.append(host)
        return ["127.0.0.1"] if len(asked) == 1 else ["10.0.0.1"]

    port = address.rpartition(":")[2]
    answer = NetGuard(HERE, resolver).post(f"http://hook.example.org:{port}/", b"{}", {})
    assert (answer.status, asked) == (200, ["hook.example.org"])
    assert Server.got[0][1]["Host"] == f"hook.example.org:{port}"


def test_who_speaks_a_letter_at_a_time_is_cut_off() -> None:
    """Each letter comes in time, the head of the answer never ends."""
    server = socket.create_server(("127.0.0.1", 0))
    is_over = threading.Event()

    def drip() -> None:
        caller, _ = server.accept()
        with caller, suppress(OSError):
            caller.recv(4096)
            caller.sendall(b"HTTP/1.1 200 OK\r\nX-Long: ")
            while not is_over.wait(0.02):
                caller.sendall(b"x")

    threading.Thread(target=drip, daemon=True).start()
    try:
        with pytest.raises((TimeoutError, ConnectionError)):
            NetGuard(HERE, longest_s=0.3).post(f"http://127.0.0.1:{server.getsockname()[1]}/", b"", {})
    finally:
        is_over.set()
        server.close()


def test_nobody_there_is_an_error_that_may_pass(address: str) -> None:
    with pytest.raises(ConnectionRefusedError):
        NetGuard(HERE).post("http://127.0.0.1:1/", b"", {})
