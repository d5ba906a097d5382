"""The typed contents of a city pack: plain frozen values, each remembering the file and row it came from."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, time
from pathlib import Path
from typing import Any, Literal

from shapely.geometry.base import BaseGeometry

from geo.boundary import USUAL_SNAP_M
from portal.pack.letters import ChannelRow, WordingRow
from portal.pack.privacy import PrivacyFigures
from routing.closing import ClosingFigures
from routing.decision import AMBIGUOUS_BELOW, GEOCODED_BORDER_M
from routing.disputes import CustodyFigures
from routing.duplicates import DuplicateRules
from routing.escalation import Escalation
from routing.incidents import GroupRules

Severity = Literal["error", "warning"]
Texts = Mapping[str, str]
"""Locale (gettext name) to text."""

KINDS = ("report", "complaint", "enquiry", "suggestion", "praise")
PRIORITIES = ("emergency", "high", "normal", "low")
DATUMS = ("wgs84", "gcj02", "bd09")
DATATYPES = (
    "string",
    "number",
    "datetime",
    "text",
    "singlevaluelist",
    "multivaluelist",
    "notice",
)
LIST_DATATYPES = ("singlevaluelist", "multivaluelist")
CLOCKS = ("promise", "unit")
STAGES = ("dispatch", "accept", "first_answer", "resolve")
SPAN_UNITS = ("working_hours", "working_days", "hours", "days")


@dataclass(frozen=True, slots=True)
class Finding:
    """One problem of a pack. `row` counts from 1 (the header of a table, the first feature of a GeoJSON
    file); 0 means the file as a whole. `column` is a column name, or the dotted key in a TOML file.
    """

    file: str
    row: int
    column: str
    severity: Severity
    message: str

    def __str__(self) -> str:
        """`units.csv:4 parent: error: …`, for terminals and logs."""
        row = f":{self.row}" if self.row else ""
        column = f" {self.column}" if self.column else ""
        return f"{self.file}{row}{column}: {self.severity}: {self.message}"


@dataclass(frozen=True, slots=True)
class CalendarConfig:
    """The working calendar as the city wrote it; weekday 0 is Monday. Times are local, naive."""

    country: str = ""
    subdivision: str = ""
    hours: Mapping[int, tuple[tuple[time, time], ...]] = field(default_factory=dict)
    cutoff: time | None = None
    after_cutoff_starts: time | None = None
    weekend_start: str = "next_opening"
    skip_holidays: bool = True


@dataclass(frozen=True, slots=True)
class EditionConfig:
    """One file of a layer's history. `file` is as written, `path` where it is read from."""

    file: str
    path: Path
    code: str
    name: str = ""
    code_regex: str = ""
    code_strip_zeros: bool = False
    crs: str = ""
    datum: str = "wgs84"
    valid_from: date | None = None
    valid_to: date | None = None


@dataclass(frozen=True, slots=True)
class LayerConfig:
    """A boundary layer with its editions, oldest first."""

    name: str
    titles: Texts
    editions: tuple[EditionConfig, ...]
    tie_order: int = 100
    snap_m: float = USUAL_SNAP_M
    required: bool = False

    def edition_on(self, day: date | None) -> EditionConfig | None:
        """The edition in force on a day; the newest without a day; None when no edition covers the day."""
        if day is None:
            return self.editions[-1] if self.editions else None
        valid = [
            edition
            for edition in self.editions
            if (edition.valid_from is None or edition.valid_from <= day)
            and (edition.valid_to is None or day < edition.valid_to)
        ]
        return valid[-1] if valid else None


@dataclass(frozen=True, slots=True)
class Lanes:
    """By when somebody must have taken a case: an emergency around the clock, the others in working hours."""

    emergency_hours: float = 0.5
    ordinary_hours: float = 2.0


