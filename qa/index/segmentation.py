"""The words of a text, also of scripts that put no blanks between them. The only importer of ICU.

    Who built it?     Who, built, it
    谁设计了这座桥       谁, 设计, 了, 这, 座, 桥
    다리를 설계했다      다리를, 설계했다, of which an index has the pairs of syllables (see `grams`)

ICU's dictionaries segment Chinese, Japanese, Thai, Lao, Khmer and Burmese; of Indian scripts it
keeps the marks within their words.
"""

import re
from collections.abc import Iterator
from typing import NamedTuple

from icu4py.breakers import WordBreaker

from qa.languages import ENGLISH

_SEGMENTED = (
    "\u0900-\u109f\u1780-\u17ff\u1a20-\u1aad\u3005-\u3007\u3040-\u30ff\u31f0-\u31ff\u3400-\u4dbf"
    "\u4e00-\u9fff\ua980-\ua9df\uaa00-\uaadf\uf900-\ufaff\uff66-\uff9f\U00020000-\U000323af"
)
_HANGUL = "\u1100-\u11ff\u3130-\u318f\ua960-\ua97f\uac00-\ud7ff"
_SPECIAL = re.compile(f"[{_SEGMENTED}{_HANGUL}]")
_RUN = re.compile(
    rf"(?P<segmented>[{_SEGMENTED}]+)|[{_HANGUL}]+|(?:[^\W{_SEGMENTED}{_HANGUL}][\u0300-\u036f]*)+"
)
_HANGUL_WORD = re.compile(f"[{_HANGUL}]+")


class Word(NamedTuple):
    """A word where it stands in a text."""

    start: int
    end: int
    text: str


def segmented(text: str, language: str) -> list[Word]:
    """The words of a text, in their order: runs of letters and digits, segmented where need be.

    A name in another script stays whole in an English text.
    """
    if text.isascii() or language == ENGLISH:
        return [Word(found.start(), found.end(), found[0]) for found in re.finditer(r"\w+", text)]
    return list(_segmented(text))


def _segmented(text: str) -> Iterator[Word]:
    for found in _RUN.finditer(text):
        if found["segmented"] is None:
            yield Word(found.start(), found.end(), found[0])
            continue
        start = found.start()
        for word in WordBreaker(
            found[0], "en"
        ):  # its offsets count UTF-16, the words themselves do not
            yield Word(start, start + len(word), word)
            start += len(word)


def is_special(text: str) -> bool:
    """Whether words of the text are found by segmentation, or indexed by their pairs of syllables."""
    return not text.isascii() and _SPECIAL.search(text) is not None


def grams(word: str) -> list[str]:
    """What an index has of a word: itself, or the pairs of syllables of a Korean one.

    Its particles are written with it: `"다리를"` is `["다리", "리를"]`, so that `"다리"` is found.
    """
    if len(word) <= 2 or not _HANGUL_WORD.fullmatch(word):
        return [word]
    return [word[at : at + 2] for at in range(len(word) - 1)]


def asked_grams(word: str) -> list[str]:
    """The same of a question's word: the first half, as the second is a particle or an ending.

    `"만들었습니까"` (was it made) is `["만들", "들었"]`: a text says "만들었다".
    """
    found = grams(word)
    return found[: max(len(found) // 2, 1)]
