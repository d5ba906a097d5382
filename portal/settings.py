"""Knows every setting of an installation: read once from the environment, frozen and typed."""

from __future__ import annotations

import contextlib
import os
import secrets
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass, field
from ipaddress import IPv4Network, IPv6Network, ip_network
from pathlib import Path
from typing import Any

Network = IPv4Network | IPv6Network
# A proxy on this machine that TRUSTED_PROXIES forgot would else make all residents one address, soon refused.
THIS_MACHINE = "127.0.0.0/8, ::1/128"
SMS_BODY = '{"to": "{to}", "text": "{text}", "id": "{id}"}'
DIRECTIONS_URL = "geo:{lat},{lon}?q={lat},{lon}"
TRUE_WORDS = frozenset({"1", "true", "yes", "on"})


@dataclass(frozen=True, slots=True)
class Settings:
    """The settings; each field names its environment variable in `metadata`."""

    home: Path = field(metadata={"env": "WENLU_HOME", "help": "data, files, logs, mail and the secret key"})
    host: str = field(metadata={"env": "HOST", "help": "address the web server listens on"})
    port: int = field(metadata={"env": "PORT", "help": "port the web server listens on"})
    database_url: str = field(
        metadata={"env": "DATABASE_URL", "help": "PostGIS to use instead of the private one"}
    )
    redis_url: str = field(metadata={"env": "REDIS_URL", "help": "Redis to use instead of the private one"})
    public_url: str = field(metadata={"env": "WENLU_PUBLIC_URL", "help": "address in links of messages"})
    secret_key: str = field(
        repr=False,
        metadata={"env": "WENLU_SECRET_KEY", "help": "key for cookies and contact data; generated if unset"},
    )
    old_secret_keys: tuple[str, ...] = field(
        repr=False,
        metadata={
            "env": "WENLU_OLD_SECRET_KEYS",
            "help": "keys before this one, comma separated: they open, and seal nothing any more",
        },
    )
    smtp_url: str = field(
        repr=False,
        metadata={
            "env": "SMTP_URL",
            "help": "smtp://user:password@host:port; unset: mail goes to WENLU_HOME/mail",
        },
    )
    mail_from: str = field(metadata={"env": "MAIL_FROM", "help": "sender of messages"})
    sms_url: str = field(
        repr=False, metadata={"env": "SMS_URL", "help": "address of an SMS gateway, which is sent a POST"}
    )
    sms_headers: str = field(
        repr=False, metadata={"env": "SMS_HEADERS", "help": "its headers, a JSON object"}
    )
    sms_body: str = field(
        repr=False,
        metadata={"env": "SMS_BODY", "help": "its body, with the places {to}, {text} and {id}"},
    )
    outbound_networks: tuple[Network, ...] = field(
        metadata={
            "env": "OUTBOUND_NETWORKS",
            "help": "networks that webhooks and the SMS gateway may lie in beside the public internet",
        }
    )
    tile_url: str = field(
        metadata={"env": "TILE_URL", "help": "raster tiles under the maps; unset: own basemap"}
    )
    tile_attribution: str = field(metadata={"env": "TILE_ATTRIBUTION", "help": "credit shown for the tiles"})
    directions_url: str = field(
        metadata={
            "env": "DIRECTIONS_URL",
            "help": "where a crew's way to a place is shown, with the places {lat} and {lon}",
        }
    )
    pdf_font: str = field(
        metadata={"env": "PDF_FONT", "help": "TrueType file for work orders; unset: one of the system's"}
    )
    trusted_hosts: tuple[str, ...] = field(
        metadata={"env": "TRUSTED_HOSTS", "help": "host names served, comma separated; unset: any"}
    )
    trusted_proxies: int = field(
        metadata={"env": "TRUSTED_PROXIES", "help": "how many proxies stand before the web"}
    )
    metrics_token: str = field(
        repr=False,
        metadata={
            "env": "METRICS_TOKEN",
            "help": "lets a scraper elsewhere read /metrics; unset: this machine only",
        },
    )
    unlimited_networks: tuple[Network, ...] = field(
        metadata={
            "env": "UNLIMITED_NETWORKS",
            "help": "networks that no rate limit holds for, comma separated; unset: this machine",
        }
    )
    max_upload_mb: int = field(
        metadata={"env": "MAX_UPLOAD_MB", "help": "largest request accepted, in megabytes"}
    )
    is_https: bool = field(
        metadata={
            "env": "HTTPS",
            "help": "1 when the public address is https; without proxy or TLS_CERT a certificate is made",
        }
    )
    tls_certificate: str = field(
        metadata={"env": "TLS_CERT", "help": "PEM file of the web server's own certificate; unset: no TLS"}
    )
    tls_key: str = field(metadata={"env": "TLS_KEY", "help": "PEM file of the key of TLS_CERT"})
    allow_demo_accounts: bool = field(
        metadata={"env": "ALLOW_DEMO_ACCOUNTS", "help": "1 to allow demo accounts off the loopback address"}
    )
    has_demo_life: bool = field(
        metadata={"env": "DEMO_LIFE", "help": "0: the drawn demo city stays empty instead of living its year"}
    )
    jurisdiction: str = field(
        metadata={"env": "WENLU_JURISDICTION", "help": "which loaded city to serve; unset: the only one"}
    )

    @classmethod
    def from_environ(cls, environ: Mapping[str, str] | None = None) -> Settings:
        """Read the settings from the environment; ValueError names a variable that cannot be read."""
        env = os.environ if environ is None else environ
        home = home_folder(env)
        host, port = env.get("HOST") or "127.0.0.1", _integer(env, "PORT", 8000, most=65535)
        is_https = env.get("HTTPS", "").lower() in TRUE_WORDS
        if bool(env.get("TLS_CERT")) != bool(env.get("TLS_KEY")):
            raise ValueError("TLS_CERT and TLS_KEY belong together: set both or none")
        return cls(
            home=home,
            host=host,
            port=port,
            database_url=env.get("DATABASE_URL", ""),
            redis_url=env.get("REDIS_URL", ""),
            public_url=(env.get("WENLU_PUBLIC_URL") or f"http{'s' * is_https}://{host}:{port}").rstrip("/"),
            secret_key=env.get("WENLU_SECRET_KEY") or _kept_secret(home),
            old_secret_keys=_parts(env, "WENLU_OLD_SECRET_KEYS"),
            smtp_url=env.get("SMTP_URL", ""),
            mail_from=env.get("MAIL_FROM") or "wenlu@localhost",
            sms_url=env.get("SMS_URL", ""),
            sms_headers=env.get("SMS_HEADERS", ""),
            sms_body=env.get("SMS_BODY") or SMS_BODY,
            outbound_networks=_networks(env, "OUTBOUND_NETWORKS", ""),
            tile_url=env.get("TILE_URL", ""),
            tile_attribution=env.get("TILE_ATTRIBUTION", ""),
            directions_url=env.get("DIRECTIONS_URL") or DIRECTIONS_URL,
            pdf_font=env.get("PDF_FONT", ""),
            trusted_hosts=_parts(env, "TRUSTED_HOSTS"),
            trusted_proxies=_integer(env, "TRUSTED_PROXIES", 0),
            metrics_token=env.get("METRICS_TOKEN", "").strip(),
            unlimited_networks=_networks(env, "UNLIMITED_NETWORKS", THIS_MACHINE),
            max_upload_mb=_integer(env, "MAX_UPLOAD_MB", 30, least=1),
            is_https=is_https,
            tls_certificate=env.get("TLS_CERT", ""),
            tls_key=env.get("TLS_KEY", ""),
            allow_demo_accounts=env.get("ALLOW_DEMO_ACCOUNTS", "").lower() in TRUE_WORDS,
            has_demo_life=env.get("DEMO_LIFE", "1").lower() in TRUE_WORDS,
            jurisdiction=env.get("WENLU_JURISDICTION", ""),
        )

    @property
    def is_loopback(self) -> bool:
        """Whether only this machine can reach the web server."""
        return self.host in {"127.0.0.1", "::1", "localhost"}

    def folder(self, name: str) -> Path:
        """A folder under `home`, made on first use, readable by the owner only."""
        path = self.home / name
        path.mkdir(mode=0o700, parents=True, exist_ok=True)
        return path

    def as_environ(self) -> dict[str, str]:
        """The variables that give a child process the same settings."""
        return {name: _as_text(getattr(self, key)) for key, name in _variables().items()}


