"""Makes the pictures of README.md from a running demo city: `python tests/demo/readme_pictures.py http://127.0.0.1:8000`."""

from __future__ import annotations

import io
import json
import shutil
import sys
import urllib.request
from pathlib import Path

from PIL import Image
from playwright.sync_api import Browser, sync_playwright

FOLDER = Path(__file__).resolve().parents[2] / "portal/docs/img"
FLAGS = (
    "--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-component-update",
    "--disable-sync",
)  # fmt: skip
PHONE, WIDE, GAP = (390, 844), (1280, 860), 24
COLOURS = 256  # of a palette: pages are flat, and a picture of one then weighs a quarter


def picture(browser: Browser, address: str, size: tuple[int, int], language: str) -> Image.Image:
    """The first screen of a page."""
    context = browser.new_context(viewport={"width": size[0], "height": size[1]}, locale=language)
    page = context.new_page()
    page.goto(address, wait_until="networkidle")
    seen = Image.open(io.BytesIO(page.screenshot())).convert("RGB")
    context.close()
    return seen


def side_by_side(pictures: list[Image.Image]) -> Image.Image:
    """Several pictures of one height in a row."""
    wide = sum(each.width for each in pictures) + GAP * (len(pictures) - 1)
    row = Image.new("RGB", (wide, pictures[0].height), "white")
    left = 0
    for each in pictures:
        row.paste(each, (left, 0))
        left += each.width + GAP
    return row


def keep(name: str, seen: Image.Image) -> None:
    """Write a picture with few colours."""
    seen.quantize(COLOURS, dither=Image.Dither.NONE).save(FOLDER / name, optimize=True)


def a_settled_report(base: str) -> str:
    """The number of a report that was closed, for a page with a whole story."""
    with urllib.request.urlopen(f"{base}/api/v1/reports?status=closed&limit=20") as answer:
        found = json.load(answer)["reports"]
    return str(found[len(found) // 2]["token"])


def main(base: str) -> None:
    """Write city.png, phone.png and progress.png."""
    with sync_playwright() as tools:
        browser = tools.chromium.launch(executable_path=shutil.which("chromium"), args=[*FLAGS])
        phones = ["/report", f"/r/{a_settled_report(base)}", "/units"]
        keep("phone.png", side_by_side([picture(browser, base + path, PHONE, "en") for path in phones]))
        keep("city.png", picture(browser, f"{base}/", WIDE, "en"))
        keep("progress.png", picture(browser, f"{base}/progress", WIDE, "zh-CN"))
        browser.close()


if __name__ == "__main__":
    main(sys.argv[1])
