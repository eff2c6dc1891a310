"""Passages given to the encoder: one a thread on a CPU, many at once on a GPU."""

from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Protocol

from qa import processes
from qa.index.coding import Coded
from qa.splitting import RankingText

AHEAD = 4  # passages a core
GATHERED = 2_048  # passages that a GPU gets at once, to be sorted by their length


class Codes(Protocol):
    """Codes of ranking texts, worked out beside the reading and splitting of others."""

    ahead: int  # how many may wait so that what encodes is always busy

    def of(self, ranking: RankingText) -> Future[Coded]:
        """The codes to come."""

    def need(self, future: Future[Coded]) -> None:
        """Begins what was only gathered so far, if these codes are among it."""


class OneByOne:
    """Each on a thread."""

    def __init__(self, pool: ThreadPoolExecutor, encode: Callable[[RankingText], Coded]) -> None:
        self._pool, self._encode = pool, encode
        self.ahead = AHEAD * processes.cores()

    def of(self, ranking: RankingText) -> Future[Coded]:
        """The codes to come."""
        return self._pool.submit(self._encode, ranking)

    def need(self, future: Future[Coded]) -> None:
        """Nothing: all have begun."""


class ManyAtOnce:
    """Gathered, and then encoded together.

    Where that fails, by one text or by the memory of the GPU, each is encoded alone, so that only what
    fails by itself does.
    """

    def __init__(
        self,
        pool: ThreadPoolExecutor,
        encode: Callable[[RankingText], Coded],
        encode_many: Callable[[Sequence[RankingText]], list[Coded]],
    ) -> None:
        self._pool, self._encode, self._encode_many = pool, encode, encode_many
        self._gathered: list[tuple[RankingText, Future[Coded]]] = []
        self.ahead = 2 * GATHERED

    def of(self, ranking: RankingText) -> Future[Coded]:
        """The codes to come."""
        future: Future[Coded] = Future()
        self._gathered.append((ranking, future))
        if len(self._gathered) == GATHERED:
            self._begin()
        return future

    def need(self, future: Future[Coded]) -> None:
        """Begins what was only gathered so far, if these codes are among it."""
        if any(future is waiting for _, waiting in self._gathered):
            self._begin()

    def _begin(self) -> None:
        gathered, self._gathered = self._gathered, []
        self._pool.submit(self._run, gathered)

    def _run(self, gathered: Sequence[tuple[RankingText, Future[Coded]]]) -> None:
        try:
            found = self._encode_many([ranking for ranking, _ in gathered])
        except Exception:  # noqa: BLE001 - whatever it is, it shows again where it belongs
            for ranking, future in gathered:
                self._run_alone(ranking, future)
            return
        for (_, future), coded in zip(gathered, found, strict=True):
            future.set_result(coded)

    def _run_alone(self, ranking: RankingText, future: Future[Coded]) -> None:
        try:
            future.set_result(self._encode(ranking))
        except BaseException as error:  # noqa: BLE001 - whoever waits for the codes gets it
            future.set_exception(error)
