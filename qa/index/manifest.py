"""Manifests: which snapshot is live, what each is made of, and whether its files are as written."""

import json
from dataclasses import fields
from pathlib import Path

from qa.encoding import models
from qa.errors import IndexDamaged, IndexForeign, IndexMissing, IndexUnreadable, SettingsInvalid
from qa.index import integrity
from qa.index.integrity import reading
from qa.index.store import Manifest
from qa.records.forms import from_dict
from qa.records.languages import OfLanguage
from qa.settings import FORMAT, Settings

ENCODERS = "encoders"  # a folder of the index, of exported models


def current(index: Path) -> str:
    """The name of the live snapshot."""
    try:
        name = (index / "CURRENT").read_text().strip()
    except FileNotFoundError as error:
        if any((index / "snapshots").glob("*/manifest.json")):
            raise IndexDamaged(
                f"{index} has snapshots but no CURRENT: build again to repair it."
            ) from error
        raise IndexMissing(f"There is no index in {index}: run `qa build` first.") from error
    except PermissionError:
        with reading(index / "CURRENT"):
            raise
    except (OSError, UnicodeDecodeError) as error:
        raise IndexDamaged(f"{index / 'CURRENT'} cannot be read: build again.") from error
    if not name or Path(name).name != name:
        raise IndexDamaged(f"{index / 'CURRENT'} names no snapshot: build again.")
    return name


def current_or_none(index: Path) -> str | None:
    """The name of the live snapshot, if there is one."""
    try:
        return current(index)
    except (IndexMissing, IndexDamaged, IndexUnreadable):
        return None


def read_manifest(folder: Path) -> Manifest:
    """The manifest of a snapshot; `IndexForeign` when it is of another format."""
    file = folder / "manifest.json"
    with reading(file):
        payload = json.loads(file.read_bytes())
        if payload["format"] != FORMAT:
            raise IndexForeign(
                f"{folder} has format {payload['format']}, this version reads {FORMAT}: "
                "run `qa build --full`."
            )
        payload["segments"] = tuple(map(str, payload["segments"]))
        payload["languages"] = tuple(from_dict(OfLanguage, each) for each in payload["languages"])
        payload["files"] = {
            path: (int(size), str(digest)) for path, (size, digest) in payload["files"].items()
        }
        known = {each.name for each in fields(Manifest)}  # a later version may say more
        manifest = Manifest(**{name: value for name, value in payload.items() if name in known})
        _check_manifest(manifest)
    return manifest


def _check_manifest(manifest: Manifest) -> None:
    """Raises ValueError or TypeError where a manifest is not as it was written."""
    try:
        Settings.from_dict(manifest.settings)
    except SettingsInvalid as error:
        raise ValueError(str(error)) from error
    if min(manifest.dim, manifest.code_bytes) < 1:
        raise ValueError("vectors without numbers")
    if manifest.checksum and manifest.checksum != manifest.summed():
        raise ValueError("its checksum is another")


def damaged(index: Path, manifest: Manifest) -> list[str]:
    """The files of a snapshot, and the exported models, that are not byte for byte what was written."""
    exported = [file.relative_to(index).as_posix() for file in models.damaged(index / ENCODERS)]
    return exported + integrity.differing(index, manifest.files)


def describe(index: Path, folder: Path) -> dict[str, tuple[int, str]]:
    """Size and SHA-256 of every file below a folder, by its path in the index."""
    files = sorted(file for file in folder.rglob("*") if file.is_file())
    return {file.relative_to(index).as_posix(): integrity.described(file) for file in files}
