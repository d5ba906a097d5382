"""How wordings.csv and channels.csv become typed rows, and what they must say to the rest of the pack."""

from __future__ import annotations

from portal.channels import CHATS, KINDS, is_address
from portal.i18n import N_
from portal.pack.letters import ChannelRow, WordingRow
from portal.pack.model import Finding, Pack
from portal.pack.table import Columns, Notes, Row

AUDIENCES = ("reporter", "unit")
WORDING_COLUMNS = Columns(required=("audience", "occasion", "locale", "subject", "body"))
CHANNEL_COLUMNS = Columns(required=("unit_code", "kind"), optional=("address",))


def wording(row: Row, file: str) -> WordingRow:
    """The words of one message; whether there is such a message is asked when they are loaded."""
    return WordingRow(
        file=file,
        row=row.number,
        audience=row.choice("audience", AUDIENCES, required=True),
        occasion=row.code("occasion"),
        locale=row.choice("locale", row.locales, required=True),
        subject=row.text("subject", required=True),
        body=row.text("body", required=True),
    )


def channel(row: Row, file: str) -> ChannelRow:
    """A further channel of a unit."""
    kind, address = row.choice("kind", KINDS, required=True), row.text("address")
    if address and kind in CHATS:
        row.notes.error(row.number, "address", N_("a robot's key is a secret and stands in no pack"))
    elif address and kind and not is_address(kind, address):
        row.notes.error(row.number, "address", N_("'%(value)s' is no address of this kind"), value=address)
    return ChannelRow(file, row.number, row.code("unit_code"), kind, address)


def check_channels(pack: Pack) -> list[Finding]:
    """Channels belong to units; one without its address must be entered again."""
    notes = Notes("channels.csv")
    units = {row.code for row in pack.units}
    for row in pack.channels:
        if row.unit_code not in units:
            notes.error(row.row, "unit_code", N_("there is no unit '%(unit_code)s'"), unit_code=row.unit_code)
        if not row.address:
            message = N_("this channel comes without its secret: enter it again in administration")
            notes.warn(row.row, "address", message)
    return notes.findings
