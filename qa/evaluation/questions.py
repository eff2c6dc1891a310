"""Question files: one question a line, with the places in the documents that answer it.

A row is `{"question": ..., "document": path or null, "spans": [[start, end]]}`, with `pages` besides
or instead, and `only`, globs of the files that it is asked of; without a document, the documents hold
no answer. A row with `helpful` is a reader's judgement of that place: the last one of a place
counts, and one that is not helpful is left out.
"""

import json
import logging
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, NamedTuple

from qa.errors import QuestionsInvalid

_log = logging.getLogger(__name__)


class Question(NamedTuple):
    """One row of a question file."""

    text: str
    document: str | None  # None: the documents hold no answer
    spans: tuple[tuple[int, int], ...] = ()  # each answers; offsets in the document
    pages: tuple[int, ...] = ()  # gold pages, physical, from 1
    only: tuple[str, ...] = ()  # globs: the files that it is asked of


def read_questions(file: Path, *, warn: Callable[[str], None] = _log.warning) -> list[Question]:
    """The rows of a question file. Raises QuestionsInvalid, naming the line.

    A last line that was broken off, as by a power cut, is skipped, and `warn` gets a line.
    """
    questions: dict[Question | int, Question] = {}
    for number, line in enumerate(_lines(file, warn), 1):
        if line.strip():
            question, helpful = _question(file, number, line)
            if helpful is not None:
                questions.pop(question, None)
            if helpful is not False:
                questions[number if helpful is None else question] = question
    if not questions:
        raise QuestionsInvalid(f"{file} holds no question: write one JSON object a line.")
    return list(questions.values())


def _lines(file: Path, warn: Callable[[str], None]) -> list[str]:
    """The lines of a question file, without a last one that was broken off."""
    try:
        *ended, last = file.read_bytes().split(b"\n")
        lines = [line.decode() for line in ended]
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or "it is not UTF-8 text"
        raise QuestionsInvalid(f"{file} cannot be read: {reason}.") from error
    try:
        json.loads(last or b"null")
    except ValueError:
        warn(f"{file}, line {len(lines) + 1} was broken off while it was written: left out.")
        return lines
    return [*lines, last.decode()]


def _question(file: Path, number: int, line: str) -> tuple[Question, bool | None]:
    """The question of a line, and how a reader judged its place, None when nobody did."""
    try:
        fields = json.loads(line)
        return _as_question(fields), _helpful(fields)
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise QuestionsInvalid(
            f"{file}, line {number} is not a question: write "
            '{"question": "...", "document": "path", "spans": [[start, end]]}.'
        ) from error


def _as_question(fields: Mapping[str, Any]) -> Question:
    text, document = fields["question"], fields.get("document")
    spans = tuple((int(start), int(end)) for start, end in fields.get("spans") or ())
    pages = tuple(int(page) for page in fields.get("pages") or ())
    if not isinstance(text, str) or not isinstance(document, str | None):
        raise TypeError("question and document are texts")
    if document is None and (spans or pages):
        raise ValueError("spans and pages belong to a document")
    only = fields.get("only") or []
    if not isinstance(only, list) or not all(isinstance(glob, str) for glob in only):
        raise TypeError("only is a list of globs")
    return Question(text, document, spans, pages, tuple(only))


def _helpful(fields: Mapping[str, Any]) -> bool | None:
    helpful = fields.get("helpful")
    if not isinstance(helpful, bool | None):
        raise TypeError("helpful is true or false")
    return helpful
