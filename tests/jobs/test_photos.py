"""Photos: strangers' files are sniffed, kept in private, and shown only as fresh pixels; bad ones are refused."""

from __future__ import annotations

import io
import struct
import zlib
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest
from PIL import Image
from sqlalchemy import insert, select, update

from portal import clock
from portal.errors import InvalidInput
from portal.models.people import attempt
from portal.models.report import media
from portal.models.work import outbox
from portal.operations.forget_expired import forget_expired, remove_stray_files
from portal.operations.prepare_photo import prepare_photo
from portal.operations.run_once import GiveUp
from portal.operations.store_photo import store_photo

if TYPE_CHECKING:
    from collections.abc import Callable

SECRETS = (b"Exif", b"GPS", b"Secret Camera", b"http://ns.adobe.com", b"ICC_PROFILE", b"a note", b"8BIM")
GPS = {1: "N", 2: (22.0, 33.0, 36.0), 3: "E", 4: (114.0, 3.0, 36.0)}


def picture(mode: str = "RGB", size: tuple[int, int] = (64, 48)) -> Image.Image:
    """Left half red, right half blue: enough to see which way is up."""
    image = Image.new("RGB", size, (0, 0, 255))
    image.paste((255, 0, 0), (0, 0, size[0] // 2, size[1]))
    return image.convert(mode)


def exif(orientation: int = 1) -> Image.Exif:
    data = Image.Exif()
    data[0x0112], data[0x010F], data[0x9286] = orientation, "Secret Camera", "a note"
    data.get_ifd(0x8769)[0x9003] = "2026:03:01 08:15:00"
    data.get_ifd(0x8825).update(GPS)
    return data


def encode(image: Image.Image, kind: str, **options: object) -> bytes:
    out = io.BytesIO()
    image.save(out, kind, **options)
    return out.getvalue()


def jpeg_with_everything() -> bytes:
    xmp = b"<x:xmpmeta xmlns:x='adobe:ns:meta/'>http://ns.adobe.com a note</x:xmpmeta>"
    profile = b"ICC_PROFILE of a camera"
    return encode(picture(), "JPEG", exif=exif(), xmp=xmp, comment=b"a note", icc_profile=profile)


def png_with_alpha() -> bytes:
    image = picture("RGBA")
    image.putalpha(Image.new("L", image.size, 0))
    return encode(image, "PNG", exif=exif())


def bomb(width: int = 30_000, height: int = 30_000) -> bytes:
    """A few kilobytes that would become gigabytes."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = struct.pack(">IIBBBBB", width, height, 1, 0, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n"
        + chunk(b"IHDR", header)
        + chunk(b"IDAT", zlib.compress(bytes(50_000)))
        + chunk(b"IEND", b"")
    )


GOOD: dict[str, Callable[[], bytes]] = {
    "JPEG with GPS, XMP, comment and profile": jpeg_with_everything,
    "PNG with alpha": png_with_alpha,
    "WebP": lambda: encode(picture(), "WEBP", exif=exif(), xmp=b"http://ns.adobe.com a note"),
    "HEIC": lambda: encode(picture(), "HEIF", exif=exif().tobytes()),
    "GIF": lambda: encode(picture("P"), "GIF", comment=b"a note"),
    "grey JPEG": lambda: encode(picture("L"), "JPEG", exif=exif()),
    "CMYK JPEG": lambda: encode(picture("CMYK"), "JPEG"),
    "JPEG with HTML behind it": lambda: encode(picture(), "JPEG") + b"<script>alert(1)</script>",
}
BAD: dict[str, bytes] = {
    "nothing": b"",
    "text": b"not a photo",
    "SVG": b'<?xml version="1.0"?><svg xmlns="http://www.w3.org/2000/svg"><script>alert(1)</script></svg>',
    "HTML": b"<!doctype html><script>alert(1)</script>",
    "HTML that begins like a GIF": b"GIF89a/*<script>alert(1)</script>*/",
    "PDF": b"%PDF-1.7\n",
    "TIFF": encode(picture(), "TIFF"),
    "half a JPEG header": b"\xff\xd8\xff\xe0",
    "decompression bomb": bomb(),
}


def store(town, content: bytes) -> str:
    with town.database.transaction() as tx:
        return store_photo(tx, town.context, content)


def prepare(town, token: str) -> bool:
    with town.database.transaction() as tx:
        outbox_id = tx.scalar(select(outbox.c.id).where(outbox.c.payload["media"].astext == token))
        return prepare_photo(tx, town.context, outbox_id)


def row_of(town, token: str):
    with town.database.reading() as tx:
        return tx.execute(select(media).where(media.c.token == token)).one_or_none()


def shown(town, token: str, part: str = "shown.jpg") -> Image.Image:
    return Image.open(io.BytesIO(town.context.store.get(f"{token}/{part}")))


@pytest.mark.parametrize("make", GOOD.values(), ids=GOOD.keys())
def test_a_photo_becomes_pixels_and_nothing_else(town, make: Callable[[], bytes]) -> None:
    content = make()
    token = store(town, content)
    assert row_of(town, token).state == "stored"
    assert prepare(town, token)
    assert row_of(town, token).state == "ready"
    assert town.context.store.get(f"{token}/original") == content, "the original stays as it came"
    for part in ("shown.jpg", "thumb.jpg"):
        safe = town.context.store.get(f"{token}/{part}")
        image = Image.open(io.BytesIO(safe))
        assert (image.format, image.mode) == ("JPEG", "RGB")
        assert [secret for secret in SECRETS if secret in safe] == []
        assert set(image.info) <= {
            "jfif",
            "jfif_version",
            "jfif_unit",
            "jfif_density",
            "progressive",
            "progression",
        }
        assert len(image.getexif()) == 0
        assert b"script" not in safe


@pytest.mark.parametrize("content", BAD.values(), ids=BAD.keys())
def test_what_is_no_photo_is_refused_at_the_door(town, content: bytes) -> None:
    with pytest.raises(InvalidInput) as refused:
        store(town, content)
    assert set(refused.value.fields) == {"media"}
    assert not any(town.context.store.root.glob("*/*/*")), "nothing of it is kept"


def test_transparency_becomes_white(town) -> None:
    token = store(town, png_with_alpha())
    prepare(town, token)
    assert min(shown(town, token).getpixel((5, 5))) > 250


@pytest.mark.parametrize(
    ("orientation", "size", "red_at"),
    [
        pytest.param(1, (64, 48), (4, 24), id="upright"),
        pytest.param(3, (64, 48), (60, 24), id="upside down"),
        pytest.param(6, (48, 64), (24, 4), id="phone held upright"),
        pytest.param(8, (48, 64), (24, 60), id="phone held the other way"),
    ],
)
def test_a_photo_is_turned_upright(
    town, orientation: int, size: tuple[int, int], red_at: tuple[int, int]
) -> None:
    token = store(town, encode(picture(), "JPEG", exif=exif(orientation)))
    prepare(town, token)
    image = shown(town, token)
    assert image.size == size
    red, _, blue = image.getpixel(red_at)
    assert red > 200 > 60 > blue


def test_large_photos_are_made_smaller(town) -> None:
    token = store(town, encode(picture(size=(4000, 3000)), "JPEG"))
    prepare(town, token)
    assert (max(shown(town, token).size), max(shown(town, token, "thumb.jpg").size)) == (1600, 320)


def test_where_and_when_it_was_taken_is_kept_for_the_desk(town) -> None:
    row = row_of(town, store(town, jpeg_with_everything()))
    assert row.capture == {"taken_local": "2026-03-01T08:15:00", "lon": 114.06, "lat": 22.56}
    assert (row.format, row.width, row.height) == ("JPEG", 64, 48)


def test_a_photo_without_data_has_no_capture(town) -> None:
    assert row_of(town, store(town, encode(picture(), "JPEG"))).capture is None


def noisy(kind: str) -> bytes:
    return encode(Image.effect_noise((300, 300), 90).convert("RGB"), kind)


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "HEIF", "GIF"])
@pytest.mark.parametrize("part", [0.3, 0.5, 0.9])
def test_a_photo_that_breaks_off_is_refused_at_the_door(town, kind: str, part: float) -> None:
    content = noisy(kind)
    with pytest.raises(InvalidInput) as refused:
        store(town, content[: int(len(content) * part)])
    assert set(refused.value.fields) == {"media"}
    assert row_of(town, store(town, content)).state == "stored", "the whole one is welcome"


def test_a_photo_that_broke_later_is_refused_and_the_case_is_told(town) -> None:
    content = noisy("JPEG")
    token, case_id = store(town, content), town.add_case()
    town.context.store.put(f"{token}/original", content[: len(content) // 2])
    with town.database.transaction() as tx:
        tx.execute(update(media).where(media.c.token == token).values(report_id=case_id))
    assert prepare(town, token)
    assert row_of(town, token).state == "refused"
    assert [(told.kind, told.public["media"]) for told in town.events(case_id)] == [("media.refused", token)]
    assert not town.context.store.has(f"{token}/shown.jpg")
    assert town.work(_work_of(town, token)).done_at is not None, "trying again would not help"


def _work_of(town, token: str) -> int:
    with town.database.reading() as tx:
        return tx.scalar(select(outbox.c.id).where(outbox.c.payload["media"].astext == token))


def test_a_photo_is_prepared_once(town) -> None:
    token, case_id = store(town, jpeg_with_everything()), town.add_case()
    with town.database.transaction() as tx:
        tx.execute(update(media).where(media.c.token == token).values(report_id=case_id))
    assert [prepare(town, token), prepare(town, token)] == [True, False]
    assert [told.kind for told in town.events(case_id)] == ["media.ready"]
    assert "lon" not in str(town.events(case_id)[0].public), "where it was taken is not public"


def test_a_photo_whose_file_is_gone_is_given_up(town) -> None:
    token = store(town, jpeg_with_everything())
    town.context.store.delete(f"{token}/original")
    with pytest.raises(GiveUp, match="gone"):
        prepare(town, token)


def test_originals_are_readable_by_us_only(town) -> None:
    path = town.context.store.path(f"{store(town, jpeg_with_everything())}/original")
    assert path.stat().st_mode & 0o077 == 0
    assert path.parent.stat().st_mode & 0o077 == 0


def test_uploads_that_no_report_came_to_use_are_forgotten(town) -> None:
    old, fresh, used = (store(town, jpeg_with_everything()) for _ in range(3))
    case_id = town.add_case()
    with town.database.transaction() as tx:
        tx.execute(
            update(media)
            .where(media.c.token.in_([old, used]))
            .values(created_at=clock.now() - timedelta(days=2))
        )
        tx.execute(update(media).where(media.c.token == used).values(report_id=case_id))
        forget_expired(tx)
        remove_stray_files(tx, town.context.store)
    assert [row_of(town, token) is None for token in (old, fresh, used)] == [True, False, False]
    assert town.context.store.has(f"{old}/original"), (
        "a young file may belong to an upload that is not committed yet"
    )
    _look_again_in(town, timedelta(days=2))
    assert [town.context.store.has(f"{token}/original") for token in (old, fresh, used)] == [
        False,
        True,
        True,
    ]


def _look_again_in(town, later: timedelta) -> None:
    with clock.simulated(clock.now() + later), town.database.transaction() as tx:
        remove_stray_files(tx, town.context.store)


@pytest.mark.parametrize(
    ("age", "is_kept"),
    [pytest.param(timedelta(hours=1), True, id="young"), pytest.param(timedelta(days=3), False, id="old")],
)
def test_attempts_are_forgotten(town, age: timedelta, is_kept: bool) -> None:
    row = {"jurisdiction_id": "x", "action": "sign_in", "subject": b"s", "at": clock.now() - age}
    with town.database.transaction() as tx:
        attempt_id = tx.execute(insert(attempt).values(row).returning(attempt.c.id)).scalar_one()
        forget_expired(tx)
        assert (tx.scalar(select(attempt.c.id).where(attempt.c.id == attempt_id)) is not None) == is_kept


@pytest.mark.parametrize(
    ("values", "is_kept"),
    [
        pytest.param({"done_at": timedelta(days=40)}, False, id="done long ago"),
        pytest.param({"done_at": timedelta(days=2)}, True, id="done lately"),
        pytest.param({"failed_at": timedelta(days=40)}, True, id="given up: somebody must look"),
        pytest.param({}, True, id="waiting"),
    ],
)
def test_finished_work_is_forgotten(town, values: dict[str, timedelta], is_kept: bool) -> None:
    outbox_id = town.add_work(at=clock.now() - timedelta(days=50))
    at = {name: clock.now() - age for name, age in values.items()} or {"attempts": 0}
    with town.database.transaction() as tx:
        tx.execute(update(outbox).where(outbox.c.id == outbox_id).values(at))
        forget_expired(tx)
        assert (tx.scalar(select(outbox.c.id).where(outbox.c.id == outbox_id)) is not None) == is_kept
