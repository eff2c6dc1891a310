"""An answer: what the documents say to one question."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self

from qa.errors import QuestionsInvalid
from qa.records import forms
from qa.records.excerpts import Excerpt, Figure
from qa.records.forms import to_dict
from qa.records.likelihood import Likelihood, likelihood
from qa.records.places import Places
from qa.records.printable import dump
from qa.records.rendering import to_markdown, to_text


@dataclass(frozen=True, slots=True)
class Answer:
    """What the documents say to one question."""

    question: str
    answered: bool
    confidence: float | None  # of what stands first, answered or not; see `Excerpt.confidence`
    excerpts: tuple[Excerpt, ...]  # best first; empty when not answered
    nearest: tuple[Excerpt, ...]  # the rest of the ranking
    snapshot: str  # id of the snapshot that was asked
    places: Places | None = None  # what holds the words that are looked for to the letter
    unread: str = ""  # the end of the question, where it is longer than the model reads
    notes: tuple[
        str, ...
    ] = ()  # what a reader should know of how the question was taken, a line each
    figures: tuple[Figure, ...] = ()  # different ones that the excerpts give, in their order
    likelihood: Likelihood = Likelihood.UNLIKELY  # the confidence as a word
    unknown_languages: tuple[str, ...] = ()  # of the question, or of what stands here, to the model

    def __post_init__(self) -> None:
        """The word follows the number."""
        object.__setattr__(self, "likelihood", likelihood(self.confidence))

    def to_dict(self) -> dict[str, Any]:
        """The answer as values that JSON knows."""
        return to_dict(self)

    def to_json(self) -> str:
        """The answer as JSON: equal answers give equal text."""
        return dump(to_dict(self))

    def to_markdown(self) -> str:
        """The answer as Markdown: quotations with their citations."""
        return to_markdown(self)

    def __str__(self) -> str:
        """The answer for a reader."""
        return to_text(self)

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> Self:
        """The answer that `to_dict` gave. Raises QuestionsInvalid when it is none."""
        try:
            return forms.from_dict(cls, values)
        except (KeyError, TypeError, ValueError) as error:
            raise QuestionsInvalid(
                "This is not a saved answer: save one with `qa ask ... --json > ANSWER.json`."
            ) from error
