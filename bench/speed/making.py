"""Makes the index of one size: `qa.building.build` over recombined documents.

Up to `REAL` passages everything is encoded; beyond, the encoding alone is replaced (see
`recombining`): the seconds are then those of reading, splitting, writing and publishing.
"""

import shutil

from bench.speed import corpus
from bench.speed.memory import peak
from bench.speed.place import Figures, Place
from bench.speed.recombining import Recombination
from qa import storage
from qa.building import machines, pipeline
from qa.building.fingerprints import index_fingerprint
from qa.encoding.encoder import Encoder
from qa.errors import QAError
from qa.index.snapshot import LocalSnapshot
from qa.settings import Settings

REAL = 20_000  # passages that are encoded for real


def measure(place: Place) -> Figures:
    """Seconds, megabytes and bytes of the build; an index that this version made is kept."""
    settings = Settings.from_environment()
    encoder = Encoder(settings.model, settings.precision, folder=place.work / "encoders")
    known = place.figures("build")
    if known and _made_by(place, index_fingerprint(settings, encoder)):
        return known
    encoder.encode("The model is exported before the build.")
    corpus.write(place.documents, corpus.sources(place.sets, encoder, settings), place.passages)
    shutil.rmtree(place.index, ignore_errors=True)
    shutil.copytree(place.work / "encoders", place.index / "encoders")
    recombination = Recombination(place.sentences)
    if place.passages > REAL:
        machines.encode = recombination
    report = pipeline.build(place.documents, place.index, settings=settings)
    if recombination.save():  # once more, with nothing left to encode
        report = pipeline.build(place.documents, place.index, settings=settings, full=True)
    size = storage.size_of(place.index) - storage.size_of(place.index / "encoders")
    return {
        "passages": report.passages,
        "recombined": place.passages > REAL,
        "precision": settings.precision,
        "seconds": report.seconds,
        "bytes": size,
        "peak": peak(),
    }


def _made_by(place: Place, fingerprint: str) -> bool:
    """Whether the index is what a build would make now."""
    try:
        snapshot = LocalSnapshot.open(place.index)
    except (QAError, OSError):
        return False
    snapshot.close()
    return snapshot.manifest.fingerprint == fingerprint
