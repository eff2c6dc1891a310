"""A Dask cluster: work is sent to its workers, but only to those that were examined; sole importer of it.

A worker that is lost costs what it was doing: Dask gives that to another one. One that joins while a
build runs is examined and then works too. A worker that is refused is named, and gets nothing.
"""

import logging
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from typing import Any, NamedTuple, cast

from qa.errors import ClusterUnfit, QAError, SettingsInvalid, StoreUnreachable

CONNECTING = 10.0  # seconds for a scheduler to answer
PATIENCE = 60.0  # seconds for a first worker, and for others when all are lost
LOOK = 2.0  # seconds after which a build that waits looks for workers that came or went
EXAMINED = 4  # workers at once: each may be sent a model
REASON_LIMIT = 300  # characters of what a worker says of its failure
STEP = 0.1  # seconds after which it looks again for a first worker
READING = 1  # priority of reading: the passages of the next files are encoded while these wait

Function = Callable[..., bytes]


class Worker(NamedTuple):
    """A worker as the scheduler knows it."""

    address: str
    identity: str  # of its process: one that is started anew at the same address has another
    name: str
    threads: int

    def __str__(self) -> str:
        return self.address if self.name in self.address else f"{self.address} ({self.name})"


class Sent(NamedTuple):
    """Work that was sent, with all that is needed to send it once more."""

    function: Function
    arguments: tuple[Any, ...]
    priority: int
    workers: frozenset[str]
    future: Any


