"""Knows how the wordings and channels of a pack come back: as new versions, and sealed with this installation's key."""

from __future__ import annotations

from sqlalchemy import Connection

from portal import clock
from portal.crypto import Keyring
from portal.db import insert_together
from portal.i18n import N_
from portal.models.messaging import message_channel, message_template
from portal.operations.letter_wording import wording_faults
from portal.operations.manage_messages import version_of
from portal.operations.write_letter import occasions
from portal.pack.model import Finding, Pack
from portal.pack.table import Notes
from portal.queries.letter_cells import channel_cells, channel_owner
from portal.queries.messages import wording_of


def check_wordings(pack: Pack) -> list[Finding]:
    """Every wording is of a message that there is, and its places can be filled."""
    notes = Notes("wordings.csv")
    for row in pack.wordings:
        if row.audience and row.occasion not in occasions(row.audience):
            notes.error(row.row, "occasion", N_("there is no message '%(occasion)s'"), occasion=row.occasion)
        for column, message in wording_faults(row.subject, row.body).items():
            notes.error(row.row, column, message.msgid, **message.params)
    return notes.findings


def load_wordings(tx: Connection, pack: Pack) -> int:
    """Put the wordings of a pack in force where they differ; answers how many. Others stay as they are."""
    here, made = pack.city.jurisdiction_id, []
    for row in pack.wordings:
        key = (row.audience, row.occasion, row.locale)
        if wording_of(tx, here, *key) != (row.subject, row.body):
            made.append(
                {
                    "jurisdiction_id": here,
                    "audience": row.audience,
                    "occasion": row.occasion,
                    "locale": row.locale,
                    "version": version_of(tx, here, key) + 1,
                    "subject": row.subject,
                    "body": row.body,
                    "made_at": clock.now(),
                }
            )
    insert_together(tx, [(message_template, made)])
    return len(made)


def load_channels(tx: Connection, pack: Pack, keyring: Keyring) -> int:
    """Add the channels of a pack that are not there yet; answers how many. None is taken away."""
    here = pack.city.jurisdiction_id
    known = {tuple(cells.values()) for cells in channel_cells(tx, here, keyring)}
    new = [
        row for row in pack.channels if row.address and (row.unit_code, row.kind, row.address) not in known
    ]
    rows = [
        {
            "jurisdiction_id": here,
            "unit_code": row.unit_code,
            "kind": row.kind,
            "sealed": keyring.seal({"address": row.address}, bound_to=channel_owner(row.unit_code)),
            "created_at": clock.now(),
        }
        for row in new
    ]
    insert_together(tx, [(message_channel, rows)])
    return len(rows)
