"""The local store, open for questions: one immutable version of the index.

    index/CURRENT               names the live snapshot
    index/snapshots/NAME/       manifest.json, catalog.sqlite (files and documents), words/,
                                mean.f32, sketch/ (the approximate index of many passages)
    index/segments/NAME/        see `segment`; shared between snapshots

A passage's key is its number among the live ones, ordered by the first path of its document and
then by position. It says nothing of segments, so every build of the same documents gives the same
keys, and ties broken by key are broken by path and position.
"""

from collections.abc import Collection, Iterable, Iterator, Sequence
from contextlib import suppress
from functools import cached_property
from pathlib import Path

import numpy as np

from qa.encoding import quantisation
from qa.encoding.quantisation import Vectors
from qa.errors import IndexDamaged, IndexForeign
from qa.index import dense, gathering, integrity, manifest
from qa.index.caching import Cache
from qa.index.catalog import Catalog
from qa.index.dense import ApproximateIndex
from qa.index.gathering import Located
from qa.index.integrity import damaged, reading
from qa.index.lexical import WordIndex
from qa.index.manifest import current, read_manifest
from qa.index.runs import Runs
from qa.index.segment import Segment
from qa.index.store import Documents, Keys, Scope, Scores, StoredPassage, TokenCodes, fallback
from qa.index.words import Words
from qa.records import Document, File
from qa.records.dates import ALWAYS, Days
from qa.records.lists import Listed, ListPart

ATTEMPTS = 20  # a builder may clean up between the reading of CURRENT and the opening
APPROXIMATE = "sketch"  # the folder (so in indexes) of the approximate index of many passages
HELD = 64 << 20  # bytes of filters' runs
MEAN = "mean.f32"  # the mean of the vectors of all passages that have words


