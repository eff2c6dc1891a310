"""Words to the letter: quoted phrases, which documents mention something, and every place of it."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from indexes import write

import qa
from qa.asking.phrases import exactly, mention, quoted_phrases
from qa.asking.service import QA
from qa.building.pipeline import build
from qa.errors import QuestionRefused

TEXTS = {
    "a/ferry.md": "# The ferry\n\nThe boat crosses at six.\n\nIn winter it rests.\n\n"
    "# Fares\n\nThe ferry costs two coins.\n\n# Crew\n\nThe crew has three men.\n",
    "b.txt": "Two ferries run in summer. The winter\nferry does not run.\n",
    "c.txt": "Ri is 26 years old. He takes the Ferry when the WINTER  ferry runs.\n",
    "d.txt": "In winter the ferry rests. The mill grinds rye for 58,740 people. ERR-4012 is old.\n",
    "e.txt": "The captain said “we will not sail” and went home on 5 July 2021. It is an exam-\nple.\n",
}
FERRY = ["a/ferry.md", "b.txt", "c.txt", "d.txt"]
MANY = 23


@pytest.fixture(scope="module")
def asker(tmp_path_factory: pytest.TempPathFactory, encoders: Path) -> Iterator[QA]:
    folder = tmp_path_factory.mktemp("places")
    for name, text in TEXTS.items():
        write(folder / "seeds", name, text)
    for number in range(MANY):
        text = "".join(
            f"# Part {part}\n\nThe heron of pond {number} eats.\n\n" for part in range(2)
        )
        write(folder / "seeds", f"ponds/{number:02}.md", text)
    (folder / "index").mkdir()
    (folder / "index" / "encoders").symlink_to(encoders)
    build(folder / "seeds", folder / "index")
    with QA.open(folder / "index") as opened:
        yield opened


def paths(answer: qa.Answer) -> list[str]:
    return [excerpt.path for excerpt in answer.excerpts]


def marked(answer: qa.Answer) -> list[str]:
    return [
        excerpt.text[mark.start - excerpt.start : mark.end - excerpt.start]
        for excerpt in answer.excerpts
        for mark in excerpt.highlights
    ]


@pytest.mark.parametrize(
    ("question", "expected"),
    [
        ("Which documents mention the ferry?", FERRY),
        ("which files contain ferries", FERRY),
        ("In which documents does the word ferry occur?", FERRY),
        ("In which papers is the ferry mentioned?", FERRY),
        ("List all documents that mention the ferry.", FERRY),
        ("What documents mention winter ferry?", ["b.txt", "c.txt"]),
        ("Which documents mention 58740?", ["d.txt"]),
        ("Which files mention ERR4012?", ["d.txt"]),
        ("Which documents mention 2021-07-05?", ["e.txt"]),
        ("Which documents mention an example?", ["e.txt"]),
        ('Which documents mention "we will not sail"?', ["e.txt"]),
        ("Which documents mention rye and the ferry?", ["d.txt"]),
    ],
)
def test_the_documents_that_mention_something_are_listed_each_once_by_path(
    asker: QA, question: str, expected: list[str]
) -> None:
    answer = asker.ask(question)
    assert answer.answered and paths(answer) == expected and not answer.nearest
    assert answer.places is not None
    assert (answer.places.listed, answer.places.documents) == ("documents", len(expected))
    assert all(excerpt.highlights for excerpt in answer.excerpts)


def test_every_place_is_listed_by_path_and_position_and_titles_are_none(asker: QA) -> None:
    answer = asker.ask("ferry", all=True)
    assert paths(answer) == ["a/ferry.md", "a/ferry.md", "b.txt", "c.txt", "d.txt"]
    assert all("ferr" in excerpt.text.casefold() for excerpt in answer.excerpts)
    assert answer.confidence == 1.0
    assert str(answer).startswith("“ferry” stands in 5 passages of 4 documents.\n")
    assert paths(asker.ask("ferry", all=True, exclude=["a"])) == ["b.txt", "c.txt", "d.txt"]


def test_pages_hold_every_place_once(asker: QA) -> None:
    full = asker.ask("Where is the heron mentioned?", limit=100)
    assert len(full.excerpts) == 2 * MANY
    pages = [asker.ask("heron", all=True, limit=7, page=page) for page in range(1, 8)]
    assert [excerpt for page in pages for excerpt in page.excerpts] == list(full.excerpts)
    assert [(page.places.page, page.places.pages) for page in pages if page.places] == [
        (number, 7) for number in range(1, 8)
    ]
    assert "page 3 of 7" in str(pages[2])
    assert [page.places.first for page in pages if page.places] == [1, 8, 15, 22, 29, 36, 43]
    documents = asker.ask("Which documents mention the heron?", limit=10, page=3)
    assert paths(documents) == ["ponds/20.md", "ponds/21.md", "ponds/22.md"]
    assert len(asker.ask("Which documents mention the heron?").excerpts) == MANY
    with pytest.raises(QuestionRefused, match="no page 8"):
        asker.ask("heron", all=True, limit=7, page=8)


def test_a_quoted_phrase_stands_word_for_word_in_each_excerpt(asker: QA) -> None:
    for question in ('When does the "winter ferry" run?', "Is a „Winter ferry“ old?"):
        answer = asker.ask(question)
        found = {excerpt.path for excerpt in (*answer.excerpts, *answer.nearest)}
        assert found == {"b.txt", "c.txt"}
        assert answer.places is not None and answer.places.passages == 2
    assert marked(asker.ask('What is said of the "winter ferry"?')) == [
        "The winter\nferry does not run.",
        "He takes the Ferry when the WINTER  ferry runs.",
    ]
    assert paths(asker.ask('"ferry" "rye"')) == ["d.txt"]
    assert paths(asker.ask('"example"')) == ["e.txt"]
    assert paths(asker.ask('"ferries"')) == ["b.txt"]


@pytest.mark.parametrize("question", ['When does the "summer ferry" run?', '"the ferry in winter"'])
def test_a_phrase_that_stands_nowhere_is_said_to(asker: QA, question: str) -> None:
    answer = asker.ask(question)
    assert not answer.answered and not answer.excerpts and not answer.nearest
    assert answer.notes[0].startswith("No passage holds “") and answer.notes[0] in str(answer)
    chosen = asker.ask('"winter ferry"', only=["d.txt"])
    assert chosen.notes == (
        "No passage of the documents that were chosen holds “winter ferry” word for word.",
    )


def test_what_no_document_mentions_is_told_and_what_comes_near_follows(asker: QA) -> None:
    answer = asker.ask("Which documents mention the lighthouse?")
    assert answer.notes == ("No passage holds “lighthouse”.",)
    assert answer.nearest and answer.places is None


@pytest.mark.parametrize(
    ("question", "phrases"),
    [
        ('What is a "b c"?', ["b c"]),
        ("Is it «a b» or “c”?", ["a b", "c"]),
        ('A pipe of 5" and one of 6"', []),
        ("What is Ri's age?", []),
        ('An open "quote', []),
        ('Nothing in "" or " "', []),
        ('("x") says', ["x"]),
        ('Why "the Methodists?" and "a,"', ["the Methodists", "a"]),
    ],
)
def test_what_is_quoted(question: str, phrases: list[str]) -> None:
    assert quoted_phrases(question) == phrases


@pytest.mark.parametrize(
    "question",
    ["What documents do I need?", "Where is gold found?", "Which paper is white?",
     "Who mentions the ferry?", "What does the report say of winter?"],
)  # fmt: skip
def test_other_questions_are_not_taken_for_lists(question: str) -> None:
    assert mention(question) is None


def test_numbers_are_whole_in_phrases() -> None:
    assert exactly("418 million").search("95,418 million") is None
    assert exactly("95,418").search("in 95,418.") and not exactly("95,418").search("95,418.5")
    assert exactly("can't").search("He can’t.") and not exactly("art").search("party")


@given(st.text(st.sampled_from("ab cé'\"“”\n-.12,")), st.text(st.sampled_from("ab é-1")))
def test_a_phrase_is_found_in_any_text_that_holds_it_between_blanks(text: str, phrase: str) -> None:
    if any(map(str.isalnum, phrase)):
        found = exactly(phrase.strip()).search(f"{text} {phrase.upper()} {text}")
        assert found is not None


def test_what_lies_beyond_the_models_window_is_told_as_not_read(asker: QA) -> None:
    question = "How old is Ri? " + "He came by boat. " * 80 + "Heron ponds are elsewhere."
    answer = asker.ask(question)
    read = question[: len(question) - len(answer.unread)]
    assert answer.question == question and answer.unread.endswith("Heron ponds are elsewhere.")
    assert 200 < len(read.split()) < 256
    assert answer.notes[0].startswith("The question is longer than the model reads: from “")
    same = asker.ask(read.strip())
    assert (same.excerpts, same.nearest, same.unread) == (answer.excerpts, answer.nearest, "")
    assert answer.notes[0] in str(answer)


def test_the_command_line_lists_every_place_by_pages(
    asker: QA, capsys: pytest.CaptureFixture[str]
) -> None:
    from qa import cli

    command = ["ask", "heron", "--all", "--limit", "20", "--index", str(asker.index)]
    assert cli.run([*command, "--page", "3"]) == 0
    result = capsys.readouterr().out
    assert result.startswith("“heron” stands in 46 passages of 23 documents; page 3 of 3.\n")
    assert result.count("ponds/") == 6
    assert cli.run([*command, "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["places"]["pages"] == 3
    assert cli.run([*command, "--page", "9"]) == 2
    assert "no page 9" in capsys.readouterr().err
