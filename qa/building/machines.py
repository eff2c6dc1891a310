"""Where the files of a build are read, split and encoded: on this machine, or on others (`cluster`)."""

from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import NamedTuple, Protocol, cast

from qa import processes, splitting
from qa.building.batching import Codes, ManyAtOnce, OneByOne
from qa.building.encoding_ahead import Split, Work
from qa.building.language import with_language
from qa.building.timing import Stages
from qa.encoding.codebook import Codebook
from qa.encoding.encoder import Encoder
from qa.index.coding import Coded, encode, encode_many
from qa.reading.workers import Reading, read_files
from qa.records import Document
from qa.settings import Settings
from qa.splitting import RankingText


class Job(NamedTuple):
    """What the work of a build needs, wherever it is done."""

    seeds: Path
    settings: Settings
    encoder: Encoder
    book: Codebook


class Machines(Protocol):
    """What does the work of a build; the same files give the same bytes, whoever did it."""

    codes: Codes  # of ranking texts

    def readings(self, paths: Sequence[str]) -> Iterator[Reading]:
        """A reading of each file, in the order of the paths."""

    def identified(self, document: Document) -> Document:
        """A document of the last reading, with the language that it is in."""

    def split(self, work: Work) -> Iterator[Split]:
        """The passages of a new document, of the last reading. Raises DocumentFailed."""

    def close(self) -> None:
        """Ends what was started for the build."""


class ThisMachine:
    """Readers in processes of their own, and a passage encoded on each core of this machine."""

    def __init__(self, job: Job, stages: Stages) -> None:
        self._job, self._stages = job, stages
        self._pool = ThreadPoolExecutor(processes.cores())
        self.codes = self._codes()

    def _codes(self) -> Codes:
        """How passages are given to the encoder."""
        if self._job.encoder.device == "cpu":
            return OneByOne(self._pool, self._encode)
        many = partial(encode_many, self._job.encoder, self._job.book)
        return ManyAtOnce(self._pool, self._encode, many)

    def readings(self, paths: Sequence[str]) -> Iterator[Reading]:
        """A reading of each file, in the order of the paths."""
        return read_files(self._job.seeds, paths, ocr_language=self._job.settings.ocr_language)

    def identified(self, document: Document) -> Document:
        """The document, with the language that it is in."""
        return with_language(document, self._job.settings.language, self._job.encoder)

    def split(self, work: Work) -> Iterator[Split]:
        """The passages of a new document, one at a time."""
        document = cast("Document", work.document)
        return self._stages.each(
            "splitting", splits(document, self._job.encoder, self._job.settings)
        )

    def _encode(self, ranking: RankingText) -> Coded:
        with self._stages.on("encoding"):
            return encode(self._job.encoder, self._job.book, ranking)

    def close(self) -> None:
        """Waits for the passages that are being encoded, and ends the threads."""
        self._pool.shutdown()


def splits(document: Document, encoder: Encoder, settings: Settings) -> Iterator[Split]:
    """The passages of a document with their ranking texts, one at a time."""
    for passage in splitting.split(
        document,
        encoder.token_ends,
        limit=settings.passage_tokens,
        window=encoder.window,
    ):
        blocks = splitting.overlapping(document.blocks, passage)
        yield passage, splitting.ranking_text(document, passage, blocks)
