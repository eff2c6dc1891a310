"""Which documents a question names, and by which of its words.

A word of a document's name is evidence only where it names: of the passages that hold it best, most
lie in documents that are named so ("pepsico" and "q1" in a collection of filings). Where others hold
it as well it is an ordinary word ("vaccine" in titles of papers about vaccines), and the name is
silent. Documents (a year, a quarter) seldom name alone: they count once another word of the name does.

What a question names counts as found in every passage of the document, as if its name stood there.
"""

from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np

from qa.asking.questions import EncodedQuestion
from qa.encoding.quantisation import Vectors
from qa.index.lexical import of_language
from qa.index.names import NUMERIC, Run, forms, runs
from qa.index.stop_words import stop_words
from qa.index.store import Documents, Snapshot
from qa.index.words import analyzer

HOLDERS = 64  # passages that hold a word best
ORDINARY = 0.7  # share of them in documents named so, up to which the name is silent
NAMING = 0.95  # from which it counts in full
NEARLY_BEST = 0.75  # of the idf of the words that name a document best
MOST_NAMED = 0.5  # of the documents: a word of more names than that counts beside others alone
JOINED = 3  # words of a question that may be one word of a name: "American Water Works"
SHORTEST_START = 3  # letters of an abbreviation: JPM for jpmorgan
STARTS = 4  # words of names that an abbreviation is looked for in
ANCHOR = 0.5  # how much a word must name for the numbers beside it to count


class Named(NamedTuple):
    """The documents that a question names."""

    documents: Documents  # (k,) sorted
    tokens: Vectors  # (k, m) from 0 to 1: how far each token of the question stands in the name
    idf: Vectors  # (k,) the sum of the idf of its words that do
    terms: frozenset[str]  # those words
    others: Vectors  # (k, m) 1 where a number names another document beside the same word, else 0

    def of(self, documents: Documents, values: Vectors) -> Vectors:
        """The values, which are of `self.documents`, of any documents; zeros of one not named."""
        found = np.zeros((len(documents), *values.shape[1:]), np.float32)
        if len(self.documents):
            rows = np.minimum(np.searchsorted(self.documents, documents), len(self.documents) - 1)
            here = self.documents[rows] == documents
            found[here] = values[rows[here]]
        return found

    @property
    def best(self) -> Documents:
        """The documents that are named by most of what names any."""
        best: Documents = self.documents[self.idf >= NEARLY_BEST * self.idf.max(initial=0)]
        return best


class _Possible(NamedTuple):
    """A word or neighbouring words of the question as a word that names may hold."""

    first: int  # which runs of the question, the last one excluded
    last: int
    name: str
    known_by: Sequence[str]  # passages know it by the first of these that they hold


class _Word(NamedTuple):
    """The same where it names some of the documents."""

    first: int
    last: int
    name: str
    documents: Documents
    degree: float  # how much it names, from 0 to 1


def named(snapshot: Snapshot, question: EncodedQuestion) -> Named:
    """The documents that the question names."""
    found_runs = runs(question.text)
    words = list(_words(snapshot, found_runs, question))
    few = MOST_NAMED * snapshot.manifest.documents
    distinctive = [word.documents for word in words if len(word.documents) <= few and word.degree]
    numbers = np.unique(np.concatenate([np.empty(0, np.int64), *distinctive]))
    degrees = np.zeros((len(numbers), len(found_runs)), np.float32)
    others = np.zeros_like(degrees)
    for beside in (False, True):  # the others first: they are what numbers count beside
        anchored = degrees.max(axis=1, initial=0)[:, None] >= ANCHOR
        for word in words:
            if (len(word.documents) > few or bool(NUMERIC.fullmatch(word.name))) == beside:
                here = np.isin(numbers, word.documents)[:, None]
                degree = np.where(anchored & beside, 1.0, word.degree)
                columns = slice(word.first, word.last)
                degrees[:, columns] = np.maximum(degrees[:, columns], here * degree)
                if beside and (here & anchored).any():
                    others[:, columns] = np.maximum(others[:, columns], anchored & ~here)
    kept = degrees.max(axis=1, initial=0) > 0
    return _of_tokens(snapshot, question, numbers[kept], degrees[kept], others[kept])


