"""Knows how a message leaves as e-mail: by SMTP, or without it into a folder of files."""

from __future__ import annotations

import os
import smtplib
import ssl
import time
from contextlib import suppress
from dataclasses import dataclass
from email import policy
from email.headerregistry import BaseHeader, HeaderRegistry, UnstructuredHeader
from email.message import EmailMessage
from email.policy import Policy
from email.utils import format_datetime, parseaddr
from pathlib import Path
from typing import Protocol
from urllib.parse import unquote, urlsplit

from portal import clock

TIMEOUT_S = 20
# A connection is used again at once or not at all: servers end one that is silent, or carries too many letters.
IDLE_S, MOST_LETTERS = 10.0, 100


@dataclass(frozen=True, slots=True)
class Letter:
    """One e-mail. `message_id` comes from the outbox row, so that a second sending is recognised as the same."""

    to: str
    subject: str
    text: str
    message_id: str
    locale: str
    html: str = ""  # the same words once more, for mail programs that show pages
    stop_url: str = ""  # where one POST ends these letters (RFC 8058)


class _AddressHeader(UnstructuredHeader, BaseHeader):
    """A header that holds one address of the web. Where that is long the library would encode it, and mail
    programs would not find it: it stands whole on its line, however long that is (up to 998 signs)."""

    def fold(self, *, policy: Policy) -> str:
        """The header as it is sent."""
        return f"{self.name}: {self}{policy.linesep}"


_HEADERS = HeaderRegistry()
_HEADERS.map_to_type("list-unsubscribe", _AddressHeader)
_POLICY = policy.default.clone(header_factory=_HEADERS)


class Mailer(Protocol):
    """Anything that can send a letter; raises OSError or smtplib.SMTPException when it cannot."""

    def send(self, letter: Letter) -> None:
        """Send it, or raise."""


def make_mailer(smtp_url: str, sender: str, folder: Path) -> Mailer:
    """The mailer of an installation: SMTP where an address is set, else a folder."""
    return SmtpMailer(smtp_url, sender) if smtp_url else FolderMailer(folder, sender)


def compose(letter: Letter, sender: str) -> EmailMessage:
    """The letter as a MIME message; header injection is refused by the library."""
    mail = EmailMessage(_POLICY)
    mail["From"], mail["To"], mail["Subject"] = sender, letter.to, letter.subject
    mail["Message-ID"] = letter.message_id
    mail["Date"] = format_datetime(clock.now())
    mail["Auto-Submitted"] = "auto-generated"
    if letter.stop_url:
        mail["List-Unsubscribe"] = f"<{letter.stop_url}>"
        mail["List-Unsubscribe-Post"] = "List-Unsubscribe=One-Click"
    mail.set_content(letter.text)
    if letter.html:
        mail.add_alternative(letter.html, subtype="html")
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
    """Sends by SMTP; `smtps://` from the first byte, `smtp://` with STARTTLS where the server offers it.

    Letters that follow each other closely share a connection. Once a letter's content has been sent, nothing is
    tried again here: only the caller knows that it may arrive twice.
    """

    def __init__(self, url: str, sender: str) -> None:
        self._url, self._sender = urlsplit(url), sender
        # Named, or smtplib asks the name server who we are for every letter, and waits where it is silent.
        self._own_name = parseaddr(sender)[1].rpartition("@")[2] or "localhost"
        self._server: smtplib.SMTP | None = None
        self._used_at, self._carried = 0.0, 0

    def send(self, letter: Letter) -> None:
        """Send it, over the open connection where that still answers."""
        is_plain = letter.to.isascii()
        content = compose(letter, self._sender).as_bytes(policy=policy.SMTP if is_plain else policy.SMTPUTF8)
        server = self._announced(letter.to, is_plain)
        try:
            code, said = server.data(content)
        except (OSError, smtplib.SMTPException):
            self.close()
            raise
        if code != 250:
            self.close()
            raise smtplib.SMTPDataError(code, said)
        self._used_at, self._carried = time.monotonic(), self._carried + 1

    def close(self) -> None:
        """End the connection, if there is one."""
        server, self._server, self._carried = self._server, None, 0
        if server is not None:
            with suppress(OSError, smtplib.SMTPException):
                server.quit()

    def _announced(self, to: str, is_plain: bool) -> smtplib.SMTP:
        """A connection that has taken sender and recipient; nothing has been sent that could arrive twice."""
        is_idle = time.monotonic() - self._used_at > IDLE_S
        if self._server is not None and (is_idle or self._carried >= MOST_LETTERS):
            self.close()
        if (kept := self._server) is not None:
            try:
                return self._announce(kept, to, is_plain)
            except smtplib.SMTPRecipientsRefused:
                raise
            except (smtplib.SMTPServerDisconnected, smtplib.SMTPSenderRefused, OSError):
                self.close()  # it ended meanwhile, or carries no more: a new one
        self._server = self._connect()
        return self._announce(self._server, to, is_plain)

    def _announce(self, server: smtplib.SMTP, to: str, is_plain: bool) -> smtplib.SMTP:
        sender = parseaddr(self._sender)[1]
        if not is_plain and not server.has_extn("smtputf8"):
            raise smtplib.SMTPNotSupportedError("the mail server takes no such address")
        code, said = server.mail(sender, [] if is_plain else ["SMTPUTF8", "BODY=8BITMIME"])
        if code != 250:
            self.close()
            raise smtplib.SMTPSenderRefused(code, said, sender)
        code, said = server.rcpt(to)
        if code not in (250, 251):
            self.close()
            raise smtplib.SMTPRecipientsRefused({to: (code, said)})
        return server

    def _connect(self) -> smtplib.SMTP:
        server = self._reached()
        if self._url.username:
            server.login(unquote(self._url.username), unquote(self._url.password or ""))
        else:
            server.ehlo_or_helo_if_needed()
        return server

    def _reached(self) -> smtplib.SMTP:
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
