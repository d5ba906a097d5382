"""Knows how photos of the demo's reports are drawn: a street by day or night, what is wrong in it, or mended."""

from __future__ import annotations

import io
from collections.abc import Callable
from datetime import datetime

import numpy as np
from PIL import ExifTags, Image, ImageDraw, ImageFilter

from portal.demo.life.events import ZONE

SIZE = (480, 360)
HORIZON = 150
DAWN, DUSK = 6, 18
Draw = ImageDraw.ImageDraw
Colour = tuple[int, int, int]


def draw_photo(
    chance: np.random.Generator,
    service_code: str,
    group: str,
    at: datetime,
    place: tuple[float, float],
    scene: int,
    *,
    is_after: bool = False,
) -> bytes:
    """A JPEG as a telephone makes it: with its time, its place and some noise; one `scene` is one street."""
    local = at.astimezone(ZONE)
    is_night = not DAWN <= local.hour < DUSK
    image = Image.new("RGB", SIZE)
    draw = ImageDraw.Draw(image)
    _street(draw, np.random.default_rng(scene), is_night=is_night)
    if not is_after:
        (MATTERS.get(service_code) or MATTERS.get(group) or _bags)(draw, chance)
    elif group == "roads":
        _patch(draw, chance)
    image = image.filter(ImageFilter.GaussianBlur(float(chance.uniform(0.5, 1.1))))
    return _developed(image, chance, local, place, is_night=is_night)


def _street(draw: Draw, chance: np.random.Generator, *, is_night: bool) -> None:
    """Sky, houses with windows, pavement and carriageway in perspective."""
    sky: Colour = (24, 28, 44) if is_night else (176, 200 + int(chance.integers(20)), 226)
    draw.rectangle((0, 0, SIZE[0], HORIZON + 40), fill=sky)
    left = 0
    while left < SIZE[0]:
        width, top = int(chance.integers(50, 120)), int(chance.integers(10, 100))
        tone = int(chance.integers(50, 80) if is_night else chance.integers(140, 215))
        draw.rectangle((left, top, left + width, HORIZON + 30), fill=(tone, tone - 6, tone - 14))
        for x in range(left + 8, left + width - 10, 18):
            for y in range(top + 10, HORIZON + 10, 24):
                is_lit = is_night and chance.random() < 0.35
                draw.rectangle((x, y, x + 8, y + 12), fill=(240, 214, 140) if is_lit else (tone - 45,) * 3)
        left += width + 2
    ground = 46 if is_night else int(chance.integers(104, 128))
    draw.polygon(
        [(0, HORIZON + 20), (SIZE[0], HORIZON + 20), (SIZE[0], SIZE[1]), (0, SIZE[1])],
        fill=(ground + 26,) * 3,
    )
    draw.polygon(
        [(210, HORIZON + 20), (300, HORIZON + 20), (SIZE[0] + 60, SIZE[1]), (90, SIZE[1])], fill=(ground,) * 3
    )
    for step in range(5):
        y = HORIZON + 30 + step * step * 9
        draw.polygon([(254, y), (258, y), (264 + step * 2, y + 12 + step * 3), (254 + step * 2, y + 12 + step * 3)],
                     fill=(ground + 80,) * 3)  # fmt: skip


def _hole(draw: Draw, chance: np.random.Generator) -> None:
    x, y, wide = int(chance.integers(190, 300)), int(chance.integers(235, 290)), int(chance.integers(40, 75))
    for shrink, tone in ((0, 70), (6, 48), (14, 30)):
        draw.ellipse(
            (x - wide + shrink, y - 18 + shrink / 2, x + wide - shrink, y + 18 - shrink / 2),
            fill=(tone, tone, tone - 4),
        )


def _lamp(draw: Draw, chance: np.random.Generator) -> None:
    x, lean = int(chance.integers(80, 400)), int(chance.integers(-14, 15))
    draw.line((x, 330, x + lean, 60), fill=(92, 94, 98), width=7)
    draw.line((x + lean, 62, x + lean + 46, 52), fill=(92, 94, 98), width=5)
    draw.ellipse((x + lean + 36, 46, x + lean + 64, 60), fill=(60, 60, 62))


def _bags(draw: Draw, chance: np.random.Generator) -> None:
    colours: tuple[Colour, ...] = ((34, 36, 38), (52, 78, 60), (196, 188, 168), (160, 60, 50), (70, 84, 120))
    for _ in range(int(chance.integers(5, 12))):
        x, y, r = int(chance.integers(60, 300)), int(chance.integers(230, 310)), int(chance.integers(14, 34))
        draw.ellipse(
            (x - r, y - r, x + r, y + int(r * 0.8)), fill=colours[int(chance.integers(len(colours)))]
        )


def _tree(draw: Draw, chance: np.random.Generator) -> None:
    y = int(chance.integers(230, 290))
    draw.line((40, y + 30, 380, y - 30), fill=(84, 62, 44), width=16)
    for _ in range(60):
        x, dy, r = int(chance.integers(200, 420)), int(chance.integers(-70, 50)), int(chance.integers(8, 24))
        green = int(chance.integers(70, 130))
        draw.ellipse((x - r, y + dy - r, x + r, y + dy + r), fill=(34, green, 40))


def _water(draw: Draw, chance: np.random.Generator) -> None:
    top = int(chance.integers(200, 250))
    draw.polygon([(0, top + 30), (SIZE[0], top), (SIZE[0], SIZE[1]), (0, SIZE[1])], fill=(112, 108, 92))
    for _ in range(26):
        x, y, wide = (
            int(chance.integers(SIZE[0])),
            int(chance.integers(top + 30, SIZE[1])),
            int(chance.integers(16, 70)),
        )
        draw.line((x, y, x + wide, y), fill=(150, 150, 138), width=2)


