"""Text -> token vectors and one pooled unit vector."""

import warnings
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from functools import cached_property
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from qa import storage
from qa.encoding import library, models, originals
from qa.encoding.codebook import Codebook
from qa.encoding.originals import Run, RunMany
from qa.encoding.quantisation import Vectors, unit
from qa.encoding.tokenizing import Input, Tokens
from qa.errors import ModelMissing, StorageFailed
from qa.settings import DEFAULT_MODEL, fingerprint

ALIGNED = 8  # numbers of a vector in one byte of a code
DATA = Path(__file__).parent / "data"
EXPORT = 1  # grows when the way of exporting changes
QUESTIONS = "questions 1"  # the same for what is made for questions alone


class Encoded(NamedTuple):
    """One text as the model sees it, special tokens and prompt left out."""

    tokens: Vectors  # (n, dim), unit length
    ends: npt.NDArray[np.int32]  # (n,) where each token ends in the text; beyond it: see `Input`
    pooled: Vectors  # (dim,), unit length


class Encoder:
    """A model that gives token vectors and the pooled vector in one pass.

    `folder` is where exported models are kept. One text a call: 8 bits take their scales from the
    complete input, and so no text's vectors depend on another's. `threads` share the work on one text
    (0: one for each core); their number changes no bit. Calls may come from many threads.
    On a `device` other than the CPU torch runs the original, which may round a number otherwise.
    """

    def __init__(
        self,
        name: str = DEFAULT_MODEL,
        precision: str = "fp32",
        *,
        folder: Path,
        threads: int = 0,
        device: str = "cpu",
    ) -> None:
        self.name, self.precision = name, precision
        self.device, self._threads = device, threads
        self.source = library.model_folder(name)
        self.profile = library.profile_of(name, self.source)
        self._folder = folder
        self._tokens = Tokens(self.source, self.profile)

    @cached_property
    def fingerprint(self) -> str:
        """Changes when the weights, the tokenizer, the precision or the way of exporting change."""
        return fingerprint(EXPORT, self.precision, models.VECTORS_OF, self._hashes)

    @cached_property
    def exports(self) -> tuple[str, str]:
        """What the names of the exported models begin with: that for passages, for questions."""
        return self.fingerprint, fingerprint(QUESTIONS, EXPORT, models.VECTORS_OF, self._hashes)

    @cached_property
    def dim(self) -> int:
        """Numbers in a vector: the model's, filled up with zeros to whole bytes of code."""
        return -(-self.profile.dim // ALIGNED) * ALIGNED

    @cached_property
    def window(self) -> int:
        """Tokens of a passage that the model reads at once, special ones included."""
        return self.profile.passage.window - self._tokens.prompt

    def token_ends(self, text: str) -> Sequence[int]:
        """Where each token of the text ends, however long the text is."""
        return self._tokens.token_ends(text)

    def read_part(self, text: str) -> str:
        """The beginning of a question that the model reads: all of it, or what its window holds."""
        return self._tokens.read_part(text)

    def unread(self, text: str) -> tuple[int, int]:
        """How many letters a text has, and how many of them say nothing to the model."""
        return self._tokens.unread(text)

    def encode(self, text: str) -> Encoded:
        """A passage's vectors; text beyond the model's window is not read."""
        if self._many is not None:
            return self.encode_many([text])[0]
        given = self._tokens.passage(text)
        return self._one(given, self._of_passages)

    def encode_many(self, texts: Sequence[str]) -> list[Encoded]:
        """The same of many passages, in batches of like length where that is faster: on a GPU.

        What stands beside a text changes no bit of its vectors.
        """
        if self._many is None:
            return [self.encode(text) for text in texts]
        given = [self._tokens.passage(text) for text in texts]
        found = iter(self._many([each for each in given if each.ids]))
        return [self._one(each, lambda _: next(found)) for each in given]

    def encode_question(self, text: str) -> Encoded:
        """A question's vectors, to be compared with those of passages."""
        return self._one(self._tokens.question(text), self._of_questions)

    def _one(self, given: Input, run: Run) -> Encoded:
        if given.ids:
            return self._with_ends(given, *run(given))
        dim = self.profile.dim  # a model without special tokens cannot read a text without tokens
        return self._with_ends(given, np.zeros((0, dim), np.float32), np.zeros(dim, np.float32))

    def _with_ends(self, given: Input, tokens: Vectors, pooled: Vectors) -> Encoded:
        return Encoded(
            self._aligned(unit(tokens[given.kept])),
            given.ends,
            self._aligned(unit(pooled)),
        )

    def _aligned(self, vectors: Vectors) -> Vectors:
        missing = self.dim - self.profile.dim
        if not missing:
            return vectors
        return np.pad(vectors, [(0, 0)] * (vectors.ndim - 1) + [(0, missing)])

    @cached_property
    def _many(self) -> RunMany | None:
        """How many texts are encoded at once; None on a CPU, where one by one is as fast."""
        if self.device == "cpu":
            return None
        self._run(*self.exports)  # questions need their export all the same
        return originals.run_many(self._original(), self.profile, self.device)

    @cached_property
    def _of_passages(self) -> Run:
        return self._run(*self.exports)  # a build leaves the export that questions need

    @cached_property
    def _of_questions(self) -> Run:
        return self._run(self.exports[1])

    @cached_property
    def _hashes(self) -> list[tuple[str, str]]:
        return sorted(library.hashes(self.name, self.source).items())

    def _run(self, name: str, *beside: str) -> Run:
        """The exported model whose name begins so; exported again when it, or one beside it, is missing."""
        if not any(self._folder.glob(f"{name}.*.onnx")):
            models.take_over(self.source / library.EXPORTS, self._folder, self.exports)
        there = all(any(self._folder.glob(f"{other}.*.onnx")) for other in beside)
        if there and (run := self._kept(name)):
            return run
        try:
            with storage.writing(self._folder):
                models.export(self.source, self.profile, self._folder, self.exports, self.precision)
        except StorageFailed:
            raise
        except Exception as error:  # noqa: BLE001 - an exporter fails in too many ways to name
            warnings.warn(f"{self.name} is run by torch: {error}", stacklevel=2)
        return self._kept(name) or originals.run(self._original(), self.profile)

    def _kept(self, name: str) -> Run | None:
        for file in self._folder.glob(f"{name}.*.onnx"):
            if run := self._loaded(file):
                return run
            with suppress(OSError):
                file.unlink()
        return None

    def _original(self) -> Any:
        return originals.load(self.source, late=self.profile.is_late)

    def _loaded(self, file: Path) -> Run | None:
        """An exported model, None when it does not load or is not byte for byte what was written."""
        with ThreadPoolExecutor(1) as pool, suppress(Exception):  # onnxruntime's have no kind
            intact = pool.submit(models.is_intact, file)  # both take as long
            run = models.exported(file, self._threads)
            return run if intact.result() else None
        return None


def codebook_of(encoder: Encoder) -> Codebook:
    """The codebook that belongs to an encoder: shipped, or made when the model was added."""
    for file in (DATA / f"{encoder.name}.codebook.npy", encoder.source / library.CODEBOOK):
        if file.is_file():
            return Codebook.load(file)
    raise ModelMissing(
        f"{encoder.name} has no codebook: run `qa model add {encoder.source} --name NAME`."
    )


def fingerprint_of(encoder: Encoder) -> str:
    """Of the encoder with its codebook: equal ones make equal codes on one device."""
    return fingerprint(encoder.fingerprint, codebook_of(encoder).fingerprint)
