"""Where else a quotation may stand that left its place: in every file, or in those that may hold it."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import PurePosixPath
from typing import NamedTuple

from qa.checking.quotations import Quotation
from qa.index.store import Snapshot
from qa.reading.walking import Found
from qa.records.printable import one_line, visible

TERMS = 16  # of a quotation, the rarest, by which the index is asked where else it stands
TERMS_READ = 500  # of a quotation, among which these are chosen
HITS = 16  # passages that the index names for them
WORDLESS = "It has no word by which other files could be found."
TOO_LARGE = "The other files in which it may stand are too large to be read here: use `qa verify`."
ENDS = 60  # characters at a quotation's beginning or end, one of which such a passage must hold


class Candidates(NamedTuple):
    """Files to look into, in order."""

    sources: Sequence[str]
    undone: str = ""  # why the quotations may stand elsewhere all the same


def every(quoted: Sequence[Quotation], found: Mapping[str, Found]) -> Candidates:
    """Every file of the folder; those of the same kinds as the quoted ones first."""
    kinds = _kinds(quoted)
    return Candidates(sorted(found, key=lambda path: (_kind(path) not in kinds, path)))


def likely(
    quoted: Sequence[Quotation], found: Mapping[str, Found], snapshot: Snapshot, most_bytes: float
) -> Candidates:
    """The files that the index names, then those that it does not know as they are now.

    They have `most_bytes` in all. A quotation without a word is looked for in the latter alone, and
    so not completely.
    """
    named: dict[str, None] = {}
    undone = ""
    for quotation in quoted:
        sources = list(_by_words(quotation, snapshot))
        if not snapshot.words.terms(quotation.text):
            undone = WORDLESS
        named.update(dict.fromkeys(source for source in sources if source in found))
    taken, left = list[str](), most_bytes
    for source in dict.fromkeys((*named, *_unindexed(quoted, found, snapshot))):
        if found[source].size <= left:
            taken.append(source)
            left -= found[source].size
        else:
            undone = TOO_LARGE
    return Candidates(taken, undone)


def _by_words(quotation: Quotation, snapshot: Snapshot) -> Iterator[str]:
    """The files in whose passages, as they were indexed, the quotation begins or ends."""
    text = visible(one_line(quotation.text))
    keys, _ = snapshot.search(_terms(quotation, snapshot), HITS)
    for passage in snapshot.passages(keys.tolist()):
        indexed = visible(one_line(passage.text))
        if text[:ENDS] in indexed or text[-ENDS:] in indexed:
            files = map(snapshot.file, passage.paths[:HITS])
            yield from (file.source for file in files if file)


def _terms(quotation: Quotation, snapshot: Snapshot) -> list[str]:
    """The quotation's rarest words of those that the index holds."""
    terms = snapshot.words.terms(quotation.text)[:TERMS_READ]
    known = [(count, term) for term in terms if (count := snapshot.words.frequency(term))]
    return [term for _, term in sorted(known)[:TERMS]]


def _unindexed(
    quoted: Sequence[Quotation], found: Mapping[str, Found], snapshot: Snapshot
) -> list[str]:
    """The files that are not in the index as they are now; those of a quoted one's size first."""
    files = {file.path: file for file in snapshot.files()}
    known = {(file.source, file.size, file.modified) for file in files.values()}
    sizes = {files[quotation.path].size for quotation in quoted if quotation.path in files}
    kinds = _kinds(quoted)
    others = [at for at in found.values() if (at.path, at.size, at.modified) not in known]
    others.sort(key=lambda at: (at.size not in sizes, _kind(at.path) not in kinds, at.path))
    return [at.path for at in others]


def _kinds(quoted: Iterable[Quotation]) -> set[str]:
    return {_kind(quotation.path) for quotation in quoted}


def _kind(path: str) -> str:
    return PurePosixPath(path).suffix
