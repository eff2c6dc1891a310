"""What the page, the API and the MCP tools share: the open index and what may be done with it."""

import logging
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from qa.asking.service import QA
from qa.errors import IndexClosed, QuestionRefused, ReadFailed, StoreUnreachable
from qa.records import Answer, Document
from qa.records.dates import day_of
from qa.web.address import Address
from qa.web.filtering import globs
from qa.web.health import Monitor
from qa.web.observing import log_fault
from qa.web.page_images import PageImages
from qa.web.rebuilding import Rebuilder, Watcher
from qa.web.tally import ANSWERED, FAILED, REFUSED, UNANSWERED, Tally
from qa.web.verifying import Verifier

if TYPE_CHECKING:
    from qa.web.examples import Beginnings

_log = logging.getLogger(__name__)


@dataclass(slots=True)
class Site:
    """One open index, served."""

    qa: QA
    rebuilder: Rebuilder
    read_only: bool = False
    beginnings: "dict[str, Beginnings]" = field(default_factory=dict)  # of the live snapshot
    page_images: PageImages = field(init=False)
    verifier: Verifier = field(init=False)
    tally: Tally = field(default_factory=Tally)
    watcher: Watcher = field(init=False)
    monitor: Monitor = field(init=False)
    failed_in: str = ""  # the snapshot in which the last question failed

    def __post_init__(self) -> None:
        self.page_images = PageImages(self.qa)
        self.verifier = Verifier(self.qa)
        self.watcher = Watcher(self.qa, self.rebuilder)
        self.monitor = Monitor(self.qa, self.rebuilder, self.watcher, self)

    @property
    def seeds(self) -> Path:
        """The folder of the documents."""
        return self.qa.seeds

    def ask(self, address: Address) -> Answer:
        """The answer to an address's question among the files that its filters leave in."""
        return self.answer(address.q, **self._wish(address))

    def ask_again(self, address: Address) -> Answer:
        """The same, for what is shown beside an answer: it counts as no question."""
        return self.qa.ask(address.q, **self._wish(address))

    def _wish(self, address: Address) -> dict[str, Any]:
        """The arguments of `QA.ask` that an address gives."""
        filters = address.filters
        only = globs(filters, self.qa.snapshot.file) if filters else []
        days = {"since": filters.since, "until": filters.until, "language": filters.language}
        return {"only": only, **days, "all": address.all, "page": address.part}

    @property
    def has_failed(self) -> bool:
        """Whether the last question failed, in the snapshot that answers now."""
        return self.failed_in == self.qa.snapshot.name

    def answer(
        self,
        question: str,
        **wish: Any,
    ) -> Answer:
        """What `QA.ask` gives, counted and timed. Raises what that raises."""
        started, outcome, is_fault = time.perf_counter(), FAILED, False
        try:
            answer = self.qa.ask(question, **wish)
            outcome = ANSWERED if answer.answered else UNANSWERED
        except QuestionRefused:
            outcome = REFUSED
            raise
        except Exception as error:
            passes = isinstance(error, IndexClosed | StoreUnreachable)
            is_fault = not passes and not self.qa.is_broken
            log_fault(error, "A question")
            raise
        finally:
            seconds = time.perf_counter() - started
            self.tally.question(outcome, seconds)
            if outcome != REFUSED:
                self.failed_in = self.qa.snapshot.name if is_fault else ""
            _log.debug("%s in %.0f ms: %s", outcome, seconds * 1000, question)
        return answer

    def document(self, sha256: str) -> Document:
        """The document with that id. Raises ReadFailed when the index holds none."""
        found = self.qa.document(sha256)
        if found is None:
            raise ReadFailed("There is no such document in the index.")
        return found

    def days(self, answer: Answer) -> dict[str, str]:
        """The day of each cited path: its document's own date, or else when its file changed."""
        cited = {excerpt.path: excerpt.date for excerpt in (*answer.excerpts, *answer.nearest)}
        files = {path: self.qa.snapshot.file(path) for path in cited}
        return {path: day_of(file, cited[path]) for path, file in files.items() if file}

    def paths(self, document: Document) -> list[str]:
        """Where the document stands in the folder, as the last build saw it."""
        return [file.path for file in self.qa.files_of(document.sha256)]
