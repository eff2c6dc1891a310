"""Following: which snapshot answers, the live one or, while that cannot be opened, one before it."""

import logging
import threading
import time
from pathlib import Path
from typing import NamedTuple

from qa.checking.freshness import Freshnesses
from qa.errors import (
    IndexClosed,
    IndexDamaged,
    IndexForeign,
    IndexUnreadable,
    ModelMismatch,
    QAError,
    StoreUnreachable,
)
from qa.index.opening import live_name, newest_complete, open_named
from qa.index.origin import seeds_of
from qa.index.store import Snapshot

POLL_INTERVAL = 0.5  # seconds between looks at CURRENT

_log = logging.getLogger(__name__)


class Opened(NamedTuple):
    """What one question works with from beginning to end."""

    snapshot: Snapshot
    freshness: Freshnesses


class Following:
    """The snapshot that answers; thread-safe.

    A new snapshot is opened beside the old one and then takes its place in one assignment.
    `encoder` is the fingerprint of the weights that are loaded: a snapshot of others is not taken.
    """

    def __init__(self, index: Path, seeds: Path | None, snapshot: Snapshot, encoder: str) -> None:
        self._index, self._seeds, self._encoder = index, seeds, encoder
        self._check(snapshot)
        self.opened = self._with_freshness(snapshot)
        self.warning = snapshot.warning  # why an older snapshot answers in place of the live one
        self.broken: QAError | None = None  # why none answers any more, as `look` found
        self._closed = False
        self._looked = time.monotonic()
        self._looking = threading.Lock()
        if self.warning:
            self._log_fallback()

    def follow(self) -> Opened:
        """What answers now: the live snapshot when it is another one and opens. Raises IndexClosed."""
        if self._closed:
            raise IndexClosed(f"{self._index} was closed: open it again.")
        if isinstance(self.broken, StoreUnreachable):
            return self.opened  # `look` sees when it answers again
        now = time.monotonic()
        if now - self._looked < POLL_INTERVAL or not self._looking.acquire(blocking=False):
            return self.opened
        try:
            self._take_up_live()
        finally:
            self._looking.release()
        return self.opened

    def look(self) -> None:
        """Follows, and goes back to an older snapshot where files of this one are damaged.

        For a long-lived process, which calls it regularly; it reads no more than sizes. When
        no snapshot is complete, or their store does not answer, `broken` says so: reading a mapped
        file that was cut off would end the process.
        """
        with self._looking:
            try:
                self._look()
            except StoreUnreachable as error:
                self.broken = error

    def _look(self) -> None:
        self._take_up_live()
        snapshot = self.opened.snapshot
        try:
            snapshot.check()
        except IndexDamaged as error:
            self.broken = None if self._fall_back(error) else error
        except OSError as error:  # it was removed, but is open still
            self._fall_back(_missing(error))
        else:
            self.broken = None
            if snapshot.name == live_name(self._index):
                self.warning = ""

    def close(self) -> None:
        """Closes the snapshot that answers; no other is taken up from then on."""
        self._closed = True
        with self._looking:
            self.opened.snapshot.close()

    def _take_up_live(self) -> None:
        """Opens the snapshot that CURRENT names, if it is another; the next look tries again."""
        self._looked = time.monotonic()
        if self._closed:
            return
        name = live_name(self._index)
        if name is None or name == self.opened.snapshot.name:
            return
        try:
            snapshot = open_named(self._index, name)
            self._check(snapshot)
        except (IndexDamaged, IndexForeign, IndexUnreadable, ModelMismatch, OSError) as error:
            if name == live_name(self._index):  # else a builder has cleaned up meanwhile
                self._fall_back(_missing(error) if isinstance(error, OSError) else error)
            return
        self._take_up(snapshot)
        self.warning = ""

    def _fall_back(self, problem: QAError) -> bool:
        """Has the newest complete snapshot answer; whether another than the damaged one does."""
        if str(problem) in self.warning:  # known, and nothing more can be done
            return self.broken is None
        self.warning = f"{problem} Until then an older snapshot answers."
        self._log_fallback()
        older = newest_complete(self._index)
        if older is None or older.manifest.encoder_fingerprint != self._encoder:
            return False
        if older.name != self.opened.snapshot.name:
            self._take_up(older)
        return True

    def _take_up(self, snapshot: Snapshot) -> None:
        """Has the snapshot answer from here on."""
        self.opened, self.broken = self._with_freshness(snapshot), None
        manifest = snapshot.manifest
        _log.info(
            "Snapshot %s answers now: %d documents, %d passages.",
            *(manifest.snapshot, manifest.documents, manifest.passages),
            extra={"event": "snapshot", "snapshot": manifest.snapshot},
        )

    def _log_fallback(self) -> None:
        fields = {"event": "fallback", "snapshot": self.opened.snapshot.manifest.snapshot}
        _log.warning("The live snapshot cannot be used: %s", self.warning, extra=fields)

    def _with_freshness(self, snapshot: Snapshot) -> Opened:
        seeds = self._seeds or seeds_of(self._index, snapshot.manifest)
        return Opened(snapshot, Freshnesses(seeds, snapshot))

    def _check(self, snapshot: Snapshot) -> None:
        """Raises ModelMismatch when the index was made by other weights than these."""
        if snapshot.manifest.encoder_fingerprint != self._encoder:
            raise ModelMismatch(
                f"{self._index} was built with another version of {snapshot.manifest.encoder}: "
                "run `qa build --full`."
            )


def _missing(error: OSError) -> IndexDamaged:
    """The error for a file of the index that cannot be opened."""
    reason = "is missing" if isinstance(error, FileNotFoundError) else "cannot be read"
    return IndexDamaged(f"{error.filename} {reason}: build again with --full.")
