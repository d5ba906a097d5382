"""Knows the words of custody in full: tasks, their states, disputes, and what is done about them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from portal.i18n import N_

TASK_KINDS: Mapping[str, str] = {
    "assist": N_("Help for the lead"),
    "child": N_("Part of the case"),
    "joint": N_("Share of a case on a border"),
    "interim": N_("Acts until it is ruled"),
}
TASK_STATES: Mapping[str, str] = {
    "open": N_("asked, not accepted"),
    "accepted": N_("accepted by the unit"),
    "done": N_("done"),
    "refused": N_("refused by the unit"),
    "withdrawn": N_("not needed any more"),
}
WHYS: Mapping[str, str] = {
    "contested": N_("The unit that received it contests the hand-over"),
    "third_transfer": N_("It was handed on for the third time"),
    "not_ours": N_("The unit says that it is not theirs"),
}
DISPUTE_STATES: Mapping[str, str] = {
    "open": N_("In dispute"),
    "ruled": N_("Ruled"),
    "lapsed": N_("Ended without a ruling"),
}
# How these events read: to everybody, and on the desk.
LINES: Mapping[str, str] = {
    "request.transfer_contested": N_("%(from)s contests the hand-over: %(to)s rules who answers"),
    "request.ruled": N_("Ruled by the coordination desk: %(to)s answers"),
    "request.swapped": N_("%(to)s takes the lead, %(from)s assists"),
    "dispute.opened": N_("It is in dispute who answers; until it is ruled %(acting)s acts"),
    "dispute.acting_named": N_("Until it is ruled %(unit)s acts"),
    "dispute.lapsed": N_("The dispute ended without a ruling"),
    "task.added": N_("%(unit)s is asked to do a part"),
    "task.accepted": N_("%(unit)s will do its part"),
    "task.done": N_("%(unit)s has done its part"),
    "task.refused": N_("%(unit)s refuses to do a part"),
    "task.withdrawn": N_("The part of %(unit)s is not needed any more"),
}
# Who acts until it is ruled does no part: it does what cannot wait.
_INTERIM = {
    "task.accepted": N_("%(unit)s acts for now"),
    "task.done": N_("%(unit)s has done what could not wait"),
    "task.refused": N_("%(unit)s refuses to act for now"),
}
_SAID_ELSEWHERE = {("task.added", "interim"), ("task.withdrawn", "interim"), ("task.withdrawn", "joint")}
RULED = N_("ruled by the coordination desk")
EVENTS: Mapping[str, str] = {
    "request.transfer_contested": N_("Hand-over contested"),
    "request.ruled": N_("Dispute ruled"),
    "request.swapped": N_("Lead and assisting unit swapped"),
    "dispute.opened": N_("Dispute opened"),
    "dispute.acting_named": N_("Another unit acts meanwhile"),
    "dispute.lapsed": N_("Dispute ended without a ruling"),
    "dispute.rule_proposed": N_("Rule proposed from the ruling"),
    "task.added": N_("Task added"),
    "task.accepted": N_("Task accepted"),
    "task.done": N_("Task done"),
    "task.refused": N_("Task refused"),
    "task.withdrawn": N_("Task withdrawn"),
    "task.rated": N_("Help rated"),
    "task.swap_proposed": N_("Lead offered to an assisting unit"),
}
ACTIONS: Mapping[str, str] = {
    "ask": N_("Ask a unit for help"),
    "split": N_("Split the case into parts"),
    "task_accept": N_("Accept the task"),
    "task_done": N_("Task is done"),
    "task_refuse": N_("Refuse the task"),
    "task_withdraw": N_("Withdraw the task"),
    "task_rate": N_("Rate the help"),
    "propose_swap": N_("Offer the lead to this unit"),
    "swap": N_("Take the lead"),
    "order_swap": N_("Order that this unit leads"),
    "contest_transfer": N_("Contest the hand-over"),
    "name_acting": N_("Name who acts meanwhile"),
    "rule": N_("Rule the dispute"),
    "propose_rule": N_("Propose a rule from this ruling"),
}
DONE: Mapping[str, str] = {
    "ask": N_("The unit has been asked."),
    "split": N_("The case is split into parts."),
    "task_accept": N_("The task is accepted."),
    "task_done": N_("The task is reported done."),
    "task_refuse": N_("The task was refused."),
    "task_withdraw": N_("The task was withdrawn."),
    "task_rate": N_("The help is rated."),
    "propose_swap": N_("The lead was offered to the unit."),
    "swap": N_("Your unit leads now."),
    "order_swap": N_("The units have swapped."),
    "contest_transfer": N_("The coordination desk will rule on it."),
    "name_acting": N_("The unit was asked to act."),
    "rule": N_("The dispute is ruled."),
    "propose_rule": N_("The rule is proposed. A person has to publish it."),
}
# What is typed to an action on a task: label, and whether it must be there.
ASKED: Mapping[str, tuple[str, bool]] = {
    "task_done": (N_("What was done"), True),
    "task_refuse": (N_("Why your unit does not do it"), True),
    "task_withdraw": (N_("Why it is not needed"), True),
    "task_rate": (N_("Words for the desk"), True),
    "propose_swap": (N_("Why this unit should lead"), False),
    "order_swap": (N_("On what basis"), True),
}
CLOCK_KINDS: Mapping[str, str] = {"task": N_("Clock of a task"), "dispute": N_("Clock of the ruling")}
STAGES: Mapping[str, str] = {"rule": N_("Ruling")}


def is_told(kind: str, public: Mapping[str, Any]) -> bool:
    """Whether the public history tells of an event: not of a task whose unit stays inside.

    Nor of what another line says already: who acts for now, and that a share ends when the case is handed on.
    """
    if not kind.startswith("task."):
        return True
    by_hand = kind == "task.withdrawn" and (public.get("actor") or {}).get("role") != "system"
    return "unit" in public and (by_hand or (kind, public.get("kind")) not in _SAID_ELSEWHERE)


def title_of(kind: str, public: Mapping[str, Any]) -> str:
    """How an event of a task reads because of the task's kind; empty where its own kind says enough."""
    return _INTERIM.get(kind, "") if public.get("kind") == "interim" else ""
