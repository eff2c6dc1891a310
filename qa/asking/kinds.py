"""The kind of answer that a question asks for, and how far a sentence holds one.

English questions only: of another language's no kind is known, and nothing is added to any sentence.
"""

import re
from collections.abc import Sequence
from enum import StrEnum
from itertools import takewhile

import numpy as np

from qa.encoding.quantisation import Vectors
from qa.index.stop_words import STOP_WORDS

QUANTITY_WEIGHT = 0.03  # of a number or a date, where one is asked for, in a sentence's strength
NAMES_WEIGHT = 0.08  # of `ENOUGH` names that the question does not hold; of fewer a part
ENOUGH = 4
SERIES_WEIGHT = 0.02  # of several things in a row, where names are asked for

_SEVERAL = re.compile(
    r"^\W*(?:(?:please|can you|could you)\s+)?(?:list|enumerate|name)\b"
    r"|\b(?:what|which|who)\s+(?:all\s+)?(?:are|were)\b|\bwho\s+all\b",
    re.IGNORECASE,
)
_WHICH = re.compile(r"\b(what|which)\s+((?:[^\W\d_-]+(?:[\s?.!]+|$)){1,4})", re.IGNORECASE)
_PLURAL = re.compile(r"\w+(?:[^aisu\W]s|ies|people|men|children)[?.!]*")


class AnswerKind(StrEnum):
    """What a question asks for."""

    NUMBER = "number"
    DATE = "date"
    NAME = "name"  # of a person, an organisation or a place
    OTHER = "other"


_ASKED = {
    AnswerKind.NUMBER: re.compile(
        r"\bhow (?:old|many|much|long|far|often|large|big|tall|high|fast|heavy|few|deep|wide)\b"
        r"|\bwhat (?:percent|percentage|number|amount)\b|\bper ?cent\b",
        re.IGNORECASE,
    ),
    AnswerKind.DATE: re.compile(
        r"\bwhen\b|\b(?:what|which) (?:year|date|day|month|century|decade)\b", re.IGNORECASE
    ),
    AnswerKind.NAME: re.compile(
        r"\b(?:who|whom|whose|where)\b"
        r"|\b(?:what|which) (?:country|countries|city|cities|state|place|location)\b",
        re.IGNORECASE,
    ),
}  # in this order: "how many people who ..." asks for a number
_NUMBER = re.compile(
    r"\d|\b(?:one|two|three|four|five|six|seven|eight|nine|ten|eleven|twelve|dozen|hundred"
    r"|thousand|million|billion|half|twice|once|both)\b",
    re.IGNORECASE,
)
_DATE = re.compile(
    r"\b(?:1\d\d\d|20\d\d|january|february|march|april|may|june|july|august|september|october"
    r"|november|december)\b|centur",
    re.IGNORECASE,
)
_NAME = re.compile(r"[A-Z][\w'’-]+")
_SERIES = re.compile(r"[,;][^,;]*[,;].* (?:and|or|&|as well as) [^.]", re.DOTALL)


def kind_of(question: str) -> AnswerKind:
    """The kind of answer that the question asks for."""
    return next(
        (kind for kind, asked in _ASKED.items() if asked.search(question)), AnswerKind.OTHER
    )


def kind_strengths(question: str, sentences: Sequence[str]) -> Vectors:
    """What holding the kind of answer asked for adds to each sentence's strength, `(n,)`.

    A sentence that names what the question names is no answer to "who": only other names count, and
    several of them for more, as whoever asks "who played" may be answered by a cast.
    """
    kind = kind_of(question)
    added = np.zeros(len(sentences), np.float32)
    for at, sentence in enumerate(sentences):
        match kind:
            case AnswerKind.NUMBER:
                added[at] = QUANTITY_WEIGHT * bool(_NUMBER.search(sentence))
            case AnswerKind.DATE:
                added[at] = QUANTITY_WEIGHT * bool(_DATE.search(sentence))
            case AnswerKind.NAME:
                names = min(new_names(question, sentence), ENOUGH)
                added[at] = NAMES_WEIGHT * names / ENOUGH
                added[at] += SERIES_WEIGHT * bool(_SERIES.search(sentence))
    return added


def new_names(question: str, sentence: str) -> int:
    """How many capitalised words of the sentence, but its first, do not stand in the question."""
    asked = question.lower()
    names = (
        found
        for found in _NAME.finditer(sentence)
        if (before := sentence[: found.start()].rstrip(" \"'(“`")) and before[-1] not in ".!?:"
    )
    return sum(found[0].lower() not in asked for found in names)


def asks_for_several(question: str) -> bool:
    """Whether several things are asked for: "list ...", "what are ...", "which firms ..."."""
    if _SEVERAL.search(question):
        return True
    for found in _WHICH.finditer(question):
        asked = list(takewhile(lambda word: word not in STOP_WORDS, found[2].lower().split()))
        if found[1].lower() == "what":  # "what causes rain" asks for no causes
            asked = asked[-1:]
        if any(map(_PLURAL.fullmatch, asked)):
            return True
    return False
