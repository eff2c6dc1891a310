"""Names of documents: the words of their paths, titles and dates, and which documents a word names.

    3M_2018_10K.pdf          3m, 2018, 10k
    LOCKHEEDMARTIN/2023Q2    lockheedmartin, 2023, q2
    Johnson & Johnson.docx   johnson, jj

Names are split at case, between letters and digits and at marks; a year or a quarter
has one form ("FY2018", "fy18" and "2018" are 2018).
"""

import re
import unicodedata
from collections.abc import Sequence
from functools import lru_cache
from typing import NamedTuple

from qa.index.identifiers import identifiers
from qa.index.lexical import Analyzer
from qa.index.stop_words import stop_words

NUMERIC = re.compile(
    r"\d+|[qh]\d|\d{4}-\d{2}-\d{2}"
)  # a name's word that only distinguishes it from others
_RUN = re.compile(r"[^\W_]+")
_CAMEL = re.compile(r"(?<=[a-z])(?=[A-Z][a-z])|(?<=[A-Z])(?=[A-Z][a-z]{2})")
_PERIOD = re.compile(
    r"(?:fy|cy)?(?P<year>(?:19|20)\d\d)(?P<part>[qh][1-4])?"
    r"|(?P<part_first>[qh][1-4])(?:fy)?(?P<year_last>(?:19|20)\d\d)"
    r"|(?:fy|cy)(?P<short>\d\d)(?P<part_short>[qh][1-4])?"
)
_PIECE = re.compile(r"[^\W\d_]{3,}|\d{3,}")
_SUFFIX = re.compile(r"\.[A-Za-z0-9]{1,5}$")
LONGEST_TITLE = 8  # words: a longer title is a heading that says what is in it, and no name
LONGEST_MARKED = 10  # characters of a date, and of a short code such as 10-K
SHORTEST_INITIALS, LONGEST_INITIALS = 2, 5
RUNS = 16_384  # whose forms are kept once they were found


class Run(NamedTuple):
    """A run of letters and digits in a text."""

    start: int
    end: int
    text: str


def runs(text: str) -> list[Run]:
    """The runs of letters and digits of a text, in their order."""
    return [Run(found.start(), found.end(), found[0]) for found in _RUN.finditer(text)]


@lru_cache(RUNS)
def forms(run: str, analyzer: Analyzer) -> tuple[str, ...]:
    """What a run of a name or of a question may be: `"FY2018"` is 2018, `"RateLimits"` rate and limit.

    Stop words give nothing. `analyzer` is of the language of the document, or of one that it may be in.
    """
    folded = _folded(run)
    period = _PERIOD.fullmatch(folded.lower())
    if period:
        year = period["year"] or period["year_last"] or f"20{period['short']}"
        part = period["part"] or period["part_first"] or period["part_short"]
        return (year, part) if part else (year,)
    parts = [folded]
    parts += [part for part in _CAMEL.split(folded) if len(part) > 1]
    if any(map(str.isdigit, folded)):
        parts += _PIECE.findall(folded)
    words = [part.lower() for part in dict.fromkeys(parts)]
    unwanted = stop_words(analyzer.language)
    kept = (word for word in words if word not in unwanted)
    found = (stem for word in kept for stem in sorted(set(analyzer.names(word))))
    return tuple(dict.fromkeys(found))


def words_of_name(name: str, analyzer: Analyzer) -> list[str]:
    """The words of a name, each once, with the initials of the words that it begins with."""
    pieces = [run.text for run in runs(name)]
    found = [form for piece in pieces for form in forms(piece, analyzer)]
    marked = (form for one in identifiers(name) for form in one.forms)
    found += [form for form in marked if len(form) <= LONGEST_MARKED]
    initials = ""
    for piece in pieces:
        if not piece.isalpha():
            break
        initials += piece[0].lower()
    if SHORTEST_INITIALS <= len(initials) <= LONGEST_INITIALS:
        found.append(initials)
    return list(dict.fromkeys(found))


def words_of_document(
    paths: Sequence[str], title: str | None, date: str | None, analyzer: Analyzer
) -> list[str]:
    """The words of all names of a document, each once."""
    names = [words_of_name(_SUFFIX.sub("", path), analyzer) for path in paths]
    names.append(words_of_name(date or "", analyzer))
    of_title = words_of_name(title or "", analyzer)
    if len(of_title) <= LONGEST_TITLE:
        names.append(of_title)
    return list(dict.fromkeys(word for name in names for word in name))


def _folded(text: str) -> str:
    """The text without accents on Latin letters."""
    if text.isascii():
        return text
    return "".join(map(_bare, unicodedata.normalize("NFKC", text)))


def _bare(letter: str) -> str:
    """The letter without its accents, where it is a Latin one."""
    parts = unicodedata.normalize("NFD", letter)
    return parts[0] if parts[0].isascii() else letter
