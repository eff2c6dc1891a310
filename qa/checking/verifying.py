"""verify(): a saved answer against the files as they are now.

A file is read once for each way in which the answer may cite it, and one text is in memory at a time. A
quotation that left its place is looked for in the other files: in all of them, or within `Bounds`
in those that may hold it.
"""

import time
from bisect import bisect_right
from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from itertools import islice
from math import inf
from pathlib import Path
from typing import Any, NamedTuple

from qa.checking.candidates import Candidates, every, likely
from qa.checking.quotations import Quotation, nearest_copy, nearest_paragraph, quotations
from qa.index.opening import open_snapshot
from qa.index.origin import seeds_of
from qa.index.store import Snapshot
from qa.reading.walking import Found, walk
from qa.reading.workers import Outcome, ReadFile, file_reader
from qa.records import Answer, Status
from qa.records.printable import visible
from qa.settings import INDEX

VALID, MOVED, CHANGED, GONE, UNKNOWN = "valid", "moved", "changed", "gone", "unknown"

LEAST = 0.1  # seconds that are left when another file is begun


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

    The files are read again as they are now; nothing is taken from the index but the place of the
    seeds folder, when `seeds` is not given. Raises QuestionsInvalid when the answer is none.
    """
    quoted = list(quotations(answer))
    folder = Path(seeds) if seeds is not None else _seeds(Path(index))
    return _verdicts(quoted, folder, Path(index), Bounds(), every)


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

    quoted = list(quotations(answer))
    return _verdicts(quoted, seeds, index, bounds, elsewhere, as_shown=as_shown)


Elsewhere = Callable[[Sequence[Quotation], Mapping[str, Found]], Candidates]


def _verdicts(
    quoted: Sequence[Quotation], seeds: Path, index: Path, bounds: Bounds, elsewhere: Elsewhere,
    *, as_shown: bool = False,
) -> tuple[Verdict, ...]:  # fmt: skip
    cases = [_Case(quotation, as_shown=as_shown) for quotation in quoted]
    if not seeds.is_dir():
        return tuple(case.verdict(searched=False) for case in cases)
    until = time.monotonic() + bounds.seconds
    found = {found.path: found for found in walk(seeds, leave_out=index)}
    with file_reader(seeds) as read:
        verification = _Verification(cases, found, read, until)
        verification.look_at_places()
        verification.look_at_other_paths(bounds.paths)
        verification.look_elsewhere(elsewhere)
    return tuple(case.verdict(searched=verification.complete) for case in cases)


def _seeds(index: Path) -> Path:
    snapshot = open_snapshot(index)
    seeds = seeds_of(index, snapshot.manifest)
    snapshot.close()
    return seeds


@dataclass(slots=True)
class _Case:
    """A quotation and what is known of it."""

    quotation: Quotation
    as_shown: bool = False
    looked: bool = False  # at its place
    settled: Verdict | None = None
    nearest: tuple[int, str] | None = None  # the text at its place that resembles it most

    @property
    def is_open(self) -> bool:
        """Whether it left its place and was not found yet."""
        return self.looked and self.settled is None

    def verdict(self, *, searched: bool) -> Verdict:
        """What became of the quotation; `searched`: it was looked for wherever it may stand."""
        if self.settled is not None:
            return self.settled
        if self.nearest is not None:
            return self._verdict(CHANGED, self.quotation.path, *self.nearest)
        return self._verdict(GONE if self.looked and searched else UNKNOWN)

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
        self, cases: Sequence[_Case], found: Mapping[str, Found], read: ReadFile, until: float
    ) -> None:
        self.complete = True  # nothing was left undone
        self._cases = cases
        self._found = found
        self._read = read
        self._until = until
        self._folders = sorted(f"{path}/" for path in found)  # an archive is one

    def look_at_places(self) -> None:
        """Compare each quotation with what stands at its place."""
        for case in self._cases:
            case.looked = self._source(case.quotation.path) is None  # nothing is there
        places = ((case.quotation.path, case) for case in self._cases)
        for source, cases in self._by_source(places).items():
            wanted = {case.quotation.path for _, case in cases}
            for path, text in self._texts(source, wanted):
                for place, case in cases:
                    if place == path and self._in_time():
                        case.look_at_place(text)
            if self.complete:
                for _, case in cases:
                    case.looked = True

    def look_at_other_paths(self, most: int | None) -> None:
        """Look for quotations that left their place where the same text stood."""
        places = (
            (path, case)
            for case in self._cases
            if case.is_open
            for path in islice(case.quotation.paths, most)
        )
        for source, cases in self._by_source(places).items():
            for path, text in self._texts(source, {path for path, _ in cases}):
                self._look_in(path, text, (case for place, case in cases if place == path))

    def look_elsewhere(self, elsewhere: Elsewhere) -> None:
        """Look for what is left in other files, until it is found."""
        left = [case for case in self._cases if case.is_open]
        if not left or not self._in_time():
            return
        candidates = elsewhere([case.quotation for case in left], self._found)
        for source in candidates.sources:
            left = [case for case in left if case.is_open]
            if not left:
                return
            for path, text in self._texts(source):
                self._look_in(path, text, left)
        self.complete &= candidates.complete

    def _look_in(self, path: str, text: str, cases: Iterable[_Case]) -> None:
        for case in cases:
            if case.is_open and self._in_time():
                case.look_in(path, text)

    def _in_time(self) -> bool:
        self.complete &= time.monotonic() < self._until
        return time.monotonic() < self._until

    def _by_source(self, places: Iterable[tuple[str, _Case]]) -> dict[str, list[tuple[str, _Case]]]:
        """The places by the file on disk that holds them."""
        grouped: dict[str, list[tuple[str, _Case]]] = defaultdict(list)
        for path, case in places:
            if source := self._source(path):
                grouped[source].append((path, case))
        return grouped

    def _source(self, path: str) -> str | None:
        """The file on disk at a path, or the archive that the path leads into."""
        # Nothing sorts between a file, with a slash, and a path within it.
        at = bisect_right(self._folders, f"{path}/") - 1
        folder = self._folders[at] if at >= 0 else "/"
        return folder[:-1] if f"{path}/".startswith(folder) else None

    def _texts(
        self, source: str, wanted: Collection[str] | None = None
    ) -> Iterator[tuple[str, str]]:
        """The texts of a file, or the wanted ones among them, as they are now."""
        now = time.monotonic()
        if self._until - now < LEAST:
            self.complete = False
            return
        left = set(wanted or ())
        try:
            # One slow file leaves half of the time for those after it.
            with closing(self._read(source, now + (self._until - now) / 2)) as outcomes:
                for outcome in outcomes:
                    text = _text_of(outcome)
                    if text is not None and (wanted is None or outcome.path in left):
                        yield outcome.path, text
                    left.discard(outcome.path)
                    if wanted is not None and not left and outcome.path != source:
                        return  # of an archive no more is read
        except TimeoutError:
            self.complete = False


def _text_of(outcome: Outcome) -> str | None:
    indexed = outcome.status is Status.INDEXED
    return outcome.document.text if indexed and outcome.document is not None else None
