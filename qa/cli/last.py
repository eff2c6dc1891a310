"""The last answer of `qa ask`, as far as `qa open` needs it: its citations, and none of their text."""

import json
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path

from qa import storage
from qa.errors import QuestionsInvalid, StorageFailed
from qa.records import Answer

FILE = "last.json"  # in the user's cache folder


@dataclass(frozen=True)
class Last:
    """Where the citations of an answer stand."""

    index: str
    seeds: str | None
    question: str  # "" where it was asked of some documents only: the page could not ask it again
    citations: tuple[tuple[str, int, int], ...]  # document, start, end

    @classmethod
    def of(cls, answer: Answer, index: Path, seeds: Path | None, *, of_all: bool) -> "Last":
        """The citations of an answer, in their order."""
        found = (*answer.excerpts, *answer.nearest)
        return cls(
            str(index.resolve()), str(seeds.resolve()) if seeds else None,
            answer.question if of_all else "",
            tuple((each.document, each.start, each.end) for each in found),
        )  # fmt: skip

    def citation(self, number: int) -> tuple[str, int, int]:
        """The citation of that number, from 1. Raises QuestionsInvalid."""
        if not 1 <= number <= len(self.citations):
            raise QuestionsInvalid(_there_are(self.citations, number))
        return self.citations[number - 1]


def remember(last: Last) -> None:
    """Keeps the citations for `qa open`; a home that cannot be written keeps none."""
    with suppress(OSError, StorageFailed):
        storage.replace_file(storage.user_cache() / FILE, json.dumps(asdict(last)).encode())


def remembered() -> Last:
    """The citations of the last answer. Raises QuestionsInvalid where there is none."""
    try:
        values = json.loads((storage.user_cache() / FILE).read_bytes())
        citations = tuple((str(a), int(b), int(c)) for a, b, c in values.pop("citations"))
        return Last(**values, citations=citations)
    except (OSError, ValueError, TypeError, KeyError) as error:
        raise QuestionsInvalid('There is no last answer: ask first, by `qa ask "..."`.') from error


def _there_are(citations: Sequence[object], number: int) -> str:
    if not citations:
        return "The last answer has no citation."
    return f"The last answer has no citation {number}: give a number from 1 to {len(citations)}."
