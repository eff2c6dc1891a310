"""changes(): when files of a folder have changed, whatever becomes of the folder meanwhile."""

import logging
import threading
from collections.abc import Callable, Generator, Iterator
from functools import partial
from pathlib import Path

import watchfiles

from qa.reading.ignoring import IGNORE_FILE

_log = logging.getLogger(__name__)

GATHER = 1_000  # ms: changes that come within it are one
TICK = 500  # ms between looks when nothing changes
AWAY = 1.0  # seconds between looks for a folder that is gone

Identity = tuple[int, int]  # device and inode: another folder may come to the same path


def changes(
    seeds: Callable[[], Path], index: Path, stop: threading.Event
) -> Generator[bool, None, None]:
    """True when files of the folder have changed, else False about twice a second.

    Only files that a build would see count. The first is True: what changed before is not known. A
    folder that is gone is waited for, and True comes when it, or another, is there again; `seeds` is
    then asked where. Ends when `stop` is set. Raises what watchfiles raises.
    """
    is_gone = False
    while not stop.is_set():
        folder = seeds()
        if here := identity(folder):
            is_gone = False
            try:
                yield from _changes_of(folder, here, index.resolve(), stop)
            except (GeneratorExit, KeyboardInterrupt):
                raise
            except BaseException:  # a panic of Rust is no Exception
                if identity(folder):
                    raise
        elif not is_gone:
            is_gone = True
            _log.warning("%s is out of reach: it is waited for.", folder)
        if is_gone:
            stop.wait(AWAY)


def identity(folder: Path) -> Identity | None:
    """Which folder stands at that path now; None when it is out of reach."""
    try:
        state = folder.stat()
        return (state.st_dev, state.st_ino) if folder.is_dir() else None
    except OSError:
        return None


def _changes_of(folder: Path, here: Identity, index: Path, stop: threading.Event) -> Iterator[bool]:
    """The same of one folder, until another, or none, stands at its path."""
    resolved = folder.resolve()
    is_first = True
    for found in watchfiles.watch(
        resolved,
        watch_filter=partial(_is_seen, resolved, index),
        stop_event=stop,
        debounce=GATHER,
        rust_timeout=TICK,
        yield_on_timeout=True,
    ):
        if identity(folder) != here:
            return
        yield is_first or bool(found)
        is_first = False


def _is_seen(folder: Path, index: Path, _: watchfiles.Change, path: str) -> bool:
    """Whether a build would see the file: nothing hidden, nothing of the index."""
    at = Path(path)
    names = at.relative_to(folder).parts if at.is_relative_to(folder) else at.parts[-1:]
    is_hidden = any(name.startswith(".") for name in names if name != IGNORE_FILE)
    return not is_hidden and not at.is_relative_to(index)
