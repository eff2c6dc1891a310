"""Exact matches between a question and a passage: identifiers, and the name of its document.

The similarity of tokens means little there: 12.2.2 is like 12.2.3 to the model. An exact match
counts as found, anything else as not found, however similar it is.
"""

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from qa.asking import ages
from qa.asking.naming import Named
from qa.asking.questions import EncodedQuestion
from qa.encoding.quantisation import Vectors
from qa.index.store import Keys, Snapshot

FEW = 8  # passages: a code that stands in more is a term, whose similarity counts as any word's
AGE_FOUND = 0.4  # how far the word counts as found that asks for an age, where one is given
MATCH_BONUS = 3.0  # standard deviations, for a candidate with one of the question's identifiers


class Exact(NamedTuple):
    """Exact matches of n passages with the m tokens of a question."""

    found: Vectors  # (n, m) from 0 to 1: how far the token counts as found
    named: Vectors  # (n, m) the same, by the name of its document alone
    open: Vectors  # (n, m) 0 where its similarity with other tokens counts for nothing, else 1
    bonus: Vectors  # (n,)
    lacking: npt.NDArray[np.bool_]  # (n,) which neither hold an identifier nor are named by it

    def of(self, rows: Keys) -> "Exact":
        """The same of some of the passages."""
        return Exact(
            found=self.found[rows],
            named=self.named[rows],
            open=self.open[rows],
            bonus=self.bonus[rows],
            lacking=self.lacking[rows],
        )

    def applied(self, products: Vectors, lengths: Keys) -> Vectors:
        """The products `(tokens, m)` with what is exact in place of what is similar.

        `lengths` `(n,)` are how many of the tokens each passage has.
        """
        if not self.found.any() and self.open.all():
            return products
        found, similar = (np.repeat(each, lengths, axis=0) for each in (self.found, self.open))
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
    for one in question.identifiers:
        if not one.is_number and max(map(snapshot.words.frequency, one.forms)) > FEW:
            continue
        holds = snapshot.bm25(one.forms, keys) > 0
        columns = one.covers(question.ends)
        found[np.ix_(holds, columns)] = 1
        similar[np.ix_(~holds, columns)] = 0
        part = found[np.ix_(~holds, columns)]  # where a name has but a piece of it, it has none
        found[np.ix_(~holds, columns)] = part.min(axis=1, initial=1)[:, None]
        bonus[holds] += MATCH_BONUS
        lacking |= ~(found[:, columns] > 0).all(axis=1)
    asking = ages.asked_for(question.text, question.ends)
    if asking.any():
        texts = [passage.text for passage in snapshot.passages(keys.tolist())]
        gives = np.fromiter(map(ages.given, texts), np.bool_, len(texts))
        found[np.ix_(gives, asking)] = AGE_FOUND
        lacking |= np.fromiter(map(ages.is_silent, texts), np.bool_, len(texts))
    return Exact(found, np.minimum(of_name, found), similar, bonus, lacking)
