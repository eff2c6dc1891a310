"""Many small documents: what an index of them takes to open, to keep open, and to ask with filters.

    python -m bench.speed.catalogue WORK [--documents 200000]

The documents are made up: one passage each, words by Zipf's law, random vectors and codes; one in fifty
stands at two paths, four in five are English. So nothing but the catalogue's cost can be read off:
answers mean nothing. Makes the index in WORK where there is none; WORK/encoders is copied where it is
there, so that no model is exported.
"""

import argparse
import json
import random
import shutil
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from hashlib import sha256
from itertools import accumulate
from pathlib import Path
from typing import Any

import numpy as np

from bench.speed.memory import peak, resident
from qa.asking.service import QA
from qa.building.fingerprints import coding_fingerprint, index_fingerprint
from qa.encoding.encoder import Encoder, codebook_of, fingerprint_of
from qa.encoding.quantisation import quantise, unit
from qa.index.coding import Coded, Row
from qa.index.opening import begin_build, open_snapshot
from qa.index.store import Shape
from qa.records import Block, Document, File, Passage, Status
from qa.settings import Settings
from qa.splitting import RankingText

KINDS = ("md", "txt", "pdf", "html")
FOLDER = 500  # documents
TWICE = 50  # one in so many documents stands at two paths
GERMAN = 5  # one in so many
WORDS = [f"{first}{last}" for first in "bdfgklmnprst" for last in map("{:x}".format, range(2_000))]
WEIGHTS = list(accumulate(1 / (rank + 1) for rank in range(len(WORDS))))
LENGTH = 30  # words of a document
QUESTION = "Where do {} and {} stand beside {}?"
ASKED = 40  # questions of each kind
FILTERS: dict[str, dict[str, Any]] = {
    "no filter": {},
    "a folder": {"only": ["f00010"]},
    "half of the folders": {"only": ["f000[0-4]*", "f001[0-4]*", "f002[0-4]*", "f003[0-4]*"]},
    "a kind": {"only": ["*.pdf"]},
    "days": {"since": "2015-03", "until": "2015-05"},
    "a language": {"language": "de"},
    "left out": {"exclude": ["f00010/*"]},
}


