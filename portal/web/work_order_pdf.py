"""Knows how a work order is set on paper: A4, one font that can Chinese, the small map, photos, boxes and the code."""

from __future__ import annotations

import io
from collections.abc import Sequence
from functools import lru_cache
from html import escape
from pathlib import Path
from typing import Any

import segno
from reportlab.lib.colors import HexColor
from reportlab.lib.pagesizes import A4
from reportlab.lib.styles import ParagraphStyle
from reportlab.lib.units import mm
from reportlab.lib.utils import ImageReader
from reportlab.pdfbase import pdfmetrics
from reportlab.pdfbase.cidfonts import UnicodeCIDFont
from reportlab.pdfbase.ttfonts import TTFError, TTFont
from reportlab.platypus import Flowable, Paragraph, SimpleDocTemplate, Spacer, Table

from portal.queries.place_map import HEIGHT, SCALE_BAR_M, WIDTH, PlaceMap
from portal.web.place_picture import LOOKS
from portal.web.work_order import WorkOrder

# A font of the system is put into the file, the used signs only; without one the reader's own Chinese font is named.
SYSTEM_FONTS = (
    "/usr/share/fonts/truetype/wqy/wqy-microhei.ttc",
    "/usr/share/fonts/truetype/wqy/wqy-zenhei.ttc",
    "/usr/share/fonts/truetype/droid/DroidSansFallbackFull.ttf",
    "/usr/share/fonts/truetype/arphic/uming.ttc",
)
NAMED_FONT = "STSong-Light"
MARGIN = 16 * mm
INNER = A4[0] - 2 * MARGIN - 12  # a frame keeps six points on each side
MAP_WIDTH = 92 * mm
SOFT_CODE = "#526064"
INK, SOFT, LINE, WAY = (HexColor(each) for each in ("#1d2a2c", SOFT_CODE, "#b9b5a9", "#0d5c63"))
LAND, WATER, PARK, BUILT = (HexColor(each) for each in ("#f4f1e9", "#c6dfea", "#dcebd0", "#ece7dc"))
_AREAS = {"water": WATER, "green": PARK}
_WAYS = {"express": 9.0, "main": 8.0, "collector": 6.0, "local": 4.0, "lane": 2.4, "rail": 1.2}


def work_order_pdf(order: WorkOrder, font: str = "") -> bytes:
    """The sheet as a PDF; `font` is a TrueType file to use instead of what the system has."""
    face = _face(font)
    out = io.BytesIO()
    document = SimpleDocTemplate(
        out, pagesize=A4, leftMargin=MARGIN, rightMargin=MARGIN, topMargin=14 * mm, bottomMargin=18 * mm,
        title=f"{order.heading} {order.token}", author=order.city, initialFontName=face,
    )  # fmt: skip

    def foot(canvas: Any, page: Any) -> None:
        canvas.setFont(face, 8)
        canvas.setFillColor(SOFT)
        canvas.drawString(MARGIN + 6, 10 * mm, order.foot)
        canvas.drawRightString(A4[0] - MARGIN - 6, 10 * mm, f"{order.token} · {page.page}")

    document.build(_story(order, face), onFirstPage=foot, onLaterPages=foot)
    return out.getvalue()


@lru_cache(maxsize=4)
def _face(wanted: str) -> str:
    """The name of the font that is used, made known to the library once."""
    for path in filter(None, (wanted, *SYSTEM_FONTS)):
        try:
            name = f"wenlu-{Path(path).stem}"
            pdfmetrics.registerFont(TTFont(name, path))
            return name
        except (TTFError, OSError):
            continue
    pdfmetrics.registerFont(UnicodeCIDFont(NAMED_FONT))
    return NAMED_FONT


def _story(order: WorkOrder, face: str) -> list[Flowable]:
    width = INNER - MAP_WIDTH - 6 * mm if order.drawn else INNER
    place: list[Any] = [_text(order.place_title, face, 12, WAY, after=3), *_facts(order.place_facts, face)]
    story: list[Flowable] = [_head(order, face), Spacer(1, 4 * mm)]
    story.append(
        _columns([[_Map(order, face), place]], [MAP_WIDTH + 6 * mm, width]) if order.drawn else _stack(place)
    )
    story += [Spacer(1, 4 * mm), _text(order.told_title, face, 12, WAY, after=3)]
    story += [_text(each, face, 11, after=4) for each in order.told]
    if order.photos:
        story += [Spacer(1, 2 * mm), _photos(order.photos, face)]
    boxes = [[_checklist(title, entries, face) for title, entries in order.lists]]
    story += [Spacer(1, 5 * mm), _columns(boxes, [INNER / len(order.lists)] * len(order.lists))]
    return [*story, Spacer(1, 5 * mm), *(_FillIn(each, face) for each in order.lines)]


