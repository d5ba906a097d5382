"""Knows the words of what residents say to a closing: in the public history, on the desk, and beside ratings."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from portal.i18n import N_, Message

ROLES = {
    "reporter": N_("The reporter"),
    "follower": N_("Followers"),
    "neighbour": N_("Neighbours"),
    "guest": N_("By the code at the case"),
}
LINES = {
    "voice.given": N_("A resident answers about the closing"),
    "closing.rated": N_("A resident rated the closing"),
}
EVENTS = {
    "voice.given": N_("A resident's word on the closing"),
    "closing.rated": N_("Rated"),
}
UNVERIFIED = N_("Closed: nobody answered, so it is unverified")
_CONTESTED = {
    "follower": N_("Somebody who follows it says it is not done: opened again"),
    "neighbour": N_("Neighbours say it is not done: opened again"),
}
_GIVEN = {
    ("reporter", "confirm"): N_("The reporter says afterwards that it is so"),
    ("follower", "confirm"): N_("Somebody who follows it says it is so"),
    ("follower", "contest"): N_("Somebody who follows it says it is not so"),
    ("neighbour", "confirm"): N_("A neighbour says it is so"),
    ("neighbour", "contest"): N_("A neighbour says it is not so"),
}
_RATED = {
    "reporter": N_("The reporter rated it"),
    "follower": N_("Somebody who follows it rated it"),
    "guest": N_("Somebody at the place rated it"),
}


def title_of(kind: str, public: Mapping[str, Any]) -> str:
    """How an event reads because of who spoke; empty where its kind says enough."""
    role = str((public.get("actor") or {}).get("role", ""))
    if kind == "request.closed" and public.get("verified") == "unverified":
        return UNVERIFIED
    if kind == "request.contested":
        return _CONTESTED.get(role, "")
    if kind == "voice.given":
        return _GIVEN.get((role, str(public.get("says"))), "")
    return _RATED.get(role, "") if kind == "closing.rated" else ""


def scores_of(public: Mapping[str, Any]) -> Message | None:
    """The scores of a rating."""
    if not {"speed", "result", "manner"} <= public.keys():
        return None
    scores = {name: public[name] for name in ("speed", "result", "manner")}
    return Message(N_("Speed %(speed)s, result %(result)s, manner %(manner)s of 5"), scores)
