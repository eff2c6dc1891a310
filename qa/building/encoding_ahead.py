"""Documents with their passages' codes to come: the next are read, split and encoded meanwhile.

As many passages wait to be encoded as keep what encodes busy, and no more: a long text is never in
memory twice.
"""

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future
from dataclasses import dataclass, field
from typing import NamedTuple

from qa import faults
from qa.building.batching import Codes
from qa.errors import DocumentFailed
from qa.index.coding import Coded, Row
from qa.reading.outcomes import Reading, ReadResult
from qa.records import Document, Passage
from qa.splitting import RankingText

Split = tuple[Passage, RankingText]


class Coder(NamedTuple):
    """How a document's passages get their codes."""

    split: Callable[["Work"], Iterator[Split]]
    known: Callable[[Passage, RankingText], Coded | None]  # what an earlier build has
    codes: Codes  # of new passages
    keep: Callable[[Passage, RankingText, Coded], None]  # for a build after this one is broken off
    report: Callable[["Work", Passage], None]  # how far the splitting is
    check: Callable[[], None]  # raises where it is the encoder that fails, not a document


class Work(NamedTuple):
    """An outcome of reading a file; `document` is there when its passages are wanted."""

    reading: Reading
    outcome: ReadResult
    document: Document | None
    done: float  # files before it; of an archive the members, too
    share: float  # of a file that it is


@dataclass(slots=True)
class Pending:
    """A document on its way, with the passages split so far."""

    work: Work
    coming: deque[tuple[Passage, RankingText, Coded | Future[Coded]]] = field(default_factory=deque)
    is_split: bool = False
    failed: DocumentFailed | None = None


class Ahead:
    """Pending documents in order, with so much done ahead that every core is busy."""

    def __init__(self, work: Iterable[Work], coder: Coder) -> None:
        self._coder = coder
        self._limit = coder.codes.ahead
        self._count = 0  # documents that wait, and passages split and not yet taken
        self._waiting: deque[Pending] = deque()
        self._steps = self._advancing(work)

    def documents(self) -> Iterator[Pending]:
        """Each document in order; its rows are taken, or dropped, before the next comes."""
        while True:
            while not self._waiting and self._advance():
                pass
            if not self._waiting:
                return
            pending = self._waiting.popleft()
            self._count -= 1
            yield pending
            self._drop(pending)

    def rows(self, pending: Pending) -> Iterator[Row]:
        """The document's passages with their codes. Raises DocumentFailed."""
        while True:
            while self._count <= self._limit and self._advance():
                pass
            while not pending.coming and not pending.is_split:
                self._advance()
            if not pending.coming:
                break
            self._count -= 1
            yield self._finished(*pending.coming.popleft())
        if pending.failed:
            raise pending.failed

    def _advance(self) -> bool:
        """Does one step of the work ahead; False when nothing is left."""
        return next(self._steps, None) is not None

    def _advancing(self, work: Iterable[Work]) -> Iterator[bool]:
        """Starts a document, or splits one more passage of it, a step at a time."""
        for one in work:
            pending = Pending(one, is_split=one.document is None)
            self._waiting.append(pending)
            self._count += 1
            yield True
            if not pending.is_split:
                yield from self._splitting(pending)

    def _splitting(self, pending: Pending) -> Iterator[bool]:
        passages = self._coder.split(pending.work)
        while not pending.is_split:
            try:
                with faults.of_document():
                    split = next(passages, None)
                    if split is None:
                        break
                    pending.coming.append((*split, self._begun(*split)))
                    self._count += 1
            except DocumentFailed as failed:
                pending.failed = failed
                break
            self._coder.report(pending.work, split[0])
            yield True
        pending.is_split = True
        yield True

    def _begun(self, passage: Passage, ranking: RankingText) -> Coded | Future[Coded]:
        known = self._coder.known(passage, ranking)
        return known if known is not None else self._coder.codes.of(ranking)

    def _finished(
        self, passage: Passage, ranking: RankingText, coded: Coded | Future[Coded]
    ) -> Row:
        if isinstance(coded, Future):
            self._coder.codes.need(coded)
            try:
                with faults.of_document():
                    coded = coded.result()
            except DocumentFailed:
                self._coder.check()
                raise
            self._coder.keep(passage, ranking, coded)
        return passage, ranking, coded

    def _drop(self, pending: Pending) -> None:
        """Leaves the passages that were not taken: the document has failed."""
        pending.is_split = True
        self._count -= len(pending.coming)
        pending.coming.clear()
