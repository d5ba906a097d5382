"""Knows how a message leaves as e-mail: by SMTP, or without it into a folder of files."""

from __future__ import annotations

import os
import smtplib
import ssl
from dataclasses import dataclass
from email.message import EmailMessage
from email.utils import format_datetime, parseaddr
from pathlib import Path
from typing import Protocol
from urllib.parse import unquote, urlsplit

from portal import clock

TIMEOUT_S = 20


@dataclass(frozen=True, slots=True)
class Letter:
    """One e-mail. `message_id` comes from the outbox row, so that a second sending is recognised as the same."""

    to: str
    subject: str
    text: str
    message_id: str
    locale: str


class Mailer(Protocol):
    """Anything that can send a letter; raises OSError or smtplib.SMTPException when it cannot."""

    def send(self, letter: Letter) -> None:
        """Send it, or raise."""


def make_mailer(smtp_url: str, sender: str, folder: Path) -> Mailer:
    """The mailer of an installation: SMTP where an address is set, else a folder."""
    return SmtpMailer(smtp_url, sender) if smtp_url else FolderMailer(folder, sender)


def compose(letter: Letter, sender: str) -> EmailMessage:
    """The letter as a MIME message; header injection is refused by the library."""
    mail = EmailMessage()
    mail["From"], mail["To"], mail["Subject"] = sender, letter.to, letter.subject
    mail["Message-ID"] = letter.message_id
    mail["Date"] = format_datetime(clock.now())
    mail["Auto-Submitted"] = "auto-generated"
    mail.set_content(letter.text)
    mail["Content-Language"] = letter.locale.replace("_", "-")  # after the content, which drops such headers
    return mail


class FolderMailer:
    """Writes each letter as an .eml file that only the owner can read."""

    def __init__(self, folder: Path, sender: str) -> None:
        self._folder, self._sender = folder, sender

    def send(self, letter: Letter) -> None:
        """Write the file; the same letter again overwrites itself."""
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        name = "".join(c for c in letter.message_id if c.isalnum() or c in "-_.")
        handle = os.open(self._folder / f"{name}.eml", os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(handle, "wb") as out:
            out.write(bytes(compose(letter, self._sender)))


class SmtpMailer:
    """Sends by SMTP; `smtps://` from the first byte, `smtp://` with STARTTLS where the server offers it."""

    def __init__(self, url: str, sender: str) -> None:
        self._url, self._sender = urlsplit(url), sender
        # Named, or smtplib asks the name server who we are for every letter, and waits where it is silent.
        self._own_name = parseaddr(sender)[1].rpartition("@")[2] or "localhost"

    def send(self, letter: Letter) -> None:
        """Send it over a fresh connection."""
        with self._connect() as server:
            if self._url.username:
                server.login(unquote(self._url.username), unquote(self._url.password or ""))
            server.send_message(compose(letter, self._sender))

    def _connect(self) -> smtplib.SMTP:
        host, port = self._url.hostname or "localhost", self._url.port
        if self._url.scheme == "smtps":
            tls = ssl.create_default_context()
            return smtplib.SMTP_SSL(host, port or 465, self._own_name, timeout=TIMEOUT_S, context=tls)
        server = smtplib.SMTP(host, port or 25, self._own_name, timeout=TIMEOUT_S)
        server.ehlo()
        if server.has_extn("starttls"):
            server.starttls(context=ssl.create_default_context())
            server.ehlo()
        return server
