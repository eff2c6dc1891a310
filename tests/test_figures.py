"""Figures: two sources that count differently are both heard, side by side."""

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from indexes import write

from qa.asking.figures import asks_for_figure, figures, unit, value
from qa.asking.service import QA
from qa.building.pipeline import build
from qa.index.words import Words
from qa.records import Answer, Figure
from qa.web.address import Address
from qa.web.cards import answer_html

SEEDS = Path(__file__).parents[1] / "seeds"
HARBOUR = {
    "post.txt": "The harbour office says that 140 boats sank in the storm of May.",
    "herald.txt": "According to the fishermen's union more than 300 boats sank in the storm of May.",
    "copy.txt": "The harbour office says that 140 boats sank in the storm of May!",
    "quay.txt": "When boats sank in the storm, the quay was crowded: 12 men carried ropes.",
    "mill.txt": "The mill grinds rye and barley. It stands by the river.",
}


@pytest.fixture(scope="module")
def seeds(tmp_path_factory: pytest.TempPathFactory, encoders: Path) -> Iterator[QA]:
    index = tmp_path_factory.mktemp("seeds")
    shutil.copytree(encoders, index / "encoders", copy_function=os.link)
    build(SEEDS, index)
    with QA.open(index) as qa:
        yield qa


@pytest.fixture(scope="module")
def harbour(tmp_path_factory: pytest.TempPathFactory, encoders: Path) -> Iterator[QA]:
    folder = tmp_path_factory.mktemp("harbour")
    for path, text in HARBOUR.items():
        write(folder / "seeds", path, text)
    folder.joinpath("index").mkdir()
    shutil.copytree(encoders, folder / "index" / "encoders", copy_function=os.link)
    build(folder / "seeds", folder / "index")
    with QA.open(folder / "index") as qa:
        yield qa


@pytest.mark.parametrize(
    "question",
    [
        "How many were killed?",
        "How many soldiers were killed?",
        "How many North Korean soldiers were killed?",
        "How many North Korean soldiers have been killed?",
    ],
)
def test_both_counts_are_served_first_and_second(seeds: QA, question: str) -> None:
    answer = seeds.ask(question)
    first, second = answer.excerpts[:2]
    assert "South Korean intelligence estimates that 300" in first.text
    assert "Zelensky" in second.text
    assert [value(figure.text) for figure in answer.figures] == ["300", "3000"]
    assert [figure.excerpt for figure in answer.figures] == [1, 2]
    assert "“300” (The South Korean figure) [1]; “more than" in str(answer)


def test_sources_that_differ_are_told_side_by_side(harbour: QA) -> None:
    answer = harbour.ask("How many boats sank in the storm?")
    assert {figure.text for figure in answer.figures} == {"140", "more than 300"}
    assert all("12 men" not in excerpt.text for excerpt in answer.excerpts[:2])
    for figure in answer.figures:
        excerpt = answer.excerpts[figure.excerpt - 1]
        assert (
            excerpt.text[figure.start - excerpt.start : figure.end - excerpt.start] == figure.text
        )
    assert Answer.from_dict(answer.to_dict()) == answer
    line = "The excerpts give different figures: “"
    assert line in str(answer) and line in answer.to_markdown()
    page = answer_html(answer, Address(), 0.01)
    assert "different figures" in page
    assert 'href="#excerpt-2"' in page


def test_one_count_is_no_difference(harbour: QA) -> None:
    assert (
        harbour.ask("How many boats sank in the storm?", only=["post.txt", "copy.txt"]).figures
        == ()
    )
    assert harbour.ask("What does the mill grind?").figures == ()


def test_a_figure_is_shown_as_text(harbour: QA) -> None:
    answer = harbour.ask("How many boats sank in the storm?")
    hostile = Figure("<b>\x1b[31m300", 0, 1, 1)
    changed = Answer.from_dict({**answer.to_dict(), "figures": [hostile._asdict()]})
    assert "\x1b" not in str(changed)
    assert "<b>" not in answer_html(changed, Address(), 0.01)


@pytest.mark.parametrize(
    ("question", "asked"),
    [
        ("How many boats sank?", True),
        ("how much did it cost", True),
        ("What is the number of boats?", True),
        ("What percentage of the boats sank?", True),
        ("How old is Ri?", False),
        ("Who counted the boats?", False),
    ],
)
def test_questions_for_a_number_are_known(question: str, asked: bool) -> None:
    assert asks_for_figure(question) is asked


@pytest.mark.parametrize(
    ("sentence", "found"),
    [
        ("In all 1,200 boats sank.", ["1,200"]),
        ("The boats that sank number more than 3 000.", ["more than 3 000"]),
        ("Some 20 per cent of all boats sank.", ["Some 20 per cent"]),
        ("Seven boats sank.", ["Seven"]),
        ("In 1998 the boats sank.", []),
        ("On 5 May boats sank.", []),
        ("May 5 was when boats sank.", []),
        ("A crew of 10 saw boats that sank.", []),
        ("A total of 10 boats sank.", ["10"]),
        ("Boats sank at 10:20.", []),
        ("Boats (see page 12) sank.", []),
        ("The MS-3 sank with boats.", []),
    ],
)
def test_only_counts_are_figures(sentence: str, found: list[str]) -> None:
    words = Words(["en"], 1, lambda _: 1)
    assert [sentence[a:b] for a, b in figures(sentence, "boat", words)] == found


def test_equal_figures_are_equal_however_they_are_written() -> None:
    assert value("almost 2 700") == value("2,700") == value("2700")
    assert value("300") != value("3 000")
    assert unit("20 per cent") == unit("20%") != unit("20")
    assert unit("$ 20") == unit("€20") == "money"
