"""Knows the units of a city: who stands above whom, and which boundary each one answers for."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date

from routing.errors import RoutingError, UnknownUnit


@dataclass(frozen=True, slots=True)
class Unit:
    """One unit: an office, a department, a crew, a contractor or the coordination centre.

    `boundaries` holds (layer, boundary code) pairs. `supervisor` is blank when the parent supervises.
    A contract runs from `contract_from` to `contract_to`, both days included, None meaning no limit.
    """

    code: str
    parent: str = ""
    level: str = ""
    names: Mapping[str, str] = field(default_factory=dict)
    supervisor: str = ""
    boundaries: tuple[tuple[str, str], ...] = ()
    contract_from: date | None = None
    contract_to: date | None = None

    def is_in_force(self, day: date | None) -> bool:
        """Tell whether the unit may be given work on `day`; always, when no day is named."""
        if day is None:
            return True
        return (self.contract_from is None or self.contract_from <= day) and (
            self.contract_to is None or day <= self.contract_to
        )

    def name(self, *locales: str) -> str:
        """Return the name in the first of `locales` that has one, else any name, else the code."""
        wanted = (self.names.get(locale) for locale in locales)
        return next((name for name in (*wanted, *self.names.values()) if name), self.code)


class Directory:
    """All units of a city, with the coordination unit that owns what nobody owns.

    Raises RoutingError for a code given twice, a parent or supervisor that does not exist, or a circle of
    parents; UnknownUnit when the coordination unit is missing.
    """

    __slots__ = ("_by_boundary", "_units", "coordination_unit")

    def __init__(self, units: Iterable[Unit], coordination_unit: str) -> None:
        self._units: dict[str, Unit] = {}
        self._by_boundary: dict[tuple[str, str], tuple[str, ...]] = {}
        self.coordination_unit = coordination_unit
        holders: defaultdict[tuple[str, str], list[str]] = defaultdict(list)
        for unit in units:
            if unit.code in self._units:
                raise RoutingError(f"unit {unit.code!r} is given twice")
            self._units[unit.code] = unit
            for boundary in unit.boundaries:
                holders[boundary].append(unit.code)
        self._by_boundary = {boundary: tuple(codes) for boundary, codes in holders.items()}
        self._check()

    def __iter__(self) -> Iterator[Unit]:
        return iter(self._units.values())

    def __len__(self) -> int:
        return len(self._units)

    def __contains__(self, code: object) -> bool:
        return code in self._units

    def unit(self, code: str) -> Unit:
        """Return the unit with this code; raises UnknownUnit."""
        try:
            return self._units[code]
        except KeyError:
            raise UnknownUnit(code) from None

    def unit_of(self, layer: str, boundary_code: str, day: date | None = None) -> str | None:
        """Return the unit that answers for a boundary: the first in the file whose contract runs on `day`."""
        codes = self._by_boundary.get((layer, boundary_code), ())
        return next((code for code in codes if self._units[code].is_in_force(day)), None)

    def ancestors(self, code: str) -> tuple[str, ...]:
        """Return the parents of a unit, nearest first, without the unit itself."""
        found: list[str] = []
        parent = self.unit(code).parent
        while parent:
            found.append(parent)
            parent = self._units[parent].parent
        return tuple(found)

    def supervisor_of(self, code: str) -> str | None:
        """Return who supervises: the named supervisor, else the parent, else the coordination unit.

        None for the coordination unit itself when nobody stands above it.
        """
        unit = self.unit(code)
        above = unit.supervisor or unit.parent or self.coordination_unit
        return None if above == code else above

    def is_below(self, code: str, other: str) -> bool:
        """Tell whether `code` stands somewhere under `other`; a unit is not below itself."""
        return other in self.ancestors(code)

    def in_force(self, code: str, day: date | None) -> str:
        """Return the unit, or where its contract does not run the nearest that supervises it and is in force."""
        candidate: str | None = code
        asked: set[str] = set()
        while candidate is not None and candidate not in asked:
            if self.unit(candidate).is_in_force(day):
                return candidate
            asked.add(candidate)
            candidate = self.supervisor_of(candidate)
        return self.coordination_unit

    def holder_of(self, layer: str, boundary_code: str, day: date) -> str | None:
        """Return the unit of a boundary as `unit_of`; one without a running contract where there is no other."""
        return self.unit_of(layer, boundary_code, day) or self.unit_of(layer, boundary_code)

    def boundaries_of_layer(self, layer: str) -> frozenset[str]:
        """Return the boundary codes of a layer that some unit answers for."""
        return frozenset(code for name, code in self._by_boundary if name == layer)

    def _check(self) -> None:
        self.unit(self.coordination_unit)
        for unit in self:
            for role, other in (("parent", unit.parent), ("supervisor", unit.supervisor)):
                if other and other not in self._units:
                    raise RoutingError(f"unit {unit.code!r} names an unknown {role} {other!r}")
        for unit in self:
            seen, parent = {unit.code}, unit.parent
            while parent:
                if parent in seen:
                    raise RoutingError(f"unit {unit.code!r} stands above itself")
                seen.add(parent)
                parent = self._units[parent].parent
