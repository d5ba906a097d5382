"""One case from the report to the confirmed end, as everybody lived it: disputed, contested, done again."""

from __future__ import annotations

import email
import io
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from email import policy
from pathlib import Path
from typing import Any

import pytest
from PIL import Image
from playwright.sync_api import expect

from portal import clock
from portal.cli.servers import PrivateRedis
from portal.operations.manage_accounts import NewAccount, add_account
from portal.operations.verify_ledger import verify_ledger
from portal.queries.staff_rights import Grant

pytestmark = pytest.mark.browser
CHECKOUT = Path(__file__).resolve().parents[2]
PHONE = {"width": 390, "height": 844}
PASSWORD = "four words make sense"
# On the border of two streets, as a phone knows it.
PLACE = {"longitude": 121.532196, "latitude": 29.189777, "accuracy": 18}
NAME, EMAIL, TELEPHONE = "Zhao Weilan", "zhao.weilan@mail.example", "13912345678"
SECRETS = (NAME, "Weilan", EMAIL, TELEPHONE, "139 1234 5678")
PEOPLE = {
    "desk": Grant("dispatcher", "centre"),
    "street": Grant("handler", "street-cn1"),
    "crew": Grant("handler", "crew-south"),
    "traffic": Grant("handler", "traffic"),
}
WORDS = {
    "en": {
        "told": "Loose paving by the bus stop.",
        "contested": "The kerb is a street office’s task.",
        "fenced": "Barriers stand.",
        "ruled": "Whatever lies beside the carriageway is traffic’s.",
        "basis": "Catalogue, line 12",
        "again": "Two stones still move.",
        "done": "Every stone is laid anew.",
        "public": (
            "Reported",
            "The coordination desk gave it from Scholars’ Temple Street Office to Bluestone Street Office",
            "Bluestone Street Office handed it on to Roads and Traffic Department · not our task",
            "Roads and Traffic Department contests the hand-over: City Coordination Centre rules who answers",
            "It is in dispute who answers; until it is ruled Scholars’ Temple Street Office acts",
            "Ruled by the coordination desk: Roads and Traffic Department answers",
            "Accepted by Roads and Traffic Department",
            "Roads and Traffic Department says it is done · fixed",
            "The reporter says it is not done: opened again",
            "The reporter confirms it",
        ),
        "hands": (
            (
                "Scholars’ Temple Street Office",
                "for 1 hour",
                "given to another unit by the coordination desk",
            ),
            ("Bluestone Street Office", "for 2 hours", "handed on: not our task"),
            ("Roads and Traffic Department", "for 2 hours", "contested the hand-over: not our area"),
            ("City Coordination Centre", "for 23 hours", "ruled by the coordination desk"),
            ("Roads and Traffic Department", "for 2 days", ""),
        ),
    },
    "zh_Hans": {
        "told": "公交站旁的地砖松动。",
        "contested": "路沿石归街道管。",
        "fenced": "已设置围挡。",
        "ruled": "车行道旁的设施由交通部门负责。",
        "basis": "职责清单第12条",
        "again": "还有两块砖会动。",
        "done": "地砖已全部重新铺设。",
        "public": (
            "协调台将其由文庙街道办事处改派给青石街道办事处",
            "青石街道办事处转交给市交通设施中心 · 不属本职责",
            "市交通设施中心对移交提出异议，由市服务协调中心裁定由谁负责",
            "责任归属有争议；裁定前由文庙街道办事处先行办理",
            "裁定前由城南抢修队先行办理",
            "城南抢修队已完成先行处置",
            "协调台裁定：由市交通设施中心负责",
            "市交通设施中心已受理",
            "市交通设施中心表示已办结 · 已修复",
            "诉求人表示未解决，重新办理",
            "诉求人确认已解决",
        ),
        "hands": (
            ("文庙街道办事处", "历时 1 小时", "由协调台改派其他单位"),
            ("青石街道办事处", "历时 2 小时", "转出原因：不属本职责"),
            ("市交通设施中心", "历时 2 小时", "对移交提出异议：不属本辖区"),
            ("市服务协调中心", "历时 23 小时", "由协调台裁定"),
            ("市交通设施中心", "历时 2 天", ""),
        ),
    },
}