class Scheduler:
    """A connection with the scheduler of a cluster.

    `examine` says why a worker must not be used, "" where it may; `warn` gets a line on each that is
    refused or lost. `connect` comes before anything else.
    """

    def __init__(
        self, address: str, examine: Callable[[str], str], warn: Callable[[str], None]
    ) -> None:
        self.address = address
        self._examine, self._warn = examine, warn
        self.workers: dict[str, Worker] = {}  # those that are used, by their addresses
        self._refused: dict[str, str] = {}  # identity -> the worker, and why
        self._looked = 0.0
        self._client: Any = None

    def connect(self) -> None:
        """Connects, and waits for a first worker.

        Raises SettingsInvalid, StoreUnreachable, and ClusterUnfit where no worker may be used.
        """
        self._client = _connected(self.address)
        until = time.monotonic() + PATIENCE
        self._look()
        while not (self.workers or self._refused) and time.monotonic() < until:
            time.sleep(STEP)
            self._look()
        if not self.workers:
            raise ClusterUnfit(self._why_none())

    @property
    def threads(self) -> int:
        """How many pieces of work the workers do at once."""
        return max(1, sum(worker.threads for worker in self.workers.values()))

    def send(self, function: Function, *arguments: Any, reading: bool = False) -> Sent:
        """Work for any worker; its bytes are to be had by `result`."""
        if time.monotonic() - self._looked > LOOK:
            self._look()
        return self._sent(function, arguments, READING if reading else 0)

    def _sent(self, function: Function, arguments: tuple[Any, ...], priority: int) -> Sent:
        workers = frozenset(self.workers)
        future = self._client.submit(
            function, *arguments, workers=sorted(workers), priority=priority, pure=False
        )
        return Sent(function, arguments, priority, workers, future)

    def result(self, sent: Sent) -> bytes:
        """What came of the work, waited for. Raises StoreUnreachable where the cluster is lost."""
        alone_since = None
        while True:
            try:
                return self._of(sent.future, LOOK)
            except TimeoutError:
                self._look()
            if self.workers:
                alone_since = None
                if not sent.workers & self.workers.keys():  # all that might have done it are lost
                    sent.future.cancel()
                    sent = self._sent(*sent[:3])
                continue
            alone_since = alone_since or time.monotonic()
            if time.monotonic() - alone_since > PATIENCE:
                raise StoreUnreachable(self._lost("no worker is left"))

    def ask(self, worker: str, function: Function, *arguments: Any) -> bytes:
        """What a function gives on one worker, used or not. Raises what it raises."""
        future = self._client.submit(
            function, *arguments, workers=[worker], priority=READING + 1, pure=False
        )
        return self._of(future, PATIENCE)

    def give(self, worker: str, data: bytes) -> Any:
        """Large bytes as an argument of `ask`, laid down on that worker."""
        return self._client.scatter(data, workers=[worker], hash=False)

    def tell(self, function: Function, *arguments: Any) -> None:
        """Has a function run on every worker; one that does not do it soon is left alone."""
        if self._client is None:
            return
        with suppress(Exception):  # whatever it is, the build has ended
            told = [
                self._client.submit(function, *arguments, workers=[worker], pure=False)
                for worker in self.workers
            ]
            for future in told:
                future.result(timeout=LOOK)

    def _of(self, future: Any, patience: float) -> bytes:
        """What came of work. Raises TimeoutError while there is nothing yet."""
        from distributed import CancelledError, KilledWorker

        try:
            return bytes(future.result(timeout=patience))
        except QAError:
            raise
        except KilledWorker as error:
            raise StoreUnreachable(self._lost("one piece of work ended several workers")) from error
        except CancelledError as error:
            raise StoreUnreachable(self._lost("its scheduler is gone")) from error
        except Exception as error:
            if isinstance(error, TimeoutError) and not future.done():
                raise
            reason = " ".join(f"{type(error).__name__}: {error}".split())[:REASON_LIMIT]
            raise ClusterUnfit(f"A worker of {self.address} failed ({reason})") from error

    def _lost(self, why: str) -> str:
        return (
            f"The cluster {self.address} is lost: {why}. Build again when it is back: what was "
            "encoded is kept."
        )

    def _look(self) -> None:
        """Sees which workers came or went; examines those that came."""
        try:
            found = self._client.scheduler_info()["workers"]
        except (OSError, TimeoutError) as error:
            raise StoreUnreachable(self._lost("its scheduler does not answer")) from error
        self._looked = time.monotonic()
        there = {str(about["id"]) for about in found.values()}
        for gone in [worker for worker in self.workers.values() if worker.identity not in there]:
            del self.workers[gone.address]
            self._warn(f"The worker {gone} is lost; others do what it did.")
        known = {worker.identity for worker in self.workers.values()} | self._refused.keys()
        all_of_them = [
            Worker(address, str(about["id"]), str(about["name"]), int(about["nthreads"]))
            for address, about in found.items()
        ]
        new = [worker for worker in all_of_them if worker.identity not in known]
        with ThreadPoolExecutor(EXAMINED) as pool:
            reasons = pool.map(self._examine, [worker.address for worker in new])
            for worker, reason in zip(new, reasons, strict=True):
                self._admit(worker, reason)

    def _admit(self, worker: Worker, reason: str) -> None:
        if reason:
            self._refused[worker.identity] = f"{worker}: {reason}"
            self._warn(f"The worker {worker} is not used: {reason}.")
        else:
            self.workers[worker.address] = worker

    def _why_none(self) -> str:
        if not self._refused:
            return f"{self.address} has no worker: start some by `dask worker {self.address}`."
        reasons = "; ".join(self._refused.values())
        return f"No worker of {self.address} works as this machine does. {reasons}."

    def close(self) -> None:
        """Leaves the cluster; work that nobody waits for is dropped."""
        if self._client is not None:
            self._client.close(timeout=LOOK)


def _connected(address: str) -> Any:
    """A client of a scheduler. Raises SettingsInvalid, StoreUnreachable."""
    try:
        import distributed
    except ImportError as error:
        raise SettingsInvalid(
            f"The cluster {address} needs the extra: pip install 'seedqa[dask]'."
        ) from error
    logging.getLogger("distributed").setLevel(
        logging.CRITICAL
    )  # what fails here is an error of ours
    try:
        return cast("Any", distributed).Client(
            address, timeout=CONNECTING, set_as_default=False, name="seedqa"
        )
    except (OSError, TimeoutError) as error:
        raise StoreUnreachable(
            f"No scheduler answers at {address}: is one running there (`dask scheduler`)?"
        ) from error
    except ValueError as error:
        raise SettingsInvalid(f"The cluster is {address}: give tcp://HOST:8786.") from error
