"""Fixtures for tests that build real indexes."""

import os
import shutil
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import NamedTuple, TypeVar

import pytest
from sharing import made_once

from qa.building import pipeline
from qa.encoding import library, models
from qa.encoding.encoder import Encoded, Encoder
from qa.index.lexical import WordIndex
from qa.index.lexical import write as write_index
from qa.index.words import Words, analyzer

Result = TypeVar("Result")

ALONE = "QA_TEST_ALONE"  # set where a test has a process of its own


@pytest.fixture(scope="session")
def encoders(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The exported default model, exported once for all tests."""
    return made_once(
        tmp_path_factory, "encoders", lambda folder: Encoder(folder=folder).encode("once")
    )


def once_a_file(function: Callable[..., Result], *, most: int) -> Callable[..., Result]:
    """A function of a file that is called once for each state of it, under whichever name.

    What it gave is kept for `most` files.
    """
    known: dict[tuple[object, ...], Result] = {}

    def called(file: Path, *arguments: object) -> Result:
        state = file.stat()
        key = (state.st_ino, state.st_size, state.st_mtime_ns, models.VERSION, *arguments)
        if key not in known:
            known[key] = function(file, *arguments)
            for oldest in list(known)[:-most]:
                del known[oldest]
        return known[key]

    return called


@pytest.fixture(scope="session", autouse=True)
def _models_are_loaded_once() -> Iterator[None]:
    """Most of a small build would be the loading and hashing of its model."""
    with pytest.MonkeyPatch.context() as patch:
        if ALONE not in os.environ:  # there memory is measured
            patch.setattr(models, "exported", once_a_file(models.exported, most=4))
            known = once_a_file(library.sha256, most=100)
            for module in (library, models):
                patch.setattr(module, "sha256", known)
        yield


@pytest.fixture
def encoded(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The ranking texts that builds encode from here on."""
    texts: list[str] = []
    original = Encoder.encode

    def spy(self: Encoder, text: str) -> Encoded:
        texts.append(text)
        return original(self, text)

    monkeypatch.setattr(pipeline.Encoder, "encode", spy)
    return texts


@pytest.fixture
def new_index(tmp_path_factory: pytest.TempPathFactory, encoders: Path) -> Callable[[], Path]:
    """Gives a new index folder that has the exported model already."""

    def make() -> Path:
        index = tmp_path_factory.mktemp("at") / "index"
        index.mkdir()
        shutil.copytree(encoders, index / "encoders", copy_function=os.link)
        return index

    return make


class Indexed(NamedTuple):
    """A word index, and the words of its texts."""

    index: WordIndex
    words: Words


def write_words(folder: Path, texts: Sequence[str], *languages: str) -> Indexed:
    """The word index of texts, open; each is in its language, or all are English."""
    spoken = languages or ("en",) * len(texts)
    lines = [analyzer(language).line(text) for text, language in zip(texts, spoken, strict=True)]
    write_index(folder, lines, count=len(texts))
    index = WordIndex.open(folder, count=len(texts))
    return Indexed(index, Words(set(spoken), len(texts), index.frequency))


def write(folder: Path, name: str, text: str) -> Path:
    """A file old enough for its time stamp to be trusted."""
    file = folder / name
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text)
    old = time.time() - 100
    os.utime(file, (old, old))
    return file
