"""Knows what the letters to a unit's people are called, in the groups in which people choose among them."""

from __future__ import annotations

from collections.abc import Mapping

from portal.i18n import N_

# A job that somebody is given is told to that person in any case.
ALWAYS = {"crew_sent": N_("Job for you")}
GROUPS: Mapping[str, Mapping[str, str]] = {
    N_("Cases that come to us"): {
        "received": N_("New case"),
        "transferred_to_you": N_("Handed over to you"),
        "ruled": N_("The desk has ruled who answers"),
        "act_meanwhile": N_("We are to act until it is ruled"),
        "swap_proposed": N_("We are asked to take the lead"),
    },
    N_("Time"): {
        "at_risk": N_("Soon due"),
        "reminded": N_("A reminder"),
        "breached": N_("Overdue"),
        "escalated": N_("Overdue, and still not settled"),
        "extension_asked": N_("More time is asked for"),
        "extension_granted": N_("More time was granted"),
        "extension_refused": N_("More time was refused"),
    },
    N_("The resident"): {
        "contested": N_("Not solved, says the resident"),
        "relayed": N_("The resident has answered"),
    },
    N_("Work with others"): {
        "task_added": N_("We are asked for help"),
        "task_done": N_("A task is done"),
        "task_refused": N_("A task was refused"),
        "task_withdrawn": N_("A task is no longer needed"),
        "contractor_asked": N_("A contractor asks"),
        "contractor_answered": N_("A contractor's question is answered"),
        "crew_asked": N_("A crew of ours is asked for"),
        "crew_granted": N_("A crew is lent to us"),
        "crew_refused": N_("No crew is lent to us"),
        "nobody_on_duty": N_("An emergency, and nobody is on duty"),
    },
    N_("Supervision"): {
        "dispute_opened": N_("A dispute waits for a ruling"),
        "group_incident": N_("Many report the same"),
        "supervised": N_("A case is under supervision"),
        "supervision_closed": N_("The supervision of a case has ended"),
    },
}
# What can be chosen, and what each letter is called where it is one line among others.
CHOICES: Mapping[str, str] = {code: name for group in GROUPS.values() for code, name in group.items()}
OCCASION_NAMES: Mapping[str, str] = {**CHOICES, **ALWAYS}
