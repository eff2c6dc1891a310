"""verify(): a saved answer against the files as they are now."""

import difflib
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

from qa.errors import QuestionsInvalid
from qa.index.origin import seeds_of
from qa.index.snapshot import Snapshot
from qa.reading.walking import walk
from qa.reading.workers import read_files
from qa.records import Answer, Document, Status
from qa.settings import INDEX

VALID, MOVED, CHANGED, GONE, UNKNOWN = "valid", "moved", "changed", "gone", "unknown"


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


class _Cited(NamedTuple):
    path: str
    paths: tuple[str, ...]
    start: int
    end: int
    text: str


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
    cited = list(_cited(answer))
    folder = Path(seeds) if seeds is not None else _seeds(Path(index))
    if not folder.is_dir():
        return tuple(_verdict(UNKNOWN, excerpt) for excerpt in cited)
    texts = _Texts(folder, Path(index))
    return tuple(_judge(excerpt, texts) for excerpt in cited)


def _judge(cited: _Cited, texts: "_Texts") -> Verdict:
    here = texts.of(cited.path)
    if here is not None and here[cited.start : cited.end] == cited.text:
        return _verdict(VALID, cited, cited.path, cited.start, cited.text)
    for path in dict.fromkeys((cited.path, *cited.paths)):
        at = _nearest_copy(texts.of(path) or "", cited)
        if at is not None:
            return _verdict(MOVED, cited, path, at, cited.text)
    for path, text in texts.others(cited.path):
        at = _nearest_copy(text, cited)
        if at is not None:
            return _verdict(MOVED, cited, path, at, cited.text)
    if here is None:
        return _verdict(GONE, cited)
    at, near = _nearest_text(here, cited.text)
    return _verdict(CHANGED, cited, cited.path, at, near)


def _verdict(
    outcome: str,
    cited: _Cited,
    path: str | None = None,
    start: int | None = None,
    text: str | None = None,
) -> Verdict:
    return Verdict(outcome, cited.path, cited.start, cited.end, cited.text, path, start, text)


def _cited(answer: Answer | Mapping[str, Any]) -> Iterator[_Cited]:
    said: Mapping[str, Any] = answer.to_dict() if isinstance(answer, Answer) else answer
    try:
        for one in (*said["excerpts"], *said["nearest"]):
            start, end, text = int(one["start"]), int(one["end"]), str(one["text"])
            yield _Cited(str(one["path"]), tuple(map(str, one["paths"])), start, end, text)
    except (KeyError, TypeError, ValueError) as error:
        raise QuestionsInvalid(
            "This is not a saved answer: save one with `qa ask ... --json > ANSWER.json`."
        ) from error


def _seeds(index: Path) -> Path:
    snapshot = Snapshot.open(index)
    seeds = seeds_of(index, snapshot.manifest)
    snapshot.close()
    return seeds


class _Texts:
    """The folder's texts as they are now, each read once and only when it is needed."""

    def __init__(self, seeds: Path, index: Path) -> None:
        self._seeds = seeds
        self._paths = [found.path for found in walk(seeds, leave_out=index)]
        self._known: dict[str, str] = {}
        self._read: set[str] = set()

    def of(self, path: str) -> str | None:
        """The text at a path, or None when no such text is there."""
        for source in self._paths:
            if path == source or path.startswith(f"{source}/"):
                self._load(source)
        return self._known.get(path)

    def others(self, path: str) -> Iterator[tuple[str, str]]:
        """Every other text of the folder; files of the same kind first."""
        suffix = Path(path).suffix
        for source in sorted(self._paths, key=lambda other: Path(other).suffix != suffix):
            self._load(source)
            for name in sorted(self._known):
                if name == source or name.startswith(f"{source}/"):
                    yield name, self._known[name]

    def _load(self, source: str) -> None:
        if source in self._read:
            return
        self._read.add(source)
        for reading in read_files(self._seeds, [source], processes=1):
            for outcome in reading.outcomes:
                document: Document | None = outcome.document
                if document is not None and outcome.status is Status.INDEXED:
                    self._known[outcome.path] = document.text


def _nearest_copy(text: str, cited: _Cited) -> int | None:
    """Where the exact text stands, nearest to where it stood."""
    found = [match.start() for match in re.finditer(re.escape(cited.text), text)]
    return min(found, key=lambda at: abs(at - cited.start), default=None)


def _nearest_text(text: str, quoted: str) -> tuple[int, str]:
    """The paragraph that resembles the quoted text most, and where it begins."""
    words = quoted.split()
    best, at = -1.0, (0, "")
    for match in re.finditer(r"\S(?:.|\n(?!\s*\n))*", text):
        matcher = difflib.SequenceMatcher(None, words, match[0].split(), autojunk=False)
        if matcher.quick_ratio() > best and (ratio := matcher.ratio()) > best:
            best, at = ratio, (match.start(), match[0].rstrip())
    return at
