"""QA: an open snapshot and an encoder, ready to answer; follows new snapshots by itself."""

import threading
from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from types import TracebackType
from typing import Self

from qa import processes
from qa.asking import excerpts
from qa.asking.confidence import calibration_of
from qa.asking.filters import Filtered, filtered
from qa.asking.following import POLL_INTERVAL, Following, Opened
from qa.asking.places import ExactPart, Wish, exact_part
from qa.asking.questions import EncodedQuestion, encoded_question, spoken, validated_question
from qa.asking.reranking import Ranked, rerank
from qa.asking.retrieval import candidates
from qa.checking.freshness import Waiting, waiting
from qa.checking.listing import BY, part
from qa.encoding.encoder import Encoder, codebook_of, fingerprint_of
from qa.errors import StoreUnreachable
from qa.index.manifest import ENCODERS
from qa.index.opening import open_snapshot
from qa.index.origin import seeds_of
from qa.index.store import Filter, Manifest, Snapshot
from qa.records import Answer, Document, File
from qa.records.dates import Days
from qa.records.languages import unknown_to_the_model
from qa.records.lists import Listed, ListPart
from qa.settings import EXCERPT_LIMIT, INDEX

UNREAD_WORDS = 8  # of what was not read, which a line names

__all__ = ["POLL_INTERVAL", "QA", "open_encoder"]


