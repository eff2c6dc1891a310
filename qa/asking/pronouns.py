"""Sentences that begin with a pronoun: they are about what those before them name."""

import re

from qa.languages import ENGLISH

_PRONOUNS = {
    "de": "Er|Sie|Es|Dies|Diese[rs]?|Jene[rs]?|Seine?|Ihre?|Letztere[rs]?",
    "en": "It|They|He|She|This|These|Those|Such|His|Her|Their|Its|The (?:latter|former)",
    "es": "Él|Ella|Ellos|Ellas|Este|Esta|Estos|Estas|Esto|Ese|Esa|Su|Sus",
    "fr": "Il|Elle|Ils|Elles|Ce|Cet|Cette|Ces|Cela|Celui-ci|Celle-ci|Son|Sa|Ses|Leurs?",
    "it": "Egli|Lui|Lei|Essi|Esse|Esso|Essa|Loro|Questo|Questa|Questi|Queste|Il suo|La sua",
    "nl": "Hij|Zij|Ze|Het|Dit|Deze|Dat|Zijn|Haar|Hun",
    "pt": "Ele|Ela|Eles|Elas|Este|Esta|Estes|Estas|Esse|Essa|Isto|Isso|Seu|Sua|Seus|Suas",
    "ru": "Он|Она|Оно|Они|Это|Этот|Эта|Эти|Его|Её|Ее|Их",
    "sv": "Han|Hon|Den|Det|De|Denna|Detta|Dessa|Hans|Hennes|Deras",
}
_WRITTEN_ON = {  # without a blank behind them
    "ja": "それ|これ|彼|この|その|同",
    "ko": "그는|그가|그녀|그들|그것|이것|이는|이곳",
    "zh": "他|她|它|这|该|此|其",
}
_BEGINNINGS = {
    **{code: re.compile(rf"\s*(?:{words})\b") for code, words in _PRONOUNS.items()},
    **{code: re.compile(rf"\s*(?:{words})") for code, words in _WRITTEN_ON.items()},
}


def begins_with_pronoun(sentence: str, language: str = ENGLISH) -> bool:
    """Whether a sentence begins with a pronoun; of some languages none are known."""
    beginning = _BEGINNINGS.get(language)
    return beginning is not None and beginning.match(sentence) is not None
