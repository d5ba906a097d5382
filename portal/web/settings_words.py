"""Knows the words of the settings of a city; one that is not listed is shown by its key."""

from __future__ import annotations

from collections.abc import Mapping

from portal.i18n import N_

GROUPS: Mapping[str, str] = {
    "": N_("The city"),
    "name": N_("Name of the city"),
    "calendar": N_("Calendar"),
    "calendar.hours": N_("Working hours"),
    "targets_of_service": N_("Published aims"),
    "escalation": N_("Warnings and escalation"),
    "closing": N_("Closing and confirmation"),
    "custody": N_("Hand-overs and disputes"),
    "duplicates": N_("Duplicates"),
    "incidents": N_("Incidents"),
    "privacy": N_("How long personal data are kept"),
    "default_points": N_("Places that programs write when they know none"),
}
LABELS: Mapping[str, str] = {
    "coordination_unit": N_("Coordination centre"),
    "map_centre": N_("Centre of the map: longitude, latitude"),
    "map_zoom": N_("First zoom of the map"),
    "local_srid": N_("Coordinate system in metres (EPSG number)"),
    "default_accuracy_m": N_("Accuracy of a place that says none, in metres"),
    "ambiguous_below": N_("Share of the accuracy circle below which a border case is asked about"),
    "geocoded_border_m": N_("An address is doubtful within so many metres of a border"),
    "datum": N_("Datum of coordinates that programs send"),
    "calendar.country": N_("Country of the public holidays (two letters)"),
    "calendar.subdivision": N_("Part of the country"),
    "calendar.cutoff": N_("Filed from this time on …"),
    "calendar.after_cutoff_starts": N_("… counts from this time of the next working day"),
    "calendar.weekend_start": N_("Filed outside working days"),
    "calendar.skip_holidays": N_("Public holidays are days off"),
    "calendar.hours.mon": N_("Monday"),
    "calendar.hours.tue": N_("Tuesday"),
    "calendar.hours.wed": N_("Wednesday"),
    "calendar.hours.thu": N_("Thursday"),
    "calendar.hours.fri": N_("Friday"),
    "calendar.hours.sat": N_("Saturday"),
    "calendar.hours.sun": N_("Sunday"),
    "escalation.remind": N_("Share of the time after which a unit is reminded"),
    "escalation.at_risk": N_("… after which a case is yellow"),
    "escalation.nearly_due": N_("… after which it is orange"),
    "escalation.extension_hours": N_("Hours to answer an application for more time"),
    "escalation.supervision_hours": N_("Hours for a case under supervision"),
    "escalation.supervised_kinds": N_("Kinds of feedback that come under supervision when overdue"),
    "escalation.pause_days": N_("Days until a pause ends by itself, where nobody named a day"),
    "escalation.step": N_("Steps after a breach"),
    "closing.proof_max_m": N_("A proof photo from farther away is flagged, in metres"),
    "closing.proof_max_hours": N_("… or older, in hours"),
    "closing.silent_days": N_("Days until silence closes a case"),
    "closing.voice_days": N_("Days that residents are heard"),
    "closing.neighbours_to_reopen": N_("Neighbours who reopen a case together"),
    "closing.contests_to_supervision": N_("Contested closings until supervision"),
    "custody.contest_hours": N_("Hours to contest a hand-over"),
    "custody.ruling_hours": N_("Hours for the desk to rule"),
    "custody.task_accept_hours": N_("Hours to accept a task"),
    "custody.task_hours": N_("Hours for a task"),
    "custody.time": N_("Which hours these are"),
    "duplicates.likely_from": N_("Likeness from which two reports are probably the same"),
    "duplicates.alike_from": N_("… from which they are shown as alike"),
    "duplicates.look_back_days": N_("Days to look back"),
    "incidents.reporters": N_("Reporters that make an incident"),
    "incidents.within_hours": N_("… within so many hours"),
    "incidents.within_m": N_("… and metres"),
    "incidents.baseline_days": N_("Days that say what is usual"),
    "incidents.alarm_rate": N_("Rate of false alarms"),
    "privacy.contact_days": N_("Days until contact data are forgotten"),
    "privacy.text_days": N_("Days until the words as written are forgotten"),
    "default_points.place_1": N_("First place"),
    "default_points.place_2": N_("Second place"),
    "default_points.place_3": N_("Third place"),
}
HINTS: Mapping[str, str] = {
    "calendar.hours": N_("Like 09:00-12:00, 14:00-18:00. Empty: no working day."),
    "default_points": N_(
        "Longitude, latitude, metres. A report there is flagged, unless a device measured it."
    ),
    "escalation.step": N_("A line each, like after_hours=4, to=parent, supervise=no."),
}
CHOICES: Mapping[str, tuple[str, ...]] = {
    "datum": ("wgs84", "gcj02", "bd09"),
    "calendar.weekend_start": ("next_opening", "next_working_day_same_time"),
    "calendar.skip_holidays": ("yes", "no"),
    "custody.time": ("working_hours", "hours"),
}
WORDS: Mapping[str, str] = {
    "next_opening": N_("counts from the next opening"),
    "next_working_day_same_time": N_("counts from the same time of the next working day"),
    "working_hours": N_("working hours"),
    "hours": N_("hours"),
    "yes": N_("Yes"),
    "no": N_("No"),
}


def group_of(key: str) -> str:
    """The group that a dotted key stands in."""
    return key.rpartition(".")[0]


def order_of(key: str) -> tuple[int, int]:
    """Where a key stands on the page: by its group, then as it is listed here; unknown ones last."""
    groups, keys = list(GROUPS), list(LABELS)
    group = group_of(key)
    return (
        groups.index(group) if group in groups else len(groups),
        keys.index(key) if key in keys else len(keys),
    )
