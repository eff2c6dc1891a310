"""Which snapshot of a store at an address is live, and which build may publish the next one.

    NAME__lease_000007    whose turn it is: properties of an empty collection
    NAME__head_000006     a snapshot: its manifest's hash, and where the objects are
    NAME__rows_000002     the rows of passages that several snapshots share

Every build takes the next number, its token, by making the lease of that number, which one alone can.
The live snapshot is the head of the highest number: making it is the one step that publishes. A
build that was thought dead and is not finds, after it has made its head, that its lease is gone; then it
takes the head back and says so. So what is acknowledged is never lost: who takes the lease over removes
the old one first and looks at the heads afterwards.
"""

import json
import logging
import os
import secrets
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, NamedTuple

from qa import settings
from qa.errors import IndexBusy, IndexDamaged, QAError
from qa.index.milvus.address import Address
from qa.index.milvus.server import Server
from qa.index.objects import Objects, open_objects

LEASE, HEAD, ROWS = "lease", "head", "rows"
BEAT = 5.0  # seconds between signs of life
STALE = 30.0  # seconds without one, after which a build is thought dead
HOLDER, ALIVE, RELEASED = "qa.holder", "qa.alive", "qa.released"
SNAPSHOT, MANIFEST, OBJECTS = "qa.snapshot", "qa.manifest", "qa.objects"

_log = logging.getLogger(__name__)


class Head(NamedTuple):
    """A snapshot as a server names it."""

    token: int
    snapshot: str  # its id by content
    manifest: str  # hash of the object
    objects: str  # where the objects are

    @property
    def name(self) -> str:
        """The snapshot's name: `"000007-1f2e3d4c5b6a7988"`."""
        return f"{self.token:06}-{self.snapshot}"


def objects_at(place: str, address: Address) -> Objects:
    """The objects of an index: below a place that several may share. Raises SettingsInvalid."""
    return open_objects(f"{place.rstrip('/')}/{address.name}")


class Heads:
    """The heads and the lease of one index."""

    def __init__(self, server: Server, address: Address) -> None:
        self._server, self._address = server, address

    def tokens(self, kind: str = HEAD) -> list[int]:
        """The numbers of the heads, or of the collections of another kind, ascending."""
        prefix = f"{self._address.name}__{kind}_"
        ends = (name.removeprefix(prefix) for name in self._server.collections(prefix))
        return sorted(int(end) for end in ends if end.isdigit())

    def collection(self, kind: str, token: int) -> str:
        """The name of a collection."""
        return f"{self._address.name}__{kind}_{token:06}"

    def head(self, token: int) -> Head | None:
        """The head of that number, None where it is not there any more. Raises IndexDamaged."""
        found = self._server.properties(self.collection(HEAD, token))
        if not found:
            return None
        try:
            return Head(token, found[SNAPSHOT], found[MANIFEST], found[OBJECTS])
        except KeyError as error:
            raise IndexDamaged(
                f"{self._address} has a snapshot without {error}: build again with --full."
            ) from error

    def objects(self, head: Head) -> Objects:
        """The objects of a snapshot: where the environment says, else where they were written."""
        return objects_at(settings.objects() or head.objects, self._address)

    def publish(self, head: Head, lease: "Lease") -> None:
        """Makes a snapshot the live one. Raises IndexBusy where the lease is lost."""
        lease.check()
        name = self.collection(HEAD, head.token)
        found = {SNAPSHOT: head.snapshot, MANIFEST: head.manifest, OBJECTS: head.objects}
        self._server.note(name, found)
        try:
            lease.check()
        except IndexBusy:
            self._server.drop(name)
            raise

    @contextmanager
    def lease(self) -> Iterator["Lease"]:
        """The turn to build. Raises IndexBusy, which names who has it."""
        lease = self._taken()
        ended = threading.Event()
        beating = threading.Thread(target=lease.beat, args=(ended,), name="qa-lease", daemon=True)
        beating.start()
        try:
            yield lease
        finally:
            ended.set()
            beating.join()
            lease.release()

    def _taken(self) -> "Lease":
        held = self.tokens(LEASE)
        if held:
            self._require_ended(held[-1])
        token = max([0, *held, *self.tokens(HEAD), *self.tokens(ROWS)]) + 1
        lease = Lease(self._server, self._address, self.collection(LEASE, token), token)
        lease.take()
        for older in held:
            self._server.drop(self.collection(LEASE, older))
        return lease

    def _require_ended(self, token: int) -> None:
        """Raises IndexBusy unless the build that had the turn last has ended, or seems dead."""
        name = self.collection(LEASE, token)
        found = self._server.properties(name)
        if not found or found.get(RELEASED) or _has_died(found):
            return
        before = found.get(ALIVE, "")
        age = time.time() - float(before or 0)
        if abs(age) > STALE:  # or the clocks differ: does it give signs of life?
            time.sleep(2 * BEAT)
            now = self._server.properties(name)
            if now.get(ALIVE, "") == before and not now.get(RELEASED):
                return
        raise IndexBusy(f"{self._address} is being built by {_named(found)}: wait for it.")


class Lease:
    """The turn to build, held by this process."""

    def __init__(self, server: Server, address: Address, name: str, token: int) -> None:
        self._server, self._address, self._name = server, address, name
        self.token = token
        self._holder = json.dumps(
            {
                "host": socket.gethostname(),
                "process": os.getpid(),
                "since": time.strftime("%Y-%m-%d %H:%M:%S"),
                "nonce": secrets.token_hex(8),
            }
        )

    def take(self) -> None:
        """Makes the lease. Raises IndexBusy where another has made it."""
        self._server.note(self._name, {HOLDER: self._holder, ALIVE: f"{time.time():.0f}"})
        self.check()

    def check(self) -> None:
        """Raises IndexBusy unless the lease is still there, and this process's."""
        found = self._server.properties(self._name)
        if found.get(HOLDER) != self._holder:
            who = _named(found) if found else "another process, which took this one for dead"
            raise IndexBusy(
                f"{self._address} is being built by {who}: nothing of this build was published."
            )

    def beat(self, ended: threading.Event) -> None:
        """Gives signs of life until it is ended."""
        while not ended.wait(BEAT):
            try:
                self._server.change(self._name, {ALIVE: f"{time.time():.0f}"})
            except QAError as error:  # the build finds out by itself
                _log.warning("The lease of %s was not renewed: %s", self._address, error)

    def release(self) -> None:
        """Lets the next build begin at once."""
        try:
            self._server.change(self._name, {RELEASED: "1"})
        except QAError as error:  # it is lost, or will be thought dead
            _log.warning("The lease of %s was not released: %s", self._address, error)


def _holder(found: Any) -> dict[str, Any]:
    try:
        holder = json.loads(found[HOLDER])
        return holder if isinstance(holder, dict) else {}
    except (KeyError, ValueError, TypeError):
        return {}


def _has_died(found: Any) -> bool:
    """Whether the holder was a process of this machine that is no more."""
    holder = _holder(found)
    if holder.get("host") != socket.gethostname():
        return False
    try:
        os.kill(int(holder["process"]), 0)
    except ProcessLookupError:
        return True
    except (OSError, KeyError, ValueError, TypeError):
        return False
    return False


def _named(found: Any) -> str:
    holder = _holder(found)
    if not holder:
        return "another process"
    return f"process {holder.get('process')} on {holder.get('host')} since {holder.get('since')}"
