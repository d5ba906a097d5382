"""Knows how to reach an address that somebody typed without being led to what is not public: a guarded POST."""

from __future__ import annotations

import http.client
import re
import socket
import ssl
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv6Address, IPv6Network, ip_address
from urllib.parse import SplitResult, urlsplit

from portal.settings import Network

Address = IPv4Address | IPv6Address
Resolver = Callable[[str, int], Sequence[str]]
TIMEOUT_S = 10.0
LONGEST_S = 30.0  # in all, however slowly the other side speaks
MOST_SENT, MOST_READ = 256 * 1024, 64 * 1024
PORTS = {"http": 80, "https": 443}
# Whatever is no letter, digit or usual sign of an address is there to be read differently by two readers.
PLAIN = re.compile(r"[!-~]{1,2000}")
SUSPECT = re.compile(r"[\\\"<>^`{|}]")
# IPv6 networks whose addresses lead to an IPv4 address that stands inside them.
TRANSLATED = tuple(IPv6Network(one) for one in ("64:ff9b::/96", "64:ff9b:1::/48", "2002::/16", "2001::/32"))


class Blocked(Exception):
    """This address must not be reached; the text names the reason and no part of the address."""


@dataclass(frozen=True, slots=True)
class Target:
    """An address that was looked at: the connection goes to one of `ips`, and nowhere else."""

    url: SplitResult
    host: str
    port: int
    ips: Sequence[str]


@dataclass(frozen=True, slots=True)
class Answer:
    """What the other side said."""

    status: int
    body: bytes


def resolve(host: str, port: int) -> Sequence[str]:
    """Every address of a name, as the system's resolver knows them; decimal and octal forms become plain ones."""
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(each[4][0]) for each in found))


class NetGuard:
    """Posts to public addresses, and to those of the `allowed` networks."""

    def __init__(
        self,
        allowed: Sequence[Network] = (),
        resolver: Resolver = resolve,
        longest_s: float = LONGEST_S,
    ) -> None:
        self._allowed, self._resolve, self._longest_s = tuple(allowed), resolver, longest_s

    def check(self, url: str) -> Target:
        """The target of an address; Blocked where it, or any of its name's addresses, must not be reached."""
        parts, host, port = _read(url)
        try:
            ips = self._resolve(host, port)
        except (OSError, UnicodeError):
            raise Blocked("its name is not known") from None
        if not ips:
            raise Blocked("its name is not known")
        for ip in ips:
            self._check_ip(ip)
        return Target(parts, host, port, ips)

    def post(self, url: str, body: bytes, headers: Mapping[str, str]) -> Answer:
        """Send it to the addresses that were looked at; no redirect is followed. Raises Blocked or OSError."""
        if len(body) > MOST_SENT:
            raise Blocked("it is too long to be sent")
        target = self.check(url)
        connection = _Pinned(target)
        until = time.monotonic() + self._longest_s
        # A limit on each read does not bound their sum: who sends a letter at a time would hold us for hours.
        watch = threading.Timer(self._longest_s, connection.cut)
        watch.daemon = True
        watch.start()
        try:
            path = (target.url.path or "/") + (f"?{target.url.query}" if target.url.query else "")
            connection.request("POST", path, body, {**headers, "Connection": "close"})
            answer = connection.getresponse()
            body_read = _read_some(answer, until)
            if connection.is_cut:
                raise TimeoutError("it speaks too slowly")
            return Answer(answer.status, body_read)
        except http.client.HTTPException as error:
            raise ConnectionError(type(error).__name__) from None
        finally:
            watch.cancel()
            connection.close()

    def _check_ip(self, text: str) -> None:
        try:
            ip = _unwrapped(ip_address(text))
        except ValueError:
            raise Blocked("its address cannot be read") from None
        if any(ip in network for network in self._allowed if network.version == ip.version):
            return
        if not is_public(ip):
            raise Blocked("it is not on the public internet")


def is_public(ip: Address) -> bool:
    """Whether an address is one of the public internet, for one receiver, and nothing else inside."""
    ip = _unwrapped(ip)
    if ip.is_multicast or ip.is_reserved or ip.is_unspecified or ip.is_loopback or ip.is_link_local:
        return False
    if isinstance(ip, IPv6Address) and (ip.is_site_local or any(ip in one for one in TRANSLATED)):
        return False
    return ip.is_global


def _unwrapped(ip: Address) -> Address:
    return ip.ipv4_mapped or ip if isinstance(ip, IPv6Address) else ip


def _read(url: str) -> tuple[SplitResult, str, int]:
    if not PLAIN.fullmatch(url) or SUSPECT.search(url):
        raise Blocked("it has signs that do not belong into an address")
    try:
        parts = urlsplit(url)
        host, port = parts.hostname or "", parts.port
    except ValueError:
        raise Blocked("it cannot be read") from None
    if parts.scheme not in PORTS:
        raise Blocked("it begins with neither https nor http")
    if parts.username is not None or parts.password is not None:
        raise Blocked("it has a name or a password in it")
    if not host or "%" in host or port == 0:
        raise Blocked("it names no host")
    return parts, host, port or PORTS[parts.scheme]


def _read_some(answer: http.client.HTTPResponse, until: float) -> bytes:
    read = b""
    while len(read) < MOST_READ and (some := answer.read1(min(8192, MOST_READ - len(read)))):
        read += some
        if time.monotonic() > until:
            raise TimeoutError("it speaks too slowly")
    return read


class _Pinned(http.client.HTTPConnection):
    """A connection that goes to the checked addresses, whatever the name says by now; TLS still asks for the name."""

    def __init__(self, target: Target) -> None:
        super().__init__(target.host, target.port, timeout=TIMEOUT_S)
        self._target, self.is_cut = target, False

    def cut(self) -> None:
        """End it from outside, whatever it waits for."""
        self.is_cut = True
        if self.sock is not None:
            with suppress(OSError):
                self.sock.shutdown(socket.SHUT_RDWR)

    def connect(self) -> None:
        """Connect to the first address that answers."""
        failure: OSError = ConnectionError("no address")
        for ip in self._target.ips:
            try:
                if self.is_cut:
                    raise TimeoutError("it took too long")
                self.sock = socket.create_connection((ip, self._target.port), TIMEOUT_S)
                break
            except OSError as error:
                failure = error
        else:
            raise failure
        if self._target.url.scheme == "https":
            tls = ssl.create_default_context()
            self.sock = tls.wrap_socket(self.sock, server_hostname=self._target.host)
