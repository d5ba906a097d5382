"""The demo city with one of everything that a page can show: what stands in the addresses of the page table."""

from __future__ import annotations

import io
import uuid
from dataclasses import dataclass
from typing import Any

from flask import Flask
from PIL import Image, ImageDraw
from sqlalchemy import select, update

from portal import clock
from portal.models.incident import follower
from portal.models.messaging import webhook
from portal.models.open_city import subscription
from portal.models.report import clock as clock_table
from portal.models.report import report
from portal.models.work import outbox
from portal.net_guard import NetGuard
from portal.operations.context import Actor
from portal.operations.contractor_links import issue_link
from portal.operations.follow_report import follow_report
from portal.operations.invite_staff import invite_person
from portal.operations.keep_tasks import Wanted
from portal.operations.lend_crew import Asked, ask_for_crew
from portal.operations.manage_accounts import NewAccount, add_account
from portal.operations.manage_webhooks import add_webhook
from portal.operations.message_readers import stop_code
from portal.operations.move_report import Move, move_report
from portal.operations.move_tasks import ask_units
from portal.operations.prepare_photo import prepare_photo
from portal.operations.rule_disputes import contest_transfer
from portal.operations.submission import Contact, Submission
from portal.operations.submit_report import submit_report
from portal.operations.subscribe import Wish, subscribe, subscription_stop_code
from portal.operations.voice_links import link_for
from portal.operations.watch_incidents import look_around
from portal.queries.staff_rights import Grant
from portal.queries.subscriptions import Subject
from portal.web.reporter import one_time_url
from portal.web.services import Services

PASSWORD = "four words make sense"
PEOPLE = {
    "handler": Grant("handler", "street-cn1"),
    "unit_head": Grant("unit_head", "district-cn"),
    "dispatcher": Grant("dispatcher", "centre"),
    "admin": Grant("admin"),
    "auditor": Grant("auditor"),
}
DESK, HANDLER = Actor("dispatcher", "centre"), Actor("handler", "street-cn1")
IN_BLUESTONE, IN_MARKET_STREET = (121.6091, 29.2018), (121.640, 29.185)
LI_MIN = Contact(name="Li Min", email="li.min@mail.example", phone="13812345678")


@dataclass(frozen=True, slots=True)
class Town:
    """What is there: the parts of addresses by name, and the private links of one reporter."""

    parts: dict[str, str]
    emails: dict[str, str]
    secrets: dict[str, str]