@dataclass(frozen=True, slots=True)
class CityConfig:
    """What city.toml says. Coordinates are (lon, lat) degrees in EPSG:4326, lengths metres.

    `ambiguous_below`: the share of a measured accuracy disc that the lead must keep. `geocoded_border_m`:
    how near another unit's place makes a point doubtful whose accuracy nobody measured. `default_points`: name
    to (lon, lat, metres); a place there is flagged unless a device measured it.
    """

    names: Texts
    jurisdiction_id: str
    timezone: str
    locales: tuple[str, ...]
    map_centre: tuple[float, float]
    map_zoom: int
    local_srid: int
    coordination_unit: str
    default_accuracy_m: float
    datum: str
    calendar: CalendarConfig
    layers: Mapping[str, LayerConfig]
    targets_of_service: Mapping[str, float]
    ambiguous_below: float = AMBIGUOUS_BELOW
    geocoded_border_m: float = GEOCODED_BORDER_M
    escalation: Escalation = field(default_factory=Escalation)
    lanes: Lanes | None = None
    closing: ClosingFigures = field(default_factory=ClosingFigures)
    duplicates: DuplicateRules = field(default_factory=DuplicateRules)
    incidents: GroupRules = field(default_factory=GroupRules)
    custody: CustodyFigures = field(default_factory=CustodyFigures)
    privacy: PrivacyFigures = field(default_factory=PrivacyFigures)
    default_points: Mapping[str, tuple[float, float, float]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class ServiceRow:
    """A line of services.csv."""

    file: str
    row: int
    code: str
    group: str
    kind: str
    names: Texts
    descriptions: Texts
    keywords: Mapping[str, tuple[str, ...]]
    group_names: Texts
    importance: int
    sensitive: bool
    duplicate_radius_m: float
    photo: str
    type: str
    active: bool = True


@dataclass(frozen=True, slots=True)
class Choice:
    """One value of a list question."""

    key: str
    labels: Texts


@dataclass(frozen=True, slots=True)
class QuestionRow:
    """A line of questions.csv. `show_if`: shown when any (question code, key) was answered; empty: always.
    `stop`: answer key to the code of the notice that is shown instead of going on.
    """

    file: str
    row: int
    service_code: str
    code: str
    datatype: str
    required: bool
    order: int
    texts: Texts
    values: tuple[Choice, ...]
    show_if: tuple[tuple[str, str], ...]
    stop: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class UnitBoundary:
    """A place a unit answers for, with the row that says so."""

    layer: str
    code: str
    row: int


@dataclass(frozen=True, slots=True)
class UnitRow:
    """A unit; rows that repeat its code only add boundaries."""

    file: str
    row: int
    code: str
    parent: str
    level: str
    names: Texts
    boundaries: tuple[UnitBoundary, ...]
    email: str
    webhook: str
    phone: str
    supervisor_unit: str
    contract_from: date | None
    contract_to: date | None
    active: bool = True


@dataclass(frozen=True, slots=True)
class DutyRow:
    """A line of duties.csv: what the published catalogue says beyond "who"."""

    file: str
    row: int
    unit_code: str
    service_code: str
    standards: Texts
    procedures: Texts
    legal_basis: str
    review_by: date | None


@dataclass(frozen=True, slots=True)
class TargetRow:
    """A line of targets.csv. `scope` is a service code, a group or `*`; `priority` blank means any."""

    file: str
    row: int
    scope: str
    priority: str
    clock: str
    stage: str
    amount: float
    unit: str


@dataclass(frozen=True, slots=True)
class HolidayRow:
    """A line of holidays.csv: `working` yes makes a weekend day a working day, no makes a day off."""

    file: str
    row: int
    day: date
    working: bool
    names: Texts


@dataclass(frozen=True, slots=True)
class PlanRow:
    """A response plan."""

    file: str
    row: int
    code: str
    titles: Texts
    trigger: str
    steps: Texts


@dataclass(frozen=True, slots=True)
class AnswerRow:
    """A line of answers.csv: words to close with. `scope` is a service code, a group or `*`."""

    file: str
    row: int
    scope: str
    ending: str
    texts: Texts


@dataclass(frozen=True, slots=True)
class CrewRow:
    """A crew of a unit. `services` are codes of services or groups, none meaning all; `base` is (lon, lat)."""

    file: str
    row: int
    code: str
    unit_code: str
    names: Texts
    services: tuple[str, ...]
    capacity: int
    base: tuple[float, float] | None
    email: str
    phone: str
    active: bool = True


@dataclass(frozen=True, slots=True)
class RosterRow:
    """A shift of a crew, as written: `day` is a weekday, `daily`, `working`, `off` or a date."""

    file: str
    row: int
    crew_code: str
    day: str
    starts: str
    ends: str


@dataclass(frozen=True, slots=True)
class Feature:
    """A feature of a GeoJSON file; geometry in EPSG:4326, `row` counts features from 1."""

    row: int
    geometry: BaseGeometry
    properties: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class FeatureFile:
    """A file of points/, works/ or basemap/; `name` is its stem."""

    file: str
    name: str
    features: tuple[Feature, ...]


@dataclass(frozen=True, slots=True)
class Pack:
    """Everything a folder says, and every problem met while reading it. `config` is None only when city.toml
    could not be read at all.
    """

    folder: Path
    config: CityConfig | None
    services: tuple[ServiceRow, ...] = ()
    questions: tuple[QuestionRow, ...] = ()
    units: tuple[UnitRow, ...] = ()
    duties: tuple[DutyRow, ...] = ()
    targets: tuple[TargetRow, ...] = ()
    holidays: tuple[HolidayRow, ...] = ()
    plans: tuple[PlanRow, ...] = ()
    crews: tuple[CrewRow, ...] = ()
    rosters: tuple[RosterRow, ...] = ()
    answers: tuple[AnswerRow, ...] = ()
    wordings: tuple[WordingRow, ...] = ()
    channels: tuple[ChannelRow, ...] = ()
    points: tuple[FeatureFile, ...] = ()
    works: tuple[FeatureFile, ...] = ()
    basemap: tuple[FeatureFile, ...] = ()
    rules_text: str = ""
    config_lines: Mapping[str, int] = field(default_factory=dict)
    digest: str = ""
    findings: tuple[Finding, ...] = ()

    @property
    def city(self) -> CityConfig:
        """The configuration; raises PackError where city.toml could not be read."""
        if self.config is None:
            raise PackError(self.findings)
        return self.config

    @property
    def errors(self) -> tuple[Finding, ...]:
        """The findings that make the pack unusable."""
        return tuple(finding for finding in self.findings if finding.severity == "error")


class PackError(ValueError):
    """A pack cannot be used; carries the findings, its text lists the errors one per line."""

    def __init__(self, findings: tuple[Finding, ...]) -> None:
        self.findings = tuple(findings)
        super().__init__("\n".join(str(found) for found in findings if found.severity == "error"))
