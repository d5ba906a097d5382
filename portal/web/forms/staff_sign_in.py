"""Knows what the sign-in form brings, and which page may follow it."""

from __future__ import annotations

from collections.abc import Mapping
from urllib.parse import urlsplit

from portal.operations.sign_in import Credentials

AFTER = "/desk/"
OURS = ("/desk/", "/admin/")
LONGEST = 300


def read_credentials(form: Mapping[str, str], address: str, old_secret: str) -> Credentials:
    """What was typed, cut to a length that costs nothing to hash."""
    email, password = form.get("email", ""), form.get("password", "")
    return Credentials(email[:LONGEST].strip(), password[:LONGEST], address, old_secret)


def safe_next(wanted: str) -> str:
    """The page to go on to: one of the desk's own, else the inbox. Nobody is sent to another site."""
    parts = urlsplit(wanted)
    is_ours = not parts.scheme and not parts.netloc and (parts.path + "/").startswith(OURS)
    is_plain = (
        "\\" not in wanted and not any(ord(sign) < 32 for sign in wanted) and not wanted.startswith("//")
    )
    is_form = parts.path.startswith(("/desk/sign-in", "/desk/sign-out"))
    return wanted if is_ours and is_plain and not is_form and len(wanted) < 500 else AFTER