def _of_tokens(
    snapshot: Snapshot,
    question: EncodedQuestion,
    documents: Documents,
    degrees: Vectors,
    others: Vectors,
) -> Named:
    """The degrees `(k, runs)` of the question's runs, for its tokens and terms."""
    tokens = np.zeros((len(documents), len(question.ends)), np.float32)
    if not len(documents):
        return Named(documents, tokens, np.zeros(0, np.float32), frozenset(), tokens)
    found_runs = runs(question.text)
    closed = np.zeros_like(tokens)
    idf = np.zeros(len(documents), np.float32)
    terms: dict[str, Vectors] = {}
    stems = snapshot.words.terms_in((run.text for run in found_runs), question.terms)
    for number, (run, of_run) in enumerate(zip(found_runs, stems, strict=True)):
        within = (question.ends > run.start) & (question.ends <= run.end)
        tokens[:, within] = degrees[:, number, None]
        closed[:, within] = others[:, number, None]
        for stem in sorted(of_run):
            terms[stem] = np.maximum(terms.get(stem, idf), degrees[:, number])
    for stem, degree in terms.items():
        idf = idf + np.float32(snapshot.words.idf(stem)) * degree
    naming = frozenset(stem for stem, degree in terms.items() if degree.any())
    return Named(documents, tokens, idf, naming, closed)


def _words(
    snapshot: Snapshot, found_runs: Sequence[Run], question: EncodedQuestion
) -> Iterator[_Word]:
    """The question's words that stand in names, where these name some of the documents."""
    possible = list(_possible(snapshot, found_runs, question))
    by_name = snapshot.named({one.name for one in possible})
    for one in possible:
        documents = by_name.get(one.name)
        if documents is not None and 0 < len(documents) < snapshot.manifest.documents:
            shares = (_share(snapshot, stem, documents) for stem in one.known_by)
            share = next((share for share in shares if share is not None), 1.0)
            degree = min(max((share - ORDINARY) / (NAMING - ORDINARY), 0.0), 1.0)
            yield _Word(one.first, one.last, one.name, documents, degree)


def _possible(
    snapshot: Snapshot, found_runs: Sequence[Run], question: EncodedQuestion
) -> Iterator[_Possible]:
    """What the question's runs may be as words of names."""
    words, unwanted = snapshot.words, stop_words(question.language)
    for one in question.identifiers:
        inside = [at for at, run in enumerate(found_runs) if one.start <= run.start < one.end]
        for form in one.forms:
            yield _Possible(inside[0], inside[-1] + 1, form, (form,))
    pieces = [run.text for run in found_runs]
    for first, piece in enumerate(pieces):
        for language in words.languages:
            for form in forms(piece, analyzer(language)):
                yield _Possible(first, first + 1, form, (of_language(form, language),))
        for last in range(first + 2, min(first + JOINED, len(pieces)) + 1):
            joined = "".join(pieces[first:last]).lower()
            known_by = [of_language(joined, language) for language in words.languages]
            yield _Possible(first, last, joined, known_by)
        if len(piece) >= SHORTEST_START and piece[0].isupper() and piece.lower() not in unwanted:
            for name in snapshot.names_beginning(piece.lower(), STARTS):
                known_by = [of_language(name, language) for language in words.languages]
                yield _Possible(first, first + 1, name, [*sorted(words.stems(piece)), *known_by])


def _share(snapshot: Snapshot, stem: str, documents: Documents) -> float | None:
    """The share of the passages that hold a word best that lie in the documents; None of none."""
    holders, _ = snapshot.search([stem], HOLDERS)
    if not len(holders):
        return None
    inside = int(np.isin(snapshot.documents_of(holders), documents).sum())
    return (inside + 0.5) / (len(holders) + 1)