@dataclass
class Story:
    """The people with their browsers, and the time at which they act."""

    address: str
    app: Any
    chromium: Any
    language: str
    mail: Path
    set_time: Callable[[datetime], None]
    began: datetime
    contexts: dict[str, Any] = field(default_factory=dict)
    emails: dict[str, str] = field(default_factory=dict)
    faults: list[str] = field(default_factory=list)
    seen: set[str] = field(default_factory=set)

    def at(self, hours: float) -> None:
        """Move on in the story."""
        self.set_time(self.began + timedelta(hours=hours))

    def page_of(self, name: str) -> Any:
        """Somebody's browser; the resident's phone knows where it is."""
        if name not in self.contexts:
            wanted = {"viewport": PHONE, "locale": "zh-CN" if self.language == "zh_Hans" else "en-GB"}
            if name == "resident":
                wanted |= {"permissions": ["geolocation"], "geolocation": PLACE}
            self.contexts[name] = page = self.chromium.new_context(**wanted).new_page()
            page.set_default_timeout(10_000)
            page.on("console", lambda told: told.type == "error" and self.faults.append(told.text))
            page.on("pageerror", lambda error: self.faults.append(str(error)))
            page.on(
                "response", lambda got: got.status > 399 and self.faults.append(f"{got.status} {got.url}")
            )
        return self.contexts[name]

    def look(self, name: str, path: str) -> Any:
        """Open a page; signs staff in where they are asked to. Nobody but the reporter reads who it was."""
        page = self.page_of(name)
        page.goto(f"{self.address}{path}")
        if "/desk/sign-in" in page.url:
            page.locator("#email").fill(self.email_of(name))
            page.locator("#password").fill(PASSWORD)
            page.locator("main form button").click()
            page.wait_for_url(lambda url: "/sign-in" not in url)
        self.check(name)
        return page

    def email_of(self, name: str) -> str:
        if name not in self.emails:
            parts = self.app.extensions["wenlu"]
            self.emails[name] = f"{name}.{uuid.uuid4().hex[:8]}@linhai.example"
            with parts.database.transaction() as tx:
                add_account(tx, parts.context, NewAccount(self.emails[name], "", PASSWORD), PEOPLE[name])
        return self.emails[name]

    def check(self, name: str) -> None:
        page = self.page_of(name)
        if name != "resident":
            shown = page.content()
            assert [secret for secret in SECRETS if secret in shown] == [], page.url
            self.seen.add(f"{name} {page.url.partition(self.address)[2]}")
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), page.url

    def press(self, name: str, form: str, *, tells_who: bool = False, **typed: str) -> None:
        """Fill in a form of the page, with its fold open, and send it; one of them alone tells who reported."""
        page = self.page_of(name)
        found = page.locator(form)
        for fold in found.locator("xpath=ancestor::details[not(@open)]").all():
            fold.locator("summary").first.click()
        for key, value in typed.items():
            one = found.locator(f'[name="{key}"]').first
            kind = one.evaluate("each => each.type")
            if kind == "radio":
                found.locator(f'[name="{key}"][value="{value}"]').check()
            elif kind == "file":
                one.set_input_files([{"name": "spot.jpg", "mimeType": "image/jpeg", "buffer": proof(value)}])
            elif kind.startswith("select"):
                one.select_option(value)
            else:
                one.fill(value)
        found.locator("button:not([type=button])").last.click()
        page.wait_for_load_state()
        assert page.locator("main .fault").all_inner_texts() == []
        if tells_who:
            shown = page.content()
            assert [secret for secret in (NAME, EMAIL, TELEPHONE) if secret not in shown] == []
        else:
            self.check(name)

    def letters(self) -> Iterator[tuple[str, str]]:
        """Every letter that was written: to whom, and its words."""
        for path in sorted(self.mail.glob("*.eml"), key=lambda each: each.stat().st_mtime_ns):
            letter = email.message_from_bytes(path.read_bytes(), policy=policy.default)
            yield str(letter["To"]), letter.get_body(("plain",)).get_content()

    def link_in_letter(self, token: str, known: set[str]) -> str:
        """The newest link by which the reporter answers with one tap."""
        found: list[str] = []

        def arrived() -> bool:
            pattern = rf"{self.address}(/r/{token}/say/\S+)"
            links = [hit for to, text in self.letters() if to == EMAIL for hit in re.findall(pattern, text)]
            found[:] = [each for each in links if each not in known]
            return bool(found)

        wait_for(arrived)
        known.update(found)
        return found[-1]


