"""What the page, the API and the MCP tools share: the open index and what may be done with it."""

import os
import threading
from dataclasses import dataclass, field
from pathlib import Path

from qa.asking.service import QA
from qa.errors import ReadFailed
from qa.records import Answer, Document
from qa.web.address import Address
from qa.web.faces import Faces
from qa.web.filtering import day, globs
from qa.web.rebuilding import Rebuilder
from qa.web.verifying import Verifier


@dataclass(slots=True)
class Site:
    """One open index, served."""

    qa: QA
    rebuilder: Rebuilder
    read_only: bool = False
    examples: dict[str, tuple[str, ...]] = field(default_factory=dict)  # of the live snapshot
    faces: Faces = field(init=False)
    verifier: Verifier = field(init=False)
    _turns: threading.Semaphore = field(init=False)

    def __post_init__(self) -> None:
        self.faces = Faces(self.qa)
        self.verifier = Verifier(self.qa)
        # Asking is work for the processor: more at once than it has cores only slows all down.
        self._turns = threading.Semaphore(max(os.cpu_count() or 2, 2))

    @property
    def seeds(self) -> Path:
        """The folder of the documents."""
        return self.qa.seeds

    def ask(self, address: Address) -> Answer:
        """The answer to an address's question among the files that its filters leave in."""
        only = globs(address.filters, self.qa.files(), self.qa.dates()) if address.filters else []
        with self.turn():
            return self.qa.ask(address.q, only=only)

    def turn(self) -> threading.Semaphore:
        """A turn at the processor, taken with `with`."""
        return self._turns

    def document(self, sha256: str) -> Document:
        """The document with that id. Raises ReadFailed when the index holds none."""
        found = self.qa.document(sha256)
        if found is None:
            raise ReadFailed("There is no such document in the index.")
        return found

    def days(self, answer: Answer) -> dict[str, str]:
        """The day of each cited path: what its document tells, or else when its file changed."""
        files = self.qa.snapshot.file_of_path
        cited = {excerpt.path: excerpt.date for excerpt in (*answer.excerpts, *answer.nearest)}
        return {path: day(files[path], cited) for path in cited if path in files}

    def paths(self, document: Document) -> list[str]:
        """Where the document stands in the folder, as the last build saw it."""
        return [file.path for file in self.qa.files() if file.sha256 == document.sha256]