def _head(order: WorkOrder, face: str) -> Flowable:
    left = [
        _text(f"{order.city} · {order.heading}", face, 10, SOFT, after=3),
        _text(order.title, face, 19, after=2),
        _text(order.token, face, 13, WAY, after=5),
        *_facts(order.facts, face),
    ]
    code = [_Code(order.code), _text(order.code_words, face, 8, SOFT)]
    return _columns([[left, code]], [INNER - 36 * mm, 36 * mm])


def _text(words: str, face: str, size: float, colour: Any = INK, after: float = 0) -> Paragraph:
    return _paragraph(escape(words).replace("\n", "<br/>"), face, size, colour, after)


def _facts(facts: Sequence[tuple[str, str]], face: str) -> list[Flowable]:
    return [
        _paragraph(f'<font color="{SOFT_CODE}">{escape(label)}:</font> {escape(value)}', face, 10)
        for label, value in facts
        if value
    ]


def _paragraph(marked: str, face: str, size: float, colour: Any = INK, after: float = 0) -> Paragraph:
    """Chinese breaks anywhere, other writing between words."""
    is_chinese = any("\u2e80" <= sign <= "\uffef" for sign in marked)
    style = ParagraphStyle(
        "text", fontName=face, fontSize=size, leading=size * 1.35, textColor=colour, spaceAfter=after,
        wordWrap="CJK" if is_chinese else None,
    )  # fmt: skip
    return Paragraph(marked, style)


def _columns(cells: list[list[Any]], widths: list[float]) -> Table:
    plain = [("VALIGN", (0, 0), (-1, -1), "TOP"), ("LEFTPADDING", (0, 0), (-1, -1), 0),
             ("RIGHTPADDING", (0, 0), (-1, -1), 6), ("TOPPADDING", (0, 0), (-1, -1), 0),
             ("BOTTOMPADDING", (0, 0), (-1, -1), 0)]  # fmt: skip
    return Table(cells, colWidths=widths, style=plain, hAlign="LEFT")


def _stack(parts: list[Any]) -> Table:
    return _columns([[parts]], [INNER])


def _photos(photos: Sequence[tuple[Path, str]], face: str) -> Table:
    across = min(len(photos), 3)
    width = INNER / max(across, 2) - 3 * mm
    cells = [[_Photo(path, width), _text(words, face, 8, SOFT)] for path, words in photos]
    rows: list[list[Any]] = [cells[n : n + across] for n in range(0, len(cells), across)]
    rows[-1] += [""] * (across - len(rows[-1]))
    return _columns(rows, [width + 3 * mm] * across)


def _checklist(title: str, entries: Sequence[str], face: str) -> list[Flowable]:
    return [_text(title, face, 12, WAY, after=3), *(_Box(each, face) for each in entries)]


class _Drawn(Flowable):  # type: ignore[misc]
    """Something of a fixed size that is drawn straight onto the sheet."""

    def __init__(self, width: float, height: float) -> None:
        super().__init__()
        self.width, self.height = width, height

    def wrap(self, _width: float, _height: float) -> tuple[float, float]:
        """The room that it takes."""
        return self.width, self.height


class _Code(_Drawn):
    """The QR code."""

    def __init__(self, address: str) -> None:
        super().__init__(34 * mm, 34 * mm)
        self._rows = [list(row) for row in segno.make(address, error="m", micro=False).matrix_iter(border=2)]

    def draw(self) -> None:
        """Dark squares on the sheet's white."""
        side = self.width / len(self._rows)
        self.canv.setFillColor(INK)
        for y, row in enumerate(self._rows):
            for x, is_dark in enumerate(row):
                if is_dark:
                    self.canv.rect(x * side, self.height - (y + 1) * side, side, side, stroke=0, fill=1)


class _Photo(_Drawn):
    """A photo, whole, within a width and six centimetres of height."""

    def __init__(self, path: Path, width: float) -> None:
        self._image = ImageReader(str(path))
        wide, high = self._image.getSize()
        scale = min(width / wide, 58 * mm / high)
        super().__init__(wide * scale, high * scale + 3)

    def draw(self) -> None:
        """The photo itself."""
        self.canv.drawImage(self._image, 0, 3, self.width, self.height - 3)


