"""Exact matches between a question and a passage: identifiers, and the name of its document.

The similarity of tokens means little there: 12.2.2 is like 12.2.3 to the model. An exact match
counts as found, anything else as not found, however similar it is.
"""

import re
from collections.abc import Sequence
from functools import partial
from itertools import pairwise
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from qa.asking import ages
from qa.asking.naming import Named
from qa.asking.questions import EncodedQuestion
from qa.encoding.quantisation import Vectors
from qa.index.identifiers import Identifier, exact_words
from qa.index.store import Keys, Snapshot, StoredPassage, TokenCodes

FEW = 8  # passages: a code that stands in more is a term, whose similarity counts as any word's
AGE_FOUND = 0.4  # how far the word counts as found that asks for an age, where one is given
MATCH_BONUS = 3.0  # standard deviations, for a candidate with one of the question's identifiers
MOST_READ = 16  # passages that hold an identifier, whose sentences are looked at
REFERRED = 0.5  # how far it counts as found where it is only referred to
_HEADING = re.compile(r"\W*(?:[^\W\d_]{1,12}\.?\W+)?(?P<number>\d+(?:\.\d+)+[a-z]?)(?![\w%])")
_NUMBERED_NAME = re.compile(r"[^\W\d_]{4,}[-_]\d{1,2}")
_SECTION = re.compile(r"\d+(?:\.\d+)+[a-z]?")


class Match(NamedTuple):
    """An identifier of the question, and which of n passages hold it."""

    identifier: Identifier
    passages: npt.NDArray[np.bool_]  # (n,)


class Part(NamedTuple):
    """What of one passage an identifier stands in, or stands above."""

    row: int
    columns: npt.NDArray[np.bool_]  # (m,) its tokens in the question
    runs: Vectors  # (1 + sentences,) how far it counts as found in the context and each sentence


class Exact(NamedTuple):
    """Exact matches of n passages with the m tokens of a question."""

    found: Vectors  # (n, m) from 0 to 1: how far the token counts as found
    named: Vectors  # (n, m) the same, by the name of its document alone
    open: Vectors  # (n, m) 0 where its similarity with other tokens counts for nothing, else 1
    bonus: Vectors  # (n,)
    lacking: npt.NDArray[np.bool_]  # (n,) which neither hold an identifier nor are named by it
    matches: tuple[Match, ...] = ()
    parts: tuple[Part, ...] = ()

    def of(self, rows: Keys) -> "Exact":
        """The same of some of the passages."""
        return Exact(
            found=self.found[rows],
            named=self.named[rows],
            open=self.open[rows],
            bonus=self.bonus[rows],
            lacking=self.lacking[rows],
            matches=tuple(Match(one.identifier, one.passages[rows]) for one in self.matches),
        )

    def applied(self, products: Vectors, tokens: TokenCodes) -> Vectors:
        """The products `(tokens, m)` with what is exact in place of what is similar."""
        if not self.found.any() and self.open.all():
            return products
        bounds, firsts = tokens.runs, tokens.firsts
        lengths = np.diff(np.append(bounds[firsts], bounds[-1]))
        found, similar = (np.repeat(each, lengths, axis=0) for each in (self.found, self.open))
        for row, columns, runs in self.parts:
            for run, value in enumerate(runs.tolist(), int(firsts[row])):
                here = np.ix_(np.arange(bounds[run], bounds[run + 1]), columns)
                found[here] = value
                similar[here] *= float(value > 0)
        products = products * similar
        return products + found * (1 - products)


