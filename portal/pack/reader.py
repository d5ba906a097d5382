"""How a folder becomes a Pack: which files it has, what each must hold, and the digest over all of them."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

from portal.pack.config import read_config
from portal.pack.features import check_points, read_features
from portal.pack.model import CityConfig, FeatureFile, Finding, Pack
from portal.pack.rows import TABLES, Table, merge_units
from portal.pack.table import Notes, read_rows
from portal.pack.toml import read_toml

FEATURE_FOLDERS = ("points", "works", "basemap")


def read_pack(folder: Path | str) -> Pack:
    """Read the folder of a city. Nothing is raised for faulty content: see `Pack.findings`.

    Only the shape of each file is judged here; what one file says about another is for `check`.
    """
    folder = Path(folder)
    notes = Notes("city.toml")
    if not folder.is_dir():
        return Pack(folder, None, findings=(Finding(folder.name, 0, "", "error", "there is no such folder"),))
    table = read_toml(folder / "city.toml", notes)
    findings = notes.findings
    if table is None:
        return Pack(folder, None, digest=_digest(folder, None), findings=tuple(findings))
    config = read_config(table, folder, notes)
    tables: dict[str, Any] = {
        name: _read_table(folder, spec, config.locales, findings) for name, spec in TABLES.items()
    }
    unit_notes = Notes(TABLES["units"].file)
    units = merge_units(tables.pop("units"), config.locales, unit_notes.error)
    findings.extend(unit_notes.findings)
    features: dict[str, Any] = {name: _read_folder(folder, name, findings) for name in FEATURE_FOLDERS}
    return Pack(
        folder=folder,
        config=config,
        units=units,
        rules_text=_read_rules(folder, findings),
        config_lines=notes.lines,
        digest=_digest(folder, config),
        **{name: tuple(rows) for name, rows in tables.items()},
        **features,
        findings=tuple(findings),
    )


def _read_table(folder: Path, spec: Table, locales: tuple[str, ...], findings: list[Finding]) -> list[Any]:
    notes = Notes(spec.file)
    path = folder / spec.file
    rows: list[Any] = []
    if path.is_file():
        rows = [spec.parse(row, spec.file) for row in read_rows(path, notes, spec.columns, locales)]
    elif spec.required:
        notes.error(0, "", "the file is missing")
    findings.extend(notes.findings)
    return [row for row in rows if row is not None]


def _read_folder(folder: Path, name: str, findings: list[Finding]) -> tuple[FeatureFile, ...]:
    files = []
    for path in sorted((folder / name).glob("*.geojson")):
        notes = Notes(f"{name}/{path.name}")
        features = read_features(path, notes)
        if name == "points":
            check_points(features, notes)
        findings.extend(notes.findings)
        files.append(features)
    return tuple(files)


def _read_rules(folder: Path, findings: list[Finding]) -> str:
    notes = Notes("rules.toml")
    path = folder / "rules.toml"
    table = read_toml(path, notes)
    findings.extend(notes.findings)
    return path.read_bytes().decode("utf-8-sig") if table is not None else ""


def _digest(folder: Path, config: CityConfig | None) -> str:
    """sha256 over the name and content of every file that says something, in a fixed order."""
    files: dict[str, Path] = {spec.file: folder / spec.file for spec in TABLES.values()}
    files |= {name: folder / name for name in ("city.toml", "rules.toml")}
    for name in FEATURE_FOLDERS:
        files |= {f"{name}/{path.name}": path for path in (folder / name).glob("*.geojson")}
    if config:
        files |= {
            edition.file: edition.path for layer in config.layers.values() for edition in layer.editions
        }
    total = hashlib.sha256()
    for name, path in sorted(files.items()):
        if path.is_file():
            total.update(f"{name}\0{_file_digest(path)}\n".encode())
    return total.hexdigest()


def _file_digest(path: Path) -> str:
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()
