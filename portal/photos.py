"""Knows photos: what they really are, when and where they were taken, and how to make them safe to show."""

from __future__ import annotations

import contextlib
import io
import re
import warnings
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from PIL import ExifTags, Image, ImageOps, UnidentifiedImageError
from pillow_heif import register_heif_opener

register_heif_opener()

FORMATS = ("JPEG", "PNG", "WEBP", "HEIF", "GIF")
MAX_PIXELS = 60_000_000
# Only a JPEG can be decoded at a smaller size; the others come into memory whole, four bytes a pixel.
MAX_PIXELS_OF = {"JPEG": MAX_PIXELS, "HEIF": 50_000_000}
MAX_PIXELS_WHOLE = 25_000_000
SHOWN_PX, THUMB_PX = 1600, 320
QUALITY = 80
OFFSET = re.compile(r"[+-](0\d|1[0-4]):[0-5]\d")

Image.MAX_IMAGE_PIXELS = MAX_PIXELS


class BadPhoto(ValueError):
    """The bytes are not a photo that we take; the message says why."""


@dataclass(frozen=True, slots=True)
class PhotoFacts:
    """What a photo says of itself: its format, size in pixels, and where and when it was taken (private)."""

    format: str
    width: int
    height: int
    capture: dict[str, Any] | None


def inspect(content: bytes) -> PhotoFacts:
    """Sniff the bytes, whatever name they came under; BadPhoto for anything but a sound photo."""
    with _opened(content) as image:
        facts = PhotoFacts(str(image.format), image.width, image.height, _capture(image))
        _require_whole(image, content)
        return facts


def make_safe(content: bytes) -> tuple[bytes, bytes]:
    """The photo to show and its thumbnail: decoded, turned upright, re-encoded as JPEG, stripped of all data."""
    try:
        with _opened(content) as image:
            image.draft("RGB", (SHOWN_PX, SHOWN_PX))
            shown = _flattened(ImageOps.exif_transpose(_shrunk(image)))
    except (OSError, SyntaxError) as error:  # a file that breaks off is noticed only when its pixels are read
        raise BadPhoto(str(error)) from None
    return _encoded(shown), _encoded(_shrunk(shown, THUMB_PX))


def _opened(content: bytes) -> Image.Image:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", Image.DecompressionBombWarning)
            image = Image.open(io.BytesIO(content), formats=FORMATS)
            if image.width * image.height > MAX_PIXELS_OF.get(str(image.format), MAX_PIXELS_WHOLE):
                raise BadPhoto("too many pixels")
    except (
        UnidentifiedImageError,
        OSError,
        SyntaxError,
        ValueError,
        Image.DecompressionBombError,
        Warning,
    ) as error:
        raise BadPhoto(str(error) or "not a photo") from None
    return image


def _require_whole(image: Image.Image, content: bytes) -> None:
    """BadPhoto for a file that breaks off: better said now, while somebody can choose the photo again.

    A JPEG is decoded at an eighth of its size, which is quick; of the others the container tells.
    """
    try:
        if image.format == "PNG":
            Image.open(io.BytesIO(content), formats=("PNG",)).verify()
        elif image.format in {"JPEG", "GIF"}:
            image.draft("RGB", (1, 1))
            image.load()
        elif image.format == "WEBP":
            _require_riff(content)
        else:
            _require_boxes(content)
    except (OSError, SyntaxError, ValueError, EOFError) as error:
        raise BadPhoto(str(error) or "the file breaks off") from None


def _require_riff(content: bytes) -> None:
    """A WebP names its length in its first bytes."""
    if int.from_bytes(content[4:8], "little") + 8 > len(content):
        raise BadPhoto("the file breaks off")


def _require_boxes(content: bytes) -> None:
    """A HEIC is a row of boxes, each with its length; 0 means: to the end, 1: a long length follows."""
    at, size = 0, len(content)
    while at + 8 <= size:
        length = int.from_bytes(content[at : at + 4], "big")
        length = int.from_bytes(content[at + 8 : at + 16], "big") if length == 1 else length or size - at
        if length < 8 or at + length > size:
            raise BadPhoto("the file breaks off")
        at += length


def _flattened(image: Image.Image) -> Image.Image:
    """On white, because JPEG has no transparency."""
    try:
        if image.mode in {"RGBA", "LA", "PA"} or "transparency" in image.info:
            layer = image.convert("RGBA")
            ground = Image.new("RGB", layer.size, "white")
            ground.paste(layer, mask=layer.getchannel("A"))
            return ground
        return image.convert("RGB")
    except (OSError, SyntaxError, ValueError) as error:
        raise BadPhoto(str(error)) from None


def _shrunk(image: Image.Image, largest_px: int = SHOWN_PX) -> Image.Image:
    """The image at the size it is shown in, its own data kept; palettes are resolved first, or colours suffer."""
    image.load()
    source = image if image.mode not in {"P", "PA"} else image.convert("RGBA")
    small = ImageOps.contain(source, (largest_px, largest_px)) if max(source.size) > largest_px else source
    small.info = dict(image.info)
    return small


def _encoded(image: Image.Image) -> bytes:
    """A fresh JPEG made from the pixels alone, so nothing of the source's data can come along."""
    bare = Image.frombytes("RGB", image.size, image.tobytes())
    out = io.BytesIO()
    bare.save(out, "JPEG", quality=QUALITY, optimize=True, progressive=True)
    return out.getvalue()


def _capture(image: Image.Image) -> dict[str, Any] | None:
    try:
        exif = image.getexif()
        detail, gps = exif.get_ifd(ExifTags.IFD.Exif), exif.get_ifd(ExifTags.IFD.GPSInfo)
    except Exception:  # a broken EXIF block is no reason to refuse a photo; libraries raise anything here
        return None
    found: dict[str, Any] = {}
    taken = str(detail.get(ExifTags.Base.DateTimeOriginal) or "")
    with contextlib.suppress(ValueError):
        found["taken_local"] = datetime.strptime(taken[:19], "%Y:%m:%d %H:%M:%S").isoformat()  # noqa: DTZ007
    offset = str(detail.get(ExifTags.Base.OffsetTimeOriginal) or "")
    if "taken_local" in found and OFFSET.fullmatch(offset):
        found["offset"] = offset
    lat, lon = _degrees(gps.get(2), gps.get(1)), _degrees(gps.get(4), gps.get(3))
    # Exactly 0, 0 is what a phone writes that has not found itself.
    if lat is not None and lon is not None and abs(lat) <= 90 and abs(lon) <= 180 and (lon or lat):
        found |= {"lon": lon, "lat": lat} | _accuracy(gps.get(ExifTags.GPS.GPSHPositioningError))
    return found or None


def _accuracy(written: Any) -> dict[str, float]:
    try:
        metres = float(written)
    except (TypeError, ValueError, ZeroDivisionError):
        return {}
    return {"accuracy_m": round(metres, 1)} if 0 < metres < 100_000 else {}


def _degrees(parts: Any, side: Any) -> float | None:
    try:
        degrees, minutes, seconds = (float(part) for part in parts)
    except (TypeError, ValueError, ZeroDivisionError):
        return None
    value = degrees + minutes / 60 + seconds / 3600
    return round(-value if str(side).upper() in {"S", "W"} else value, 6)
