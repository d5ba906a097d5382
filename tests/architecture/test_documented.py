"""Docs that fail the build when they lag: settings, commands, addresses, and Chinese for every sentence (rule 5)."""

from __future__ import annotations

import importlib
import json
import re
import tomllib
from collections.abc import Iterator
from pathlib import Path

import click
import pytest
from babel.messages.extract import extract_from_dir
from babel.messages.pofile import read_po

from portal.app import create_app
from portal.cli.main import COMMANDS
from portal.settings import Settings
from portal.web.access import declared

PLACE = re.compile(r"%\((\w+)\)s|%%|%(?!\()\S?")
# How each kind of file reads a variable of the environment.
IN_PYTHON = r"""\benv(?:iron)?(?:\)?\.get\(|\)?\[|, )"([A-Z][A-Z0-9_]+)\""""
READS = (
    *((f"{folder}/**/*.py", IN_PYTHON) for folder in ("geo", "routing", "portal", "jobs", "tests")),
    ("portal/deploy/install", r"\$\{([A-Z_]+):?[-?]"),
    ("portal/deploy/*.sh", r"\$\{([A-Z_]+):?[-?]"),
    ("portal/deploy/Caddyfile", r"\{\$([A-Z_]+)"),
    ("portal/deploy/*.yml", r"\$\{([A-Z_]+)"),
    ("docker-compose.yml", r"\$\{([A-Z_]+)"),
    ("Dockerfile", r"^ARG ([A-Z_]+)"),
    ("Makefile", r"\$\(([A-Z]+)\)"),
    ("Makefile", r"\b([A-Z]{2,})="),
)
# The system's, those of make itself, what the web server tells its own workers, and what a request has.
NOT_TO_BE_SET = {
    "PATH",
    "HOME",
    "PY",
    "MAKE",
    "PROMETHEUS_MULTIPROC_DIR",
    "WENLU_METRICS_OF",
    "PATH_INFO",
    "RAW_URI",
}


@pytest.fixture(scope="module")
def readme(checkout: Path) -> str:
    return (checkout / "README.md").read_text(encoding="utf-8")


def variables_read(checkout: Path) -> dict[str, set[str]]:
    """Every variable of the environment that a file of ours reads, with these files."""
    found: dict[str, set[str]] = {}
    for glob, pattern in READS:
        for path in sorted(checkout.glob(glob)):
            for name in re.findall(pattern, path.read_text(encoding="utf-8"), re.MULTILINE):
                found.setdefault(name, set()).add(path.relative_to(checkout).as_posix())
    return found


def test_every_variable_is_under_settings_or_deploying(readme: str, checkout: Path) -> None:
    names = [spec.metadata["env"] for spec in Settings.__dataclass_fields__.values()]
    assert len(names) == len(set(names)) > 10
    read = variables_read(checkout)
    elsewhere = {"WEB_CONCURRENCY", "WENLU_DATA", "CITY", "CASES", "DB_MEMORY", "FILES_SERVER"}
    assert {*names, *elsewhere} <= set(read)
    said = readme.partition("\n## Settings\n")[2].partition("\n## Architecture\n")[0]
    missing = {
        name: sorted(files)
        for name, files in read.items()
        if name not in NOT_TO_BE_SET and not re.search(rf"\b{name}\b", said)
    }
    assert not missing, "README.md lacks:\n" + json.dumps(missing, indent=1)


def subcommands(name: str, command: click.Command) -> Iterator[str]:
    """The command line of every command that does something, nested ones included."""
    if isinstance(command, click.Group):
        for inner in command.commands.values():
            yield from subcommands(f"{name} {inner.name}", inner)
    else:
        yield name


def command_lines() -> list[str]:
    lines: list[str] = []
    for name, (module, attribute) in COMMANDS.items():
        lines += subcommands(f"wenlu {name}", getattr(importlib.import_module(module), attribute))
    return lines


def test_every_command_is_in_the_readme(readme: str) -> None:
    lines = command_lines()
    assert {"wenlu up", "wenlu city check", "wenlu ledger verify"} <= set(lines)
    said = readme.replace("\\|", "|")
    missing = [line for line in lines if line not in said and line not in spelt_out(said)]
    assert not missing, "README.md lacks:\n" + "\n".join(missing)


def spelt_out(text: str) -> set[str]:
    """`wenlu boundaries stage|activate|list` stands for three commands."""
    found = re.findall(r"wenlu( [a-z]+)? ([a-z]+(?:\|[a-z]+)+)", text)
    return {f"wenlu{group} {name}" for group, names in found for name in names.split("|")}


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_explains_itself(name: str) -> None:
    module, attribute = COMMANDS[name]
    command = getattr(importlib.import_module(module), attribute)
    with click.Context(command, info_name=f"wenlu {name}") as context:
        assert len(command.get_help(context).splitlines()) > 3
    assert command.help, "without a docstring `--help` says nothing"