class QA:
    """A long-lived, thread-safe asker.

    Every question works on the one snapshot that was live when it began, so that no answer mixes
    two. A new snapshot is opened beside the old one and then takes its place in one assignment.
    As many questions as there are cores, and one, are worked on at once; more would hinder each
    other (bench/speed), and wait for their turn.
    """

    def __init__(self, index: Path, seeds: Path | None, snapshot: Snapshot) -> None:
        self.index = index
        self._seeds = seeds
        self._encoder = open_encoder(index, snapshot.manifest)
        self._codebook = codebook_of(self._encoder)
        self._calibration = calibration_of(self._encoder.name, self._encoder.source)
        encoder = fingerprint_of(self._encoder)
        self._following = Following(index, self._seeds, snapshot, encoder)
        self._turns = threading.BoundedSemaphore(processes.cores() + 1)

    @classmethod
    def open(cls, index: str | Path = INDEX, *, seeds: str | Path | None = None) -> "QA":
        """The index in that folder, open.

        Raises IndexMissing, IndexDamaged, IndexUnreadable, IndexForeign, ModelMissing, ModelMismatch.
        """
        folder = Path(index)
        return cls(folder, Path(seeds) if seeds is not None else None, open_snapshot(folder))

    def ask(  # noqa: PLR0913 - all but the question have a default
        self,
        question: str,
        *,
        limit: int | None = None,
        only: Sequence[str] = (),
        exclude: Sequence[str] = (),
        since: str = "",
        until: str = "",
        language: str | Sequence[str] = (),
        all: bool = False,  # noqa: A002 - as `--all` on the command line
        page: int = 1,
    ) -> Answer:
        """What the documents say; `only` and `exclude` are globs on paths, or folders.

        `language` is a code, or several: only documents in these.
        `since` and `until` are days, months or years, both included: a document is of the day that
        it gives, or else of the day on which its file was changed.
        With `all` it lists every passage that holds what the question says, by path and position,
        `limit` of them on a page (50 where none is given; of a ranking 5 are given). Raises
        QuestionRefused, and FilterEmpty when the filters leave no document.
        """
        opened = self._following.follow()
        asked = validated_question(question)
        left = filtered(opened.snapshot, only, exclude, Days.of(since, until), language)
        return self._answer(opened, asked, left, Wish(limit, everywhere=all, page=page))

    def ask_many(  # noqa: PLR0913 - as `ask`
        self,
        questions: Iterable[str],
        *,
        limit: int | None = None,
        only: Sequence[str] = (),
        exclude: Sequence[str] = (),
        since: str = "",
        until: str = "",
        language: str | Sequence[str] = (),
    ) -> list[Answer]:
        """What the documents say to each question, as `ask` would, all from one snapshot.

        Equal questions are answered once, the others beside each other. Raises QuestionRefused
        before the first is answered.
        """
        opened = self._following.follow()
        among = filtered(opened.snapshot, only, exclude, Days.of(since, until), language)
        asked = list(map(validated_question, questions))
        different = list(dict.fromkeys(asked))
        with ThreadPoolExecutor(processes.cores()) as pool:
            found = pool.map(
                lambda question: self._answer(opened, question, among, Wish(limit)), different
            )
            answers = dict(zip(different, found, strict=True))
        return [answers[question] for question in asked]

    def rank(
        self,
        question: str,
        snapshot: Snapshot,
        *,
        only: Sequence[str] = (),
        exclude: Sequence[str] = (),
    ) -> list[Ranked]:
        """The complete ranking of a question in a snapshot, for those who measure it."""
        return self.ranked(question, snapshot, filtered(snapshot, only, exclude).among)[1]

    def ranked(
        self, question: str, snapshot: Snapshot, among: Filter | None
    ) -> tuple[EncodedQuestion, list[Ranked]]:
        """The same with the encoded question, among those passages that a filter leaves."""
        encoded = self._encode(question, snapshot)
        return encoded, self._rerank(encoded, snapshot, among)

    @property
    def snapshot(self) -> Snapshot:
        """The live snapshot."""
        return self._following.follow().snapshot

    def document(self, sha256: str) -> Document | None:
        """The complete document whose source has that hash, as it was indexed."""
        snapshot = self._following.opened.snapshot
        return snapshot.document(sha256)

    def files(
        self, *, sort: str = "", find: str = "", page: int = 1, limit: int | None = None
    ) -> tuple[File, ...]:
        """Every file that the last build saw, sorted by path; with `limit` so many of them on a page.

        `sort` names another column of the library's list (`"date"`, newest first; `"-date"` the other
        way round), `find` words of path, status or reason. Raises SettingsInvalid.
        """
        if not sort and not find and limit is None:
            return self._following.follow().snapshot.files()
        return tuple(
            row.file for row in self.listed(part(sort or BY, find, page=page, limit=limit)).files
        )

    def listed(self, asked: ListPart) -> Listed:
        """A part of these files as a list, each with its day."""
        return self._following.follow().snapshot.listed(asked)

    def files_of(self, sha256: str) -> tuple[File, ...]:
        """The files that are the document whose source has that hash, sorted by path."""
        return self._following.opened.snapshot.files_of(sha256)

    def dates(self) -> Mapping[str, str | None]:
        """The date that each indexed document gives, by path."""
        return self._following.follow().snapshot.dates()

    def waiting(self) -> Waiting:
        """The files that are not in the index as they are now."""
        return waiting(self.seeds, self.files(), leave_out=self.index)

    @property
    def warning(self) -> str:
        """What is wrong with the index, when an older snapshot answers in place of the live one."""
        return self._following.warning

    @property
    def is_broken(self) -> bool:
        """Whether no snapshot can be asked any more, as the last `look` found."""
        return self._following.broken is not None

    @property
    def is_unreachable(self) -> bool:
        """Whether the store of the index did not answer, as the last `look` found."""
        return isinstance(self._following.broken, StoreUnreachable)

    def prepare(self) -> None:
        """Loads what the first question would wait for. Raises what `ask` does.

        Where there is no document yet, there may be no exported model either: a build makes it.
        """
        snapshot = self._following.opened.snapshot
        if snapshot.manifest.documents:
            self._encode("Ready?", snapshot)

    def look(self) -> None:
        """Takes up a newer snapshot, or an older one where files of this one are damaged.

        For a long-lived process, which calls it regularly. It reads no more than sizes.
        """
        self._following.look()

    @property
    def manifest(self) -> Manifest:
        """What the live snapshot is made of."""
        return self._following.opened.snapshot.manifest

    @property
    def given_seeds(self) -> Path | None:
        """The folder of the documents, where it is not the one that the index was built from."""
        return self._seeds

    @property
    def seeds(self) -> Path:
        """The folder of the documents."""
        return self._seeds or seeds_of(self.index, self.manifest)

    def _answer(self, opened: Opened, question: str, left: Filtered, wish: Wish) -> Answer:
        if self._following.broken is not None:
            raise self._following.broken
        snapshot = opened.snapshot
        with self._turns:
            read = self._encoder.read_part(question)
            asked = spoken(read, self._encoder, snapshot.words.languages)
            exact = exact_part(snapshot, read, left.among, wish, language=asked.language)
            answer = exact.answer or self._ranked(
                snapshot, read, exact, wish.limit, chosen=left.one
            )
        unread = question[len(read) :].strip()
        return replace(
            answer,
            question=question,
            unread=unread,
            notes=(
                *_not_read(unread),
                *unknown_to_the_model(answer.unknown_languages),
                *left.notes,
                *exact.notes,
                *answer.notes,
            ),
            places=answer.places or exact.places,
            excerpts=tuple(map(opened.freshness.marked, answer.excerpts)),
            nearest=tuple(map(opened.freshness.marked, answer.nearest)),
        )

    def _ranked(
        self,
        snapshot: Snapshot,
        question: str,
        exact: ExactPart,
        limit: int | None,
        *,
        chosen: bool,
    ) -> Answer:
        encoded = self._encode(question, snapshot)
        ranking = self._rerank(encoded, snapshot, exact.among)
        most = EXCERPT_LIMIT if limit is None else limit
        return excerpts.answer(
            snapshot, encoded, ranking, limit=most, calibration=self._calibration, chosen=chosen
        )

    def _encode(self, question: str, snapshot: Snapshot) -> EncodedQuestion:
        encoded = self._encoder.encode_question(question)
        words = snapshot.words
        asked = spoken(question, self._encoder, words.languages)
        return encoded_question(question, encoded, words, snapshot.mean, spoken=asked)

    def _rerank(
        self, question: EncodedQuestion, snapshot: Snapshot, among: Filter | None
    ) -> list[Ranked]:
        found = candidates(snapshot, question, among)
        return rerank(snapshot, self._codebook, question, found)

    def close(self) -> None:
        """Closes the index; who asks from then on gets IndexClosed."""
        self._following.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()


def _not_read(unread: str) -> Iterator[str]:
    """A line on what of a question the model does not read."""
    if unread:
        first = " ".join(unread.split()[:UNREAD_WORDS])
        yield f"The question is longer than the model reads: from “{first}” on it was not read."


def open_encoder(index: Path, manifest: Manifest) -> Encoder:
    """The encoder that a snapshot was built with."""
    precision = str(manifest.settings["precision"])
    return Encoder(manifest.encoder, precision, folder=index / ENCODERS)
