"""Opening an index: the one place that knows which store keeps it."""

from collections.abc import Collection
from pathlib import Path

from qa.index import build, manifest, snapshot
from qa.index.snapshot import LocalSnapshot
from qa.index.store import Build, Shape, Snapshot


def open_snapshot(index: Path) -> Snapshot:
    """The live snapshot, or with a warning the one before it when that one is damaged.

    Raises IndexMissing, IndexForeign, and IndexDamaged when neither is complete.
    """
    return LocalSnapshot.open(index)


def open_named(index: Path, name: str) -> Snapshot:
    """The snapshot of that name. Raises what `open_snapshot` does, and OSError."""
    return LocalSnapshot(index, name)


def newest_complete(index: Path) -> Snapshot | None:
    """The newest snapshot that opens, whichever is live."""
    return snapshot.newest_complete(index)


def live_name(index: Path) -> str | None:
    """The name of the live snapshot, if there is one: cheap enough to be asked twice a second."""
    return manifest.current_or_none(index)


def last_complete(index: Path) -> Snapshot | None:
    """The live snapshot, or the newest that opens when that one is damaged or not named."""
    return build.last_complete(index)


def begin_build(
    index: Path, seeds: Path, shape: Shape, *, full: bool = False, damaged: Collection[str] = ()
) -> Build:
    """A new version of the index, open for the build; `full` keeps nothing of the last one.

    Nothing is taken from the segments named in `damaged`: their documents are read again.
    """
    return build.LocalBuild(index, seeds, shape, full=full, damaged=damaged)


def require(index: Path) -> None:
    """Raises IndexMissing when there is no index, and IndexDamaged when none is named as live."""
    manifest.current(index)
