"""A model is added: downloaded or copied, saved in one form, checked, exported, with a codebook.

Whatever form it has (sentence-transformers of any version, PyLate, ColBERT), it is loaded once by
sentence-transformers and saved by it again, so that one form is read from then on.
"""

import json
import os
import re
import shutil
import subprocess
import time
import warnings
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from qa import processes, storage
from qa.encoding import library, originals, profiles
from qa.encoding.codebook import Codebook
from qa.encoding.encoder import DATA, Encoder
from qa.encoding.library import CODEBOOK, EXPORTS, PROFILE, RECORD, Model
from qa.encoding.models import CLOSE_ENOUGH
from qa.encoding.tokenizing import Tokens
from qa.errors import DownloadFailed, ModelRefused, StorageFailed

TEXTS = DATA / "training.txt"  # paragraphs, a line each, of which codebooks are made
LOOK_SECONDS = 0.2  # between two looks at how much has come
SPACE = 4  # times the download: it, the saved form, and exports for passages and questions
LICENCE = re.compile(r"^license:\s*[\"']?([^\"'\n]+)", re.MULTILINE)

Report = Callable[[str], None]
"""what a user reads, a line at a time"""
Bar = Callable[[str], AbstractContextManager[Callable[[int, int], None]]]
"""of a noun: a progress bar, told how many are done of how many"""


@contextmanager
def no_bar(_: str) -> Iterator[Callable[[int, int], None]]:
    """A progress bar that shows nothing."""
    yield lambda *_: None


class Prompts(NamedTuple):
    """Prompts that a user names, where a model does not name its own; None leaves them."""

    question: str | None = None
    passage: str | None = None


AS_THEY_ARE = Prompts()


def add(
    wanted: str,
    *,
    name: str | None = None,
    prompts: Prompts = AS_THEY_ARE,
    report: Report = lambda _: None,
    bar: Bar = no_bar,
) -> Model:
    """The model of a folder, or of that name on the hub, which is now one of this machine's.

    Nothing else in this package uses a network. Raises DownloadFailed, ModelRefused, SettingsInvalid
    and StorageFailed; what was there before stays.
    """
    folder = Path(wanted)
    name = name or (folder.resolve().name if folder.is_dir() else wanted)
    target = library.added_folder(name)
    if (target / RECORD).exists():
        raise ModelRefused(f"{name} is there already: run `qa model remove {name}` first.")
    with _draft() as draft:
        if folder.is_dir():
            source, licence, described = folder, _licence(folder), str(folder.resolve())
        else:
            source = draft / "download"
            described, licence = _download(wanted, draft, report, bar)
        try:
            size = _make(source, draft / "model", prompts, report, bar)
        except ModelRefused as error:
            raise ModelRefused(f"{wanted} cannot be used here: {error}.") from error
        model = Model(name, described, licence or "unknown", size)
        storage.write_file(draft / "model" / RECORD, library.written(model))
        target.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        shutil.rmtree(target, ignore_errors=True)  # of one that was half removed
        (draft / "model").rename(target)
    return model


@contextmanager
def _draft() -> Iterator[Path]:
    """A folder that is gone again whatever happens."""
    draft = library.models_folder() / f".draft-{os.getpid()}"
    with storage.writing(draft):
        storage.new_folder(draft)
        try:
            yield draft
        finally:
            shutil.rmtree(draft, ignore_errors=True)


def _make(source: Path, into: Path, prompts: Prompts, report: Report, bar: Bar) -> int:
    """Makes the folder of a model as it is kept; returns the bytes of its own files."""
    if not any(source.rglob("*.safetensors")):
        raise ModelRefused("it has no weights as safetensors, and others are never opened")
    report("Loading it, and saving it in one form.")
    _describe(_resaved(source, into, prompts), into)
    size = library.size_of(into)
    report("Exporting it, and comparing the export with it.")
    encoder = _exported(into, report)
    report("Making its codebook from the texts that this package has for it.")
    _codebook(encoder, bar).save(into / CODEBOOK)
    return size


