"""Whether the text layer of a page says what the page shows, or was garbled when it was made."""

import re

_LEAST = 40  # characters, below which nothing is judged
_SAMPLE = 1_500  # characters at the beginning, by which a page is judged
_UNMAPPED = 0.2  # share of characters without a meaning
_WORDS = 30  # words, below which their shape is not judged
_ODD = 0.4  # share of words that no language has
_WORD = re.compile(r"[A-Za-z]{4,}")
_CONSONANTS = b"BCDFGHJKLMNPQRSTVWXZbcdfghjklmnpqrstvwxz"
_KINDS = bytes(  # c for consonants, v for other letters, a blank for all else
    ord("c" if code in _CONSONANTS else "v" if chr(code).isalpha() and code < 128 else " ")
    for code in range(256)
)
_NO_VOWEL = re.compile(rb" c{4,}(?= )")
_CONTROLS = bytes((*range(32), 127))
_NO_MEANING = re.compile("[\0-\x08\x0e-\x1f\x7f-\x9f\ue000-\uf8ff\ufffd\U000f0000-\U0010ffff]")


def is_garbled(text: str) -> bool:
    """True for a text of characters without a meaning, or of words that no language has.

    Judged are private-use and unmapped characters, and words of Latin letters without a vowel:
    `"Wkh vwdwlrq rshqhg"` is what wrong maps make.
    """
    text = text[:_SAMPLE]
    if len(text) < _LEAST:
        return False
    # Characters without a meaning are among those that are not printed, or not of ASCII.
    plain = text.encode("ascii", errors="ignore").translate(None, _CONTROLS)
    if len(text) - len(plain) > _UNMAPPED * len(text):
        without = len(_NO_MEANING.findall(text))
        if without > _UNMAPPED * len(text):
            return True
    kinds = text.encode("ascii", errors="replace").translate(_KINDS)
    odd = len(_NO_VOWEL.findall(b" %b " % kinds))
    if odd <= _ODD * _WORDS:
        return False
    words = len(_WORD.findall(text))
    return words >= _WORDS and odd > _ODD * words