def proof(colour: str) -> bytes:
    data, out = Image.Exif(), io.BytesIO()
    north, east = (_degrees(PLACE[name]) for name in ("latitude", "longitude"))
    data.get_ifd(0x8825).update({1: "N", 2: north, 3: "E", 4: east})
    Image.new("RGB", (400, 300), colour).save(out, "JPEG", exif=data)
    return out.getvalue()


def _degrees(angle: float) -> tuple[float, float, float]:
    minutes = (angle % 1) * 60
    return float(int(angle)), float(int(minutes)), round((minutes % 1) * 60, 4)


def wait_for(happened: Callable[[], object], seconds: float = 30) -> None:
    until = time.monotonic() + seconds
    while not happened():
        assert time.monotonic() < until, "it did not happen"
        time.sleep(0.05)


@pytest.fixture(scope="module")
def background(live: Any) -> Iterator[Path]:
    """A relay and a worker with a queue of their own; the folder of the letters that they write."""
    home = Path(tempfile.mkdtemp(prefix="wenlu-test-"))
    home.chmod(0o711)
    queue = PrivateRedis(home)
    queue.start()
    settings = replace(live.app.extensions["wenlu"].settings, redis_url=queue.url())
    environ = {"PATH": os.environ["PATH"]} | settings.as_environ()
    log = (home / "jobs.log").open("wb")
    run = [
        subprocess.Popen([sys.executable, "-m", "jobs", name], cwd=CHECKOUT, env=environ, stdout=log, stderr=log)
        for name in ("worker", "relay")
    ]  # fmt: skip
    yield settings.home / "mail"
    for process in run:
        process.kill()
        process.wait()
    log.close()
    queue.stop()
    for folder in (queue.sockets, home):
        shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture
def story(
    request: Any, live: Any, background: Path, chromium: Any, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Story]:
    """It began nine days ago: the city's clocks run through days while the test runs through seconds."""
    began = datetime.now(UTC).replace(hour=2, minute=0) - timedelta(days=9)
    told = Story(live.address, live.app, chromium, request.param, background, lambda at: None, began)
    told.set_time = lambda at: monkeypatch.setattr(clock, "now", lambda: at)
    yield told
    for page in told.contexts.values():
        page.context.close()


@pytest.mark.parametrize("story", ["en", "zh_Hans"], indirect=True)
def test_the_whole_story(story: Story) -> None:
    words = WORDS[story.language]
    token = reported(story, words)
    case, public = f"/desk/case/{token}", f"/r/{token}"
    handed_and_contested(story, token, words)
    acted_first_and_ruled(story, case, words)
    links: set[str] = set()
    story.at(54)
    story.look("traffic", case)
    story.press(
        "traffic", "#do-resolve form", closing_code="fixed", photos="green", public_text=words["done"]
    )
    wait_for(lambda: "/photo/" in story.look("stranger", public).content())

    story.at(58)
    story.look("resident", story.link_in_letter(token, links))
    story.page_of("resident").locator("#reason").fill(words["again"])
    story.page_of("resident").locator("button[value=contest]").click()
    story.at(78)
    page = story.look("traffic", case)
    expect(page.locator("main")).to_contain_text(words["again"])
    story.press("traffic", "#do-resolve form", closing_code="fixed", photos="blue", public_text=words["done"])
    story.at(82)
    story.link_in_letter(token, links)
    page = story.look("resident", public)
    page.locator('form[action$="/move/confirm"] button').click()
    expect(page.locator("main")).to_contain_text(words["public"][-1])

    story.at(100)
    the_public_reads_all_of_it(story, public, words)
    for name in PEOPLE:  # the street has handed it on, and sees it no longer
        story.look(name, "/desk/" if name == "street" else case)
    others = [text for to, text in story.letters() if to != EMAIL]
    assert len(others) > 5
    assert [text for text in others if any(secret in text for secret in SECRETS)] == []
    with story.app.extensions["wenlu"].database.reading() as tx:
        assert verify_ledger(tx).faults == []
    assert len(story.seen) > 10
    assert story.faults == []


