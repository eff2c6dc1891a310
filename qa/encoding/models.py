"""A model's exports to ONNX: sole importer of onnxruntime.

A model is exported once and checked against the original: one file for passages, in the precision
that is set, and one for questions, whose weights have 8 bits. They are kept beside the index under
their fingerprint and hash, and run by onnxruntime from then on: a process that asks imports neither
torch nor sentence-transformers. A model that does not export is run by sentence-transformers.
"""

import os
import shutil
from collections.abc import Collection, Mapping
from contextlib import ExitStack
from json import dumps, loads
from pathlib import Path

import numpy as np

from qa import processes, storage
from qa.encoding import originals
from qa.encoding.library import Profile, sha256
from qa.encoding.originals import SAMPLE, Run
from qa.encoding.quantisation import Vectors, unit
from qa.encoding.shortening import shorten
from qa.encoding.tokenizing import Input, Tokens

processes.silence()  # an import is too late
import onnxruntime  # noqa: E402

VERSION = onnxruntime.__version__
# That whose vectors all are: it stands in fingerprints, and another version has the same vectors of a sample
# (1.30 to 1.32 to the bit, 1.23 to 2e-7) or does not run the export.
VECTORS_OF = "1.32.0"
DIGITS = 16  # of its hash, in the name of an exported model
CLOSE_ENOUGH = 0.9999  # cosine between the exported model and the original
QUESTION_CLOSE_ENOUGH = 0.99  # the same for questions; .9987 at least over 300 of them


def export(
    source: Path, profile: Profile, folder: Path, names: tuple[str, str], precision: str
) -> None:
    """Writes the model as ONNX, for passages and for questions; a file's name ends with its hash.

    `names` are what the two names begin with. Raises ArithmeticError when the export does not compute
    the original's vectors.
    """
    storage.new_folder(folder, exist_ok=True)
    drafts = [folder / f"{name}.{os.getpid()}.draft" for name in names]
    with ExitStack() as stack:
        for draft in drafts:
            stack.callback(draft.unlink, missing_ok=True)
        passages, questions = drafts
        model = originals.load(source, late=profile.is_late)
        originals.export(model, profile, passages)
        reference, sample = originals.run(model, profile), _sample(source, profile)
        if _agreement(sample, reference, passages) < CLOSE_ENOUGH:
            raise ArithmeticError("the exported model does not agree with the original")
        _add_sample(passages, sample, CLOSE_ENOUGH)
        if not _shortened(sample, reference, passages, questions):
            shutil.copyfile(passages, questions)
        if precision == "int8":
            _quantise(passages)
            _add_sample(passages, sample, CLOSE_ENOUGH)
        for name, draft in zip(names, drafts, strict=True):
            file = folder / f"{name}.{sha256(draft)[:DIGITS]}.onnx"
            storage.install(draft, file)
            for other in {*folder.glob(f"{name}.*.onnx")} - {file}:
                other.unlink(missing_ok=True)


def take_over(exports: Path, folder: Path, names: tuple[str, str]) -> None:
    """Copies those exports of a model that lie with it, and are wanted, into another folder."""
    for file in (file for name in names for file in exports.glob(f"{name}.*.onnx")):
        if is_intact(file) and not (folder / file.name).exists():
            storage.new_folder(folder, exist_ok=True)
            draft = folder / f"{file.stem}.{os.getpid()}.draft"
            try:
                shutil.copyfile(file, draft)
                storage.install(draft, folder / file.name)
            finally:
                draft.unlink(missing_ok=True)


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

    names = [each.name for each in session.get_inputs()]

    def run(text: Input) -> tuple[Vectors, Vectors]:
        given = zip(originals.INPUTS, (text.ids, text.read, text.counted), strict=True)
        values = {name: np.array([each], np.int64) for name, each in given if name in names}
        tokens, pooled = session.run(None, values)
        return tokens, pooled

    signed = session.get_modelmeta().custom_metadata_map
    if signed.get("version", VERSION) != VERSION and not _agrees_with_sample(run, signed):
        raise ArithmeticError(f"{VERSION} computes other vectors than {signed['version']}")
    return run


def _agreement(sample: list[Input], reference: Run, file: Path) -> float:
    """The least cosine between the original's and the exported model's vectors of the sample."""
    found = exported(file)
    cosines = [
        float((unit(a) * unit(b)).sum(-1).min())
        for text in sample
        for a, b in zip(reference(text), found(text), strict=True)
    ]
    return min(cosines)


def _sample(source: Path, profile: Profile) -> list[Input]:
    """The texts by which models are compared, each as a question where that is another one."""
    tokens = Tokens(source, profile)
    kinds = [tokens.passage, *([tokens.question] if profile.is_two_sided else [])]
    return [kind(text) for kind in kinds for text in SAMPLE]


def _add_sample(file: Path, sample: list[Input], close: float) -> None:
    """Writes into an exported model its vectors of the sample, and the version of onnxruntime.

    `close` is the least cosine that another version may have.
    """
    import onnx
    from onnx.helper import set_model_props

    run = exported(file)
    vectors = [([text.ids, text.read, text.counted], run(text)[1].tolist()) for text in sample]
    model = onnx.load(file)
    set_model_props(model, {"version": VERSION, "close": str(close), "sample": dumps(vectors)})
    onnx.save(model, file)


def _agrees_with_sample(run: Run, signed: Mapping[str, str]) -> bool:
    """Whether a model's vectors of the sample are those at its export, but for rounding."""
    pairs = ((run(_given(text))[1], np.array(then)) for text, then in loads(signed["sample"]))
    return all(float(unit(now) @ unit(then)) >= float(signed["close"]) for now, then in pairs)


def _given(stored: list[list[int]] | list[int]) -> Input:
    """A text of the sample; those of older exports are tokens alone."""
    ids, read, counted = stored if isinstance(stored[0], list) else (stored, [], [])
    return Input(ids, read, counted, np.empty(0, np.int64), np.empty(0, np.int32))


def _shortened(sample: list[Input], reference: Run, complete: Path, file: Path) -> bool:
    """Whether an exported model's vectors stay close with short weights, which are written to `file`."""
    try:
        shorten(complete, file)
        _add_sample(file, sample, QUESTION_CLOSE_ENOUGH)
        return _agreement(sample, reference, file) >= QUESTION_CLOSE_ENOUGH
    except Exception:  # noqa: BLE001 - another model's graph or another processor may not bear them
        return False


def _quantise(file: Path) -> None:
    from onnxruntime.quantization import QuantType, quantize_dynamic

    complete = file.with_suffix(".fp32")
    file.replace(complete)
    quantize_dynamic(complete, file, per_channel=True, weight_type=QuantType.QInt8)
    complete.unlink()
