"""What an index was last built from: its folder of documents and its settings."""

import json
import os
from pathlib import Path
from typing import Any, NamedTuple

from qa.errors import SettingsInvalid
from qa.index.manifest import current_or_none
from qa.index.milvus.address import Address, address
from qa.index.store import Manifest
from qa.languages import ENGLISH
from qa.settings import SEEDS, Settings, shown

FOUND_LANGUAGES = 5  # the format from which on languages are found


class Origin(NamedTuple):
    """What a build is made from where nothing else is given."""

    seeds: Path
    settings: Settings


def origin(index: Path) -> Origin | None:
    """What the index was last built from, also when its format is an older one.

    None when there is no index, or none of its manifests can be read.
    """
    if at := address():
        return _origin_at(at)
    newest = sorted((at.parent.name for at in _manifests(index)), reverse=True)
    for name in filter(None, (current_or_none(index), *newest)):
        try:
            manifest = json.loads((index / "snapshots" / name / "manifest.json").read_bytes())
            settings = Settings.from_dict(_without_default(manifest))
            return Origin(_located(index, manifest), settings)
        except (OSError, ValueError, KeyError, TypeError, AttributeError, SettingsInvalid):
            continue
    return None


def _origin_at(at: Address) -> Origin | None:
    """What the index at an address was last built from. Raises StoreUnreachable."""
    from qa.index.milvus.opening import newest_complete
    from qa.index.milvus.server import WRITING_PATIENCE, server_of

    last = newest_complete(at, server_of(at, WRITING_PATIENCE))
    if last is None:
        return None
    return Origin(Path(last.manifest.seeds), Settings.from_dict(last.manifest.settings))


def chosen(index: Path, seeds: str | Path | None, settings: Settings | None) -> Origin:
    """What a build is made from: what is given, else the `QA_*` variables, else as last time.

    An index without an origin begins with `seeds` and the default settings. Raises SettingsInvalid.
    """
    last = origin(index) or Origin(SEEDS, Settings())
    return Origin(
        last.seeds if seeds is None else Path(seeds),
        Settings.from_environment(last=last.settings) if settings is None else settings,
    )


def changed(index: Path, settings: Settings) -> str:
    """What differs between the settings of a build and those of the last one, in one line.

    `""` where nothing does, or nothing was built yet.
    """
    last = origin(index)
    if last is None or last.settings == settings:
        return ""
    before, now = last.settings.to_dict(), settings.to_dict()
    names = [name for name in now if before[name] != now[name]]
    described = [
        " and ".join(f"{name} {shown(values[name])}" for name in names) for values in (before, now)
    ]
    return f"{index} was built with {described[0]}, and is built with {described[1]} from now on."


def seeds_of(index: Path, manifest: Manifest) -> Path:
    """The folder that a snapshot was built from."""
    return _located(index, {"seeds": manifest.seeds, "seeds_relative": manifest.seeds_relative})


def relative(index: Path, seeds: Path) -> str:
    """The relative path from an index to its folder of documents, so that both can be moved."""
    return os.path.relpath(seeds.resolve(), index.resolve())


def _without_default(manifest: dict[str, Any]) -> dict[str, Any]:
    """The settings of a manifest; the language that was the default before format 5 is none."""
    settings = dict(manifest["settings"])
    if manifest["format"] < FOUND_LANGUAGES and settings.get("language") == ENGLISH:
        del settings["language"]
    return settings


def _located(index: Path, manifest: dict[str, Any]) -> Path:
    """The folder that a manifest names: beside the index, where both were moved or copied."""
    way = str(manifest.get("seeds_relative", ""))
    moved = Path(os.path.normpath(index.resolve() / way))
    return moved if way and moved.is_dir() else Path(str(manifest["seeds"]))


def _manifests(index: Path) -> list[Path]:
    return list((index / "snapshots").glob("*/manifest.json"))
