"""Edited wordings and the channels of units leave with the city and come back; what is secret stays here."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from sqlalchemy import select

from portal.cli.city import write_files
from portal.crypto import Keyring
from portal.db import Database
from portal.models.messaging import message_channel
from portal.operations.context import Actor, Context
from portal.operations.load_city import DEMO, load_city_folder
from portal.operations.manage_messages import add_channel, edit_wording, version_of
from portal.pack.model import PackError
from portal.pack.reader import read_pack
from portal.queries.city_export import pack_files
from portal.queries.letter_cells import channel_cells
from portal.queries.messages import wording_of
from portal.storage import FileStore

CITY = "linhai.example"
KEY = ("reporter", "accepted", "en")
WORDS = ("{{ unit }} has it", "It is with {{ unit }}.\n{% if due %}By {{ due }}.{% endif %}")
ROBOT, PHONE, MAIL = "a0b1c2d3-secret-of-the-robot", "+86 571 2222 3333", "lamps@linhai.example"
ADMIN = Actor("admin")


@pytest.fixture
def empty(new_database: Callable[..., str], migrated_template: str) -> Iterator[Callable[[], Database]]:
    made: list[Database] = []

    def make() -> Database:
        made.append(Database(new_database(migrated_template)))
        return made[-1]

    yield make
    for each in made:
        each.dispose()


def context(folder: Path, secret: str) -> Context:
    return Context(CITY, Keyring(secret), FileStore(folder))


def exported(database: Database, keyring: Keyring | None) -> dict[str, str]:
    with database.snapshot() as tx:
        return dict(pack_files(tx, CITY, keyring))


def test_wordings_and_channels_travel_and_secrets_stay(empty: Callable[[], Database], tmp_path: Path) -> None:
    first, second = empty(), empty()
    here, there = context(tmp_path, "one secret of a city"), context(tmp_path, "another secret elsewhere")
    load_city_folder(first, DEMO / "linhai")
    with first.transaction() as tx:
        edit_wording(tx, here, ADMIN, KEY, ("Draft", "First words."), 0)
        edit_wording(tx, here, ADMIN, KEY, WORDS, 1)
        edit_wording(tx, here, ADMIN, ("reporter", "accepted", "zh_Hans"), ("旧", "旧"), 0)
        edit_wording(tx, here, ADMIN, ("reporter", "accepted", "zh_Hans"), None, 1)
        for kind, address in (("sms", PHONE), ("email", MAIL), ("wecom", ROBOT)):
            add_channel(tx, here, ADMIN, "parks", kind, address)
    files = exported(first, here.keyring)
    assert files["wordings.csv"].count("accepted") == 1, "only what differs from ours, in its newest version"
    assert ROBOT not in "".join(files.values())
    assert PHONE not in "".join(exported(first, None).values()), "without the key no address leaves"

    write_files(tmp_path / "pack", files.items())
    loaded = load_city_folder(second, tmp_path / "pack", keyring=there.keyring)
    assert [each.file for each in loaded.findings if "without its secret" in each.message] == ["channels.csv"]
    with second.transaction() as tx:
        assert wording_of(tx, CITY, *KEY) == WORDS
        assert wording_of(tx, CITY, "reporter", "accepted", "zh_Hans") is None
        told = [tuple(cells.values()) for cells in channel_cells(tx, CITY, there.keyring)]
    assert told == [("parks", "sms", PHONE), ("parks", "email", MAIL)]
    again = exported(second, there.keyring)
    assert again["wordings.csv"] == files["wordings.csv"]

    (tmp_path / "pack" / "plans.csv").write_text(files["plans.csv"] + "\n")
    load_city_folder(second, tmp_path / "pack", keyring=there.keyring)
    with second.reading() as tx:
        assert version_of(tx, CITY, KEY) == 1, "the same words are no new version"
        assert len(list(tx.execute(select(message_channel.c.id)))) == 2


@pytest.mark.parametrize(
    ("name", "line", "says"),
    [
        ("wordings.csv", "reporter,no-such,en,a,b", "there is no message 'no-such'"),
        ("wordings.csv", "reporter,accepted,fr,a,b", "is none of"),
        ("wordings.csv", "reporter,accepted,en,a,{{ name }}", "There is no place called name"),
        ("wordings.csv", "reporter,accepted,en,,b", "missing value"),
        ("channels.csv", "nowhere,email,a@b.example", "there is no unit 'nowhere'"),
        ("channels.csv", "parks,pigeon,roof", "is none of"),
        ("channels.csv", "parks,email,roof", "is no address of this kind"),
        ("channels.csv", "parks,wecom,a0b1c2d3-secret-of-the-robot", "a secret and stands in no pack"),
    ],
)
def test_what_cannot_be_used_is_refused(
    empty: Callable[[], Database], tmp_path: Path, name: str, line: str, says: str
) -> None:
    folder = tmp_path / "pack"
    for path in (DEMO / "linhai").rglob("*"):
        if path.is_file():
            (folder / path.relative_to(DEMO / "linhai")).parent.mkdir(parents=True, exist_ok=True)
            (folder / path.relative_to(DEMO / "linhai")).write_bytes(path.read_bytes())
    headers = {
        "wordings.csv": "audience,occasion,locale,subject,body",
        "channels.csv": "unit_code,kind,address",
    }
    (folder / name).write_text(f"{headers[name]}\n{line}\n")
    with pytest.raises(PackError) as refused:
        load_city_folder(empty(), folder, keyring=Keyring("a secret of the tests"))
    assert says in str(refused.value)
    assert read_pack(folder).config is not None
