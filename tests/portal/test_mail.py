"""What a letter is on the wire, and that sending one asks nobody but the mail server."""

from __future__ import annotations

import socket
from pathlib import Path

import pytest
from aiosmtpd.controller import Controller
from aiosmtpd.handlers import Sink
from aiosmtpd.smtp import SMTP, Envelope, Session

from portal.mail import Letter, make_mailer


class Catcher(Sink):
    """Keeps the name that the sender gave itself, and the letters."""

    def __init__(self) -> None:
        self.names: list[str | None] = []
        self.letters: list[bytes] = []

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:
        self.names.append(session.host_name)
        self.letters.append(bytes(envelope.content or b""))
        return "250 OK"


def free_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])


@pytest.mark.parametrize(
    ("sender", "name"),
    [
        pytest.param("Linhai <no-reply@linhai.example>", "linhai.example", id="with a display name"),
        pytest.param("no-reply@linhai.example", "linhai.example", id="a bare address"),
    ],
)
def test_a_letter_is_sent_without_asking_the_name_server(
    sender: str, name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where the machine's own name is unknown, such a question takes seconds, for every letter."""

    def asked(*_: object) -> str:
        raise AssertionError("who are we?")

    catcher = Catcher()
    controller = Controller(catcher, hostname="127.0.0.1", port=free_port(), server_hostname="localhost")
    controller.start()
    try:
        monkeypatch.setattr(socket, "getfqdn", asked)
        mailer = make_mailer(f"smtp://127.0.0.1:{controller.port}", sender, tmp_path)
        mailer.send(
            Letter(to="a@example.org", subject="问路", text="路灯", message_id="<1@x>", locale="zh_Hans")
        )
    finally:
        controller.stop()
    assert catcher.names == [name]
    assert b"Message-ID: <1@x>" in catcher.letters[0]
