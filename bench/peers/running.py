"""Runs the peers of this project, each in a process of its own and an environment of their own."""

import json
import os
import subprocess
import sys
import tempfile
import venv
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

HERE = Path(__file__).parent
REQUIREMENTS = HERE / "requirements.txt"
ENVIRONMENT = HERE / ".venv"
OFFLINE = {
    "HF_HUB_OFFLINE": "1",
    "HAYSTACK_TELEMETRY_ENABLED": "False",
    "TOKENIZERS_PARALLELISM": "false",
    "OPENBLAS_NUM_THREADS": "1",  # its threads and torch's fight over few cores
}


class Group(NamedTuple):
    """Passages, and the questions that are asked of them."""

    passages: Sequence[str]
    questions: Sequence[str]


class Ranked(NamedTuple):
    """What a peer made of groups of passages and questions."""

    rankings: list[list[int]]  # for each question the numbers of its group's passages, best first
    seconds: list[float]  # for each question
    building: float  # seconds from the texts to the first question
    megabytes: float  # resident at the end


def rank(
    peer: str,
    model: Path,
    groups: Sequence[Group],
    *,
    limit: int,
    python: Path,
    kept: Path | None = None,
) -> Ranked:
    """What `ranking.py` says; the command ends here when the peer fails.

    With `kept`, a file, passages that an earlier peer had encoded are not encoded again: `building`
    says nothing then.
    """
    asked = [group._asdict() for group in groups]
    given = {"model": str(model), "limit": limit, "groups": asked, "kept": str(kept or "")}
    with tempfile.TemporaryDirectory() as folder:
        source, target = Path(folder) / "input.json", Path(folder) / "output.json"
        source.write_text(json.dumps(given), encoding="utf-8")
        command = [str(python), str(HERE / "ranking.py"), peer, str(source), str(target)]
        done = subprocess.run(
            command, env=os.environ | OFFLINE, capture_output=True, text=True, check=False
        )
        if done.returncode:
            sys.exit(f"{peer} failed:\n{done.stderr[-3000:]}")
        return Ranked(**json.loads(target.read_bytes()))


def python_of(folder: Path) -> Path:
    """The Python of the peers' environment, which is made anew when its list changed."""
    python, ready = folder / "bin" / "python", folder / "ready"
    wanted = REQUIREMENTS.read_text(encoding="utf-8")
    if not ready.is_file() or ready.read_text(encoding="utf-8") != wanted:
        print(f"installing the peers into {folder}", file=sys.stderr, flush=True)
        venv.create(folder, with_pip=True)
        install = [str(python), "-m", "pip", "install", "--quiet", "-r", str(REQUIREMENTS)]
        subprocess.run(install, check=True)
        ready.write_text(wanted, encoding="utf-8")
    return python