class _Box(_Drawn):
    """A line with a box to tick."""

    def __init__(self, words: str, face: str) -> None:
        super().__init__(INNER / 2 - 8, 18)
        self._words, self._face = words, face

    def draw(self) -> None:
        """Box and words."""
        self.canv.setStrokeColor(INK)
        self.canv.rect(0, 3, 10, 10, fill=0)
        self.canv.setFillColor(INK)
        size = 10.0
        while size > 6 and pdfmetrics.stringWidth(self._words, self._face, size) > self.width - 16:
            size -= 0.5
        self.canv.setFont(self._face, size)
        self.canv.drawString(16, 4.5, self._words)


class _FillIn(_Drawn):
    """A line to be written on."""

    def __init__(self, words: str, face: str) -> None:
        super().__init__(INNER, 24)
        self._words, self._face = words, face

    def draw(self) -> None:
        """What belongs there, and the line."""
        self.canv.setFont(self._face, 10)
        self.canv.setFillColor(SOFT)
        self.canv.drawString(0, 5, self._words)
        start = pdfmetrics.stringWidth(self._words, self._face, 10) + 8
        self.canv.setStrokeColor(LINE)
        self.canv.line(start, 3, self.width, 3)


class _Map(_Drawn):
    """The ground around the place, drawn from the same strokes as on the screen."""

    def __init__(self, order: WorkOrder, face: str) -> None:
        super().__init__(MAP_WIDTH, MAP_WIDTH * HEIGHT / WIDTH)
        self._order, self._face, self._by = order, face, MAP_WIDTH / WIDTH

    def _at(self, x: float, y: float) -> tuple[float, float]:
        return x * self._by, self.height - y * self._by

    def draw(self) -> None:
        """Areas, then ways with their edges, names, and the place in the middle."""
        drawn = self._order.drawn
        if drawn is None:
            return
        canvas = self.canv
        canvas.saveState()
        frame = canvas.beginPath()
        frame.roundRect(0, 0, self.width, self.height, 6)
        canvas.clipPath(frame, stroke=0, fill=0)
        canvas.setFillColor(LAND)
        canvas.rect(0, 0, self.width, self.height, stroke=0, fill=1)
        canvas.setLineCap(1)
        for stroke in drawn.strokes:
            if stroke.is_area:
                self._path(stroke.lines, fill=_AREAS.get(LOOKS.get(stroke.kind, ""), BUILT))
        ways = [each for each in drawn.strokes if not each.is_area]
        for extra, colour in ((1.6, LINE), (0.0, HexColor("#ffffff"))):
            for way in ways:
                plain = LINE if way.kind == "rail" else WATER if LOOKS.get(way.kind) == "water" else colour
                self._path(way.lines, stroke=plain, width=_WAYS.get(way.kind, 3.0) + extra)
        self._words(drawn)
        canvas.restoreState()
        canvas.setStrokeColor(LINE)
        canvas.roundRect(0, 0, self.width, self.height, 6, fill=0)

    def _path(self, lines: Any, fill: Any = None, stroke: Any = None, width: float = 1.0) -> None:
        path = self.canv.beginPath()
        for line in lines:
            path.moveTo(*self._at(*line[0]))
            for point in line[1:]:
                path.lineTo(*self._at(*point))
            if fill is not None:
                path.close()
        if fill is not None:
            self.canv.setFillColor(fill)
        else:
            self.canv.setStrokeColor(stroke)
            self.canv.setLineWidth(width * self._by)
        self.canv.drawPath(path, stroke=int(fill is None), fill=int(fill is not None), fillMode=0)

    def _words(self, drawn: PlaceMap) -> None:
        canvas = self.canv
        canvas.setFillColor(INK)
        for name, x, y in self._order.street_names:
            canvas.setFont(self._face, 6.5)
            canvas.drawCentredString(*self._at(x, y + 3), name)
        x, y = self._at(WIDTH / 2, HEIGHT / 2)
        if drawn.disc_px:
            canvas.setFillColor(HexColor("#a3302a"), alpha=0.15)
            canvas.circle(x, y, drawn.disc_px * self._by, stroke=0, fill=1)
        canvas.setFillColor(HexColor("#a3302a"), alpha=1)
        canvas.circle(x, y, 4.5, stroke=0, fill=1)
        canvas.setFillColor(INK)
        canvas.setStrokeColor(INK)
        canvas.setLineWidth(1)
        canvas.line(8, 7, 8 + drawn.bar_px * self._by, 7)
        canvas.setFont(self._face, 6.5)
        canvas.drawString(8, 9, f"{SCALE_BAR_M} m")
