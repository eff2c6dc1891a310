"""The address of a store that is no folder: `milvus://host:19530/name`."""

import re
from typing import NamedTuple
from urllib.parse import urlsplit

from qa import settings
from qa.errors import SettingsInvalid

SCHEME = "milvus"
PORT = 19530
_NAME = re.compile(r"[a-z][a-z0-9]*(?:_[a-z0-9]+)*")
_LONGEST_NAME = 64


class Address(NamedTuple):
    """Where a store is, and which index of that server it is."""

    host: str
    port: int
    name: str

    def __str__(self) -> str:
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{SCHEME}://{host}:{self.port}/{self.name}"


def address_of(text: str) -> Address:
    """The address that a text gives. Raises SettingsInvalid, which never repeats a password."""
    try:
        parts = urlsplit(text)
        host, port = parts.hostname, parts.port
    except ValueError as error:
        raise _invalid(f"{error}") from error
    if "@" in parts.netloc:
        raise _invalid("user and password come from QA_STORE_USER and QA_STORE_PASSWORD")
    if parts.scheme != SCHEME or parts.query or parts.fragment:
        raise _invalid(f"{text} is of another kind")
    name = parts.path.strip("/")
    if not host or not _NAME.fullmatch(name) or len(name) > _LONGEST_NAME:
        raise _invalid(f"{text} names no index in lower-case letters, digits and single _")
    return Address(host, port or PORT, name)


def address() -> Address | None:
    """The address that the environment names; None for the local store. Raises SettingsInvalid."""
    text = settings.store()
    return address_of(text) if text else None


def _invalid(reason: str) -> SettingsInvalid:
    return SettingsInvalid(
        f"The address of the store is not valid ({reason}): give {SCHEME}://host:{PORT}/name."
    )