def _cars(draw: Draw, chance: np.random.Generator) -> None:
    colours: tuple[Colour, ...] = ((210, 212, 214), (38, 40, 46), (130, 30, 32), (48, 74, 120))
    for number in range(int(chance.integers(1, 4))):
        x, y, wide = 40 + number * 130, int(chance.integers(220, 260)), 116
        colour = colours[int(chance.integers(len(colours)))]
        draw.rounded_rectangle((x, y, x + wide, y + 34), 9, fill=colour)
        draw.polygon([(x + 20, y), (x + 36, y - 24), (x + 84, y - 24), (x + 100, y)], fill=(58, 66, 76))
        for wheel in (x + 24, x + 90):
            draw.ellipse((wheel - 12, y + 24, wheel + 12, y + 48), fill=(18, 18, 20))


def _bikes(draw: Draw, chance: np.random.Generator) -> None:
    colours: tuple[Colour, ...] = ((240, 130, 30), (50, 150, 90), (50, 120, 200))
    for _ in range(int(chance.integers(6, 14))):
        x, y = int(chance.integers(30, 400)), int(chance.integers(220, 300))
        colour = colours[int(chance.integers(3))]
        for wheel in (x, x + 44):
            draw.ellipse((wheel - 15, y - 15, wheel + 15, y + 15), outline=(30, 30, 30), width=3)
        draw.line((x, y, x + 22, y - 22, x + 44, y, x + 14, y - 2), fill=colour, width=4)


def _sign(draw: Draw, chance: np.random.Generator) -> None:
    x, turn = int(chance.integers(140, 320)), int(chance.integers(-30, 30))
    draw.line((x, 320, x + turn, 120), fill=(130, 132, 136), width=6)
    draw.ellipse(
        (x + turn - 30, 86, x + turn + 30, 146), fill=(196, 40, 40), outline=(240, 240, 240), width=5
    )


def _wires(draw: Draw, chance: np.random.Generator) -> None:
    for _ in range(int(chance.integers(3, 7))):
        sag, y = int(chance.integers(80, 200)), int(chance.integers(20, 90))
        draw.arc((-60, y - sag, SIZE[0] + 60, y + sag), 0, 180, fill=(20, 20, 22), width=3)


def _stall(draw: Draw, chance: np.random.Generator) -> None:
    for x in range(50, 360, 120):
        red = int(chance.integers(120, 220))
        draw.polygon([(x, 190), (x + 100, 190), (x + 112, 214), (x - 12, 214)], fill=(red, 60, 50))
        draw.rectangle((x, 240, x + 100, 276), fill=(150, 110, 70))
        for fruit in range(x + 6, x + 96, 12):
            draw.ellipse((fruit, 230, fruit + 11, 242), fill=(220, int(chance.integers(80, 190)), 50))


def _patch(draw: Draw, chance: np.random.Generator) -> None:
    """After: a fresh patch, sometimes a cone that was left."""
    x, y = int(chance.integers(170, 290)), int(chance.integers(240, 290))
    draw.ellipse((x - 60, y - 16, x + 60, y + 16), fill=(72, 72, 74))
    if chance.random() < 0.4:
        draw.polygon([(x + 80, y), (x + 92, y - 46), (x + 104, y)], fill=(226, 92, 30))
        draw.line((x + 85, y - 20, x + 99, y - 20), fill=(240, 240, 240), width=6)


MATTERS: dict[str, Callable[[Draw, np.random.Generator], None]] = {
    "roads": _hole, "lighting": _lamp, "clean": _bags, "green": _tree, "water": _water, "illegal-parking": _cars,
    "abandoned-vehicle": _cars, "shared-bikes": _bikes, "traffic": _sign, "safety": _wires, "street-vendor": _stall,
    "blocked-fire-exit": _cars, "shop-sign": _sign, "charging": _bikes, "water-leak": _water, "beach-litter": _bags,
}  # fmt: skip


def _developed(
    image: Image.Image,
    chance: np.random.Generator,
    local: datetime,
    place: tuple[float, float],
    *,
    is_night: bool,
) -> bytes:
    """Noise of the sensor, and what a telephone writes into the file."""
    pixels = np.asarray(image, dtype=np.int16)
    pixels = pixels + chance.normal(0, 9 if is_night else 5, pixels.shape).astype(np.int16)
    grainy = Image.fromarray(np.clip(pixels, 0, 255).astype(np.uint8))
    exif = Image.Exif()
    detail, gps = exif.get_ifd(ExifTags.IFD.Exif), exif.get_ifd(ExifTags.IFD.GPSInfo)
    detail[ExifTags.Base.DateTimeOriginal] = local.strftime("%Y:%m:%d %H:%M:%S")
    detail[ExifTags.Base.OffsetTimeOriginal] = "+08:00"
    gps[ExifTags.GPS.GPSLatitudeRef], gps[ExifTags.GPS.GPSLongitudeRef] = "N", "E"
    gps[ExifTags.GPS.GPSLatitude], gps[ExifTags.GPS.GPSLongitude] = _sixtieths(place[1]), _sixtieths(place[0])
    out = io.BytesIO()
    grainy.save(out, "JPEG", quality=58, exif=exif)
    return out.getvalue()


def _sixtieths(degrees: float) -> tuple[float, float, float]:
    whole = int(degrees)
    minutes = (degrees - whole) * 60
    return float(whole), float(int(minutes)), round((minutes - int(minutes)) * 60, 3)
