"""Where sentences end, by the rules of a language. The only importer of sentencex.

It knows 300 languages; of some it takes the mark of an abbreviation for an end: "M. Durand".
"""

import re
from collections.abc import Iterator

import sentencex

_ABBREVIATIONS = {
    "es": "D|Dª|Dña|Dn|Sto|Sta|Excmo|Excma|Ilmo|Ilma|Mons",
    "fr": "M|MM|Mme|Mmes|Mlle|Mlles|Dr|Drs|Me|Mgr|Pr|St|Ste|Vve",
    "it": "S|pag|pagg|art|Sigg|Spett|Egr|Gent|Mons",
    "nl": "Mevr|Mr|Ir|Ing|Drs|Fam",
    "pl": "dr|Dr|Św|św|inż|Inż|mgr|Mgr|ks|Ks|al|pl",
    "pt": "Exma|Exmo|Av|Pe|Fr|Sta|Sto|Gal|Cel",
    "ru": "им|Им|св|Св|гр|Гр|пл|пер|просп",
}
_UNENDED = {
    language: re.compile(rf"(?<!\w)(?:{names})\.\s+\Z")
    for language, names in _ABBREVIATIONS.items()
}
_UNPUNCTUATED = {"th", "lo"}  # a blank is all that parts their sentences, and their clauses
_CLAUSE = re.compile(r"\S[^\S\n]+(?=\S)")
CLAUSES = 60  # characters of clauses, at least, that are taken for a sentence
LONGEST_ABBREVIATION = 12


def sentence_ends(text: str, language: str) -> Iterator[int]:
    """Where the sentences of a text in that language end, with the blanks behind them."""
    unended = _UNENDED.get(language)
    for found in sentencex.get_sentence_boundaries(language, text):
        start, end = found["start_index"], found["end_index"]
        if language in _UNPUNCTUATED:
            yield from _clauses(text, start, end)
        if not (unended and unended.search(text, max(end - LONGEST_ABBREVIATION, 0), end)):
            yield end


def _clauses(text: str, start: int, end: int) -> Iterator[int]:
    """Ends of clauses at least `CLAUSES` apart."""
    for found in _CLAUSE.finditer(text, start, end):
        if found.end() - start >= CLAUSES <= end - found.end():
            yield found.end()
            start = found.end()
