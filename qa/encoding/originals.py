"""Models as sentence-transformers runs them: the sole importer of it and of torch.

They are loaded from folders alone, never from a network, and no code of theirs is executed.
"""

import os
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from logging import ERROR, getLogger
from pathlib import Path
from typing import Any

import numpy as np

from qa.encoding.library import Profile
from qa.encoding.profiles import NAMES
from qa.encoding.quantisation import Vectors, unit
from qa.encoding.tokenizing import Input, Tokens
from qa.errors import ModelRefused, SettingsInvalid

Run = Callable[[Input], tuple[Vectors, Vectors]]
"""a text's tokens -> their vectors `(n, dim)` and the pooled vector `(dim,)`, none of unit length yet"""

RunMany = Callable[[Sequence[Input]], list[tuple[Vectors, Vectors]]]
"""the same of many texts at once"""

STEP = 32  # tokens: the length of a batch is a multiple of it
ROOM = 1 << 14  # tokens of a batch, padding included
DRIVERS = ("/dev/nvidiactl", "/dev/dxg", r"C:\Windows\System32\nvcuda.dll")  # of NVIDIA's GPUs
INPUTS = ("ids", "read", "counted")  # of an exported model; only the first where it is not masked
SAMPLE = (
    "How many people live there?",
    "The committee met on 3 May 2019, and agreed to publish the report in full.",
    "Köln, 東京 and naïve e-mail addresses (x@example.org) are words too: 12 000 of them.",
)


def device(wish: str) -> str:
    """Where to encode many passages: "cpu", or "cuda" where torch sees such a device.

    `wish` is one of these or "auto", which takes the GPU where there is one; without a driver torch,
    which takes seconds, is not even imported. Raises SettingsInvalid.
    """
    if wish not in ("auto", "cpu", "cuda"):
        raise SettingsInvalid(f"The device is {wish!r}: give auto, cpu or cuda.")
    if wish == "cpu" or (wish == "auto" and not any(map(os.path.exists, DRIVERS))):
        return "cpu"
    import torch

    if torch.cuda.is_available():
        return "cuda"
    if wish == "cuda":
        raise SettingsInvalid("torch sees no CUDA device here: give --device cpu or auto.")
    return "cpu"


def load(source: Path, *, late: bool) -> Any:
    """A model, without progress bars and without a network."""
    os.environ["HF_HUB_OFFLINE"] = "1"
    os.environ["HF_HUB_DISABLE_PROGRESS_BARS"] = "1"
    from sentence_transformers import MultiVectorEncoder, SentenceTransformer
    from transformers.utils import logging

    logging.disable_progress_bar()
    logging.set_verbosity_error()
    for library in ("sentence_transformers", "transformers"):
        getLogger(library).setLevel(ERROR)
    kind = MultiVectorEncoder if late else SentenceTransformer
    return kind(
        str(source),
        device="cpu",
        local_files_only=True,
        model_kwargs={"attn_implementation": "eager"},
    ).eval()


def resave(source: Path, into: Path, prompts: Mapping[str, str | None], *, late: bool) -> None:
    """Saves a model in the one form that is read here, with prompts of another wording if given."""
    model = load(source, late=late)
    given = {NAMES[side][0]: prompt for side, prompt in prompts.items() if prompt is not None}
    model.prompts = {**model.prompts, **given}
    model.save(str(into), create_model_card=False)


def run(model: Any, found: Profile) -> Run:
    """A loaded model as sentence-transformers runs it."""
    import torch

    def encoded(text: Input) -> tuple[Vectors, Vectors]:
        with torch.inference_mode():
            given = (torch.tensor([values]) for values in (text.ids, text.read, text.counted))
            tokens, pooled = _vectors(model, found, *given)
        return tokens[0].numpy(), pooled[0].numpy()

    return encoded