class Builder:
    """Fills a database through the operations that the pages themselves use."""

    def __init__(self, app: Flask) -> None:
        self.services: Services = app.extensions["wenlu"]
        self.app, self.context, self.secrets = app, self.services.context, dict[str, str]()

    def do(self, what: Any, *given: Any, **more: Any) -> Any:
        """Run one operation in a transaction of its own."""
        with self.services.database.transaction() as tx:
            return what(tx, self.context, *given, **more)

    def file(self, service: str, place: tuple[float, float], words: str, **more: Any) -> str:
        given = Submission(
            service, lon=place[0], lat=place[1], accuracy_m=8.0, description=words, client_request_id=uuid.uuid4(),
            contact=LI_MIN, **more,
        )  # fmt: skip
        filed = self.do(submit_report, given)
        self.secrets[filed.token] = filed.secret
        return str(filed.token)

    def hand(self, token: str, unit: str) -> int:
        """The case and its clock stand with this unit; answers the number of the row."""
        case_id = self.set_row(token, lead_unit=unit, assist_units=[])
        with self.services.database.transaction() as tx:
            mine = (clock_table.c.report_id == case_id) & (clock_table.c.kind == "unit")
            tx.execute(update(clock_table).where(mine).values(unit_code=unit))
        return case_id

    def move(self, token: str, *moves: Move, actor: Actor = DESK) -> None:
        for each in moves:
            self.do(move_report, token, actor, each)

    def set_row(self, token: str, **values: Any) -> int:
        with self.services.database.transaction() as tx:
            return int(
                tx.scalar(update(report).where(report.c.token == token).values(values).returning(report.c.id))
            )

    def show_photos(self) -> None:
        """Make the public versions of all photos, as the worker does."""
        with self.services.database.reading() as tx:
            waiting = list(tx.scalars(select(outbox.c.id).where(outbox.c.job.contains("photo"))))
        for number in waiting:
            with self.services.database.transaction() as tx:
                prepare_photo(tx, self.context, number)

    def open_case(self) -> str:
        words = "A deep hole by the bus stop, half a metre wide. Call me: 138 1234 5678."
        hole = {"answers": {"depth": ("large",)}, "photos": (photo("#8a7f70", "#3b342b"),)}
        token = self.file("pothole", IN_BLUESTONE, words, **hole)
        self.hand(token, "street-cn1")
        told = Move("update", public_text="The crew comes on Monday morning.")
        self.move(token, Move("accept"), Move("start"), told, actor=HANDLER)
        self.do(ask_units, token, HANDLER, "ask", [Wanted("water", title="Is a pipe broken below the hole?")])
        self.do(ask_for_crew, token, Actor("unit_head", "street-cn1", 1), Asked("cn2-patrol"))
        return token

    def closed_case(self) -> str:
        before, after = photo("#7d6a55", "#c9b089"), photo("#6f8f5a", "#d9c7a0")
        token = self.file(
            "park-repair", IN_MARKET_STREET, "The bench by the pond is broken.", photos=(before,)
        )
        done = Move(
            "resolve", closing_code="fixed", public_text="The bench has two new boards.", photos=(after,)
        )
        self.move(token, Move("accept"), done)
        return token

    def incident(self) -> str:
        tokens = [
            self.file("pothole", IN_BLUESTONE, "The road has sunk.", answers={"depth": ("large",)})
            for _ in range(5)
        ]
        for number, token in enumerate(tokens):
            case_id = self.set_row(token, voice=bytes([number]) * 8, opened_at=clock.now())
        with self.services.database.transaction() as tx:
            return look_around(tx, case_id)

    def contractor_code(self) -> str:
        token = self.file("fallen-tree", IN_BLUESTONE, "A branch lies across the path.")
        return str(self.do(issue_link, self.hand(token, "haiqing"), "haiqing"))

    def disputed_case(self) -> str:
        token = self.file("pavement", IN_BLUESTONE, "A root lifts the slabs.")
        self.hand(token, "street-cn1")
        self.move(token, Move("transfer", reason="not_our_area", to_unit="parks"), actor=HANDLER)
        self.do(contest_transfer, token, Actor("handler", "parks"), Move("", reason="not_our_service"))
        return token

    def follower(self, token: str) -> str:
        self.do(follow_report, token, "a voice", "192.0.2.1", "neighbour@mail.example", "en")
        with self.services.database.reading() as tx:
            return str(tx.scalar(select(follower.c.token).where(follower.c.sealed.is_not(None))))

    def subscription(self) -> str:
        """Somebody asked for news of a service and has not agreed yet."""
        wish = Wish(Subject("service", "pothole"), "neighbour@mail.example", "daily", "en", "192.0.2.1")
        self.do(subscribe, wish)
        with self.services.database.reading() as tx:
            return str(tx.scalar(select(subscription.c.token)))

    def webhook(self) -> str:
        guard = NetGuard(resolver=lambda name, port: ["93.184.215.14"])
        self.do(add_webhook, guard, Actor("admin"), "City data", "https://data.example.org/wenlu", "", ())
        with self.services.database.reading() as tx:
            return str(tx.scalar(select(webhook.c.id)))


def build(app: Flask) -> Town:
    """One of everything."""
    made = Builder(app)
    emails = {}
    for role, grant in PEOPLE.items():
        emails[role] = f"{role}@linhai.example"
        made.do(add_account, NewAccount(emails[role], "", PASSWORD), grant)
    open_case, closed = made.open_case(), made.closed_case()
    made.file("park-repair", IN_MARKET_STREET, "The swing hangs on one chain.")
    disputed = made.disputed_case()
    made.set_row(disputed, is_ambiguous=True)
    made.show_photos()
    followed = made.subscription()
    say = link_for("reporter", 1, clock.now(), days=7)
    with app.test_request_context():
        once = one_time_url(open_case).rpartition("/")[2]
    parts = {
        "case": open_case, "closed": closed, "disputed": disputed, "incident": made.incident(),
        "job": made.contractor_code(), "follower": made.follower(closed), "webhook": made.webhook(), "once": once,
        "say": say.code(made.context.keyring, closed), "stop": stop_code(made.context, open_case),
        "subscription": followed, "stop_news": subscription_stop_code(made.context, followed),
        "invitation": made.do(invite_person, "new@linhai.example", "", PEOPLE["handler"]),
    }  # fmt: skip
    return Town(parts, emails, made.secrets)


def photo(ground: str, thing: str) -> bytes:
    picture = Image.new("RGB", (480, 360), ground)
    ImageDraw.Draw(picture).ellipse((130, 110, 350, 260), fill=thing)
    out = io.BytesIO()
    picture.save(out, "JPEG")
    return out.getvalue()
