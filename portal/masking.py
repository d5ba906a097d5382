"""Knows what must not be public: phones, addresses and numbers in text, and exact places of sensitive reports."""

from __future__ import annotations

import math
import re

MASK = "▇▇▇"
COARSE_DEGREES = 0.0027  # of latitude
COARSE_M = round(COARSE_DEGREES * 111_000, -1)

# Chinese is written without spaces, so only Latin letters and digits next to a number make it part of a word.
_WORD = "0-9A-Za-z_"
# What people put between the groups of a telephone number, invisible spaces included.
_SEPARATOR = "[ \u00a0\u3000\t().（）\\-–—·\u200b-\u200d\u2060\ufeff]"

_EMAIL = re.compile(r"[A-Za-z0-9_.+%-]{1,64} ?@ ?[A-Za-z0-9-]{1,63}(?:\.[A-Za-z0-9-]{1,63}){1,5}")
_EMAIL_OF_OTHER_SCRIPTS = re.compile(r"[\w.+-]{1,64}@[\w-]{1,63}(?:\.[\w-]{1,63}){1,5}")
_MESSENGER = re.compile(
    r"((?<![A-Za-z])(?:微信|QQ|wechat|weixin|vx)[号是为:\uff1a\s]{0,4})[A-Za-z0-9_-]{5,20}", re.IGNORECASE
)
# Seventeen digits and a check character (identity card), in one piece or in groups.
_IDENTITY = re.compile(r"(?<!\d)\d{6}[ -]?\d{8}[ -]?\d{3}[\dXx](?!\d)")
# A Chinese mobile number is one even where letters touch it.
_MOBILE = re.compile(rf"(?<!\d)(?:\+?86)?1[3-9]\d(?:{_SEPARATOR}{{0,2}}\d{{4}}){{2}}(?!\d)")
# Seven or more digits with the separators people put into telephone and card numbers.
_NUMBER = re.compile(rf"(?<![{_WORD}])[+(（]{{0,2}}\d(?:{_SEPARATOR}{{0,2}}\d){{6,18}}(?![{_WORD}])")
_YEAR = r"(?:19|20)\d\d"
_DATE = re.compile(
    rf"(?<!\d)(?<!\d[.-])({_YEAR}-\d\d?-\d\d?|{_YEAR}\.\d\d?\.\d\d?|\d\d?\.\d\d?\.{_YEAR}|\d\d?-\d\d?-{_YEAR})"
    r"(?!\d)(?![.-]\d)"
)


def mask(text: str) -> str:
    """The text with contact details replaced; places, dates and short numbers stay readable."""
    folded = text.translate(_FULL_WIDTH)
    folded = _EMAIL_OF_OTHER_SCRIPTS.sub(MASK, _EMAIL.sub(MASK, folded))
    folded = _MESSENGER.sub(lambda found: found.group(1) + MASK, folded)
    between_and_dates = enumerate(_DATE.split(_IDENTITY.sub(MASK, folded)))
    masked = "".join(part if n % 2 else _NUMBER.sub(MASK, part) for n, part in between_and_dates)
    return _MOBILE.sub(MASK, masked)


def coarsen(lon: float, lat: float) -> tuple[float, float]:
    """The centre of the cell of about 300 m that holds a point (degrees, EPSG:4326): what is public of it.

    Fixed cells, not random noise: the same place always gives the same point, so nothing can be averaged out.
    """
    row = math.floor(lat / COARSE_DEGREES)
    centre_lat = (row + 0.5) * COARSE_DEGREES
    width = COARSE_DEGREES / max(math.cos(math.radians(centre_lat)), 0.01)
    centre_lon = (math.floor(lon / width) + 0.5) * width
    # The outermost cells reach over the pole and the antimeridian; their centre must be on the globe.
    return round(min(max(centre_lon, -180.0), 180.0), 6), round(min(max(centre_lat, -90.0), 90.0), 6)


# Full-width digits and signs are typed on Chinese keyboards and would slip through.
_FULL_WIDTH = {0xFF10 + n: str(n) for n in range(10)} | {0xFF20: "@", 0xFF0E: ".", 0xFF0D: "-", 0xFF0B: "+"}
