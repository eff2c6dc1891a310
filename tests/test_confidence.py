"""The confidence: what raises it, what lowers it, and what it is called."""

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from indexes import write

from qa.asking import ages, claims
from qa.asking.confidence import THRESHOLD
from qa.asking.service import QA
from qa.building.pipeline import build
from qa.records import Answer
from qa.records.likelihood import POSSIBLE, likelihood

SECTIONS = "\n\n".join(
    f"## {a}.{b}.{c} Rule\n\nClause {a}.{b}.{c}: the {thing} is checked every {a + b + c} weeks."
    for a in (3, 4)
    for b in (1, 2)
    for c, thing in enumerate(("pump", "valve", "hose"), 1)
)
MINUTES = """# Minutes of 4 March

Present: Ada, Ben, Wren.

The roof of the boat house leaks above the door. Ben has asked two firms for a price.

Wren must send the invoice to the harbour office by Friday.

The next meeting is on 11 March.
"""
STAFF = "name,role,phone\nWren,bookkeeper,555 0101\nAda,chair,555 0102\nBen,warden,555 0103\n"
FERRY = "The ferry to the island leaves the east quay at ten past seven in the morning."
RI = "Captured Paek (21) and Ri (26) said that they came in the fall.\n\nRi slept in a tent."


@pytest.fixture(scope="module")
def asker(tmp_path_factory: pytest.TempPathFactory, encoders: Path) -> Iterator[QA]:
    folder = tmp_path_factory.mktemp("confidence")
    texts = {
        "rules.md": SECTIONS,
        "minutes.md": MINUTES,
        "staff.csv": STAFF,
        "ferry.txt": FERRY,
        "news/ri.txt": RI,
        "orders.txt": "Order 58740 was sent to Oslo.\n\nOrder 58741 was sent to Bergen.",
    }
    for path, text in texts.items():
        write(folder / "seeds", path, text)
    index = folder / "index"
    index.mkdir()
    shutil.copytree(encoders, index / "encoders", copy_function=os.link)
    build(folder / "seeds", index)
    with QA.open(index) as qa:
        yield qa


@pytest.mark.parametrize(
    ("question", "words"),
    [
        ("What does § 4.2.1 say?", "4.2.1: the pump"),
        ("What must Wren do?", "send the invoice"),
        ("When does the ferry leave?", "ten past seven"),
        ("How old is Ri?", "Ri (26)"),
        ("Where was order 58740 sent?", "Oslo"),
    ],
)
def test_a_plain_question_with_the_right_sentence_first_is_answered(
    asker: QA, question: str, words: str
) -> None:
    answer = asker.ask(question)
    assert answer.answered
    assert words in answer.excerpts[0].text


def test_an_identifier_that_a_passage_lacks_keeps_it_from_being_served(asker: QA) -> None:
    assert not asker.ask("What does § 5.2.1 say?").answered
    served = asker.ask("Where was order 58741 sent?").excerpts
    assert all("58741" in excerpt.text for excerpt in served)


def test_who_is_asked_for_an_age_gets_none_from_a_passage_without(asker: QA) -> None:
    assert not asker.ask("How old is Ben?", only=["minutes.md", "staff.csv"]).answered


def test_a_copy_is_no_rival(asker: QA, tmp_path: Path, encoders: Path) -> None:
    """Passages of the same words do not hold each other down, wherever they stand."""
    question = "When does the ferry leave?"
    found = {}
    for copies in (1, 3):
        folder = tmp_path / str(copies)
        for number in range(copies):
            write(folder / "seeds", f"{number}.txt", FERRY)
        write(folder / "seeds", "minutes.md", MINUTES)
        folder.joinpath("index").mkdir()
        shutil.copytree(encoders, folder / "index" / "encoders", copy_function=os.link)
        build(folder / "seeds", folder / "index")
        with QA.open(folder / "index") as qa:
            found[copies] = qa.ask(question).excerpts[0].confidence
    assert found[3] == pytest.approx(found[1], abs=0.15)
    assert found[3] >= 0.5


def test_a_document_that_was_chosen_is_believed_more(asker: QA) -> None:
    question = "How often is the pump checked?"
    chosen = asker.ask(question, only=["rules.md"])
    several = asker.ask(question, only=["rules.md", "ferry.txt"])
    assert chosen.excerpts[0].text == several.excerpts[0].text
    assert chosen.confidence > several.confidence > THRESHOLD


def test_passages_that_each_hold_one_of_several_things_do_not_exclude_each_other(
    tmp_path: Path, encoders: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    facts = {
        "a.txt": "The breads of the bakery of Ollenby: rye bread and wheat bread.",
        "b.txt": "Seed bread is baked in Ollenby for the fair in May.",
        "c.txt": MINUTES,
    }
    for path, text in facts.items():
        write(tmp_path / "seeds", path, text)
    tmp_path.joinpath("index").mkdir()
    shutil.copytree(encoders, tmp_path / "index" / "encoders", copy_function=os.link)
    build(tmp_path / "seeds", tmp_path / "index")
    with QA.open(tmp_path / "index") as qa:
        several = qa.ask("What are the breads of the bakery of Ollenby?")
        monkeypatch.setattr(claims, "BEHIND", -1.0)
        one = qa.ask("What are the breads of the bakery of Ollenby?")
    assert [excerpt.path for excerpt in several.excerpts] == ["a.txt", "b.txt"]
    weaker = next(excerpt for excerpt in (*one.excerpts, *one.nearest) if excerpt.path == "b.txt")
    assert several.excerpts[1].confidence > 1.5 * weaker.confidence
    assert several.excerpts[0].confidence == one.excerpts[0].confidence


@pytest.mark.parametrize(
    ("confidence", "word"),
    [
        (1.0, "very likely"),
        (0.9, "very likely"),
        (0.89, "likely"),
        (0.5, "likely"),
        (0.49, "possible"),
        (0.1, "possible"),
        (0.09, "unlikely"),
        (0.0, "unlikely"),
    ],
)
def test_a_confidence_has_a_word(confidence: float, word: str) -> None:
    assert likelihood(confidence) == word


def test_every_record_says_the_word_of_its_number(asker: QA) -> None:
    answer = asker.ask("When does the ferry leave?", limit=9)
    for one in (answer, *answer.excerpts, *answer.nearest):
        assert one.likelihood == likelihood(one.confidence)
        assert one.to_dict()["likelihood"] == str(one.likelihood)
    assert Answer.from_dict(answer.to_dict()) == answer
    assert all(excerpt.confidence >= POSSIBLE for excerpt in answer.excerpts)
    assert POSSIBLE < THRESHOLD


@pytest.mark.parametrize(
    "text",
    [
        "Paek (21) and Ri (26)", "Ri, 26, said", "a 26-year-old", "she was twenty-six years old",
        "at the age of 86", "aged eighty", "He turned 40.", "six weeks old", "eighty-one years of age",
    ],
)  # fmt: skip
def test_ages_are_known_as_texts_give_them(text: str) -> None:
    assert ages.given(text)
    assert not ages.states_none(text)


@pytest.mark.parametrize("text", ["In 2021 (see 26)", "3 000 soldiers, 26 in all", "page 26"])
def test_other_numbers_are_no_ages(text: str) -> None:
    assert not ages.given(text)
