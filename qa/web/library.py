"""Changes to the seeds folder from the page: a file put in, a file taken out."""

import os
import re
import secrets
import shutil
import time
import unicodedata
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path, PurePosixPath
from tempfile import TemporaryFile
from typing import BinaryIO

from qa.checking.freshness import Waiting
from qa.errors import QAError, SeedsMissing
from qa.reading.formats import FORMAT_OF_SUFFIX
from qa.reading.walking import locate
from qa.records import File
from qa.web.listing import key

UPLOAD_LIMIT = 100 << 20  # bytes
DRAFT_SECONDS = 3_600  # after which a draft is of no upload that is still coming
_DRAFT = ".upload-"
NAME_LIMIT = 240  # bytes in UTF-8; file systems take 255
_UNSAFE = re.compile(r"[^\w .,()+@=-]+")
_RESERVED = re.compile(r"(?:con|prn|aux|nul|com\d|lpt\d)(?:\.|\Z)", re.IGNORECASE)


class UploadRefused(QAError):
    """A file that the library does not take; the message says why."""


class NameTaken(UploadRefused):
    """There is a file of that name: it is replaced only when that was meant."""


def safe_name(name: str) -> str:
    r"""The name without what could leave the folder or mislead: `"../a\\tb.txt"` is `"a_b.txt"`.

    Raises UploadRefused when nothing is left or the kind is none that is read.
    """
    last = re.split(r"[/\\]", unicodedata.normalize("NFC", name))[-1]
    cleaned = re.sub(r"\s+", " ", _UNSAFE.sub("_", last)).strip(" ._")
    suffix = PurePosixPath(cleaned).suffix
    stem = cleaned.removesuffix(suffix)
    if suffix[1:].lower() not in FORMAT_OF_SUFFIX:
        raise UploadRefused(f"{cleaned or 'This file'} is of no kind that is read: not taken.")
    if not stem.strip(" ._") or _RESERVED.match(cleaned):
        raise UploadRefused("The file's name says nothing: rename it and try again.")
    return _cut(stem, NAME_LIMIT - len(suffix)).rstrip(" .") + suffix


@contextmanager
def receiving() -> Iterator[BinaryIO]:
    """A temporary file for what is being sent. Raises UploadRefused when it has no room."""
    try:
        with TemporaryFile() as content:
            yield content
    except OSError as error:
        raise UploadRefused(f"The file cannot be received: {error.strerror or error}.") from error


def put(seeds: Path, name: str, content: BinaryIO, *, replace: bool) -> str:
    """The name under which the content is stored now, completely or not at all.

    Raises UploadRefused, NameTaken unless `replace`, and SeedsMissing.
    """
    safe = safe_name(name)
    at = _existing(seeds, safe)
    if at and not replace:
        raise NameTaken(f"{at.name} is there already.")
    at = at or seeds / safe
    # Hidden while it grows, so that no build reads half of it.
    draft = seeds / f"{_DRAFT}{secrets.token_hex(8)}"
    _remove_old_drafts(seeds)
    try:
        if at.is_symlink() or (at.exists() and not at.is_file()):
            raise UploadRefused(f"{at.name} is no plain file: it is not replaced.")
        _write(draft, content)
        if replace:
            draft.replace(at)
        else:
            _place(draft, at)
    except OSError as error:
        raise UploadRefused(f"{at.name} cannot be written: {error.strerror}.") from error
    finally:
        with suppress(OSError):
            draft.unlink(missing_ok=True)
    return at.name


def remove(seeds: Path, wanted: str, files: Sequence[File], waiting: Waiting) -> str:
    """Removes the file of that key from the folder; returns its path. Raises UploadRefused."""
    known = {file.source or file.path for file in files} | set(waiting.added)
    path = next((path for path in known if key(path) == wanted), None)
    if path is None:
        raise UploadRefused("There is no such file in the library.")
    try:
        at = locate(seeds, path)
        if not at.parent.resolve().is_relative_to(seeds.resolve()):
            raise UploadRefused(f"{path} stands outside of the folder: it is not removed.")
        at.unlink()
    except FileNotFoundError:
        pass
    except OSError as error:
        raise UploadRefused(f"{path} cannot be removed: {error.strerror}.") from error
    return path


def _existing(seeds: Path, name: str) -> Path | None:
    """The file of that name, whatever its case. Raises SeedsMissing."""
    try:
        return next((at for at in seeds.iterdir() if at.name.casefold() == name.casefold()), None)
    except OSError as error:
        raise SeedsMissing(
            f"The folder of the documents cannot be reached ({error.strerror}): nothing was stored."
        ) from error


def _cut(text: str, limit: int) -> str:
    """The beginning of the text that takes `limit` bytes in UTF-8 at most, no character cut."""
    return text.encode()[:limit].decode(errors="ignore")


def _remove_old_drafts(seeds: Path) -> None:
    """Removes what uploads left that were broken off by the end of their server."""
    with suppress(OSError):
        for draft in seeds.glob(f"{_DRAFT}*"):
            if time.time() - draft.lstat().st_mtime > DRAFT_SECONDS:
                draft.unlink()


def _write(draft: Path, content: BinaryIO) -> None:
    with draft.open("xb") as stream:
        shutil.copyfileobj(content, stream, 1 << 20)
        stream.flush()
        os.fsync(stream.fileno())


def _place(draft: Path, at: Path) -> None:
    """Gives the draft its name unless somebody took it meanwhile."""
    try:
        os.link(draft, at)
    except FileExistsError as error:
        raise NameTaken(f"{at.name} is there already.") from error
