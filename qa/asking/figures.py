"""Figures: the numbers by which passages answer "how many" and "how much".

A number answers when its sentence holds what is counted: the question's most telling word. Years,
days, times, ages, parts of names and the size of what is not asked for ("a detachment of 10") are
no answers. English alone, as the question must be known to ask for a number.
"""

import re
from collections.abc import Sequence

from qa.index.segmentation import segmented
from qa.index.words import Words
from qa.languages import ENGLISH

_ASKED = re.compile(
    r"\bhow\s+(?:many|much)\b|\b(?:what|which)\s+(?:is\s+the\s+|was\s+the\s+|are\s+the\s+|were\s+the\s+)?"
    r"(?:numbers?|amount|percent(?:age)?|share|proportion)\b",
    re.IGNORECASE,
)
_ABOUT = (
    r"(?:(?:more|less|fewer|greater|higher|lower) than|over|under|about|almost|nearly|around"
    r"|approximately|roughly|some|at least|at most|up to|only|just)"
)
_WORD = (
    r"one|two|three|four|five|six|seven|eight|nine|ten|eleven|twelve|twenty|thirty|forty|fifty"
    r"|sixty|seventy|eighty|ninety|dozens?|hundreds?|thousands?|millions?|billions?|half|none|nobody"
)
_SCALE = r"(?:hundred|thousand|million|billion|trillion|dozen|per\s?cent|percent|%)"
_FIGURE = re.compile(
    rf"(?:{_ABOUT}\s)?[$€£¥]?\s?"
    rf"(?:\d{{1,3}}(?:[,\u00a0\u2009\u202f ]\d{{3}})+(?:\.\d+)?|\d+(?:\.\d+)?|\b(?:{_WORD})\b)"
    rf"(?![\w-])(?:\s?{_SCALE})*(?!\w)",
    re.IGNORECASE,
)
_MONTH = (
    r"(?:jan(?:uary)?|feb(?:ruary)?|mar(?:ch)?|apr(?:il)?|may|june?|july?|aug(?:ust)?"
    r"|sept?(?:ember)?|oct(?:ober)?|nov(?:ember)?|dec(?:ember)?)"
)
_DAY_BEFORE = re.compile(rf"\b{_MONTH}\.?\s\Z", re.IGNORECASE)
_DAY_AFTER = re.compile(rf"^\s{_MONTH}\b", re.IGNORECASE)
_PART_BEFORE = re.compile(
    r"(?:[\w.,:/-](?<!\s)|\(|\b(?:page|line|section|chapter|no\.)\s)\Z", re.IGNORECASE
)
_SIZE_BEFORE = re.compile(r"\b(?P<whole>\w+)\s+of\s+\Z", re.IGNORECASE)
_COUNTS = frozenset(
    [
        "total",
        "number",
        "count",
        "estimate",
        "figure",
        "toll",
        "amount",
        "sum",
        "average",
        "minimum",
        "maximum",
        "most",
    ]
)
_YEAR = re.compile(r"(?:1[5-9]|20)\d\d")
_ANOTHER = re.compile(r"[,:;]\s")  # after what is counted: what follows speaks of something else
_PART = re.compile(r"[:;]\s")
REACH = 45  # characters between a figure and what is counted
REACH_OF_WORDS = 25  # the same of "one" and "two", which are often no counts
_SPELLED = re.compile(rf"(?:{_ABOUT}\s)?(?:{_WORD})", re.IGNORECASE)


def asks_for_figure(question: str) -> bool:
    """Whether the question asks for a number of things."""
    return _ASKED.search(question) is not None


def counted_word(
    terms: Sequence[str], words: Words, text: str, language: str = ENGLISH
) -> str | None:
    """The rarest of the question's words that the text holds: what is counted, or what befell it."""
    stems = words.stems(text, language)
    known = [term for term in terms if term in stems and not term.isdigit()]
    return max(known, key=words.idf, default=None)


def figures(
    sentence: str, counted: str, words: Words, language: str = ENGLISH
) -> list[tuple[int, int]]:
    """Where the figures stand in a sentence that are near the word that is counted, nearest first."""
    places = [
        (word.start, word.end)
        for word in segmented(sentence, language)
        if counted in words.stems(word.text, language)
    ]
    near = []
    for found in _FIGURE.finditer(sentence):
        start, end = found.span()
        start += len(found[0]) - len(found[0].lstrip())
        distance = min(
            (
                max(start - last, first - end)
                for first, last in places
                if not _apart(sentence, (start, end), (first, last))
            ),
            default=REACH + 1,
        )
        reach = REACH_OF_WORDS if _SPELLED.fullmatch(sentence[start:end]) else REACH
        if distance <= reach and not _is_other(sentence, start, end):
            near.append((distance, start, end))
    return [(start, end) for _, start, end in sorted(near)]


def _apart(sentence: str, figure: tuple[int, int], counted: tuple[int, int]) -> bool:
    """Whether a figure and what is counted stand in other parts of a sentence."""
    if figure[0] >= counted[1]:
        return _ANOTHER.search(sentence, counted[1], figure[0]) is not None
    return _PART.search(sentence, figure[1], counted[0]) is not None


def _is_other(sentence: str, start: int, end: int) -> bool:
    """Whether a number is a year, a day, part of a name, or the size of something else."""
    text, before, after = sentence[start:end], sentence[:start], sentence[end:]
    size = _SIZE_BEFORE.search(before)
    return bool(
        _YEAR.fullmatch(text)
        or _DAY_BEFORE.search(before)
        or _DAY_AFTER.match(after)
        or _PART_BEFORE.search(before)
        or after.startswith((")", ":", "/"))
        or (size and size["whole"].lower() not in _COUNTS)
    )


def value(figure: str) -> str:
    """A figure in a form in which equal ones are equal: `"almost 2 700"` is `"2700"`."""
    bare = re.sub(rf"^(?:{_ABOUT}\s)", "", figure.strip(), flags=re.IGNORECASE).lower()
    return re.sub(r"(?<=\d)[,\s](?=\d{3})", "", bare)


def unit(figure: str) -> str:
    """What a figure is of, as far as it says so itself: parts of a hundred, money, or a number."""
    if re.search(r"%|per\s?cent", figure, re.IGNORECASE):
        return "%"
    return "money" if re.search("[$€£¥]", figure) else ""