def reported(story: Story, words: Any) -> str:
    """From the phone, on a border: the report is owned at once, and the desk is shown it."""
    story.at(0)
    page = story.look("resident", "/report?service=pavement")
    page.locator("#locate").click()
    page.locator("#preview .preview-unit").wait_for()
    page.locator("#description").fill(f"{words['told']} {TELEPHONE}")
    page.locator("#photo").set_input_files(
        [{"name": "a.jpg", "mimeType": "image/jpeg", "buffer": proof("red")}]
    )
    for name, value in (("email", EMAIL), ("phone", TELEPHONE), ("name", NAME)):
        page.locator(f"#{name}").fill(value)
    page.locator("#send").click()
    page.locator("#private-link").wait_for()
    token = re.search(r"/r/([0-9A-Z]{14})", page.url).group(1)
    story.at(1)
    desk = story.look("desk", "/desk/dispatch?why=ambiguous")
    desk.locator(f'a[href="/desk/case/{token}"]').wait_for()
    return token


def handed_and_contested(story: Story, token: str, words: Any) -> None:
    """The desk chooses the street; the street hands it on; who receives it contests that."""
    case = f"/desk/case/{token}"
    story.look("desk", case)
    story.press("desk", "#do-assign form", to_unit="street-cn1", reason="by the plan of the street")
    story.at(3)
    story.look("street", case)
    story.press("street", "#do-transfer form", reason="not_our_service", to_unit="traffic")
    story.at(5)
    story.look("traffic", case)
    contested = {"reason": "not_our_area", "public_text": words["contested"]}
    story.press("traffic", "#do-contest_transfer form", **contested)


def acted_first_and_ruled(story: Story, case: str, words: Any) -> None:
    """Somebody makes it safe while the desk rules; who is ruled to answer begins."""
    story.at(6)
    page = story.look("desk", "/desk/disputes")
    page.locator(f'a[href^="{case}"]').first.wait_for()
    story.look("desk", case)
    story.press("desk", "#do-name_acting form", to_unit="crew-south")
    story.at(7)
    story.look("crew", case)
    story.press("crew", 'form[action$="/task_accept"]')
    story.press("crew", 'form[action$="/task_done"]', reason=words["fenced"])
    story.at(28)
    story.look("desk", case)
    story.press("desk", "#do-rule form", to_unit="traffic", public_text=words["ruled"], reason=words["basis"])
    story.at(30)
    story.look("traffic", case)
    for action in ("accept", "start"):
        story.press("traffic", f'form:has(input[name=action][value="{action}"])')
    story.press("traffic", "#do-contact form", tells_who=True, purpose="arrange_visit", words="Which gate?")
    looked = story.look("resident", case.replace("/desk/case/", "/r/") + "/mine").locator("main")
    expect(looked).to_contain_text(words["hands"][-1][0])
    expect(looked).not_to_contain_text("Which gate?")


def the_public_reads_all_of_it(story: Story, public: str, words: Any) -> None:
    """Each step, each unit with how long it had the case, and why it was handed on."""
    page = story.look("stranger", public)
    told = page.locator("main").inner_text()
    assert [each for each in words["public"] if each not in told] == []
    hands = [each.split("\n") for each in page.locator("ol.custody > li").all_inner_texts()]
    assert len(hands) == len(words["hands"])
    for (unit, long, why), (shown, since, *ended) in zip(words["hands"], hands, strict=True):
        assert (unit, "".join(ended)) == (shown, why)
        assert since.endswith(long)
    assert page.locator(".compare-before img, .compare-after img").count() == 2
