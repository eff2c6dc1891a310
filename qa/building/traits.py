"""What two machines must share to make the same bytes of the same file.

Versions say what a machine should compute, a sample what it does: another processor may round a
number of a vector otherwise, and of a million passages some would get another code.
"""

import hashlib
import platform
import unicodedata

import numpy as np

from qa import reading
from qa.building.fingerprints import coding_fingerprint, index_fingerprint
from qa.encoding.codebook import Codebook
from qa.encoding.encoder import Encoder
from qa.reading import libreoffice
from qa.settings import Settings
from qa.version import VERSION

_SENTENCE = (
    "On 3 May 2019 the committee, which met in Köln and 東京, agreed (by 12 votes to 5) to publish "
    "the report in full; nobody had asked for the figures of the second quarter by then. "
)
_LENGTHS = (1, 2, 5, 11, 23, 47, 95, 150, 210)  # words of the sample's texts, up to a full window


def traits(settings: Settings, encoder: Encoder, book: Codebook) -> dict[str, str]:
    """What this machine makes of files, each trait by its name in a message."""
    return {
        "its version of seedqa": VERSION,
        "its Python": ".".join(platform.python_version_tuple()[:2]) + _unicode(),
        "its readers": reading.fingerprint(
            settings.ocr_language, has_libreoffice=libreoffice.command() is not None
        ),
        "its model, precision or device": coding_fingerprint(encoder),
        "its splitter, settings or libraries": index_fingerprint(settings, encoder),
        "its rounding of vectors": rounding(encoder, book),
    }


def rounding(encoder: Encoder, book: Codebook) -> str:
    """A hash of every bit of the vectors and codes of a sample, as this processor computes them."""
    digest = hashlib.sha256()
    for length in _LENGTHS:
        words = (_SENTENCE * length).split()[:length]
        encoded = encoder.encode(" ".join(words))
        for array in (encoded.tokens, encoded.pooled, book.encode(encoded.tokens)):
            digest.update(np.ascontiguousarray(array).tobytes())
    return digest.hexdigest()[:16]


def difference(mine: dict[str, str], other: dict[str, str]) -> str:
    """The first trait in which another machine differs, in words; "" where it does in none."""
    for name, value in mine.items():
        if other.get(name) != value:
            return f"{name} differs ({other.get(name, 'unknown')} instead of {value})"
    return ""


def _unicode() -> str:
    return f" with Unicode {unicodedata.unidata_version}"
