"""Knows how the events of incidents read: in a public history and on the desk."""

from __future__ import annotations

from collections.abc import Mapping

from portal.i18n import N_

LINES: Mapping[str, str] = {
    "request.followed": N_("Somebody else says: me too"),
    "work.known": N_("Known already when it was reported"),
    "incident.declared": N_("Many people report this: declared a group incident"),
    "incident.gathered": N_("Belongs to a group incident"),
    "incident.step_done": N_("A step of the response plan is done"),
    "incident.ended": N_("The group incident is over"),
    "plan.opened": N_("A response plan was opened"),
    "plan.step_done": N_("A step of the response plan is done"),
}
# The desk reads the same sentences.
EVENTS = LINES
