"""verify(): a saved answer against the files as they are now.

A file is read once for each way in which the answer may cite it, and one text is in memory at a time. A
quotation that left its place is looked for in the other files: in all of them, or within `Bounds`
in those that may hold it.
"""

import time
from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from itertools import islice
from math import inf
from pathlib import Path
from typing import Any, NamedTuple

from qa.checking.candidates import Candidates, every, likely
from qa.checking.folder import Files, Folder
from qa.checking.quotations import Quotation, nearest_copy, nearest_paragraph, quotations
from qa.index.opening import open_snapshot
from qa.index.origin import Origin, origin, seeds_of
from qa.index.store import Snapshot
from qa.reading.walking import Found
from qa.reading.workers import ReadFile, ReadResult, file_reader
from qa.records import Answer, Status
from qa.records.printable import visible
from qa.settings import INDEX, Settings

VALID, MOVED, CHANGED, GONE, UNKNOWN = "valid", "moved", "changed", "gone", "unknown"

UNREADABLE = (Status.FAILED, Status.UNSUPPORTED)  # here and now: it may have been elsewhere
LEAST = 0.1  # seconds that are left when another file is begun
AWAY = "The folder of documents is out of reach."
UNLISTED = (
    "The time was over before every file of the folder was listed: other files were not read."
)
UNREAD = "The time was over before every file in which it may stand was read."


class Verdict(NamedTuple):
    """What became of one cited excerpt."""

    outcome: str  # valid, moved, changed, gone or unknown
    path: str
    start: int
    end: int
    text: str
    found_path: str | None = None  # where the text stands now, or the nearest text to it
    found_start: int | None = None
    found_text: str | None = None
    reason: str = ""  # why the outcome is unknown: what was not looked at


class Bounds(NamedTuple):
    """How much is done for one answer: what is left undone may leave a quotation `unknown`."""

    seconds: float = inf
    search_bytes: float = inf  # of files that are read in search of what left its place
    paths: int | None = None  # with the same text, of each quotation


def verify(
    answer: Answer | Mapping[str, Any],
    *,
    index: str | Path = INDEX,
    seeds: str | Path | None = None,
) -> tuple[Verdict, ...]:
    """A verdict for each excerpt of the answer, cited or nearest, in order.

    The files are read again as they are now, scans as the index has them; nothing else is taken from
    it but the place of the folder, when `seeds` is not given. Raises QuestionsInvalid when the answer
    is none.
    """
    quoted = list(quotations(answer))
    made_from = _origin(Path(index), seeds)
    work = _Work(made_from.seeds, Path(index), Bounds(), made_from.settings.ocr_language, every)
    return _verdicts([_Case(quotation) for quotation in quoted], work)


def verify_within(
    bounds: Bounds,
    answer: Mapping[str, Any],
    snapshot: Snapshot,
    seeds: Path,
    *,
    index: Path,
    as_shown: bool = False,
) -> tuple[Verdict, ...]:
    """The verdicts of `verify`, as far as the bounds allow.

    Files that are as they were indexed are searched only where the index says that the words stand.
    `as_shown`: the answer's texts are as `printable.visible` gives them. Raises QuestionsInvalid.
    """

    def elsewhere(quoted: Sequence[Quotation], found: Mapping[str, Found]) -> Candidates:
        return likely(quoted, found, snapshot, bounds.search_bytes)

    quoted = [_Case(quotation, as_shown=as_shown) for quotation in quotations(answer)]
    settings = Settings.from_dict(snapshot.manifest.settings)
    return _verdicts(quoted, _Work(seeds, index, bounds, settings.ocr_language, elsewhere))


Elsewhere = Callable[[Sequence[Quotation], Mapping[str, Found]], Candidates]


class _Work(NamedTuple):
    """What is verified against, and how far."""

    seeds: Path
    leave_out: Path  # the index
    bounds: Bounds
    ocr_language: str | None  # as the index was built
    elsewhere: Elsewhere


def _verdicts(cases: Sequence["_Case"], work: _Work) -> tuple[Verdict, ...]:
    if not work.seeds.is_dir():
        return tuple(case.verdict(undone=AWAY) for case in cases)
    until = time.monotonic() + work.bounds.seconds
    folder = Folder(work.seeds, work.leave_out, until)
    with file_reader(work.seeds, ocr_language=work.ocr_language) as read:
        verification = _Verification(cases, folder, read, until)
        try:
            verification.look_at_places()
            verification.look_at_other_paths(work.bounds.paths)
            verification.look_elsewhere(work.elsewhere)
        except TimeoutError:
            verification.undone = UNLISTED
    return tuple(case.verdict(undone=verification.undone) for case in cases)


def _origin(index: Path, seeds: str | Path | None) -> Origin:
    """The folder to look into, and the settings by which its files are read."""
    if seeds is not None:
        last = origin(index)
        return Origin(Path(seeds), last.settings if last else Settings.from_environment())
    snapshot = open_snapshot(index)
    folder, settings = seeds_of(index, snapshot.manifest), snapshot.manifest.settings
    snapshot.close()
    return Origin(folder, Settings.from_dict(settings))


