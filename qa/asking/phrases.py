"""Words that are looked for to the letter: quoted phrases, and what "which documents mention" names.

What is said of "winter ferry"?          the phrase: only passages that hold it word for word
Which documents mention the ferry?       its word, in every form that the index holds it in
In which files does ERR-4012 occur?      the code, however it is written
"""

import re
import unicodedata
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import NamedTuple

from qa.index.identifiers import exact_words
from qa.index.segmentation import is_special, segmented
from qa.index.stop_words import stop_words
from qa.index.words import Form, Words
from qa.languages import ENGLISH
from qa.splitting import LINE_END_HYPHEN

_QUOTED = re.compile(
    r"(?<![^\s(\[{/,;:\u2014\u2013-])(?:\"(?P<a>[^\"\s][^\"]*)\"|\u201c(?P<b>[^\u201c\u201d]+)\u201d"
    r"|\u201e(?P<c>[^\u201e\u201c\u201d]+)[\u201c\u201d]|\u00ab(?P<d>[^\u00ab\u00bb]+)\u00bb"
    r"|\u00bb(?P<e>[^\u00ab\u00bb]+)\u00ab)(?!\w)"
)
_ALIKE = (
    "'\u2019\u2018\u02bc`\u00b4",
    '"\u201c\u201d\u201e\u00ab\u00bb',
    "-\u2010\u2011\u2012\u2013\u2212",
)
_BROKEN = r"(?:\u00ad|[-\u2010\ufffe\x02][ \t]*\r?\n\s*)?"  # a word's hyphen at the end of a line
_WORD = re.compile(r"[^\W_]+(?:(?:\u00ad|[-\u2010\ufffe\x02][ \t]*\r?\n\s*)[^\W_]+)*")
_DECOMPOSED_WORD = re.compile(_WORD.pattern.replace(r"[^\W_]", r"(?:[^\W_][\u0300-\u036f]*)"))

_UNIT = r"(?P<unit>documents?|files?|sources?|texts?|papers?|reports?|passages?|pages?|places?)"
_VERB = r"(?:mentions?|mentioning|contains?|containing)"
_VERBS_OF_SAYING = frozenset(
    {"say", "says", "said", "tell", "tells", "told", "written", "stand", "stands"}
)
_PASSIVE = r"(?:mentioned|named|found|contained|written)"
_MENTIONS = tuple(
    re.compile(pattern, re.IGNORECASE | re.DOTALL)
    for pattern in (
        rf"(?:which|what)(?: of the)? {_UNIT} (?:(?:do|does|all) )?{_VERB}\s+(?P<what>.+)",
        (
            rf"(?:list|show|find|give)(?: me)?(?: all| every| each)?(?: of)?(?: the)? {_UNIT} "
            rf"(?:(?:that|which) )?{_VERB}\s+(?P<what>.+)"
        ),
        (
            rf"(?:in )?(?:which|what) {_UNIT} (?:do|does|did) (?P<what>.+?) "
            r"(?:occur|appear|stand|turn up|come up)(?: in)?"
        ),
        rf"(?:in )?(?:which|what) {_UNIT} (?:is|are|was|were) (?P<what>.+?) {_PASSIVE}(?: in)?",
        r"where (?:is|are|was|were) (?P<what>.+?) mentioned",
    )
)
_LEAD = re.compile(
    r"(?:(?:the|a|an|any|anything about)\s+)?(?:(?:word|words|phrase|name|term|text|string)\s+)?",
    re.IGNORECASE,
)
DOCUMENTS = frozenset({"document", "file", "source", "text", "paper", "report"})


class Mention(NamedTuple):
    """What a question asks to be listed."""

    text: str  # the words, as they stand in the question
    unit: str  # "documents" or "passages"


class Token(NamedTuple):
    """A word or an identifier of a text, where it stands."""

    start: int
    end: int
    forms: Form  # by which it is found in a text
    asked: Form  # the same where it is looked for: who asks for 1.4 million wants no other 1.4


def quoted_phrases(question: str) -> list[str]:
    """What stands in quotation marks and has a word, each once: `'Is "a b" it?'` has `"a b"`."""
    found = (next(filter(None, match.groups())) for match in _QUOTED.finditer(question))
    return list(
        dict.fromkeys(
            phrase.strip(" \t\n?!.,;:") for phrase in found if any(map(str.isalnum, phrase))
        )
    )


