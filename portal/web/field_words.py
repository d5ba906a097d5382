"""Knows the words of crews, contractors and communities: states, reasons and what was done."""

from __future__ import annotations

from collections.abc import Mapping

from portal.i18n import N_

WHYS: Mapping[str, str] = {"nearest_free": N_("Nearest free"), "least_loaded": N_("Least to do")}
JOB_STATES: Mapping[str, str] = {
    "assigned": N_("sent, not accepted"),
    "accepted": N_("accepted"),
    "started": N_("at work"),
    "finished": N_("finished"),
    "withdrawn": N_("called back"),
}
LOAN_STATES: Mapping[str, str] = {
    "requested": N_("asked for"),
    "granted": N_("granted, on its way"),
    "refused": N_("refused"),
    "arrived": N_("arrived"),
    "returned": N_("returned"),
    "withdrawn": N_("no longer needed"),
}
STEPS: Mapping[str, str] = {"assigned": N_("Accept"), "accepted": N_("Start work"), "started": N_("Finish")}
STEP_OF: Mapping[str, str] = {"assigned": "accept", "accepted": "start", "started": "finish"}
DOWN_REASONS: Mapping[str, str] = {
    "to_solve": N_("To solve it there"),
    "to_verify": N_("To look whether it is so"),
}
UP_REASONS: Mapping[str, str] = {
    "beyond_our_means": N_("Beyond our means"),
    "needs_authority": N_("Needs an authority"),
    "verified": N_("We have looked: it is so"),
    "not_confirmed": N_("We have looked: it is not so"),
    "no_time": N_("No time for it"),
}
DONE: Mapping[str, str] = {
    "sent": N_("They have been sent."),
    "given": N_("The case is given to them."),
    "taken": N_("The case is yours now."),
    "asked": N_("The other unit has been asked."),
    "granted": N_("The crew is granted."),
    "refused": N_("The request is refused."),
    "returned": N_("The crew has been given back."),
    "linked": N_("The contractor gets a new link."),
    "unlinked": N_("The link has ended."),
    "answered": N_("The answer has been sent."),
    "handed": N_("The case was handed over."),
    "saved": N_("The crew is saved."),
    "accept": N_("The job is accepted."),
    "start": N_("Work has started."),
    "finish": N_("The job is finished."),
}
# What is named where a form was refused.
ACTIONS: Mapping[str, str] = {
    "send_crew": N_("Send another crew"),
    "give_to": N_("Give to one person"),
    "borrow_crew": N_("Borrow a crew"),
    "send_link": N_("Contractor's link"),
    "answer_contractor": N_("Your answer to the contractor"),
    "hand_down": N_("Hand down to a community"),
    "hand_up": N_("Hand up to the street"),
}
EVENTS: Mapping[str, str] = {
    "crew.sent": N_("A crew was sent"),
    "crew.called": N_("The crew on duty was called at once"),
    "job.given": N_("Given to one person"),
    "job.taken": N_("Somebody took it on"),
    "job.accepted": N_("That person accepted it"),
    "job.started": N_("That person began"),
    "job.finished": N_("That person finished"),
    "crew.missing": N_("Nobody was on duty"),
    "crew.accepted": N_("The crew accepted"),
    "crew.started": N_("The crew began"),
    "crew.finished": N_("The crew finished"),
    "crew.asked": N_("A crew was asked for"),
    "crew.granted": N_("A crew was lent"),
    "crew.refused": N_("A crew was refused"),
    "crew.arrived": N_("The borrowed crew arrived"),
    "crew.returned": N_("The borrowed crew went back"),
    "crew.withdrawn": N_("The request for a crew was withdrawn"),
    "contractor.asked": N_("Question of the contractor"),
    "contractor.answered": N_("Answer to the contractor"),
    "contractor.linked": N_("The contractor got a new link"),
    "contractor.unlinked": N_("The contractor's link was ended"),
    "request.handed_down": N_("Handed down to a community"),
    "request.handed_up": N_("Handed up to the street"),
}
# What the public reads; the rest is the units' own affair.
LINES: Mapping[str, str] = {
    "crew.called": N_("The crew on duty of %(unit)s was called at once"),
    "crew.sent": N_("%(unit)s sends a crew"),
    "crew.started": N_("A crew of %(unit)s has begun"),
    "job.given": N_("%(unit)s gave it to one of its people"),
    "job.taken": N_("Somebody at %(unit)s has taken it on"),
    "job.started": N_("Somebody of %(unit)s has begun"),
    "request.handed_down": N_("%(from)s gave it to %(to)s for a time"),
    "request.handed_up": N_("%(from)s gave it back to %(to)s"),
}
