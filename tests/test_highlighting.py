"""Highlighting texts that a caller brings, without an index."""

import json
import os
import shutil
from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path

import pytest
from conftest import SHARED
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from qa import highlight
from qa.asking.topics import is_topic
from qa.errors import QuestionRefused, SettingsInvalid
from qa.evaluation.marking import overlapping_words
from qa.evaluation.metrics import agreement

TOPICS = Path(__file__).parents[1] / "bench" / "quality" / "topics.jsonl"

TEXTS = (
    "The mill stands by the river. It was built in 1790 by Anna Kern. Today it is a museum.",
    "Bread is baked from flour, water and salt.",
    "",
    "Rain fell. " * 200
    + "\n\nThe old mill was built in 1790 by Anna Kern.\n\n"
    + "Wind blew. " * 200,
)
LETTER = "Dear aunt, the children have measles. We shall come when school is over."


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, encoders: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The exported model where it is looked for without an index."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    shutil.copytree(encoders, tmp_path / "seedqa" / "encoders", copy_function=os.link)


def marked(question: str, texts: Sequence[str], **how: float) -> list[list[str]]:
    """What is marked, word for word, best first."""
    return [
        [text[mark.start : mark.end] for mark in marks]
        for text, marks in zip(texts, highlight(question, texts, **how), strict=True)
    ]


def test_the_sentences_that_answer_are_marked_and_other_texts_are_left_alone() -> None:
    assert marked("When was the mill built?", TEXTS) == [
        ["The mill stands by the river. It was built in 1790 by Anna Kern."],
        [],
        [],
        ["The old mill was built in 1790 by Anna Kern."],
    ]
    found = highlight("When was the mill built?", TEXTS)
    assert all(0 <= mark.strength <= 1 for marks in found for mark in marks)


def test_of_a_topic_every_sentence_is_marked_that_bears_on_it() -> None:
    assert marked("old mill", (LETTER,)) == [[]]
    text = f"{LETTER} The mill turns no more. Corn is ground in a mill by stones. {LETTER}"
    text += " Millers know which millstone to choose. The mill has sails. Mills need wind."
    (found,) = marked("mills and milling", (text,))
    assert sorted(found) == [
        "Corn is ground in a mill by stones.",
        "Millers know which millstone to choose.",
        "Mills need wind.",
        "The mill has sails.",
        "The mill turns no more.",
    ]


def test_a_text_bears_on_a_topic_whatever_other_texts_do() -> None:
    alone = [highlight("history of the mill", [text])[0] for text in TEXTS]
    assert highlight("history of the mill", TEXTS) == alone
    assert alone[0] and alone[3] and not alone[1] and not alone[2]


@pytest.mark.parametrize("question", ["When was the mill built?", "history of the mill"])
def test_the_caller_can_say_how_strong_a_highlight_is_at_least(question: str) -> None:
    everything = highlight(question, TEXTS, least=0)
    covered = {
        (number, at)
        for number, marks in enumerate(everything)
        for mark in marks
        for at in range(mark.start, mark.end)
    }
    for number, text in enumerate(TEXTS):
        for at, character in enumerate(text):
            assert character.isspace() or (number, at) in covered
    strengths = sorted(mark.strength for marks in everything for mark in marks)
    for least in (strengths[-2], strengths[-1]):
        kept = [tuple(m for m in marks if m.strength >= least) for marks in everything]
        assert highlight(question, TEXTS, least=least) == kept
    assert highlight(question, TEXTS, least=1) == [()] * len(TEXTS)


@pytest.mark.parametrize("least", [-0.1, 1.1, float("nan")])
def test_a_least_strength_that_is_no_probability_is_refused(least: float) -> None:
    with pytest.raises(SettingsInvalid, match="from 0 to 1"):
        highlight("When was the mill built?", TEXTS, least=least)


def test_nothing_is_marked_where_nothing_answers() -> None:
    assert highlight("Which protein binds the receptor?", TEXTS) == [(), (), (), ()]
    assert highlight("binding of receptors by proteins", TEXTS) == [(), (), (), ()]
    assert highlight("When was the mill built?", []) == []
    assert highlight("\ufffd", TEXTS) == [(), (), (), ()]


@given(
    question=st.text(min_size=1, max_size=30).filter(lambda text: text.strip().isprintable()),
    texts=st.lists(st.text(max_size=60), max_size=3),
)
@settings(
    max_examples=20, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
def test_highlights_of_any_texts_lie_within_them_and_apart(question: str, texts: list[str]) -> None:
    try:
        found = highlight(question, texts, least=0)
    except QuestionRefused:
        return
    assert len(found) == len(texts)
    for text, marks in zip(texts, found, strict=True):
        places = sorted((mark.start, mark.end) for mark in marks)
        assert all(0 <= start < end <= len(text) for start, end in places)
        assert all(before[1] <= after[0] for before, after in pairwise(places))
        assert all(text[start:end].strip() for start, end in places)


def test_a_blank_question_is_refused() -> None:
    with pytest.raises(QuestionRefused):
        highlight(" ", TEXTS)


@pytest.mark.skipif(not SHARED.is_dir(), reason="the question sets do not lie beside the project")
@pytest.mark.parametrize(("name", "level"), [("covidqa", 0.58), ("policies", 0.9)])
def test_the_topics_that_were_labelled_by_hand_keep_their_level(name: str, level: float) -> None:
    documents = SHARED / "eval" / name / "documents"
    right = marked_words = gold_words = 0
    for topic in map(json.loads, TOPICS.read_text(encoding="utf-8").splitlines()):
        if topic["set"] != name:
            continue
        places = topic["texts"]
        texts = [
            (documents / place["document"]).read_bytes().decode()[place["start"] : place["end"]]
            for place in places
        ]
        for place, text, marks in zip(places, texts, highlight(topic["query"], texts), strict=True):
            start = place["start"]
            gold = overlapping_words(text, [(a - start, b - start) for a, b in place["spans"]])
            found = overlapping_words(text, [(mark.start, mark.end) for mark in marks])
            right, marked_words = right + len(gold & found), marked_words + len(found)
            gold_words += len(gold)
    assert agreement(right, marked_words, gold_words)[2] >= level


@pytest.mark.parametrize(
    "query",
    [
        "offshore wind farms",
        "risk factors for severe influenza",
        "list decoding of polar codes",
        "name resolution in compilers",
        "themes in the works of a poet who died young",
        "Ölpreise 2023",
        "how-to guides",
        "how to bake bread",
    ],
)
def test_a_query_that_asks_for_nothing_is_a_topic(query: str) -> None:
    assert is_topic(query)


@pytest.mark.parametrize(
    "query",
    [
        "How old is Ri?",
        "who sang the song",
        "in which year was it built",
        "Is the ferry running",
        "isn't it late",
        "List all the ships",
        "name two rivers",
        "explain why it burned",
        "\u201cWhat is a mill?\u201d",
        "Wie alt ist Ri?",
        "\u4ed6\u591a\u5927\uff1f",
    ],
)
def test_a_query_that_asks_is_a_question(query: str) -> None:
    assert not is_topic(query)