def _resaved(source: Path, into: Path, prompts: Prompts) -> Any:
    """The model of a folder, saved in another one and loaded from there. Raises ModelRefused."""
    try:
        late = profiles.is_late(source)
        originals.resave(source, into, prompts._asdict(), late=late)
        return originals.load(into, late=late)
    except Exception as error:
        raise ModelRefused(
            f"sentence-transformers does not load it ({_one_line(error)})"
        ) from error


def _describe(model: Any, folder: Path) -> None:
    """Writes the profile of a loaded model into its folder. Raises ModelRefused where it is wrong."""
    profile = profiles.profile_of(model)
    storage.write_file(folder / PROFILE, library.written(profile))
    ours = originals.run(model, profile)
    agreement = originals.least_agreement(model, profile, Tokens(folder, profile), ours)
    if agreement < CLOSE_ENOUGH:
        raise ModelRefused(f"its vectors come out as other ones (a cosine of {agreement:.3f})")


def _exported(folder: Path, report: Report) -> Encoder:
    """The encoder of a model, whose exports lie in a folder of its own."""
    encoder = Encoder(str(folder), folder=folder / EXPORTS)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        encoder.encode("A")
    for reason in (str(warning.message) for warning in caught):
        if "is run by torch" in reason:
            report(f"It does not export, and is run by torch: slower ({_one_line(reason)}).")
    return encoder


def _codebook(encoder: Encoder, bar: Bar) -> Codebook:
    texts = TEXTS.read_text(encoding="utf-8").splitlines()
    tokens = []
    with bar("texts") as progress:
        for done, text in enumerate(texts):
            progress(done, len(texts))
            tokens.append(encoder.encode(text).tokens)
    return Codebook.trained(np.concatenate(tokens))


def _download(name: str, draft: Path, report: Report, bar: Bar) -> tuple[str, str]:
    """Downloads a model of the hub; returns its name with the revision, and its licence."""
    folder = draft / "download"
    with subprocess.Popen(  # noqa: S603 - this very interpreter and package
        processes.command("qa.encoding.hub", name, str(folder)),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        env=processes.online_environment(draft / "hub"),
        text=True,
    ) as child:
        assert child.stdout
        try:
            told = _told(child.stdout.readline())
            if "error" not in told:
                _check_space(draft, told["size"])
                revision, licence = told["revision"], told["licence"]
                size = megabytes(told["size"])
                report(f"{name}: {told['files']} files, {size} MB, licence {licence or 'unknown'}.")
                with bar("MB") as progress:
                    while child.poll() is None:
                        progress(min(megabytes(library.size_of(folder)), size), size)
                        time.sleep(LOOK_SECONDS)
                told = _told(child.stdout.readline()) if child.returncode else told
        finally:
            child.kill()
    if "error" in told:
        raise DownloadFailed(f"{name} was not downloaded: {told['error']}.")
    return f"{name} {revision}", licence


def _told(line: str) -> dict[str, Any]:
    """What the process that downloads has said."""
    try:
        told: dict[str, Any] = json.loads(line)
    except ValueError:
        return {"error": "its process ended without a word"}
    return told


def _check_space(folder: Path, size: int) -> None:
    """Raises StorageFailed where a model, its saved form and its exports do not fit."""
    if shutil.disk_usage(folder).free < size * SPACE:
        raise StorageFailed(
            f"{folder.parent} has too little space: {megabytes(size * SPACE)} MB are needed. "
            "Free some, or name another cache folder by XDG_CACHE_HOME."
        )


def megabytes(size: int) -> int:
    """Bytes as whole megabytes, one at least."""
    return max(round(size / 1_000_000), 1)


def _licence(folder: Path) -> str:
    """The licence that a model's own page names."""
    try:
        page = (folder / "README.md").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ""
    head = page.split("\n---", 1)[0] if page.startswith("---") else ""
    found = LICENCE.search(head)
    return found[1].strip() if found else ""


def _one_line(error: object) -> str:
    return " ".join(str(error).split())[:300]
