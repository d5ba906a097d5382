"""Settings from the environment, and the secret that an installation keeps."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from portal.settings import Settings


def read(home: Path, **more: str) -> Settings:
    return Settings.from_environ({"WENLU_HOME": str(home), **more})


def test_with_nothing_set(tmp_path: Path) -> None:
    settings = read(tmp_path)
    assert (settings.host, settings.port, settings.public_url) == (
        "127.0.0.1",
        8000,
        "http://127.0.0.1:8000",
    )
    assert (settings.database_url, settings.redis_url, settings.smtp_url) == ("", "", "")
    assert settings.is_loopback
    assert not settings.is_https
    assert not settings.allow_demo_accounts


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("PORT", "http"),
        ("PORT", "80.5"),
        ("PORT", "-1"),
        ("PORT", "65536"),
        ("TRUSTED_PROXIES", "some"),
        ("TRUSTED_PROXIES", "-1"),
        ("MAX_UPLOAD_MB", "30 MB"),
        ("MAX_UPLOAD_MB", "0"),
    ],
)
def test_a_variable_that_cannot_be_read_is_named(tmp_path: Path, name: str, value: str) -> None:
    with pytest.raises(ValueError, match=f"^{name} must be .*{value!r}"):
        read(tmp_path, **{name: value})


@pytest.mark.parametrize(
    ("name", "value", "field", "expected"),
    [
        ("PORT", "0", "port", 0),
        ("PORT", "", "port", 8000),
        ("HOST", "0.0.0.0", "is_loopback", False),
        ("HOST", "::1", "is_loopback", True),
        ("HTTPS", "Yes", "is_https", True),
        ("HTTPS", "0", "is_https", False),
        ("ALLOW_DEMO_ACCOUNTS", "1", "allow_demo_accounts", True),
        ("TRUSTED_HOSTS", "a.example, b.example,", "trusted_hosts", ("a.example", "b.example")),
        ("WENLU_PUBLIC_URL", "https://wenlu.example/", "public_url", "https://wenlu.example"),
        ("WENLU_SECRET_KEY", "given", "secret_key", "given"),
    ],
)
def test_what_is_set(tmp_path: Path, name: str, value: str, field: str, expected: object) -> None:
    assert getattr(read(tmp_path, **{name: value}), field) == expected


def test_a_child_process_gets_the_same_settings(tmp_path: Path) -> None:
    settings = read(tmp_path, HTTPS="1", TRUSTED_HOSTS="a.example,b.example", PORT="9000", MAIL_FROM="x@y.z")
    assert Settings.from_environ(settings.as_environ()) == settings


def test_secrets_do_not_show(tmp_path: Path) -> None:
    settings = read(tmp_path, WENLU_SECRET_KEY="hush-hush", SMTP_URL="smtp://user:hush-hush@mail.example")
    assert "hush-hush" not in repr(settings)


def test_the_secret_is_kept_and_only_the_owner_reads_it(tmp_path: Path) -> None:
    home = tmp_path / "new" / "home"
    first = read(home).secret_key
    kept = home / "secret_key"
    assert len(first) >= 43, "256 random bits"
    assert kept.stat().st_mode & 0o777 == 0o600
    assert read(home).secret_key == first == kept.read_text()
    assert read(tmp_path / "other").secret_key != first


def test_processes_that_start_together_agree_on_the_secret(tmp_path: Path) -> None:
    for attempt in range(20):
        home = tmp_path / str(attempt)
        with ThreadPoolExecutor(8) as pool:
            secrets = set(pool.map(lambda _, home=home: read(home).secret_key, range(8)))
        assert len(secrets) == 1
        assert len(secrets.pop()) >= 43, "read while another process was still writing it"
        assert [path.name for path in home.iterdir()] == ["secret_key"]


def test_an_empty_secret_is_refused_instead_of_used(tmp_path: Path) -> None:
    (tmp_path / "secret_key").touch()
    with pytest.raises(ValueError, match="secret_key"):
        read(tmp_path)


def test_folders_are_made_for_the_owner_only(tmp_path: Path) -> None:
    folder = read(tmp_path / "home").folder("files")
    assert folder.is_dir()
    assert folder.stat().st_mode & 0o777 == 0o700
