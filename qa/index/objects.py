"""Texts of documents as objects, each named by its own SHA-256: in a folder, or in an S3 bucket.

A store that is no folder keeps its documents here. An object never changes: what is written twice is
the same, and what is read is compared with its name. Compressed, a text takes a third.
"""

import hashlib
import re
import zlib
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from datetime import timedelta
from pathlib import Path
from typing import Any, Protocol

from qa import settings, storage
from qa.errors import IndexDamaged, SettingsInvalid, StoreUnreachable

SCHEME = "s3://"
PATIENCE = ("5s", "30s")  # to connect, and for one request
RETRIES, RETRYING = 3, timedelta(seconds=20)
LEVEL = 1  # of zlib: higher ones take four times as long and save a tenth
_DIGEST = re.compile(r"[0-9a-f]{64}")


class Objects(Protocol):
    """Bytes by their SHA-256, for any number of threads and processes."""

    def put(self, data: bytes) -> str:
        """The SHA-256 of the bytes, by which they can be read from now on, on any machine."""

    def get(self, digest: str) -> bytes:
        """The bytes of that SHA-256. Raises IndexDamaged where they are missing, or are others."""

    def remove(self, digests: Iterable[str]) -> None:
        """Removes objects; those that are not there are none too many."""

    def digests(self) -> Iterator[str]:
        """The names of all objects, in no order."""


def open_objects(place: str) -> Objects:
    """The objects in a folder, or at `s3://bucket/prefix`.

    A bucket's address and credentials come from the environment as S3 clients know them:
    `AWS_ENDPOINT_URL`, `AWS_ACCESS_KEY_ID`, `AWS_SECRET_ACCESS_KEY`, `AWS_REGION`. Raises
    SettingsInvalid.
    """
    if place.startswith(SCHEME):
        return BucketObjects(place)
    if "://" in place:
        raise SettingsInvalid(f"Objects are at {place}: give a folder or s3://bucket/prefix.")
    return FolderObjects(Path(place))


class FolderObjects:
    """Objects as files of a folder, for their owner alone, in up to 256 folders of their own."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def put(self, data: bytes) -> str:
        """The SHA-256 of the bytes, which survive a power cut from now on. Raises StorageFailed."""
        digest = _digest(data)
        file = self._file(digest)
        with storage.writing(file):
            for folder in (self._folder, file.parent):
                storage.new_folder(folder, exist_ok=True)
            storage.replace_file(file, zlib.compress(data, LEVEL))
            storage.sync_folder(self._folder)
        return digest

    def get(self, digest: str) -> bytes:
        """The bytes of that SHA-256. Raises IndexDamaged."""
        file = self._file(digest)
        try:
            return _checked(file.read_bytes(), digest, self._folder)
        except OSError as error:
            raise _damaged(digest, self._folder, "cannot be read") from error

    def remove(self, digests: Iterable[str]) -> None:
        """Removes objects; those that are not there are none too many."""
        for digest in digests:
            with suppress(FileNotFoundError):
                self._file(digest).unlink()

    def digests(self) -> Iterator[str]:
        """The names of all objects, in no order."""
        for file in self._folder.glob("??/*"):
            if _DIGEST.fullmatch(file.name):
                yield file.name

    def _file(self, digest: str) -> Path:
        return self._folder / digest[:2] / digest


class BucketObjects:
    """Objects of an S3 bucket, below a prefix."""

    def __init__(self, place: str) -> None:
        self._place = place
        self._store = _bucket(place)

    def put(self, data: bytes) -> str:
        """The SHA-256 of the bytes, which the bucket has acknowledged. Raises StoreUnreachable."""
        digest = _digest(data)
        with self._asking():
            self._store.put(digest, zlib.compress(data, LEVEL))
        return digest

    def get(self, digest: str) -> bytes:
        """The bytes of that SHA-256. Raises IndexDamaged, StoreUnreachable."""
        try:
            with self._asking():
                stored = bytes(self._store.get(digest).bytes())
        except FileNotFoundError as error:
            raise _damaged(digest, self._place, "is missing") from error
        return _checked(stored, digest, self._place)

    def remove(self, digests: Iterable[str]) -> None:
        """Removes objects; those that are not there are none too many."""
        with self._asking(), suppress(FileNotFoundError):
            self._store.delete(list(digests))

    def digests(self) -> Iterator[str]:
        """The names of all objects, in no order."""
        with self._asking():
            for page in self._store.list():
                yield from (str(each["path"]) for each in page)

    @contextmanager
    def _asking(self) -> Iterator[None]:
        """Turns the bucket's refusals into StoreUnreachable; a missing object stays what it is."""
        from obstore.exceptions import BaseError

        try:
            yield
        except FileNotFoundError:
            raise
        except (BaseError, OSError) as error:
            reason = str(error).partition("\n")[0]  # the rest is for who debugs the client
            raise StoreUnreachable(
                f"{self._place} does not answer as a bucket should ({reason}): "
                "is it there, and do AWS_ENDPOINT_URL and the credentials name it?"
            ) from error


def _bucket(place: str) -> Any:
    """The bucket of an address. Raises SettingsInvalid."""
    try:
        from obstore.store import S3Store
    except ImportError as error:
        raise SettingsInvalid(f"{place} needs the extra: pip install 'seedqa[objects]'.") from error
    bucket, _, prefix = place.removeprefix(SCHEME).partition("/")
    if not bucket:
        raise SettingsInvalid(f"{place} names no bucket: give s3://bucket/prefix.")
    return S3Store(
        bucket,
        prefix=prefix.strip("/") or None,
        client_options={
            "connect_timeout": PATIENCE[0],
            "timeout": PATIENCE[1],
            "allow_http": settings.bucket_is_plain(),
        },
        retry_config={"max_retries": RETRIES, "retry_timeout": RETRYING},
    )


def _digest(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def _checked(stored: bytes, digest: str, place: object) -> bytes:
    """What was stored under that name. Raises IndexDamaged unless it is what was written."""
    try:
        data = zlib.decompress(stored)
    except zlib.error as error:
        raise _damaged(digest, place, "is not what was written") from error
    if _digest(data) != digest:
        raise _damaged(digest, place, "is not what was written")
    return data


def _damaged(digest: str, place: object, reason: str) -> IndexDamaged:
    return IndexDamaged(f"The object {digest} of {place} {reason}: build again with --full.")
