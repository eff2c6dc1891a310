"""Publishing: a snapshot's files are written, made durable, and made live atomically."""

import json
import os
import shutil
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import asdict, replace
from pathlib import Path

import numpy as np

from qa import storage
from qa.encoding.quantisation import Vectors
from qa.errors import IndexDamaged, IndexForeign, StorageFailed
from qa.index import cataloguing, dense, lexical, names
from qa.index.catalog import LiveDocument
from qa.index.cataloguing import Titled
from qa.index.dense import ApproximateIndex
from qa.index.manifest import ENCODERS, read_manifest
from qa.index.segment import Segment
from qa.index.snapshot import APPROXIMATE, MEAN
from qa.index.store import Manifest
from qa.index.words import analyzer
from qa.records import File

SPACE_FACTOR = 12  # bytes of index a byte of plain text needs at most, measured 8 to 10
KEPT = 2  # snapshots: the live one and the one before it


def write(
    folder: Path, documents: Sequence[LiveDocument], files: Iterable[File], segments: Sequence[Segment],
    *, same: Path | None = None,
) -> None:  # fmt: skip
    """Writes a snapshot's catalog, words, mean vector and approximate index; the manifest follows when they are hashed.

    `same` is the folder of a snapshot with the same passages: what it has of them is linked.
    """
    storage.new_folder(folder)
    cataloguing.write(folder, documents, _titled(documents, segments), files)
    if same is not None:
        for part in filter(Path.is_dir, (same / "words", same / APPROXIMATE)):
            shutil.copytree(part, folder / part.name, copy_function=os.link)
        if (same / MEAN).is_file():  # there is none of no passages
            os.link(same / MEAN, folder / MEAN)
        return
    texts = (
        words
        for live in documents
        for words in segments[live.segment].words(live.row, live.passages)
    )
    count = sum(live.passages for live in documents)
    with ThreadPoolExecutor(
        1
    ) as pool:  # vectors are computed outside the interpreter's lock, words within it
        written = pool.submit(_write_vectors, folder, documents, segments, count)
        lexical.write(folder / "words", texts, count=count)
        written.result()


def _titled(documents: Iterable[LiveDocument], segments: Sequence[Segment]) -> Iterator[Titled]:
    """What each document says of itself, and the words of its names."""
    for live in documents:
        title, date = segments[live.segment].title(live.place)
        words = names.words_of_document(live.paths, title, date, analyzer(live.language))
        yield Titled(title, date, words)


def _write_vectors(
    folder: Path, documents: Sequence[LiveDocument], segments: Sequence[Segment], count: int
) -> None:
    """Writes the mean of the vectors of `count` live passages, and the approximate index of many."""
    if not count:
        return
    dim = segments[0].vectors.shape[1]
    mean = dense.mean(_blocks(documents, segments), dim, ranked(documents, segments))
    (folder / MEAN).write_bytes(mean.astype("<f4").tobytes())
    if count > dense.EXACT:
        ApproximateIndex.of(_blocks(documents, segments), dim).save(folder / APPROXIMATE)


def ranked(documents: Iterable[LiveDocument], segments: Sequence[Segment]) -> int:
    """How many of the live passages have words."""
    return sum(
        int(np.count_nonzero(segments[live.segment].records["tokens"][live.row :][: live.passages]))
        for live in documents
    )


def _blocks(documents: Iterable[LiveDocument], segments: Sequence[Segment]) -> Iterator[Vectors]:
    """The vectors of the live passages in the order of their ordinals, many at a time."""
    block: list[Vectors] = []
    count = 0
    for live in documents:
        block.append(segments[live.segment].vectors[live.row : live.row + live.passages])
        count += live.passages
        if count >= dense.BLOCK:
            yield np.concatenate(block)
            block, count = [], 0
    if block:
        yield np.concatenate(block)


def publish(index: Path, name: str, manifest: Manifest) -> None:
    """Makes a written snapshot the live one, then removes what no retained snapshot names."""
    folder = index / "snapshots" / name
    manifest = replace(manifest, checksum=manifest.summed())
    text = json.dumps(asdict(manifest), indent=1, ensure_ascii=False)
    storage.write_file(folder / "manifest.json", text.encode())
    storage.crash_point("before-sync")
    for segment in manifest.segments:
        storage.sync_tree(index / "segments" / segment)
    storage.sync_tree(folder)
    for parent in ("segments", "snapshots"):
        storage.sync_folder(index / parent)
    storage.replace_file(index / "CURRENT", f"{name}\n".encode())
    clean(index, name)


def clean(index: Path, name: str) -> None:
    """Removes snapshots but the live one and the one before it, and segments that neither names."""
    names = sorted(folder.name for folder in (index / "snapshots").iterdir())
    complete = [
        other for other in names if (index / "snapshots" / other / "manifest.json").is_file()
    ]
    kept = {name, *[other for other in complete if other < name][-(KEPT - 1) :]}
    used: set[str] = set()
    for other in kept:
        try:
            used.update(read_manifest(index / "snapshots" / other).segments)
        except (IndexDamaged, IndexForeign, FileNotFoundError):
            continue
    for other in names:
        if other not in kept:
            storage.remove_tree(index / "snapshots" / other)
    storage.crash_point("while-cleaning")
    for segment in (index / "segments").iterdir():
        if segment.name not in used:
            storage.remove_tree(segment)


def close_to_others(index: Path) -> None:
    """Takes from other users what they may do with an index; what else its folder holds stays."""
    for path in (index, *map(index.joinpath, ("CURRENT", "lock", "feedback.jsonl"))):
        with suppress(FileNotFoundError):
            storage.close_to_others(path)
    for part in ("snapshots", "segments", ENCODERS, "cache"):
        if (index / part).is_dir():
            storage.close_tree_to_others(index / part)


def next_name(index: Path, snapshot: str) -> str:
    """A name that sorts after all the others: `"000007-1f2e3d4c5b6a7988"`."""
    taken = [folder.name for folder in (index / "snapshots").glob("*")]
    number = max((int(name[:6]) for name in taken if name[:6].isdigit()), default=0)
    return f"{number + 1:06}-{snapshot}"


def check_space(index: Path, files: Iterable[Path]) -> None:
    """Raises StorageFailed when the disk is too full for what is to be written of these files."""
    size = 0
    for file in files:
        with suppress(OSError):
            size += file.stat().st_size
    needed = min(size, 1 << 30) * SPACE_FACTOR
    free = shutil.disk_usage(index).free
    if free < needed:
        raise StorageFailed(
            f"{index} has {free >> 20} MB free and may need {needed >> 20} MB: free some space."
        )