def public_rules(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of every route that is not the desk's, with the names of its variable parts."""
    home = tmp_path_factory.mktemp("home")
    unused = {"DATABASE_URL": "postgresql+psycopg://localhost/none", "REDIS_URL": "redis://localhost:1"}
    app = create_app(Settings.from_environ({"WENLU_HOME": str(home), **unused}))
    for rule in app.url_map.iter_rules():
        access = declared(app.view_functions[rule.endpoint])
        if access is not None and access.audience != "staff":
            yield re.sub(r"<(?:[^:<>]+:)?(\w+)>", r"<\1>", rule.rule)


def test_every_public_address_is_in_the_readme(readme: str, tmp_path_factory: pytest.TempPathFactory) -> None:
    rules = sorted({rule for rule in public_rules(tmp_path_factory) if not rule.startswith("/static")})
    assert {"/", "/report", "/r/<token>", "/api/v1/reports"} <= set(rules)
    said = set(re.findall(r"`(?:(?:GET|POST) )*(/[^`\s?]*)", re.sub(r"\{(\w+)\}", r"<\1>", readme)))
    said |= {expanded for address in said for expanded in alternatives(address)}
    missing = [rule for rule in rules if rule not in said and not is_of_the_desk(rule)]
    assert not missing, "README.md lacks:\n" + "\n".join(missing)


def alternatives(address: str) -> list[str]:
    """`/discovery.{xml,json}` stands for two addresses."""
    if not (found := re.search(r"\{([^{}]+)\}", address)):
        return []
    return [address[: found.start()] + one + address[found.end() :] for one in found.group(1).split(",")]


def is_of_the_desk(rule: str) -> bool:
    return rule == "/desk" or rule.startswith("/desk/")


def messages(checkout: Path) -> dict[str, set[str]]:
    """Every sentence marked for translation, with the files that say it."""
    keywords = dict.fromkeys(("_", "N_", "gettext")) | {"ngettext": (1, 2)}
    configured = tomllib.loads((checkout / "pyproject.toml").read_text())["tool"]["babel"]["keywords"]
    assert {word.split(":")[0] for word in configured} <= set(keywords)
    methods = [
        ("**/migrations/**", "ignore"),
        ("**.py", "python"),
        ("**.html", "jinja2"),
        ("**.txt", "jinja2"),
    ]
    options = {"**.html": {"trimmed": "true"}, "**.txt": {"trimmed": "true"}}
    found: dict[str, set[str]] = {}
    for name, _, message, _, _ in extract_from_dir(
        checkout / "portal", methods, options_map=options, keywords=keywords
    ):
        for msgid in [message] if isinstance(message, str) else list(message):
            found.setdefault(msgid, set()).add(name)
    return {msgid: names for msgid, names in found.items() if msgid}


@pytest.fixture(scope="module")
def catalogues(checkout: Path) -> dict[str, list[tuple[str, str]]]:
    """For every sentence its Chinese, with the catalogue that says so."""
    found: dict[str, list[tuple[str, str]]] = {}
    for path in sorted((checkout / "portal/translations/zh_Hans/LC_MESSAGES").glob("*.po")):
        with path.open("rb") as source:
            for entry in read_po(source, locale="zh_Hans", abort_invalid=True):
                assert not entry.fuzzy or not entry.id, f"{path.name}: {entry.id!r} is marked fuzzy"
                text = entry.string if isinstance(entry.string, str) else entry.string[0]
                for msgid in [entry.id] if isinstance(entry.id, str) else list(entry.id):
                    if msgid:
                        found.setdefault(msgid, []).append((path.name, text))
    return found


def test_catalogues_agree(catalogues: dict[str, list[tuple[str, str]]]) -> None:
    """They are merged, so of two translations the one in the later file would win by its name."""
    disagreeing = {msgid: rows for msgid, rows in catalogues.items() if len({text for _, text in rows}) > 1}
    assert not disagreeing, json.dumps(disagreeing, ensure_ascii=False, indent=1)


@pytest.fixture(scope="module")
def chinese(catalogues: dict[str, list[tuple[str, str]]]) -> dict[str, str]:
    return {msgid: rows[-1][1] for msgid, rows in catalogues.items()}


def test_every_sentence_has_chinese(checkout: Path, chinese: dict[str, str]) -> None:
    said = messages(checkout)
    assert len(said) > 200
    missing = {msgid: sorted(names) for msgid, names in said.items() if not chinese.get(msgid)}
    assert not missing, json.dumps(missing, indent=1)


def test_the_chinese_names_the_same_parameters(chinese: dict[str, str]) -> None:
    """A name that is only in the translation fails when the page is rendered."""
    wrong = {
        msgid: text
        for msgid, text in chinese.items()
        if "%(" in msgid + text and not set(PLACE.findall(text)) <= set(PLACE.findall(msgid))
    }
    assert not wrong, json.dumps(wrong, ensure_ascii=False, indent=1)
