"""Knows the failures that routing reports: each carries data, so that nobody parses a sentence."""

from geo.sentences import sentence


class RoutingError(Exception):
    """The root of everything that this package raises on purpose."""


class RuleError(RoutingError):
    """One thing wrong with a rulebook.

    `rule_id` names the rule ("" for the book as a whole), `code` is stable, `message` is for a person.
    """

    def __init__(self, rule_id: str, code: str, pattern: str, /, **values: object) -> None:
        message = sentence(pattern, **values)
        super().__init__(f"{rule_id}: {message}" if rule_id else message)
        self.rule_id = rule_id
        self.code = code
        self.message = message


class RulebookError(RoutingError):
    """A rulebook that cannot be used; `.problems` lists every RuleError found, not only the first."""

    def __init__(self, problems: list[RuleError]) -> None:
        super().__init__("; ".join(str(problem) for problem in problems))
        self.problems = problems


class IllegalMove(RoutingError):
    """A move that the lifecycle does not allow; `reason` is a message key such as `move.wrong_state`."""

    def __init__(self, state: str, action: str, reason: str) -> None:
        super().__init__(f"{action} from {state}: {reason}")
        self.state = state
        self.action = action
        self.reason = reason


class CalendarError(RoutingError):
    """A working calendar that can never be satisfied, or an instant without a time zone."""


class UnknownUnit(RoutingError):
    """A unit code that the directory does not hold; `code` is the one asked for."""

    def __init__(self, code: str) -> None:
        super().__init__(f"unknown unit {code!r}")
        self.code = code


class UnknownService(RoutingError):
    """A service code that the city does not offer; `code` is the one asked for."""

    def __init__(self, code: str) -> None:
        super().__init__(f"unknown service {code!r}")
        self.code = code


class InvalidPlace(RoutingError):
    """Coordinates that are no place on Earth: not finite, or out of the range of degrees."""

    def __init__(self, lon: float, lat: float) -> None:
        super().__init__(f"({lon}, {lat}) is not a longitude and latitude in degrees")
        self.lon = lon
        self.lat = lat
