"""Text -> token vectors and one pooled unit vector."""

import re
import warnings
from collections import Counter
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from functools import cached_property
from json import loads
from pathlib import Path
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
from tokenizers import Tokenizer

from qa import storage
from qa.encoding import models
from qa.encoding.codebook import Codebook
from qa.encoding.models import Run, unit
from qa.encoding.quantisation import Vectors
from qa.errors import ModelMissing, StorageFailed
from qa.settings import DEFAULT_MODEL, fingerprint

DATA = Path(__file__).parent / "data"
IDEOGRAPH = re.compile("[\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U000323af]")
EXPORT = 1  # grows when the way of exporting changes
QUESTIONS = "questions 1"  # the same for what is made for questions alone


class Encoded(NamedTuple):
    """One text as the model sees it, [CLS] and [SEP] left out."""

    tokens: Vectors  # (n, dim), unit length
    ends: npt.NDArray[np.int32]  # (n,) where each token ends in the text
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
        self.source = models.model_folder(name)
        self._folder = folder
        self._tokenizer = Tokenizer.from_file(str(self.source / "tokenizer.json"))
        self._tokenizer.no_padding()
        self._tokenizer.no_truncation()
        self._special = self._tokenizer.num_special_tokens_to_add(is_pair=False)

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
        """Numbers in a vector."""
        return int(loads((self.source / "config.json").read_bytes())["hidden_size"])

    @cached_property
    def window(self) -> int:
        """Tokens that the model reads at once, [CLS] and [SEP] included."""
        return models.window(self.source)

    def token_ends(self, text: str) -> Sequence[int]:
        """Where each token of the text ends, however long the text is."""
        encoding = self._tokenizer.encode(text, add_special_tokens=False)
        return [end for _, end in encoding.offsets]

    def read_part(self, text: str) -> str:
        """The beginning of the text that the model reads: all of it, or what its window holds."""
        room = self.window - self._special
        if len(text) <= room:  # a token has a character
            return text
        ends = self.token_ends(text)
        return text[: ends[room - 1]] if len(ends) > room else text

    def unread(self, text: str) -> tuple[int, int]:
        """How many letters a text has, and how many of them say nothing to the model.

        Those are of unknown tokens, or stand alone in a token although their word goes on. An
        ideograph is a word by itself.
        """
        encoding = self._tokenizer.encode(text, add_special_tokens=False)
        parts = Counter(encoding.word_ids)
        unread: set[int] = set()
        for token, (start, end), word in zip(
            encoding.ids, encoding.offsets, encoding.word_ids, strict=True
        ):
            is_piece = end - start == 1 and parts[word] > 1 and not IDEOGRAPH.match(text, start)
            if is_piece or token == self._unknown:
                unread.update(range(start, end))
        return sum(map(str.isalpha, text)), sum(text[at].isalpha() for at in unread)

    def encode(self, text: str) -> Encoded:
        """A passage's vectors; text beyond the model's window is not read."""
        return self._encoded(text, self._of_passages)

    def encode_question(self, text: str) -> Encoded:
        """A question's vectors, to be compared with those of passages."""
        return self._encoded(text, self._of_questions)

    def _encoded(self, text: str, run: Run) -> Encoded:
        encoding = self._tokenizer.encode(text)
        ids, ends = encoding.ids, [end for _, end in encoding.offsets[1:-1]]
        if len(ids) > self.window:
            ids = [*ids[: self.window - 1], ids[-1]]
            ends = ends[: self.window - self._special]
        tokens, pooled = run(ids)
        return Encoded(unit(tokens[1:-1]), np.asarray(ends, np.int32), unit(pooled))

    @cached_property
    def _unknown(self) -> int | None:
        """The number of the token that stands for what the tokenizer does not know."""
        model = loads(self._tokenizer.to_str())["model"]
        name = model.get("unk_token")
        found = self._tokenizer.token_to_id(name) if name is not None else model.get("unk_id")
        return None if found is None else int(found)

    @cached_property
    def _of_passages(self) -> Run:
        return self._run(*self.exports)  # a build leaves the export that questions need

    @cached_property
    def _of_questions(self) -> Run:
        return self._run(self.exports[1])

    @cached_property
    def _hashes(self) -> list[tuple[str, str]]:
        return sorted(models.hashes(self.source).items())

    def _run(self, name: str, *beside: str) -> Run:
        """The exported model whose name begins so; exported again when it, or one beside it, is missing."""
        there = all(any(self._folder.glob(f"{other}.*.onnx")) for other in beside)
        if there and (run := self._kept(name)):
            return run
        try:
            with storage.writing(self._folder):
                models.export(self.source, self._folder, self.exports, self.precision)
        except StorageFailed:
            raise
        except Exception as error:  # noqa: BLE001 - an exporter fails in too many ways to name
            warnings.warn(f"{self.name} is run by torch: {error}", stacklevel=2)
        return self._kept(name) or models.original(self.source, self.device)

    def _kept(self, name: str) -> Run | None:
        for file in self._folder.glob(f"{name}.*.onnx"):
            if self.device != "cpu":  # exported all the same: questions need it
                return models.original(self.source, self.device)
            if run := self._loaded(file):
                return run
            with suppress(OSError):
                file.unlink()
        return None

    def _loaded(self, file: Path) -> Run | None:
        """An exported model, None when it does not load or is not byte for byte what was written."""
        with ThreadPoolExecutor(1) as pool, suppress(Exception):  # onnxruntime's have no kind
            intact = pool.submit(models.is_intact, file)  # both take as long
            run = models.exported(file, self._threads)
            return run if intact.result() else None
        return None


def codebook_of(encoder: Encoder) -> Codebook:
    """The codebook that belongs to an encoder: shipped, or beside the exported model."""
    for file in (DATA / f"{encoder.name}.codebook.npy", encoder.source / "codebook.npy"):
        if file.is_file():
            return Codebook.load(file)
    raise ModelMissing(
        f"{encoder.name} has no codebook: run `python bench/codebook.py "
        f"{encoder.source / 'codebook.npy'} {encoder.source}`."
    )


def fingerprint_of(encoder: Encoder) -> str:
    """Of the encoder with its codebook: equal ones make equal codes on one device."""
    return fingerprint(encoder.fingerprint, codebook_of(encoder).fingerprint)
