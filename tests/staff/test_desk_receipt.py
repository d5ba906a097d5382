"""The receipt on the desk: at least what everybody reads on the public page, with the exact distances."""

from __future__ import annotations

import re
from typing import Any

import pytest

from portal.queries.staff_rights import Grant


def receipt_of(page: str) -> str:
    found = re.search(
        r"<details>\s*<summary>The receipt of the decision</summary>.*?</details>", page, re.DOTALL
    )
    assert found, "the page has a receipt"
    return found[0]


def parts_of(receipt: str) -> dict[str, list[str]]:
    """Labels, what nearly happened, the chain of who stands behind it, and the figures of the map."""
    return {
        "labels": re.findall(r"<dt>([^<]+)</dt>", receipt),
        "lines": [re.sub(r"\d+ m|<[^>]+>|\s+", " ", each) for each in re.findall(r"<li>(.*?)</li>", receipt)],
        "shapes": re.findall(r'class="(is-[a-z]+)', receipt),
    }


@pytest.mark.parametrize(
    "grant", [Grant("handler", "street-cn1"), Grant("dispatcher", "centre"), Grant("auditor", "")], ids=str
)
def test_the_desk_reads_at_least_what_the_public_reads(grant: Grant, desk: Any) -> None:
    token = desk.file("street-cn1", "routed")
    public = parts_of(receipt_of(desk.client().get(f"/r/{token}").text))
    inner = parts_of(receipt_of(desk.client(grant).get(f"/desk/case/{token}").text))
    assert {"Rule", "Sureness"} <= set(public["labels"])
    assert set(public["labels"]) <= set(inner["labels"])
    assert len(inner["lines"]) >= len(public["lines"]) >= 3
    assert any("published the rule" in each for each in inner["lines"])
    assert set(public["shapes"]) <= set(inner["shapes"])
    assert "is-point" in inner["shapes"], "the map stands there, with the exact place"


def test_a_case_without_a_place_has_a_receipt_without_a_map(desk: Any) -> None:
    token = desk.file("street-cn1", "routed", geom=None, public_geom=None)
    page = receipt_of(desk.client(Grant("dispatcher", "centre")).get(f"/desk/case/{token}").text)
    assert "receipt-map" not in page
