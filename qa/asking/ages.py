"""Ages: the kind of answer that "How old is Ri?" asks for, as texts give it ("Ri (26)").

The model finds little alike between the question and a number in brackets, so a passage that gives
an age counts as one that holds the word. English alone.
"""

import re

import numpy as np
import numpy.typing as npt

_ASKED = re.compile(
    r"\bhow\s+(old)\b|\bwhat\s+(age)\b(?!\s+(?:groups?|ranges?)\b)"
    r"|\bwhat\s+(?:is|was)\s+(?:the\s+(age)\s+of\b|.{1,60}['\u2019]s?\s+(age)\W*$)",
    re.IGNORECASE,
)
_TENS = "twenty|thirty|forty|fifty|sixty|seventy|eighty|ninety"
_NUMBER = rf"(?:\d{{1,3}}|(?:{_TENS})(?:-\w+)?|\w+teen|one|two|three|four|five|six|seven|eight|nine|ten|eleven|twelve)"
_GIVEN = re.compile(
    rf"\b(?-i:[A-Z])[^\W\d_]+\s\(\d{{1,3}}\)"  # Ri (26)
    rf"|\b(?-i:[A-Z])\w+,\s\d{{1,2}},"  # Ri, 26,
    rf"|\b{_NUMBER}[\s-](?:years?|months?|weeks?|days?)[\s-](?:old|of\sage)\b"
    rf"|\b(?:aged?|age\sof|turned|turning)\s{_NUMBER}\b",
    re.IGNORECASE,
)

_STATED = re.compile(
    r"\b(?:old\w*|young\w*|aged?|ages|born|birth\w*|years|months|weeks|days|decades?|centur\w+"
    r"|(?:19|20)\d\ds|since|founded|built|date[sd]?)\b",
    re.IGNORECASE,
)


def asked_for(question: str, ends: npt.NDArray[np.int32]) -> npt.NDArray[np.bool_]:
    """Which of the tokens that end there ask for an age, `(m,)`."""
    found = _ASKED.search(question)
    if not found:
        return np.zeros(len(ends), np.bool_)
    start, end = found.span(found.lastindex or 0)
    return (ends > start) & (ends <= end)


def given(text: str) -> bool:
    """Whether the text gives somebody's age."""
    return _GIVEN.search(text) is not None


def states_none(text: str) -> bool:
    """Whether the text holds nothing from which an age could be computed."""
    return not given(text) and _STATED.search(text) is None
