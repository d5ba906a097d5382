"""Codes spelt in several ways: named, and nothing said where they are only different."""

import pytest

from geo.spelling import check_codes

CASES = {
    "a word before one number": (["1", "2", "3", "4", "5", "Ward 6"], [("odd-code", "Ward 6")]),
    "the same number with a word": (["3", "18", "Ward 18"], [("alike-codes", "18")]),
    "hyphen": (["E18", "E-18", "A1"], [("alike-codes", "E18")]),
    "capitals": (["0502a", "0502A"], [("alike-codes", "0502a")]),
    "zero in front": (["3", "03", "18"], [("alike-codes", "3")]),
    "full width": (["1", "2", "3", "4", "5", "６"], [("odd-code", "６")]),
    "a letter behind": (["0502", "0503", "0504", "0601", "0502A"], [("odd-code", "0502A")]),
    "one without its zero": (["01", "02", "04", "10", "3"], [("odd-code", "3")]),
    "one with a zero": (["1", "2", "03", "4", "10"], [("odd-code", "03")]),
    "numbers of any length": (["1", "20", "300", "4", "5"], []),
    "zeros to one width": (["01", "02", "10", "11"], []),
    "letter and number": (["A1", "A15", "B2", "E18", "E5"], []),
    "names": (["Roxbury", "West End", "St. Mary's", "O'Hare", "Jamaica Plain"], []),
    "Chinese names": (["南山", "福田", "罗湖", "大鹏新区", "盐田"], []),
    "two customs, half and half": (["1", "2", "A3", "A4"], []),
    "too few to have a custom": (["1", "W2"], []),
    "the same code twice is another matter": (["1", "1", "2"], []),
    "none": ([], []),
}


@pytest.mark.parametrize(("codes", "expected"), CASES.values(), ids=CASES)
def test_codes(codes: list[str], expected: list[tuple[str, str]]) -> None:
    found = check_codes(codes)
    assert [(each.kind, each.code) for each in found] == expected
    assert {each.severity for each in found} <= {"warning"}