def run_many(model: Any, found: Profile, on: str) -> RunMany:
    """A loaded model as it runs many texts at once on a device: those of like length together.

    A text is padded to the next multiple of `STEP`, and stands in a batch with as many rows as that
    length always has. So the shape in which it is computed, and with it every bit of its vectors,
    depends on the text alone, whatever it is encoded beside.
    """
    import torch

    model = model.to(on)
    padding = model.tokenizer.pad_token_id or 0

    def batch(texts: Sequence[Input], length: int) -> Iterator[tuple[Vectors, Vectors]]:
        full = [*texts, *[texts[-1]] * (max(ROOM // length, 1) - len(texts))]
        columns = [
            ([text.ids for text in full], padding), ([text.read for text in full], 0),
            ([text.counted for text in full], 0),
        ]  # fmt: skip
        given = (
            torch.tensor([row + [fill] * (length - len(row)) for row in rows], device=on)
            for rows, fill in columns
        )
        with torch.inference_mode():
            tokens, pooled = _vectors(model, found, *given)
        for row, text in enumerate(texts):
            yield tokens[row, : len(text.ids)].cpu().numpy(), pooled[row].cpu().numpy()

    def encoded(texts: Sequence[Input]) -> list[tuple[Vectors, Vectors]]:
        lengths = [-(-len(text.ids) // STEP) * STEP for text in texts]
        vectors: dict[int, tuple[Vectors, Vectors]] = {}
        for length in sorted(set(lengths)):
            places = [at for at, each in enumerate(lengths) if each == length]
            rows = max(ROOM // length, 1)
            for some in (places[at : at + rows] for at in range(0, len(places), rows)):
                of_batch = batch([texts[at] for at in some], length)
                vectors |= dict(zip(some, of_batch, strict=True))
        return [vectors[at] for at in range(len(texts))]

    return encoded


def export(model: Any, found: Profile, file: Path) -> None:
    """Writes a loaded model as ONNX, in 32 bits."""
    import torch

    names = list(INPUTS if found.is_masked else INPUTS[:1])
    axes = {name: {1: "n"} for name in names} | {"tokens": {0: "n"}}
    with torch.inference_mode(), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        torch.onnx.export(
            _traceable(model, found),
            (torch.ones(1, 8, dtype=torch.long),) * len(names),
            str(file),
            input_names=names,
            output_names=["tokens", "pooled"],
            dynamic_axes=axes,
            dynamo=False,
        )


def least_agreement(model: Any, found: Profile, tokens: Tokens, ours: Run) -> float:
    """The least cosine between what a loaded model gives itself of some texts, and `ours`.

    Of a late-interaction model the vectors of all tokens that count are compared, of another one the
    pooled vectors. Raises ModelRefused where there are more or fewer tokens.
    """
    cosines = []
    for text in SAMPLE:
        for given, theirs in (
            (tokens.question(text), model.encode_query(text, prompt=found.question.prompt)),
            (tokens.passage(text), model.encode_document(text, prompt=found.passage.prompt)),
        ):
            vectors, pooled = ours(given)
            rows = vectors[np.asarray(given.counted) == 1] if found.is_late else pooled
            reference = np.asarray(theirs, np.float32)
            if rows.shape != reference.shape:
                raise ModelRefused(f"its tokens are other ones than were expected, as of {text!r}")
            cosines.append(float((unit(rows) * unit(reference)).sum(-1).min()))
    return min(cosines)


def _traceable(model: Any, found: Profile) -> Any:
    """The model as a module from `INPUTS`, each `(1, n)`, to token vectors `(n, dim)` and the pooled one."""
    import torch

    class Traceable(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.model = model

        def forward(self, ids: Any, read: Any = None, counted: Any = None) -> tuple[Any, Any]:
            tokens, of_text = _vectors(self.model, found, ids, read, counted)
            return tokens[0], of_text[0]

    return Traceable().eval()


def _vectors(model: Any, found: Profile, ids: Any, read: Any, counted: Any) -> tuple[Any, Any]:
    """Token vectors `(b, n, dim)` and pooled ones `(b, dim)` of `INPUTS`, each `(b, n)`.

    What a projection behind the pooling does with the pooled vector it does with each token's, as
    sentence-transformers does where it makes a late-interaction model of one: so all are vectors of
    one space.
    """
    import torch

    everything = torch.ones_like(ids)
    features = {"input_ids": ids, "attention_mask": everything if read is None else read}
    if not (found.is_masked or projects(model)):
        output = model(features)
        return output["token_embeddings"], output["sentence_embedding"]
    first, *rest = model
    features = first(features)
    counted = everything if counted is None else counted
    features["attention_mask"] = counted
    for module in rest:
        features = _through(module, features)
    tokens = features["token_embeddings"]
    if not found.is_late:
        return tokens, features["sentence_embedding"]
    shares = counted.unsqueeze(-1).to(tokens.dtype)
    return tokens, (tokens * shares).sum(1) / shares.sum(1)


def projects(model: Any) -> bool:
    """Whether something behind the pooling changes the direction of the pooled vector."""
    return any(map(_is_projection, model))


def _is_projection(module: Any) -> bool:
    of = getattr(module, "module_input_name", "sentence_embedding")
    return type(module).__name__ in ("Dense", "LayerNorm") and of == "sentence_embedding"


def _through(module: Any, features: Any) -> Any:
    """The features behind a module; a projection of the pooled vector is one of each token's, too."""
    if type(module).__name__ == "MultiVectorMask":  # what counts is an input
        return features
    if not _is_projection(module):
        return module(features)
    of_tokens = module({"sentence_embedding": features["token_embeddings"]})["sentence_embedding"]
    return {**module(features), "token_embeddings": of_tokens}