def home_folder(environ: Mapping[str, str] | None = None) -> Path:
    """Where an installation has its data; nothing is made there, and there may be none."""
    env = os.environ if environ is None else environ
    return Path(env.get("WENLU_HOME") or ".local").resolve()


def _variables() -> dict[str, str]:
    return {key: spec.metadata["env"] for key, spec in Settings.__dataclass_fields__.items()}


def _as_text(value: Any) -> str:
    if isinstance(value, bool):
        return "1" if value else ""
    return ",".join(map(str, value)) if isinstance(value, tuple) else str(value)


def _parts(env: Mapping[str, str], name: str, default: str = "") -> tuple[str, ...]:
    return tuple(filter(None, (part.strip() for part in env.get(name, default).split(","))))


def _networks(env: Mapping[str, str], name: str, default: str) -> tuple[Network, ...]:
    found = []
    for part in _parts(env, name, default):
        try:
            found.append(ip_network(part, strict=False))
        except ValueError:
            raise ValueError(f"{name} must be networks like 10.0.0.0/8, not {part!r}") from None
    return tuple(found)


def _integer(
    env: Mapping[str, str], name: str, default: int, *, least: int = 0, most: int | None = None
) -> int:
    try:
        value = int(env.get(name) or default)
    except ValueError:
        raise ValueError(f"{name} must be a whole number, not {env[name]!r}") from None
    if value < least or (most is not None and value > most):
        wanted = f"at least {least}" if most is None else f"between {least} and {most}"
        raise ValueError(f"{name} must be {wanted}, not {env[name]!r}")
    return value


def _kept_secret(home: Path) -> str:
    """The installation's own secret, made on first use: losing it loses contact data, so it is never replaced."""
    path = home / "secret_key"
    if not path.exists():
        home.mkdir(mode=0o711, parents=True, exist_ok=True)  # the database may run as another account
        _write_once(path, secrets.token_urlsafe(48))
    if secret := path.read_text().strip():
        return secret
    raise ValueError(f"{path} is empty: put the installation's secret back, or remove the file on a new one")


def _write_once(path: Path, content: str) -> None:
    """Write a file that only the owner reads and that nobody ever sees half; the first of several wins."""
    handle, temporary = tempfile.mkstemp(dir=path.parent)
    try:
        with os.fdopen(handle, "w") as out:
            out.write(content)
        with contextlib.suppress(FileExistsError):
            os.link(temporary, path)
    finally:
        os.unlink(temporary)
