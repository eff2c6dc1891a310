"""Sections that a question names: what stands below "Balance sheets", when it asks about the balance sheet.

A section is named as far as the words of its heading stand in the question, rare ones counting for
more. Words that name the document are none of its sections' names.
"""

import re

import numpy as np

from qa.asking.naming import Named
from qa.asking.questions import EncodedQuestion
from qa.index.store import Keys, Scores, Snapshot
from qa.index.words import Words

NAMED_FROM = 0.5  # of the words of a heading, by idf: from this share on it is named in part
_ASIDE = re.compile(r"\([^()]*\)")  # "(in millions)"


def named_sections(
    snapshot: Snapshot, question: EncodedQuestion, names: Named, keys: Keys
) -> Scores:
    """How far the question names the section of each passage, `(n,)` from 0 to 1."""
    terms = frozenset(question.terms) - names.terms
    headings = [path[-1] if path else "" for path in snapshot.headings(keys)]
    words = snapshot.words
    degrees = {each: _degree(each, terms, words, question.language) for each in set(headings)}
    return np.array([degrees[heading] for heading in headings], np.float32)


def _degree(heading: str, terms: frozenset[str], words: Words, language: str) -> float:
    """From 0, for a heading of which the question has half or less, to 1, for one that it has whole."""
    forms = words.forms(_ASIDE.sub(" ", heading), language) if heading else []
    idfs = [max(map(words.idf, form)) for form in forms if form]
    named = [not terms.isdisjoint(form) for form in forms if form]
    total = sum(idfs)
    if not total:
        return 0.0
    share = sum(idf for idf, is_named in zip(idfs, named, strict=True) if is_named) / total
    return max((share - NAMED_FROM) / (1 - NAMED_FROM), 0.0)
