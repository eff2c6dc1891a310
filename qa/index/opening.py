"""Opening an index: the one place that knows which store keeps it.

It is the one at the address that `QA_STORE` names, else the folder. The folder is there either way: the
exported model is in it, and what a build needs while it runs.
"""

from collections.abc import Collection
from pathlib import Path

from qa.errors import IndexMissing
from qa.index import build, manifest, snapshot
from qa.index.milvus.address import address
from qa.index.snapshot import LocalSnapshot
from qa.index.store import Build, Shape, Snapshot


def open_snapshot(index: Path) -> Snapshot:
    """The live snapshot, or with a warning the one before it when that one is damaged.

    Raises IndexMissing, IndexForeign, StoreUnreachable, and IndexDamaged when neither is complete.
    """
    if at := address():
        from qa.index.milvus import opening

        return opening.open_live(at)
    return LocalSnapshot.open(index)


def open_named(index: Path, name: str) -> Snapshot:
    """The snapshot of that name. Raises what `open_snapshot` does, and OSError."""
    if at := address():
        from qa.index.milvus import opening

        return opening.open_named(at, name)
    return LocalSnapshot(index, name)


def newest_complete(index: Path) -> Snapshot | None:
    """The newest snapshot that opens, whichever is live."""
    if at := address():
        from qa.index.milvus import opening

        return opening.newest_complete(at)
    return snapshot.newest_complete(index)


def live_name(index: Path) -> str | None:
    """The name of the live snapshot, if there is one: cheap enough to be asked twice a second."""
    if at := address():
        from qa.index.milvus import opening

        head = opening.live(at)
        return head.name if head else None
    return manifest.current_or_none(index)


def last_complete(index: Path) -> Snapshot | None:
    """The live snapshot, or the newest that opens when that one is damaged or not named."""
    if address():
        return newest_complete(index)
    return build.last_complete(index)


def begin_build(
    index: Path, seeds: Path, shape: Shape, *, full: bool = False, damaged: Collection[str] = ()
) -> Build:
    """A new version of the index, open for the build; `full` keeps nothing of the last one.

    Nothing is taken from the segments named in `damaged`: their documents are read again.
    """
    if at := address():
        from qa.index.milvus.build import MilvusBuild

        return MilvusBuild(at, index, seeds, shape, full=full, damaged=damaged)
    return build.LocalBuild(index, seeds, shape, full=full, damaged=damaged)


def require(index: Path) -> None:
    """Raises IndexMissing when there is no index, and IndexDamaged when none is named as live."""
    if not address():
        manifest.current(index)
    elif live_name(index) is None:
        raise IndexMissing(f"There is no index at {address()}: run `qa build` first.")
