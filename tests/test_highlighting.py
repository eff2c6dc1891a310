"""Highlighting texts that a caller brings, without an index."""

import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from indexes import write

from qa import highlight
from qa.asking.service import QA
from qa.building.pipeline import build
from qa.errors import QuestionRefused

TEXTS = (
    "The mill stands by the river. It was built in 1790 by Anna Kern. Today it is a museum.",
    "Bread is baked from flour, water and salt.",
    "",
    "Rain fell. " * 200
    + "\n\nThe old mill was built in 1790 by Anna Kern.\n\n"
    + "Wind blew. " * 200,
)


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, encoders: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The exported model where it is looked for without an index."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    shutil.copytree(encoders, tmp_path / "seedqa" / "encoders", copy_function=os.link)


def test_the_sentences_that_answer_are_marked_and_other_texts_are_left_alone() -> None:
    found = highlight("When was the mill built?", TEXTS)
    assert [bool(marks) for marks in found] == [True, False, False, True]
    marked = [
        text[marks[0].start : marks[0].end]
        for text, marks in zip(TEXTS, found, strict=True)
        if marks
    ]
    assert marked == [
        "The mill stands by the river. It was built in 1790 by Anna Kern.",
        "The old mill was built in 1790 by Anna Kern.",
    ]
    assert all(0 <= mark.strength <= 1 for marks in found for mark in marks)


def test_a_text_is_as_sure_as_in_an_index_of_the_texts(
    tmp_path: Path, new_index: Callable[[], Path]
) -> None:
    index = new_index()
    for number, text in enumerate(TEXTS):
        write(tmp_path / "seeds", f"{number}.txt", text)
    build(tmp_path / "seeds", index)
    with QA.open(index) as qa:
        answer = qa.ask("When was the mill built?", limit=99)
    sure = {excerpt.path: excerpt.confidence for excerpt in reversed(answer.excerpts)}
    found = highlight("When was the mill built?", TEXTS)
    marked = {f"{number}.txt": marks[0].strength for number, marks in enumerate(found) if marks}
    assert marked.keys() == sure.keys() == {"0.txt", "3.txt"}
    assert marked == pytest.approx(sure, abs=0.02)


def test_nothing_is_marked_where_nothing_answers() -> None:
    assert highlight("Which protein binds the receptor?", TEXTS) == [(), (), (), ()]
    assert highlight("When was the mill built?", []) == []
    assert highlight("\ufffd", TEXTS) == [(), (), (), ()]


def test_a_blank_question_is_refused() -> None:
    with pytest.raises(QuestionRefused):
        highlight(" ", TEXTS)