@dataclass(slots=True)
class _Case:
    """A quotation and what is known of it."""

    quotation: Quotation
    as_shown: bool = False
    looked: bool = False  # at its place
    unread: str = ""  # why the file at its place could not be read
    settled: Verdict | None = None
    nearest: tuple[int, str] | None = None  # the text at its place that resembles it most

    @property
    def is_open(self) -> bool:
        """Whether it left its place and was not found yet."""
        return self.looked and self.settled is None

    def verdict(self, *, undone: str) -> Verdict:
        """What became of the quotation; `undone` says why it may stand where nobody looked."""
        if self.settled is not None:
            return self.settled
        if self.nearest is not None:
            return self._verdict(CHANGED, self.quotation.path, *self.nearest)
        if self.looked and not self.unread and not undone:
            return self._verdict(GONE)
        return self._verdict(UNKNOWN)._replace(reason=self.unread or undone or UNREAD)

    def look_at_place(self, text: str) -> None:
        """Take what the file at the quotation's path holds now."""
        self.looked = True
        quoted = self.quotation
        if self._shown(text[quoted.start : quoted.end]) == quoted.text:
            self.settled = self._verdict(VALID, quoted.path, quoted.start, quoted.text)
            return
        self.look_in(quoted.path, text)
        if self.settled is None:
            self.nearest = nearest_paragraph(text, quoted.text, quoted.start)

    def look_in(self, path: str, text: str) -> None:
        """Settle the quotation when it stands in a text."""
        at = nearest_copy(self._shown(text), self.quotation.text, self.quotation.start)
        if at is not None:
            self.settled = self._verdict(MOVED, path, at, self.quotation.text)

    def _shown(self, text: str) -> str:
        """The text as the quotation was shown; only signs beyond ASCII stand for what was not."""
        return visible(text) if self.as_shown and not self.quotation.text.isascii() else text

    def _verdict(
        self, outcome: str, path: str | None = None, at: int | None = None, text: str | None = None
    ) -> Verdict:
        cited = self.quotation
        return Verdict(outcome, cited.path, cited.start, cited.end, cited.text, path, at, text)


class _Verification:
    """The quotations of one answer, and the files in which they are looked for until a deadline."""

    def __init__(
        self, cases: Sequence[_Case], folder: Folder, read: ReadFile, until: float
    ) -> None:
        self.undone = ""  # why something was left undone
        self._cases = cases
        self._folder = folder
        self._read = read
        self._until = until
        self._unread: dict[str, str] = {}  # path -> why it could not be read

    def look_at_places(self) -> None:
        """Compare each quotation with what stands at its place. Raises TimeoutError."""
        places = [(case.quotation.path, case) for case in self._cases]
        files = self._folder.at({path for path, _ in places})
        for path, case in places:
            case.looked = files.holding(path) is None  # nothing is there
        for source, cases in _by_source(places, files).items():
            wanted = {case.quotation.path for _, case in cases}
            for path, text in self._texts(source, wanted):
                for place, case in cases:
                    if place == path and self._in_time():
                        case.look_at_place(text)
            if not self.undone:
                for place, case in cases:
                    case.looked = True
                    case.unread = self._unread.get(place) or self._unread.get(source, "")

    def look_at_other_paths(self, most: int | None) -> None:
        """Look for quotations that left their place where the same text stood. Raises TimeoutError."""
        places = [
            (path, case)
            for case in self._cases
            if case.is_open
            for path in islice(case.quotation.paths, most)
        ]
        files = self._folder.at({path for path, _ in places})
        for source, cases in _by_source(places, files).items():
            for path, text in self._texts(source, {path for path, _ in cases}):
                self._look_in(path, text, (case for place, case in cases if place == path))

    def look_elsewhere(self, elsewhere: Elsewhere) -> None:
        """Look for what is left in other files, until it is found. Raises TimeoutError."""
        left = [case for case in self._cases if case.is_open]
        if not left or not self._in_time():
            return
        candidates = elsewhere([case.quotation for case in left], self._folder.all().by_path)
        for source in candidates.sources:
            left = [case for case in left if case.is_open]
            if not left:
                return
            for path, text in self._texts(source):
                self._look_in(path, text, left)
        self.undone = self.undone or candidates.undone

    def _look_in(self, path: str, text: str, cases: Iterable[_Case]) -> None:
        for case in cases:
            if case.is_open and self._in_time():
                case.look_in(path, text)

    def _in_time(self) -> bool:
        if time.monotonic() < self._until:
            return True
        self.undone = UNREAD
        return False

    def _texts(
        self, source: str, wanted: Collection[str] | None = None
    ) -> Iterator[tuple[str, str]]:
        """The texts of a file, or the wanted ones among them, as they are now."""
        now = time.monotonic()
        if self._until - now < LEAST:
            self.undone = UNREAD
            return
        left = set(wanted or ())
        try:
            # One slow file leaves half of the time for those after it.
            with closing(self._read(source, now + (self._until - now) / 2)) as outcomes:
                for outcome in outcomes:
                    text = _text_of(outcome)
                    if outcome.status in UNREADABLE:
                        self._unread[outcome.path] = (
                            f"{outcome.path} cannot be read: {outcome.reason}"
                        )
                    if text is not None and (wanted is None or outcome.path in left):
                        yield outcome.path, text
                    left.discard(outcome.path)
                    if wanted is not None and not left and outcome.path != source:
                        return  # of an archive no more is read
        except TimeoutError:
            self.undone = UNREAD


def _by_source(
    places: Iterable[tuple[str, _Case]], files: Files
) -> dict[str, list[tuple[str, _Case]]]:
    """The places by the file on disk that holds them."""
    grouped: dict[str, list[tuple[str, _Case]]] = defaultdict(list)
    for path, case in places:
        if source := files.holding(path):
            grouped[source].append((path, case))
    return grouped


def _text_of(outcome: ReadResult) -> str | None:
    indexed = outcome.status is Status.INDEXED
    return outcome.document.text if indexed and outcome.document is not None else None
