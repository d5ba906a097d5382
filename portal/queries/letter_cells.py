"""Knows the edited wordings and the channels of units as cells of a pack: what is secret is left empty."""

from __future__ import annotations

from sqlalchemy import Connection, select
from sqlalchemy.dialects.postgresql import distinct_on

from portal.channels import CHATS
from portal.crypto import Keyring
from portal.models.messaging import message_channel, message_template
from portal.pack.cells import RowCells

NAMES = ("audience", "occasion", "locale", "subject", "body")


def wording_cells(tx: Connection, jurisdiction_id: str) -> list[RowCells]:
    """The wordings in force that are the city's own, in a fixed order."""
    key = (message_template.c.audience, message_template.c.occasion, message_template.c.locale)
    query = (
        select(message_template)
        .ext(distinct_on(*key))
        .where(message_template.c.jurisdiction_id == jurisdiction_id)
        .order_by(*key, message_template.c.version.desc())
    )
    rows = (row._mapping for row in tx.execute(query))
    return [{name: row[name] for name in NAMES} for row in rows if row["subject"]]


def channel_cells(tx: Connection, jurisdiction_id: str, keyring: Keyring | None) -> list[RowCells]:
    """The channels of units; addresses and numbers only with the key, keys of robots never."""
    mine = (message_channel.c.jurisdiction_id == jurisdiction_id) & message_channel.c.unit_code.is_not(None)
    rows = tx.execute(
        select(message_channel).where(mine).order_by(message_channel.c.unit_code, message_channel.c.id)
    )
    return [
        {
            "unit_code": row.unit_code,
            "kind": row.kind,
            "address": ""
            if keyring is None or row.kind in CHATS
            else _address(row.sealed, row.unit_code, keyring),
        }
        for row in rows
    ]


def channel_owner(unit_code: str) -> str:
    """What the address of a unit's channel is sealed for."""
    return f"channel:unit:{unit_code}"


def _address(sealed: bytes, unit_code: str, keyring: Keyring) -> str:
    return str(keyring.open(bytes(sealed), bound_to=channel_owner(unit_code))["address"])
