"""What is looked for on a page in a browser, and how a person of each kind gets there."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

AXE = Path(__file__).resolve().parents[1] / "vendor/axe-core/axe.min.js"
LOCALES = {"en": "en-GB", "zh_Hans": "zh-CN"}
WIDTHS = (360, 390, 768, 1280)
SCHEMES = ("light", "dark")
OF_COLOURS = ("color-contrast", "link-in-text-block")  # all that the scheme can change
HEIGHT = 800
# A breach of the policy says itself to the page, not only to the console.
WATCH_POLICY = """
  window.breaches = [];
  addEventListener("securitypolicyviolation", (told) =>
    breaches.push(`${told.effectiveDirective} ${told.blockedURI} ${told.sourceFile}:${told.lineNumber}`));
"""
RUN_AXE = """async (rules) => {
  const some = rules.length ? {runOnly: rules} : {};
  const found = await axe.run(document, {resultTypes: ["violations"], ...some});
  const why = (node) => [...node.any, ...node.all, ...node.none].map((one) => one.message)[0] ?? "";
  const where = (one) => one.nodes.slice(0, 5).map((node) => `      ${node.target.join(" ")}  ${why(node)}`);
  return found.violations.map((one) => [`${one.id}: ${one.help}`, ...where(one)].join("\\n"));
}"""
# Whoever reaches over the edge, named: the elements whose own box does, outermost first.
TOO_WIDE = """() => {
  const root = document.documentElement;
  if (root.scrollWidth <= innerWidth) return [];
  const isOut = (box) => box.width && (box.right > innerWidth + 1 || box.left < -1);
  return [`${root.scrollWidth} > ${innerWidth}`].concat([...document.body.querySelectorAll("*")]
    .filter((one) => isOut(one.getBoundingClientRect()) && !one.closest(".scroll, .filters, .leaflet-container"))
    .slice(0, 4).map((one) => one.outerHTML.slice(0, 120)));
}"""
# 44 px for what stands for itself, on every page; links in running text and tables are axe's matter (24 px).
TOO_SMALL = """() => {
  const fields = "input:not([type=hidden], [type=checkbox], [type=radio]), select, textarea";
  const own = `button, summary, nav a, .button, .choice, ${fields}`;
  return [...document.querySelectorAll(own)]
    .filter((one) => one.checkVisibility() && !one.closest(".only-read, .leaflet-container"))
    .map((one) => [one.outerHTML.slice(0, 90), one.getBoundingClientRect().height])
    .filter(([, height]) => height < 43.5).map(([html, height]) => `${html} is ${height} px high`);
}"""


@dataclass
class Tab:
    """One person's browser in one language, and what it has complained of since it was last asked."""

    page: Any
    complaints: list[str] = field(default_factory=list)
    now: str = ""

    def __post_init__(self) -> None:
        self.page.on("console", lambda told: self._note(told.type, told.text))
        self.page.on("pageerror", lambda error: self.complaints.append(str(error)))

    def _note(self, kind: str, text: str) -> None:
        if kind in ("error", "warning"):
            self.complaints.append(text)

    def open(self, address: str, status: int = 200) -> int:
        """Go there; answers the status. A refusal that was looked for is no complaint."""
        self.complaints.clear()
        self.set_to(SCHEMES[0], WIDTHS[0])
        answer = self.page.goto(address, wait_until="load")
        if status != 200:
            self.complaints[:] = [one for one in self.complaints if not one.startswith("Failed to load")]
        return int(answer.status)

    def set_to(self, scheme: str, width: int) -> None:
        """Light or dark, and how wide."""
        self.page.emulate_media(color_scheme=scheme, reduced_motion="reduce")
        self.page.set_viewport_size({"width": width, "height": HEIGHT})
        self.now = f"{scheme} {width}"

    def complained(self) -> list[str]:
        """What the console and the policy said of this page."""
        return self.complaints + self.page.evaluate("window.breaches")

    def too_wide(self) -> list[str]:
        """What reaches over the edge of the screen."""
        return self._seen(TOO_WIDE)

    def too_small(self) -> list[str]:
        """What a thumb would miss."""
        self.set_to(SCHEMES[0], WIDTHS[0])
        return self._seen(TOO_SMALL)

    def turned_around(self) -> list[str]:
        """What reaches over the edge where the page is read from right to left."""
        self.page.evaluate("document.documentElement.dir = 'rtl'")
        found: list[str] = []
        for width in (WIDTHS[0], WIDTHS[-1]):
            self.set_to(SCHEMES[0], width)
            found += [f"right to left: {one}" for one in self.too_wide()]
        return found

    def broken_rules(self, rules: tuple[str, ...] = ()) -> list[str]:
        """What axe finds: by all its rules, or by some."""
        if not self.page.evaluate("'axe' in window"):
            self.page.evaluate(AXE.read_text("utf-8"))
        return self._seen(RUN_AXE, list(rules))

    def _seen(self, program: str, given: list[str] | None = None) -> list[str]:
        return [f"{self.now}: {one}" for one in self.page.evaluate(program, given)]
