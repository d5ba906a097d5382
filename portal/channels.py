"""Knows how a message leaves otherwise than by e-mail: an SMS gateway, and robots of chat rooms through Apprise."""

from __future__ import annotations

import importlib.util
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import quote

from portal.i18n import N_
from portal.net_guard import NetGuard

EMAIL, SMS = "email", "sms"
# How Apprise calls them; the hosts are theirs and fixed, so that no address of ours is typed in.
CHATS = {"wecom": "wecombot", "dingtalk": "dingtalk", "feishu": "feishu"}
KINDS = (EMAIL, SMS, *CHATS)
NAMES = {
    EMAIL: N_("E-mail"),
    SMS: N_("SMS"),
    "wecom": N_("WeCom robot"),
    "dingtalk": N_("DingTalk robot"),
    "feishu": N_("Feishu robot"),
}
ROBOT_KEY = re.compile(r"[A-Za-z0-9_-]{16,100}")
PHONE = re.compile(r"\+?[0-9][0-9 ()-]{5,20}")
ADDRESS = re.compile(r"[^@\s<>,;]{1,64}@[^@\s<>,;]{1,190}")
MOST_OF_SMS = 480


class CannotSend(Exception):
    """Trying again cannot help; the text has no personal data."""


@dataclass(frozen=True, slots=True)
class SmsGateway:
    """An HTTP service that sends SMS: its address, headers, and a body with {to}, {text} and {id} in it."""

    url: str
    headers: Mapping[str, str]
    body: str

    @property
    def is_json(self) -> bool:
        """Whether the places of the body stand inside JSON strings, else they are those of a form."""
        kind = next((value for name, value in self.headers.items() if name.lower() == "content-type"), "")
        return "json" in kind

    def filled(self, to: str, text: str, mark: str) -> bytes:
        """The body for one message; what is put in cannot break out of its place."""
        values = {"{to}": to, "{text}": text, "{id}": mark}
        return re.sub(
            r"\{(?:to|text|id)\}", lambda found: self._escaped(values[found.group()]), self.body
        ).encode()

    def _escaped(self, value: str) -> str:
        return json.dumps(value, ensure_ascii=False)[1:-1] if self.is_json else quote(value, safe="")


@dataclass(frozen=True, slots=True)
class Note:
    """A short message: `mark` comes from the outbox row, so that a second sending is recognised as the same."""

    to: str
    subject: str
    text: str
    link: str
    mark: str


class Channels:
    """The ways out beside e-mail, as far as the installation has them."""

    def __init__(self, guard: NetGuard, sms: SmsGateway | None) -> None:
        self._guard, self._sms = guard, sms

    def send(self, kind: str, note: Note) -> None:
        """Send it; CannotSend where that will never work, OSError where it may later."""
        if kind == SMS:
            self._send_sms(note)
        elif kind in CHATS:
            _send_chat(kind, note)
        else:
            raise CannotSend(f"no channel is called {kind}")

    def _send_sms(self, note: Note) -> None:
        if self._sms is None:
            raise CannotSend("no SMS gateway is set up (SMS_URL)")
        text = f"{note.subject} {note.link}".strip()[:MOST_OF_SMS]
        body = self._sms.filled(note.to, text, note.mark)
        answer = self._guard.post(
            self._sms.url, body, {"Content-Type": "application/json", **self._sms.headers}
        )
        if answer.status in {400, 401, 403, 404, 422}:
            raise CannotSend(f"the SMS gateway refuses it ({answer.status})")
        if not 200 <= answer.status < 300:
            raise ConnectionError(f"SMS gateway {answer.status}")


def read_gateway(url: str, headers: str, body: str) -> SmsGateway | None:
    """The gateway of the settings, None where none is set; ValueError says which one cannot be read."""
    if not url:
        return None
    try:
        named = json.loads(headers or "{}")
    except ValueError:
        named = None
    if not isinstance(named, dict) or not all(isinstance(each, str) for each in named.values()):
        raise ValueError('SMS_HEADERS must be a JSON object like {"Authorization": "Bearer …"}')
    if "{to}" not in body or "{text}" not in body:
        raise ValueError("SMS_BODY must have the places {to} and {text}")
    return SmsGateway(url, {"Content-Type": "application/json"} | named, body)


def is_address(kind: str, text: str) -> bool:
    """Whether a text can be an address of that kind."""
    pattern = {EMAIL: ADDRESS, SMS: PHONE}.get(kind, ROBOT_KEY)
    return kind in KINDS and pattern.fullmatch(text) is not None


def has_apprise() -> bool:
    """Whether the optional extra is installed."""
    return importlib.util.find_spec("apprise") is not None


def _send_chat(kind: str, note: Note) -> None:
    if not has_apprise():
        raise CannotSend(f"a {kind} channel needs the optional extra: pip install 'wenlu[apprise]'")
    if not ROBOT_KEY.fullmatch(note.to):
        raise CannotSend("the robot's key cannot be read")
    import apprise

    outlet = apprise.Apprise()
    if not outlet.add(f"{CHATS[kind]}://{note.to}/"):
        raise CannotSend("the robot's key cannot be read")
    if not outlet.notify(title=note.subject, body=f"{note.text}\n{note.link}".strip()):
        raise ConnectionError(f"{kind} did not take it")
