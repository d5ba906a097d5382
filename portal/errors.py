"""Knows the ways in which a use case can refuse, each with a message that can be translated."""

from __future__ import annotations

from collections.abc import Mapping

from portal.i18n import Message


class WenluError(Exception):
    """Something that a person or a program asked for cannot be done; carries a readable message."""

    def __init__(self, message: Message | str) -> None:
        self.message = message if isinstance(message, Message) else Message(message)
        super().__init__(str(self.message))


class InvalidInput(WenluError):
    """Input that does not hold; `fields` maps each field's name to its message."""

    def __init__(
        self, fields: Mapping[str, Message], message: Message | str = "Please check the marked fields."
    ):
        super().__init__(message)
        self.fields = dict(fields)

    def __str__(self) -> str:
        return "; ".join(f"{field}: {message}" for field, message in self.fields.items())


class NotFound(WenluError):
    """What was asked for does not exist, or not for this person."""


class Forbidden(WenluError):
    """The person may not do this."""


class Conflict(WenluError):
    """Somebody else changed it in the meantime, or the same request came with other content."""


class TooMany(WenluError):
    """Asked too often; `retry_after` in seconds."""

    def __init__(self, message: Message | str, retry_after: int):
        super().__init__(message)
        self.retry_after = retry_after


class NotReady(WenluError):
    """The installation cannot answer yet: no city is loaded, or a server is away."""
