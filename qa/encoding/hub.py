"""The one process that uses a network: a model of the hub is downloaded and checked, file by file.

Started by `adding` as `python -m qa.encoding.hub NAME FOLDER`, on the explicit command of a user
alone. Prints a line of JSON that says what comes, and where something fails another one that says so.
Sole importer of huggingface_hub.
"""

import hashlib
import json
import sys
from fnmatch import fnmatch
from pathlib import Path, PurePosixPath
from typing import Any

from qa.encoding.library import sha256

WANTED = (
    "*.safetensors",
    "*.json",
    "*.txt",
    "*.model",
    "artifact.metadata",
    "README.md",
    "LICENSE*",
)
UNWANTED = ("onnx/*", "openvino/*", "coreml/*", "gguf/*", ".*")


def main(name: str, folder: Path) -> int:
    """The exit code; a failure is a line of JSON with one sentence."""
    try:
        _download(name, folder)
    except Exception as error:  # noqa: BLE001 - the library's and its clients' errors are too many to name
        _say(error=_reason(error))
        return 1
    return 0


def _download(name: str, folder: Path) -> None:
    from huggingface_hub import HfApi, hf_hub_download

    info = HfApi().model_info(name, files_metadata=True)
    files = [file for file in info.siblings or () if is_wanted(file.rfilename)]
    if not any(file.rfilename.endswith(".safetensors") for file in files):
        raise ValueError("it has no weights as safetensors, and others are never opened")
    size = sum(file.size or 0 for file in files)
    _say(revision=info.sha, files=len(files), size=size, licence=_licence(info))
    for file in files:
        hf_hub_download(name, file.rfilename, revision=info.sha, local_dir=folder)
        check(folder / file.rfilename, file)


def is_wanted(path: str) -> bool:
    """Whether a file of a repository belongs to a model as it is run here."""
    parts = PurePosixPath(path).parts
    is_inside = not path.startswith("/") and "\\" not in path and ".." not in parts
    last = parts[-1] if parts else ""
    return (
        is_inside
        and any(fnmatch(last, pattern) for pattern in WANTED)
        and not any(fnmatch(path, pattern) for pattern in UNWANTED)
    )


def check(file: Path, described: Any) -> None:
    """Raises ValueError where a file is not, byte for byte, what the hub describes."""
    if described.lfs is not None:
        same = sha256(file) == described.lfs.sha256
    else:
        data = file.read_bytes()  # git's name of a small file
        name = hashlib.sha1(b"blob %d\0" % len(data) + data, usedforsecurity=False).hexdigest()
        same = name == described.blob_id
    if not same:
        raise ValueError(f"{described.rfilename} is not what the hub describes: try again")


def _licence(info: Any) -> str:
    licence = getattr(info.card_data, "license", None) if info.card_data else None
    return ", ".join(licence) if isinstance(licence, list) else str(licence or "")


def _reason(error: Exception) -> str:
    """One sentence, without the library's advice to its own users."""
    names = {
        "GatedRepoError": "its owner gives it only to those who ask: take a token and set HF_TOKEN",
        "RepositoryNotFoundError": "the hub has no such model, or not for everybody",
        "HFValidationError": "this is no name of a model: give one such as owner/model",
    }
    known = names.get(type(error).__name__)
    return known or " ".join(str(error).split())[:300] or type(error).__name__


def _say(**values: object) -> None:
    print(json.dumps(values), flush=True)  # noqa: T201 - what the parent process reads


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], Path(sys.argv[2])))
