"""Settings, where they come from, and the fingerprint of those that shape an index.

A setting is given to a function, or comes from the environment (`QA_LIMIT=3`), or is the one that the
index was last built with, or has its default.
"""

import hashlib
import json
import os
from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import Any, NamedTuple

from qa.errors import SettingsInvalid
from qa.languages import ENGLISH, NAMES, code_of

SEEDS = Path("seeds")
INDEX = Path("index")
DEFAULT_MODEL = "all-MiniLM-L6-v2"
MODEL_PROFILE = "profile.json"  # in the folder of every model that was added
QUESTION_LIMIT = 2_000  # characters; a question is a sentence or two, the model reads 256 tokens
EXCERPT_LIMIT = 5  # excerpts and nearest passages in one answer
AUTO = "auto"  # the language of each document is found
FORMAT = 6  # of the index on disk
ON, OFF = ("1", "true", "yes", "on"), ("0", "false", "no", "off")


@dataclass(frozen=True, slots=True)
class Settings:
    """Everything that shapes an index: another value means another index."""

    model: str = DEFAULT_MODEL  # the default one's name, or an added one's name or folder
    precision: str = "fp32"  # of the encoder: fp32 or int8
    language: str = AUTO  # of all documents, an ISO 639 code; `AUTO`: of each what is found
    passage_tokens: int = 180  # tokens of a passage, at most (a longer sentence stands alone)
    ocr: bool = False  # scanned pages are read by OCR, in `language`
    libreoffice: bool = False  # it was there, and read the documents of other programs

    def __post_init__(self) -> None:
        object.__setattr__(self, "model", located(self.model))
        if not 16 <= self.passage_tokens <= 220:
            raise SettingsInvalid(
                f"passage_tokens is {self.passage_tokens}: give a number from 16 to 220."
            )
        if self.precision not in ("fp32", "int8"):
            raise SettingsInvalid(f"precision is {self.precision!r}: give fp32 or int8.")
        if self.language != AUTO and self.language not in NAMES:
            raise SettingsInvalid(
                f"language is {self.language!r}: give {_code_instead_of(self.language)}, or "
                f"{AUTO!r} to have each document's found."
            )

    @classmethod
    def from_environment(
        cls, environment: Mapping[str, str] = os.environ, *, last: "Settings | None" = None
    ) -> "Settings":
        """The settings that `QA_MODEL`, `QA_PRECISION` and their like name, the others as in `last`.

        Without `last` the others have their defaults. Raises SettingsInvalid.
        """
        given: dict[str, str | int] = {}
        for field in fields(cls):
            if field.name == "libreoffice":  # found on the machine: QA_LIBREOFFICE says where
                continue
            value = environment.get(name := f"QA_{field.name.upper()}")
            if field.type is bool:
                given |= {field.name: switch(name, value)} if value else {}
            elif value is not None:
                given[field.name] = integer(field.name, value) if field.type is int else value
        return replace(last or cls(), **given)  # type: ignore[arg-type]

    @classmethod
    def from_dict(cls, manifest: Mapping[str, Any]) -> "Settings":
        """The settings of a manifest; what it does not name has its default.

        Raises SettingsInvalid.
        """
        kinds = {field.name: field.type for field in fields(cls)}
        given = {name: manifest[name] for name in kinds if name in manifest}
        if not all(isinstance(value, kinds[name]) for name, value in given.items()):  # type: ignore[arg-type]
            raise SettingsInvalid("The settings of the index cannot be read.")
        return cls(**given)

    def to_dict(self) -> dict[str, str | int]:
        """The settings as they stand in a manifest."""
        return {field.name: getattr(self, field.name) for field in fields(self)}

    @property
    def ocr_language(self) -> str | None:
        """The language in which scanned pages are read; None where they are not."""
        if not self.ocr:
            return None
        return ENGLISH if self.language == AUTO else self.language


def _code_instead_of(language: str) -> str:
    code = code_of(language)
    return f"{code!r}" if code else "an ISO 639 code such as 'de'"


def located(model: str) -> str:
    """A model's name as it is; a model's folder in full, so that it is found from every other one."""
    is_folder = model != DEFAULT_MODEL and (Path(model) / MODEL_PROFILE).is_file()
    return str(Path(model).resolve()) if is_folder else model


def cache_folder() -> Path:
    """Where added models lie, and exports that belong to no index: `~/.cache/seedqa`."""
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "seedqa"


def integer(name: str, value: str) -> int:
    """`value` as a whole number; `SettingsInvalid` names the setting otherwise."""
    try:
        return int(value)
    except ValueError as error:
        raise SettingsInvalid(f"{name} is {value!r}: give a whole number.") from error


def switch(name: str, value: str) -> bool:
    """Whether `value` says on or off; `SettingsInvalid` names the setting otherwise."""
    word = value.strip().lower()
    if word not in (*ON, *OFF):
        raise SettingsInvalid(f"{name} is {value!r}: give 1 or 0.")
    return word in ON


def bucket_is_plain(environment: Mapping[str, str] = os.environ) -> bool:
    """Whether the S3 server is named by an address without TLS."""
    return environment.get("AWS_ENDPOINT_URL", "").startswith("http://")


class Access(NamedTuple):
    """How the server of a store lets in."""

    user: str
    password: str
    is_encrypted: bool
    certificate: str  # a file with what the server's certificate is checked by; "": the system's


def store(environment: Mapping[str, str] = os.environ) -> str:
    """The address of the store, `QA_STORE`; `""` for the local one."""
    return environment.get("QA_STORE", "").strip()


def use_store(address: str) -> None:
    """Makes an address the store of this process, and of those that it starts."""
    os.environ["QA_STORE"] = address


def objects(environment: Mapping[str, str] = os.environ) -> str:
    """Where a store at an address keeps its objects, `QA_OBJECTS`: a folder or `s3://bucket/prefix`."""
    return environment.get("QA_OBJECTS", "").strip()


def store_access(environment: Mapping[str, str] = os.environ) -> Access:
    """User, password and encryption of the store. Raises SettingsInvalid."""
    certificate = environment.get("QA_STORE_CERTIFICATE", "")
    return Access(
        user=environment.get("QA_STORE_USER", ""),
        password=environment.get("QA_STORE_PASSWORD", ""),
        is_encrypted=switch("QA_STORE_TLS", environment.get("QA_STORE_TLS", "0")),
        certificate=certificate,
    )


def allows_double(environment: Mapping[str, str] = os.environ) -> bool:
    """Whether a server that only doubles as Milvus may be the store: for tests alone."""
    return environment.get("QA_STORE_DOUBLE") == "1"


def shown(value: str | int) -> str:
    """A setting's value in words: `"on"`, `"de"`, `"180"`."""
    return {True: "on", False: "off"}[value] if isinstance(value, bool) else str(value)


def fingerprint(*parts: object) -> str:
    """A short hash of what the parts say: 16 hex digits, the same on every machine."""
    payload = json.dumps(parts, sort_keys=True, ensure_ascii=True, default=str)
    return hashlib.sha256(payload.encode()).hexdigest()[:16]
