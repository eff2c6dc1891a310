"""Where the measurements of one size have their documents, their index and their figures."""

import json
from collections.abc import Mapping
from functools import cached_property
from pathlib import Path
from typing import Any

Figures = Mapping[str, Any]
"""what a measurement found, as JSON holds it"""


class Place:
    """One size of corpus below the work folder; `sets` holds the question sets."""

    def __init__(self, sets: Path, work: Path, passages: int) -> None:
        self.sets, self.work, self.passages = sets, work, passages
        self.documents = work / f"documents-{passages}"
        self.index = work / f"index-{passages}"
        self.sentences = work / "sentences.npz"  # encoded; see `recombining`

    @cached_property
    def questions(self) -> list[str]:
        """Questions of all sets, mixed, the same ones every time."""
        import random

        result = []
        for file in sorted(self.sets.glob("*/questions.jsonl")):
            lines = file.read_text(encoding="utf-8").splitlines()
            some = random.Random(1).sample(lines, min(len(lines), MANY))
            result += [json.loads(line)["question"] for line in some]
        random.Random(1).shuffle(result)
        return list(dict.fromkeys(result))

    def figures(self, part: str) -> Figures | None:
        """What a part of the measurements found, if it was run."""
        file = self._file(part)
        return json.loads(file.read_bytes()) if file.is_file() else None

    def keep(self, part: str, figures: Figures) -> None:
        """Keeps what a part found."""
        self._file(part).parent.mkdir(parents=True, exist_ok=True)
        self._file(part).write_text(json.dumps(figures, indent=1), encoding="utf-8")

    def _file(self, part: str) -> Path:
        return self.work / "figures" / f"{part}-{self.passages}.json"


MANY = 200  # questions of a set, at most