def exact(snapshot: Snapshot, question: EncodedQuestion, names: Named, keys: Keys) -> Exact:
    """The exact matches of passages with the question."""
    documents = snapshot.documents_of(keys)
    of_name = names.of(documents, names.tokens)
    found = of_name.copy()
    similar = 1 - names.of(documents, names.others)
    bonus = np.zeros(len(keys), np.float32)
    lacking = np.zeros(len(keys), np.bool_)
    matches = []
    for one in map(partial(_as_known, snapshot), question.identifiers):
        stands_in = max(map(snapshot.words.frequency, one.forms))
        if not one.is_number and (stands_in > FEW or (not stands_in and _is_name(question, one))):
            continue
        holds = snapshot.bm25(one.forms, keys) > 0
        columns = one.covers(question.ends)
        found[np.ix_(holds, columns)] = 1
        similar[np.ix_(~holds, columns)] = 0
        part = found[np.ix_(~holds, columns)]  # where a name has but a piece of it, it has none
        found[np.ix_(~holds, columns)] = part.min(axis=1, initial=1)[:, None]
        bonus[holds] += MATCH_BONUS
        matches.append(Match(one, holds))
        lacking |= ~(found[:, columns] > 0).all(axis=1)
    asking = ages.asked_for(question.text, question.ends)
    if asking.any():
        texts = [passage.text for passage in snapshot.passages(keys.tolist())]
        gives = np.fromiter(map(ages.given, texts), np.bool_, len(texts))
        found[np.ix_(gives, asking)] = AGE_FOUND
        lacking |= np.fromiter(map(ages.states_none, texts), np.bool_, len(texts))
    named = np.minimum(of_name, found)
    return Exact(found, named, similar, bonus, lacking, tuple(matches))


def _as_known(snapshot: Snapshot, one: Identifier) -> Identifier:
    """The identifier; 1.4 million as 1.4 where no passage has more of it: a table says it above."""
    known = any(map(snapshot.words.frequency, one.forms))
    return one if known or not one.also else one._replace(forms=one.also)


def _is_name(question: EncodedQuestion, one: Identifier) -> bool:
    """Whether it is a word with a small number: texts may write COVID-19 otherwise, or not at all."""
    return _NUMBERED_NAME.fullmatch(question.text, one.start, one.end) is not None


def by_sentence(snapshot: Snapshot, question: EncodedQuestion, keys: Keys, matches: Exact) -> Exact:
    """The same with each identifier counted in the sentences where it stands, or that it heads.

    "12.2.2 Refunds" heads what follows, up to the next line that begins with such a number; where
    it heads a passage, one that only refers to it holds less. Of many passages the sentences are
    not read.
    """
    parts = []
    for one in matches.matches:
        rows = np.flatnonzero(one.passages)
        if not 0 < len(rows) <= MOST_READ:
            continue
        passages = snapshot.passages(keys[rows].tolist())
        scopes = [_scope(passage, one.identifier.forms) for passage in passages]
        referring = REFERRED if any(scope.heads for scope in scopes) else 1.0
        columns = one.identifier.covers(question.ends)
        for row, scope in zip(rows.tolist(), scopes, strict=True):
            runs = scope.runs if scope.heads else scope.runs * np.float32(referring)
            parts.append(Part(row, columns, runs))
    return matches._replace(parts=tuple(parts))


class _Scope(NamedTuple):
    """Where in a passage an identifier counts as found."""

    runs: Vectors  # (1 + sentences,)
    heads: bool  # it begins a line, or stands in a heading


def _scope(passage: StoredPassage, wanted: Sequence[str]) -> _Scope:
    heads = is_below = not _forms(" ".join(passage.heading)).isdisjoint(wanted)
    runs = [float(heads)]  # a title counts for nothing: it stands above too much
    bounds = pairwise([0, *(end - passage.start for end in passage.sentences)])
    for start, end in bounds:
        sentence = passage.text[start:end]
        number = _heading_number(sentence)
        if number:
            is_below = number in wanted
            heads = heads or is_below
        forms = _forms(sentence)
        is_about_another = is_below and any(map(_SECTION.fullmatch, forms.difference(wanted)))
        below = REFERRED if is_about_another else 1.0
        runs.append(1.0 if forms.intersection(wanted) else below * is_below)
    return _Scope(np.array(runs if any(runs) else [1.0] * len(runs), np.float32), heads)


def _forms(text: str) -> set[str]:
    return {form for one in exact_words(text) for form in one.in_text}


def _heading_number(sentence: str) -> str:
    """The number of a section that a sentence begins with: `"§ 12.2.2 Refunds"` has `"12.2.2"`."""
    found = _HEADING.match(sentence)
    return found["number"] if found else ""
