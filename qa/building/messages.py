"""What a build and the workers of a cluster send each other: JSON and arrays of bytes.

Dask carries them as the bytes that they are. Nothing of ours is pickled.
"""

from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

import numpy as np

from qa.building.encoding_ahead import Split
from qa.errors import DocumentFailed
from qa.index.coding import Coded
from qa.reading.outcomes import Reading, ReadResult
from qa.records import Passage, Status
from qa.records.packing import joined, pack_document, parted, unpack_document
from qa.splitting import RankingText


class Task(NamedTuple):
    """What a worker must know of a build, whatever it does for it."""

    settings: dict[str, Any]
    device: str
    exports: tuple[str, ...]  # files of the exported model, by their names
    seeds: str  # the folder that this machine and the workers share; "" where they share none
    objects: str  # where files are put that workers read; "" where they share a folder

    def packed(self) -> bytes:
        """The task as bytes."""
        return joined(self._asdict(), ())

    @classmethod
    def of(cls, data: bytes) -> "Task":
        """The task of these bytes."""
        header = parted(data).header
        return cls(**{**header, "exports": tuple(header["exports"])})


class Asked(NamedTuple):
    """A file that a worker is asked to read."""

    path: str  # as it is listed
    digest: str  # of its bytes among the objects; "" where it is read from the shared folder


class Splits(NamedTuple):
    """The passages of a document, up to where its splitting failed, if it did."""

    passages: tuple[Split, ...]
    failed: str = ""


class Read(NamedTuple):
    """What came of a file on a worker: of each document that is not very long, its passages too."""

    reading: Reading
    splits: tuple[Splits | None, ...]  # one for each outcome
    splitting: float = 0.0  # seconds of the processor


def pack_reads(reads: Sequence[Read]) -> bytes:
    """What came of files, as bytes."""
    parts: list[bytes] = []
    header = [_packed(read, parts) for read in reads]
    return joined(header, parts)


def unpack_reads(data: bytes) -> list[Read]:
    """What came of files. Raises ValueError where the bytes say nothing of the kind."""
    header, parts = parted(data)
    documents = iter(parts)
    try:
        return [_unpacked(said, documents) for said in header]
    except (TypeError, KeyError, StopIteration) as error:
        raise ValueError(f"no readings: {error}") from error


def _packed(read: Read, parts: list[bytes]) -> list[object]:
    reading = read.reading
    outcomes = []
    for outcome, splits in zip(reading.outcomes, read.splits, strict=True):
        if outcome.document is not None:
            parts.append(pack_document(outcome.document))
        is_there = outcome.document is not None
        outcomes.append((outcome.path, outcome.status, outcome.reason, is_there, splits))
    about = (reading.path, reading.size, reading.modified, reading.sha256, reading.processor)
    return [*about, read.splitting, outcomes]


def _unpacked(said: list[Any], documents: Iterator[memoryview]) -> Read:
    path, size, modified, sha256, processor, splitting, listed = said
    outcomes = []
    splits = []
    for place, status, reason, is_there, passages in listed:
        document = unpack_document(next(documents)) if is_there else None
        outcomes.append(ReadResult(place, Status(status), reason, document))
        splits.append(None if passages is None else _splits(*passages))
    reading = Reading(path, size, modified, sha256, tuple(outcomes), processor)
    return Read(reading, tuple(splits), splitting)


def _splits(passages: list[Any], failed: str) -> Splits:
    return Splits(tuple((_passage(*a), _ranking(*b)) for a, b in passages), failed)


def _passage(
    start: int, end: int, sentences: list[int], page: int | None, heading: list[str]
) -> Passage:
    return Passage(start, end, tuple(sentences), page, tuple(heading))


def _ranking(text: str, ends: list[int]) -> RankingText:
    return RankingText(text, tuple(ends))


def pack_rankings(rankings: Sequence[RankingText]) -> bytes:
    """Ranking texts to be encoded, as bytes."""
    return joined(rankings, ())


def unpack_rankings(data: bytes) -> list[RankingText]:
    """The ranking texts of these bytes."""
    return [_ranking(*each) for each in parted(data).header]


class Encoded(NamedTuple):
    """The codes of ranking texts, in their place the reason where one could not be encoded."""

    codes: tuple[Coded | DocumentFailed, ...]
    seconds: float  # of the processor


def pack_encoded(encoded: Encoded) -> bytes:
    """The codes as bytes."""
    header: list[object] = []
    parts: list[bytes] = []
    for each in encoded.codes:
        if isinstance(each, DocumentFailed):
            header.append(str(each))
        else:
            header.append((each.codes.shape[1], each.bounds))
            parts += (each.vector.astype("<f4").tobytes(), each.codes.tobytes())
    return joined([header, encoded.seconds], parts)


def unpack_encoded(data: bytes) -> Encoded:
    """The codes of these bytes. Raises ValueError where they are none."""
    (header, seconds), parts = parted(data)
    arrays = iter(parts)
    try:
        return Encoded(tuple(_coded(said, arrays) for said in header), seconds)
    except (TypeError, StopIteration) as error:
        raise ValueError(f"no codes: {error}") from error


def _coded(said: Any, arrays: Iterator[memoryview]) -> Coded | DocumentFailed:
    if isinstance(said, str):
        return DocumentFailed(said)
    width, bounds = said
    vector = np.frombuffer(next(arrays), "<f4")
    return Coded(vector, np.frombuffer(next(arrays), np.uint8).reshape(-1, width), tuple(bounds))
