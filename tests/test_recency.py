"""The latest of several, and who wrote what and when."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from indexes import write

import qa
from qa.asking.recency import CLOSE, asks_for_latest, preferred
from qa.asking.service import QA
from qa.building.pipeline import build

MINUTES = {
    "2024-03-01": "a new roof",
    "2024-05-03": "a higher fare",
    "2024-04-05": "a second ferry",
}
BOATS = {"2024-01": "twelve", "2024-02": "nine", "2023-12": "three"}


@pytest.fixture(scope="module")
def asker(tmp_path_factory: pytest.TempPathFactory, encoders: Path) -> Iterator[QA]:
    folder = tmp_path_factory.mktemp("recency")
    seeds = folder / "seeds"
    for number, (day, decision) in enumerate(MINUTES.items()):
        front = f"---\ntitle: Minutes of the council\nauthor: Wren Hill\ndate: {day}\n---\n"
        text = f"# Decisions\n\nThe council decided on {decision} for the harbour.\n"
        write(seeds, f"minutes/{number}.md", front + text)
    for month, boats in BOATS.items():
        write(seeds, f"log/boats-{month}.txt", f"In this month {boats} boats came.\n")
    front = "---\ntitle: The mill\nauthor: Anna Miller\ndate: 2023-06-02\n---\n"
    write(seeds, "notes/mill.md", f"{front}# Sails\n\nThe mill has four sails.\n")
    head = "<title>The lighthouse</title><meta name='author' content='Cora Keeper'>"
    body = "<h1>The lighthouse</h1><p>Its lamp is red.</p>"
    write(seeds, "page.html", f"<html><head>{head}</head><body>{body}</body></html>")
    (folder / "index").mkdir()
    (folder / "index" / "encoders").symlink_to(encoders)
    build(seeds, folder / "index")
    with QA.open(folder / "index") as opened:
        yield opened


def first(answer: qa.Answer) -> qa.Excerpt:
    return (*answer.excerpts, *answer.nearest)[0]


@pytest.mark.parametrize(
    ("question", "words"),
    [
        ("What has the council decided most recently?", "a higher fare"),
        ("What is the council's latest decision?", "a higher fare"),
        ("How many boats came in the latest month?", "nine"),
        ("How many boats came in the last month?", "nine"),
    ],
)
def test_of_passages_that_match_alike_the_latest_is_first(
    asker: QA, question: str, words: str
) -> None:
    assert words in first(asker.ask(question)).text


def test_what_is_far_behind_is_not_moved_and_without_dates_nothing_is() -> None:
    relevance = np.array([3.0, 2.9, 2.9 - CLOSE, 2.8], np.float32)
    moved = preferred(relevance, np.array([1, 2, 3, 0]))
    assert np.argsort(-moved).tolist() == [1, 0, 3, 2]
    assert preferred(relevance, np.array([0, 0, 0, 0])).tolist() == relevance.tolist()
    assert preferred(relevance, np.array([0, 2, 0, 0])).tolist() == relevance.tolist()


@pytest.mark.parametrize(
    ("question", "latest"),
    [
        ("What did the last meeting decide?", True),
        ("When is our next meeting?", True),
        ("Which is the newest report?", True),
        ("How long did the war last?", False),
        ("What stands next to the mill?", False),
        ("What is the last name of Ri?", False),
        ("How did it grow in the last two decades?", False),
        ("What are the total current assets?", False),
    ],
)
def test_which_questions_ask_for_the_latest(question: str, latest: bool) -> None:
    assert asks_for_latest(question) is latest


@pytest.mark.parametrize(
    ("question", "path", "words"),
    [
        ("Who is the author of mill.md?", "notes/mill.md", "author: Anna Miller"),
        ("Which note did Anna Miller write?", "notes/mill.md", "title: The mill"),
        ("When was the note on the mill written?", "notes/mill.md", "date: 2023-06-02"),
        ("Who is the author of the lighthouse page?", "page.html", "Author: Cora Keeper"),
        ("What does page.html say about the lamp?", "page.html", "Its lamp is red."),
    ],
)
def test_files_authors_and_dates_can_be_asked_for(
    asker: QA, question: str, path: str, words: str
) -> None:
    answer = asker.ask(question)
    assert answer.answered
    assert first(answer).path == path and words in first(answer).text
