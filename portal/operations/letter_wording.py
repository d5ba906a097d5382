"""Knows how a city writes its own words for a message: which places they may have, and how they are filled safely."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from jinja2 import StrictUndefined, TemplateError, nodes
from jinja2.sandbox import SandboxedEnvironment

from portal.i18n import N_, Message
from portal.operations.submission import long_faults

# What may stand in {{ }} or be asked for in {% if %}.
PLACES = (
    "service", "unit", "city", "token", "link", "opened", "due", "second_due", "text", "reason", "plan",
    "outside_body", "duplicate_of", "is_urgent",
)  # fmt: skip
MOST_OF_SUBJECT, MOST_OF_BODY, DEEPEST = 200, 6000, 5
_MAY_STAND = (
    nodes.Template, nodes.Output, nodes.TemplateData, nodes.Name, nodes.If, nodes.Not, nodes.And, nodes.Or,
)  # fmt: skip
BROKEN = N_("This cannot be read. Places are written {{ unit }}, conditions {% if due %} … {% endif %}.")
UNKNOWN = N_("There is no place called %(name)s.")
NOT_ALLOWED = N_("Only places and conditions may stand here, no calculations, filters or loops.")
EMPTY = N_("Please write something.")


class _Sandbox(SandboxedEnvironment):
    """Fills places only: nothing can be called and no attribute read, even if the check were passed by."""

    def is_safe_attribute(self, obj: Any, attr: str, value: Any) -> bool:
        return False

    def is_safe_callable(self, obj: Any) -> bool:
        return False


_SANDBOX = _Sandbox(undefined=StrictUndefined, autoescape=False, trim_blocks=True, lstrip_blocks=True)
_SANDBOX.globals.clear()


def render_wording(source: str, places: Mapping[str, Any]) -> str:
    """The words with their places filled; ValueError where they would not pass the check."""
    if (fault := fault_of(source)) is not None:
        raise ValueError(str(fault))
    return _SANDBOX.from_string(source).render({name: places.get(name, "") for name in PLACES})


def wording_faults(subject: str, body: str) -> dict[str, Message]:
    """What is wrong with edited words, by field."""
    found: dict[str, Message] = {}
    for name, text, most in (("subject", subject, MOST_OF_SUBJECT), ("body", body, MOST_OF_BODY)):
        if not text.strip():
            found[name] = Message(EMPTY)
        elif long := long_faults(most, **{name: text}):
            found |= long
        elif (fault := fault_of(text)) is not None:
            found[name] = fault
    return found


def fault_of(source: str) -> Message | None:
    """Why these words may not be used; None where they may."""
    try:
        tree = _SANDBOX.parse(source)
    except (TemplateError, RecursionError, OverflowError):
        return Message(BROKEN)
    todo: list[tuple[nodes.Node, int]] = [(tree, 0)]
    while todo:
        node, depth = todo.pop()
        if not isinstance(node, _MAY_STAND) or depth > 4 * DEEPEST:
            return Message(NOT_ALLOWED)
        if isinstance(node, nodes.Name) and node.name not in PLACES:
            return Message(UNKNOWN, {"name": node.name})
        todo += [(child, depth + 1) for child in node.iter_child_nodes()]
    return None