def main() -> None:
    """Makes the index and prints what it costs, as JSON."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("work", type=Path)
    parser.add_argument("--documents", type=int, default=200_000)
    parser.add_argument("--part", choices=[*PARTS])
    given = parser.parse_args()
    index = given.work / f"small-{given.documents}"
    if given.part:
        print(json.dumps(PARTS[given.part](index)))
        return
    if not (index / "CURRENT").exists():
        print(json.dumps({"making": _make(index, given.work / "encoders", given.documents)}))
    for part in PARTS:  # each in a process of its own
        command = [sys.executable, "-m", "bench.speed.catalogue", given.work, "--part", part]
        subprocess.run([*command, "--documents", str(given.documents)], check=True)


def _make(index: Path, encoders: Path, count: int) -> dict[str, float]:
    """Builds the index; seconds."""
    shutil.rmtree(index, ignore_errors=True)
    index.mkdir(parents=True)
    if encoders.is_dir():
        shutil.copytree(encoders, index / "encoders")
    settings = Settings()
    encoder = Encoder(settings.model, settings.precision, folder=index / "encoders")
    shape = Shape(
        settings=settings.to_dict(), encoder=encoder.name,
        encoder_fingerprint=fingerprint_of(encoder), coding=coding_fingerprint(encoder),
        fingerprint=index_fingerprint(settings, encoder), dim=encoder.dim,
        code_bytes=codebook_of(encoder).code_bytes,
    )  # fmt: skip
    started = time.perf_counter()
    with begin_build(index, index, shape) as build:
        files = []
        for number, document in enumerate(_documents(count)):
            build.add(document, [_row(number, document, shape)])
            files += _files(number, document)
        adding = time.perf_counter() - started
        build.publish(sorted(files, key=lambda file: file.path))
    return {"adding": adding, "publishing": time.perf_counter() - started - adding}


def _documents(count: int) -> Iterator[Document]:
    """The documents, the same ones every time."""
    chance = random.Random(1)
    for number in range(count):
        text = " ".join(chance.choices(WORDS, cum_weights=WEIGHTS, k=LENGTH)).capitalize() + "."
        language = "de" if number % GERMAN == 0 else "en"
        day = f"{chance.randrange(2000, 2025)}-{chance.randrange(1, 13):02}"
        yield Document(
            sha256(str(number).encode()).hexdigest(), "text 1", text, title=f"Note {number}",
            date=day if number % 2 else None, blocks=(Block(0, len(text)),), language=language,
        )  # fmt: skip


def _files(number: int, document: Document) -> Iterator[File]:
    name = f"f{number // FOLDER:05}/note-{number}.{KINDS[number % len(KINDS)]}"
    for path in (name, f"twice/{name}") if number % TWICE == 0 else (name,):
        yield File(
            path, Status.DUPLICATE if path != name else Status.INDEXED, size=len(document.text),
            modified=(1_400_000_000 + 977 * number) * 10**9, sha256=document.sha256,
            reader=document.reader, passages=1, characters=len(document.text), source=path,
            source_sha256=document.sha256, seen=1_700_000_000 * 10**9,
        )  # fmt: skip


def _row(number: int, document: Document, shape: Shape) -> Row:
    chance = np.random.default_rng(number)
    end, vector = len(document.text), chance.normal(size=shape.dim).astype(np.float32)
    codes = chance.integers(0, 256, (LENGTH, shape.code_bytes), np.uint8)
    ranking = RankingText(document.text, (end,))
    return Passage(0, end, (end,)), ranking, Coded(quantise(unit(vector)), codes, (0, LENGTH))


def _opening(index: Path) -> dict[str, float]:
    """Seconds and megabytes of opening, the libraries loaded and the files read before."""
    with closing(open_snapshot(index)):
        pass
    before, started = resident(), time.perf_counter()
    with closing(open_snapshot(index)) as snapshot:
        opened, after = time.perf_counter() - started, resident()
        started = time.perf_counter()
        document = snapshot.document(sha256(b"777").hexdigest())
        found = time.perf_counter() - started
        if document is None or document.title != "Note 777":
            sys.exit("The document that was found is another.")
    return {
        "opening, s": opened, "first document, ms": found * 1000, "peak, MB": peak(),
        **{f"{kind}, MB": after[kind] - before[kind] for kind in after},
    }  # fmt: skip


def _opening_alone(index: Path) -> dict[str, float]:
    """The same in a process that has not opened it yet: the memory that it takes."""
    before = resident()
    with closing(open_snapshot(index)):
        after = resident()
    return {f"{kind} of the first opening, MB": after[kind] - before[kind] for kind in after}


def _asking(index: Path) -> dict[str, Any]:
    """Milliseconds of the first question, and the medians of warm ones with each filter."""
    chance, times = random.Random(2), dict[str, Any]()
    with QA.open(index, seeds=index / "nowhere") as qa:
        for name, filters in FILTERS.items():
            spent = [_milliseconds(qa, chance, filters) for _ in range(ASKED)]
            times[name] = {"first": spent[0], "median": statistics.median(spent[1:])}
        own = resident()
    return {"milliseconds": times, "after them, MB": own, "peak, MB": peak()}


def _milliseconds(qa: QA, chance: random.Random, filters: dict[str, Any]) -> float:
    words = chance.choices(WORDS, cum_weights=WEIGHTS, k=3)
    started = time.process_time()
    qa.ask(QUESTION.format(*words), **filters)
    return (time.process_time() - started) * 1000


def _status(index: Path) -> dict[str, float]:
    """Seconds of `qa status`, as a command."""
    command = [
        sys.executable,
        "-m",
        "qa",
        "status",
        "--index",
        index,
        "--seeds",
        index / "encoders",
    ]
    started = time.perf_counter()
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    found = [*command, "--find", "note-77777"]
    listed = time.perf_counter()
    subprocess.run(found, check=True, stdout=subprocess.DEVNULL)
    return {"status, s": listed - started, "of one file, s": time.perf_counter() - listed}


PARTS: dict[str, Callable[[Path], dict[str, Any]]] = {
    "alone": _opening_alone,
    "opening": _opening,
    "asking": _asking,
    "status": _status,
}

if __name__ == "__main__":
    main()
