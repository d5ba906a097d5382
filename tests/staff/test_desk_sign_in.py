"""Signing in through the pages: cookies, form tokens, limits, and where one lands afterwards."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest

from portal.app import create_app
from portal.operations.manage_accounts import NewAccount, add_account
from portal.queries.staff_rights import Grant
from portal.web.forms.staff_sign_in import safe_next

from .conftest import PASSWORD, Browser

HANDLER = Grant("handler", "street-cn1")


def cookies_of(answer) -> dict[str, str]:
    return {line.partition("=")[0]: line for line in answer.headers.getlist("Set-Cookie")}


@pytest.mark.parametrize("is_https", [False, True], ids=["http", "https"])
def test_the_cookie_is_kept_from_scripts_and_other_sites(is_https, desk):
    app = create_app(replace(desk.settings, is_https=is_https))
    cookie = cookies_of(Browser(app, "en").sign_in(desk.email_of(HANDLER), PASSWORD))["wenlu_staff"]
    parts = [part.strip() for part in cookie.split(";")]
    assert {"HttpOnly", "SameSite=Lax", "Path=/desk"} <= set(parts)
    assert ("Secure" in parts) is is_https


def test_signing_in_changes_session_and_form_token(desk):
    browser = desk.client(HANDLER)
    first, token = browser.client.get_cookie("wenlu_staff", path="/desk").value, browser.token()
    browser.sign_in(desk.email_of(HANDLER), PASSWORD)
    assert browser.client.get_cookie("wenlu_staff", path="/desk").value != first
    assert browser.token() != token
    browser.client.set_cookie("wenlu_staff", first, path="/desk")
    assert browser.get("/desk/").status_code == 303


def test_signing_out_ends_the_session_on_the_server(desk):
    browser = desk.client(HANDLER)
    kept = browser.client.get_cookie("wenlu_staff", path="/desk").value
    assert browser.post("/desk/sign-out", {}).status_code == 303
    browser.client.set_cookie("wenlu_staff", kept, path="/desk")
    assert browser.get("/desk/").status_code == 303


def test_signing_out_everywhere_through_the_page(desk):
    here, there = desk.client(HANDLER), desk.client(HANDLER)
    assert here.post("/desk/account/sign-out-everywhere", {}).status_code == 303
    assert [here.get("/desk/").status_code, there.get("/desk/").status_code] == [303, 303]


@pytest.mark.parametrize("language", ["en", "zh-Hans"])
def test_wrong_and_unknown_read_the_same(language, desk):
    pages = []
    for email in (desk.email_of(HANDLER), "nobody@linhai.example"):
        answer = Browser(desk.app, language).sign_in(email, "not the password")
        assert answer.status_code == 422
        pages.append(re.sub(r'value="[^"]*"|nonce="[^"]+"', "", answer.text))
    assert pages[0] == pages[1]


def test_too_many_failures_name_the_wait(desk):
    browser = Browser(desk.app, "en")
    answers = [browser.sign_in("limited@linhai.example", "not the password") for _ in range(6)]
    assert [answer.status_code for answer in answers] == [422] * 5 + [429]
    assert "Please wait 15 minutes" in answers[-1].text
    assert 0 < int(answers[-1].headers["Retry-After"]) <= 900


@pytest.mark.parametrize(
    ("wanted", "target"),
    [
        ("/desk/case/ABC", "/desk/case/ABC"),
        ("/desk/?state=routed", "/desk/?state=routed"),
        ("", "/desk/"),
        ("/report", "/desk/"),
        ("https://evil.example/desk/", "/desk/"),
        ("//evil.example/desk/", "/desk/"),
        ("/desk/../\\evil.example", "/desk/"),
        ("/desk/\r\nSet-Cookie: a=b", "/desk/"),
        ("javascript:alert(1)", "/desk/"),
        ("/desk/sign-out", "/desk/"),
    ],
)
def test_nobody_is_sent_to_another_site(wanted, target, desk):
    assert safe_next(wanted) == target
    answer = Browser(desk.app, "en").sign_in(desk.email_of(HANDLER), PASSWORD, next=wanted)
    assert answer.headers["Location"] == target


def desk_posts(app) -> list[str]:
    rules = [
        rule for rule in app.url_map.iter_rules() if rule.rule.startswith("/desk") and "POST" in rule.methods
    ]
    return sorted(re.sub(r"<[^>]+>", "00000000000000", rule.rule) for rule in rules)


def test_every_form_of_the_desk_needs_its_token(desk):
    posts = desk_posts(desk.app)
    assert len(posts) >= 6
    browser = desk.client(Grant("admin", ""))
    for path in posts:
        assert browser.client.post(path, data={}).status_code == 403, path
        assert browser.client.post(path, data={"csrf_token": "0" * 43}).status_code == 403, path
    other = desk.client(Grant("admin", "")).token()  # a token of somebody else's browser
    assert browser.client.post("/desk/sign-out", data={"csrf_token": other}).status_code == 403
    assert browser.get("/desk/").status_code == 200


@pytest.mark.parametrize(
    ("host", "is_allowed_by_operator", "status"),
    [("127.0.0.1", False, 303), ("0.0.0.0", False, 422), ("0.0.0.0", True, 303)],
)
def test_demo_accounts_stay_on_this_machine(host, is_allowed_by_operator, status, desk):
    email = f"demo-{status}-{is_allowed_by_operator}@linhai.example"
    with desk.database.transaction() as tx:
        add_account(tx, desk.context, NewAccount(email, "", PASSWORD, is_demo=True), HANDLER)
    app = create_app(replace(desk.settings, host=host, allow_demo_accounts=is_allowed_by_operator))
    browser = Browser(app, "en")
    assert browser.sign_in(email, PASSWORD).status_code == status
    if status == 303:  # a session from before the server was opened to others does not carry over
        opened = Browser(create_app(replace(desk.settings, host="0.0.0.0")), "en")
        opened.client.set_cookie(
            "wenlu_staff", browser.client.get_cookie("wenlu_staff", path="/desk").value, path="/desk"
        )
        assert opened.get("/desk/").status_code == 303


@pytest.mark.parametrize(
    ("typed", "status", "says"),
    [
        (
            {"old_password": "wrong one entirely", "password": "a new long phrase"},
            422,
            "not your present password",
        ),
        ({"old_password": PASSWORD, "password": "short"}, 422, "at least 12 characters"),
        (
            {"old_password": PASSWORD, "password": "a new long phrase", "password_again": "other"},
            422,
            "not the same",
        ),
        ({"old_password": PASSWORD, "password": "a new long phrase"}, 303, ""),
    ],
    ids=["wrong old one", "too short", "typed differently", "changed"],
)
def test_changing_the_password_on_the_account_page(typed, status, says, desk):
    email = f"change{len(says)}@linhai.example"
    with desk.database.transaction() as tx:
        add_account(tx, desk.context, NewAccount(email, "", PASSWORD), HANDLER)
    browser = Browser(desk.app, "en")
    browser.sign_in(email, PASSWORD)
    answer = browser.post("/desk/account/password", {"password_again": typed["password"], **typed})
    assert answer.status_code == status
    assert says in answer.text
    expected = typed["password"] if status == 303 else PASSWORD
    assert Browser(desk.app, "en").sign_in(email, expected).status_code == 303