def is_quoted_alone(question: str, language: str = ENGLISH) -> bool:
    """Whether a question asks nothing but where quoted phrases stand, or what is said of them."""
    rest = re.findall(r"[^\W_]+", _QUOTED.sub(" ", question).lower())
    return stop_words(language).union(_VERBS_OF_SAYING).issuperset(rest)


def mention(question: str) -> Mention | None:
    """What a question asks the documents or passages of; None where it asks something else."""
    asked = " ".join(question.split()).rstrip(" ?.!")
    for pattern in _MENTIONS:
        found = pattern.fullmatch(asked)
        if found:
            unit = found.groupdict().get("unit") or "passages"
            is_of_documents = unit.lower().rstrip("s") in DOCUMENTS
            quoted = quoted_phrases(found["what"])
            what = quoted[0] if quoted else found["what"][_lead(found["what"]) :].strip(" ?.!,:;'")
            if any(map(str.isalnum, what)):
                return Mention(what, "documents" if is_of_documents else "passages")
    return None


def _lead(what: str) -> int:
    """How many characters stand before what is meant: an article, or `the word`."""
    found = _LEAD.match(what)
    end = found.end() if found else 0
    return end if what[end:].strip() else 0


def exactly(phrase: str) -> re.Pattern[str]:
    """The phrase as it may stand in a text: case, blanks, line ends and kinds of marks aside."""
    words = [_BROKEN.join(map(_alike, word)) for word in phrase.split()]
    before = r"(?<![^\W_])" if _is_bounded(phrase.strip()[0]) else ""
    after = r"(?![^\W_])" if _is_bounded(phrase.strip()[-1]) else ""
    if phrase.strip()[0].isdigit():
        before += r"(?<!\d[.,:/'\u2019])"
    if phrase.strip()[-1].isdigit():
        after += r"(?![.,:/'\u2019]\d)"
    return re.compile(before + r"\s+".join(words) + after, re.IGNORECASE)


def _is_bounded(character: str) -> bool:
    """Whether a word that begins or ends with it has no other letter beside it."""
    return character.isalnum() and not is_special(character)


def _alike(character: str) -> str:
    """An expression for a character and those that are written for it."""
    for same in _ALIKE:
        if character in same:
            return f"[{re.escape(same)}]"
    decomposed = unicodedata.normalize("NFD", character)
    if decomposed != character:
        return f"(?:{re.escape(character)}|{re.escape(decomposed)})"
    return re.escape(character)


def wanted_forms(text: str, words: Words, language: str = ENGLISH) -> list[Form]:
    """What a passage must hold of a text, each as what it may be; stop words only if all are."""
    found = exact_words(text)
    rest = text
    for one in reversed(found):
        rest = f"{rest[: one.start]} {rest[one.end :]}"
    forms = [frozenset(one.forms) for one in found]
    plain = re.findall(r"[^\W_]+", rest.lower())
    if forms and set(plain) <= stop_words(language):
        return forms
    return [*forms, *words.forms(rest, language)]


def tokens(
    text: str, stems: Callable[[str], Iterable[str]], language: str = ENGLISH
) -> Iterator[Token]:
    """The words and identifiers of a text, in their order; in English no word is segmented."""
    found = exact_words(text)
    at = 0
    for one in (*found, None):
        end = one.start if one else len(text)
        for start, last, word in _words(text, at, end, language):
            joined = LINE_END_HYPHEN.sub("", word).replace("\u00ad", "")
            forms = frozenset(stems(joined))
            yield Token(start, last, forms, forms)
        if one:
            yield Token(one.start, one.end, frozenset(one.in_text), frozenset(one.forms))
            at = one.end


def _words(text: str, start: int, end: int, language: str) -> Iterator[tuple[int, int, str]]:
    """The words of a part of a text, with where they stand in it."""
    if language != ENGLISH and is_special(text):
        for word in segmented(text[start:end], language):
            yield start + word.start, start + word.end, word.text
        return
    pattern = _WORD if text.isascii() else _DECOMPOSED_WORD
    for found in pattern.finditer(text, start, end):
        yield found.start(), found.end(), found[0]


def in_a_row(wanted: Sequence[Form], found: Sequence[Token]) -> list[tuple[int, int]]:
    """Where the wanted words stand one after the other: starts and ends in the text."""
    last = len(wanted) - 1
    return [
        (found[at].start, found[at + last].end)
        for at in range(len(found) - last)
        if all(form & found[at + n].forms for n, form in enumerate(wanted))
    ]