class LocalSnapshot:
    """An open snapshot. Every file is opened at once: a later clean-up takes nothing away."""

    def __init__(self, index: Path, name: str) -> None:
        self.name, self.warning = name, ""
        self.index = index
        self.folder = index / "snapshots" / name
        self.manifest = read_manifest(self.folder)
        integrity.check(index, self.manifest.files)
        self.count = self.manifest.passages
        shape = {"dim": self.manifest.dim, "code_bytes": self.manifest.code_bytes}
        folders = [index / "segments" / segment for segment in self.manifest.segments]
        self.segments = [Segment(folder, **shape) for folder in folders]
        self.catalog = Catalog(
            self.folder,
            documents=self.manifest.documents,
            passages=self.count,
            segments=[len(segment.records) for segment in self.segments],
        )
        self._word_index = WordIndex.open(self.folder / "words", count=self.manifest.ranked)
        languages = [each.language for each in self.manifest.languages]
        self.words = Words(languages, self._word_index.count, self._word_index.frequency)
        if self.count != self._word_index.passages:
            raise damaged(self.folder, f"is not of {self.count} passages")
        self._chosen = Cache[Runs](HELD, lambda runs: runs.nbytes)
        self._approximate = self._open_approximate()
        self.mean = self._read_mean()

    @classmethod
    def open(cls, index: Path) -> "LocalSnapshot":
        """The live snapshot, or with a warning the one before it when that one is damaged.

        Raises IndexMissing, IndexForeign, IndexUnreadable, and IndexDamaged when neither is complete.
        """
        name = current(index)
        problem = ""  # not the error: it would keep open what was opened by then
        for _ in range(ATTEMPTS):
            try:
                return cls(index, name)
            except FileNotFoundError as error:
                problem = f"{error.filename} is missing: build again with --full."
            except IndexDamaged as error:
                problem = str(error)
            name, before = current(index), name
            if name == before:  # no builder cleaned up under this reader: it is damage
                break
        return fallback(newest_complete(index), problem)

    def _open_approximate(self) -> ApproximateIndex | None:
        folder = self.folder / APPROXIMATE
        inside = f"{folder.relative_to(self.index).as_posix()}/"
        if not any(path.startswith(inside) for path in self.manifest.files):
            return None
        return ApproximateIndex.load(folder, dim=self.manifest.dim, count=self.count)

    def _read_mean(self) -> Vectors:
        file, dim = self.folder / MEAN, self.manifest.dim
        if not self.count:
            return np.zeros(dim, np.float32)
        with reading(file):
            mean = np.frombuffer(file.read_bytes(), "<f4")
        if len(mean) != dim or not np.isfinite(mean).all():
            raise damaged(file)
        return mean

    def files(self) -> tuple[File, ...]:
        """Every file that the build saw, sorted by path."""
        return self.catalog.files.all()

    def file(self, path: str) -> File | None:
        """The file at a path."""
        return self.catalog.files.at(path)

    def files_of(self, sha256: str) -> tuple[File, ...]:
        """The files that are the document whose source has that hash, sorted by path."""
        return self.catalog.files.of(sha256)

    def listed(self, part: ListPart) -> Listed:
        """A part of the files as a list, each with its day."""
        return self.catalog.files.part(part)

    def dates(self) -> dict[str, str | None]:
        """The date that each document gives, by path."""
        return self.catalog.dates()

    def document(self, sha256: str) -> Document | None:
        """The complete document whose source has that hash."""
        number = self.catalog.number_of(sha256)
        if number is None:
            return None
        record = self.catalog.located(np.array([number]))[0]
        return self.segments[int(record["segment"])].document(int(record["place"]))

    def paths_of(self, globs: Sequence[str]) -> Iterator[str]:
        """The paths of documents that one of the globs names, sorted."""
        paths = self.catalog.paths
        return paths.texts(paths.naming(globs))

    def holding(self, wanted: Sequence[Collection[str]], among: Runs | None = None) -> Keys:
        """Every passage whose own text holds one term of each of `wanted`, ascending."""
        found = self._word_index.holding(wanted)
        return found if among is None else found[among.holds(found)]

    def of_passages(self, keys: Keys) -> Runs:
        """These passages as a filter."""
        return Runs.of(np.unique(keys))

    def texts(self, keys: Iterable[int]) -> Iterator[str]:
        """The texts of passages, in the order of `keys`."""
        return (found.segment.text(found.row) for found in self.locate(keys))

    def documents_in(self, among: Runs) -> int:
        """Of how many documents a filter leaves passages."""
        first, last = self.documents_of(among.starts), self.documents_of(among.ends - 1)
        return Runs.between(first, last + 1).size

    def among(
        self,
        only: Sequence[str],
        exclude: Sequence[str],
        languages: Collection[str] = (),
        days: Days = ALWAYS,
    ) -> Runs | None:
        """The passages that globs on paths, languages and days leave; None when all."""
        if not only and not exclude and not languages and not days:
            return None
        asked = (tuple(only), tuple(exclude), frozenset(languages), days)
        known = self._chosen.get(asked)
        if known is not None:
            return known
        return self._chosen.put(asked, self.catalog.passages_of(self.catalog.chosen(*asked)))

    def named(self, words: Collection[str]) -> dict[str, Documents]:
        """The documents whose names hold each of the words, ascending, by word."""
        return self.catalog.named(words)

    def names_beginning(self, start: str, limit: int) -> list[str]:
        """The first `limit` words of names that begin so and are longer."""
        return self.catalog.names_beginning(start, limit)

    def headings(self, keys: Keys) -> list[tuple[str, ...]]:
        """The headings above each passage, in the order of `keys`."""
        return gathering.headings(self.segments, *self.locate_all(keys))

    def documents_of(self, keys: Keys) -> Documents:
        """The document `(n,)` of each passage."""
        return self.catalog.documents_of(keys)

    def of_documents(self, documents: Documents, among: Runs | None = None) -> Runs:
        """The passages of documents, of those that `among` leaves."""
        kept = self.catalog.passages_of(Runs.of(documents))
        return kept if among is None else kept.both(among)

    def check(self) -> None:
        """Raises IndexDamaged when a file has another size than was written."""
        integrity.check_sizes(self.index, self.manifest.files)

    def damaged(self) -> list[str]:
        """The files of the snapshot, and the exported models, that are not byte for byte as written."""
        return manifest.damaged(self.index, self.manifest)

    def passages(self, keys: Iterable[int]) -> list[StoredPassage]:
        """The passages, in the order of `keys`."""
        return list(map(self._passage, self.locate(keys)))

    def _passage(self, at: Located) -> StoredPassage:
        segment, row, number = at
        text = segment.text(row)  # checks the record
        record, document = segment.records[row], self.catalog.described(number)
        return StoredPassage(
            text=text,
            start=int(record["start"]),
            end=int(record["end"]),
            sentences=tuple(segment.sentence_ends(row)),
            context=segment.context(row),
            lines=(int(record["line"]), int(record["last_line"])),
            page=int(record["page"]) or None,
            heading=segment.heading(int(record["heading"])),
            document=document.sha256,
            paths=document.paths,
            title=document.title,
            date=document.date,
            language=document.language,
        )

    def locate(self, keys: Iterable[int]) -> list[Located]:
        """Where passages stand, in the order of `keys`."""
        wanted = np.fromiter(keys, np.int64)
        segments, rows = (each.tolist() for each in self.locate_all(wanted))
        found = zip(segments, rows, self.documents_of(wanted).tolist(), strict=True)
        return [Located(self.segments[segment], row, number) for segment, row, number in found]

    def locate_all(self, keys: Keys) -> tuple[Keys, Keys]:
        """The segments `(n,)` and the rows in them `(n,)` of passages."""
        return self.catalog.places(self.documents_of(keys), keys)

    def nearest(self, vector: Vectors, limit: int, among: Runs | None = None) -> Keys:
        """Up to `limit` passages that have words, nearest to a quantised vector, best first."""
        found = self.all_nearest(vector, limit, among)
        return found[self._tokens(found) > 0]

    def all_nearest(self, vector: Vectors, limit: int, among: Runs | None = None) -> Keys:
        """The same, boilerplate included."""
        if self._approximate is None:
            return dense.best(self.products(vector), limit, among)
        candidates = self._candidates(self._approximate, vector, limit, among)
        found = dense.best(self.products(vector, candidates), limit)
        return candidates[found]

    def search(
        self, terms: Sequence[str], limit: int, among: Runs | None = None
    ) -> tuple[Keys, Scores]:
        """Up to `limit` passages in which terms stand, and their BM25, best first."""
        return self._word_index.search(terms, limit, among, self.words.boosts(terms))

    def bm25(self, terms: Sequence[str], keys: Keys) -> Scores:
        """The BM25 `(n,)` of passages, 0 where no term stands."""
        return self._word_index.relevance(terms, keys.tolist(), self.words.boosts(terms))

    def expect_nearest(self, vector: Vectors, scope: Scope) -> None:
        """Nothing: all of it is here."""

    def prefetch_nearest(self, vector: Vectors, scopes: Sequence[Scope], keys: Keys) -> None:
        """Fetches nothing: all of it is at hand."""

    def prefetch_passages(self, keys: Keys) -> None:
        """Fetches nothing."""

    def places(self, keys: Keys) -> Keys:
        """The keys themselves, which ascend by path and position."""
        return keys

    def similarity(self, vector: Vectors, keys: Keys) -> Vectors:
        """The cosines of a quantised vector with those of passages, `(n,)`."""
        return quantisation.cosines(self.products(vector, keys))

    def products(self, vector: Vectors, keys: Keys | None = None) -> Vectors:
        """The inner products of a quantised vector with those of passages, or of all, `(n,)`."""
        segments, rows = self._order if keys is None else self.locate_all(keys)
        out = np.empty(len(rows), np.float32)
        for number, segment in enumerate(self.segments):
            here = np.flatnonzero(segments == number) if len(self.segments) > 1 else slice(None)
            if keys is None:
                out[here] = dense.products(segment.vectors, vector)[rows[here]]
            else:
                out[here] = dense.products(segment.vectors[rows[here]], vector)
        return out

    def _candidates(
        self, approximate: ApproximateIndex, vector: Vectors, limit: int, among: Runs | None
    ) -> Keys:
        """The passages that may be nearest, sorted; few that may be found are all of them."""
        if among is None:
            return np.sort(approximate.nearest(vector, dense.RESCORED))
        allowed = among.size
        if allowed <= dense.EXACT:
            return among.numbers
        depth = dense.RESCORED * self.count // allowed
        found = np.sort(approximate.nearest(vector, depth))
        found = found[among.holds(found)]
        return found if len(found) >= limit else among.numbers

    def _tokens(self, keys: Keys) -> Keys:
        """How many tokens each passage has, `(n,)`; boilerplate has none."""
        return gathering.records(self.segments, *self.locate_all(keys))["tokens"].astype(np.int64)

    def token_codes(self, keys: Keys) -> TokenCodes:
        """The codes of the passages' tokens, in the order of `keys`."""
        return gathering.token_codes(self.segments, *self.locate_all(keys))

    @cached_property
    def _order(self) -> tuple[Keys, Keys]:
        return self.locate_all(np.arange(self.count))

    def close(self) -> None:
        """Closes the databases; mapped files go with the last reference to them."""
        self.catalog.close()
        for segment in self.segments:
            segment.close()


def newest_complete(index: Path) -> LocalSnapshot | None:
    """The newest snapshot that opens, whatever CURRENT says."""
    for folder in sorted((index / "snapshots").glob("*/manifest.json"), reverse=True):
        with suppress(IndexDamaged, IndexForeign, OSError):
            return LocalSnapshot(index, folder.parent.name)
    return None
