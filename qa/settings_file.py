"""`seedqa.toml`: settings in a file, beside the index or where `--config` says.

Each key is a `QA_*` variable in lower case, without `QA_`. What a variable or an option says goes
before it. A path is relative to the file. What starts a program or opens a door (LibreOffice's path, the
password) is no setting of a file: one that lies beside an index may have come with it.
"""

import difflib
import os
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

from qa import storage
from qa.errors import SettingsInvalid, StorageFailed
from qa.settings import AUTO, DEFAULT_MODEL, INDEX

NAME = "seedqa.toml"
Value = str | int | bool | list[str]


class Key(NamedTuple):
    """A setting that a file may have."""

    name: str
    meaning: str
    default: Value
    is_path: bool = False


KEYS = {
    key.name: key
    for key in (
        Key("seeds", "the folder of documents", "seeds", is_path=True),
        Key("index", "the folder of the index", "index", is_path=True),
        Key("store", "a store in place of that folder: milvus://host:19530/name", ""),
        Key("objects", "where such a store keeps texts: a folder, or s3://bucket/prefix", ""),
        Key("limit", "excerpts in one answer, at most (command line)", 5),
        Key("model", "the encoder; `qa model list` shows what there is", DEFAULT_MODEL),
        Key("precision", "of the encoder: fp32, or int8", "fp32"),
        Key("language", "of all documents, an ISO 639-1 code; auto finds each one's", AUTO),
        Key("passage_tokens", "tokens in a passage, at most: 16 to 220", 180),
        Key("device", "where a build encodes: cpu, cuda, or auto", "auto"),
        Key("ocr", "whether scanned pages are read by tesseract", default=False),
        Key("host", "the address at which the page is served", "127.0.0.1"),
        Key("port", "its port", 7860),
        Key("hosts", "further names by which the server may be called", []),
        Key("proxies", "addresses of proxies whose forwarded headers are trusted", []),
        Key("root_path", "the path below which a proxy shows the server", "/qa"),
        Key("read_only", "serve without writing anything", default=False),
        Key("metrics", "show figures for Prometheus at /metrics", default=False),
        Key("log", "the log of `qa serve` and `qa watch`: text or json", "text"),
        Key("log_level", "debug, info, warning or error", "info"),
    )
}


def use(named: str | Path | None, index: str | Path | None) -> Path | None:
    """The file whose settings count from here on, as variables do; None where there is none.

    `named` is what `--config` says; without it the file lies beside the index, that of the default
    index in the working directory. Raises SettingsInvalid.
    """
    named = named or os.environ.get("QA_CONFIG")
    folder = Path(index or os.environ.get("QA_INDEX") or INDEX)
    file = Path(named) if named else folder.parent / NAME
    if not named and not file.is_file():
        return None
    for name, value in read(file).items():
        os.environ.setdefault(name, value)
    return file


def read(file: Path) -> dict[str, str]:
    """The settings of a file as `QA_*` variables. Raises SettingsInvalid, naming file and key."""
    try:
        values = tomllib.loads(file.read_text(encoding="utf-8"))
    except OSError as error:
        raise SettingsInvalid(f"{file} cannot be read: {error.strerror or error}.") from error
    except ValueError as error:  # not UTF-8, or not TOML
        raise SettingsInvalid(f"{file} is not TOML: {error}.") from error
    return {f"QA_{name.upper()}": _text(file, name, value) for name, value in values.items()}


def write(folder: Path, given: Mapping[str, Value]) -> Path:
    """Writes the file with every setting as a comment, those given as they are; where it lies.

    Raises SettingsInvalid where there is one already.
    """
    file = folder / NAME
    lines = [
        "# Settings of seedqa. An option and a QA_* variable go before what stands here.",
        "# A line counts once the sign in front of it is gone. Paths are relative to this file.",
    ]
    for key in KEYS.values():
        value = given.get(key.name, key.default)
        lines += ["", f"# {key.meaning}"]
        lines.append(f"{'' if key.name in given else '# '}{key.name} = {_toml(value)}")
    try:
        storage.write_file(file, ("\n".join(lines) + "\n").encode())
    except FileExistsError as error:
        raise SettingsInvalid(f"{file} is there already: change it with an editor.") from error
    except OSError as error:
        raise StorageFailed(f"Cannot write {file}: {error.strerror or error}.") from error
    return file


def _text(file: Path, name: str, value: object) -> str:
    """A value as it stands in a variable."""
    key = KEYS.get(name)
    if key is None:
        near = difflib.get_close_matches(name, KEYS, n=1)
        hint = (
            f"did you mean {near[0]}?" if near else f"`qa init` writes a {NAME} with all of them."
        )
        raise SettingsInvalid(f"{file} has {name}, which is no setting of a file: {hint}")
    kind = type(key.default)
    if type(value) is not kind:
        words = {
            str: "a text",
            int: "a whole number",
            bool: "true or false",
            list: "a list of texts",
        }
        raise SettingsInvalid(f"{name} in {file} is {value!r}: give {words[kind]}.")
    if isinstance(value, list):
        return ",".join(map(str, value))
    if isinstance(value, bool):
        return "1" if value else "0"
    at = file.parent / str(value)
    is_path = key.is_path or (name == "model" and at.is_dir())
    return str(at.absolute()) if is_path else str(value)


def _toml(value: Value) -> str:
    """A value in TOML; its texts are those of a path or a name."""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, list):
        return f"[{', '.join(map(_toml, value))}]"
    if isinstance(value, int):
        return str(value)
    escaped = value.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'
