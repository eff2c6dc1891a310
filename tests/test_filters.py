"""Filters: folders, suffixes and paths as people write them; what names nothing is an error."""

import json
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from indexes import write

import qa
from qa.asking.filters import PathsOf, understood
from qa.asking.service import QA
from qa.building.pipeline import build
from qa.errors import FilterEmpty, QuestionRefused
from qa.index.globs import Globs

TEXTS = {
    "ri.md": "Ri is 26 years old. He comes from the north.\n",
    "manuals/ferry.md": "The ferry does not run in winter.\n",
    "manuals/old/mill.TXT": "The mill grinds rye for three villages.\n",
    "Reports/may.txt": "In May the ferry carried forty people.\n",
    "empty.txt": "",
}


@pytest.fixture(scope="module")
def asker(tmp_path_factory: pytest.TempPathFactory, encoders: Path) -> Iterator[QA]:
    folder = tmp_path_factory.mktemp("filters")
    for name, text in TEXTS.items():
        write(folder / "seeds", name, text)
    (folder / "index").mkdir()
    (folder / "index" / "encoders").symlink_to(encoders)
    build(folder / "seeds", folder / "index")
    with QA.open(folder / "index") as opened:
        yield opened


def paths(answer: qa.Answer) -> set[str]:
    return {excerpt.path for excerpt in (*answer.excerpts, *answer.nearest)}


IN_MANUALS = {"manuals/ferry.md", "manuals/old/mill.TXT"}


@pytest.mark.parametrize(
    ("only", "expected"),
    [
        (["manuals"], IN_MANUALS),
        (["manuals/"], IN_MANUALS),
        (["./manuals//"], IN_MANUALS),
        (["manuals/**"], IN_MANUALS),
        (["man*"], IN_MANUALS),
        (["MANUALS"], IN_MANUALS),
        (["manuals/old"], {"manuals/old/mill.TXT"}),
        (["./ri.md"], {"ri.md"}),
        (["Ri.MD"], {"ri.md"}),
        (["*.MD"], {"ri.md", "manuals/ferry.md"}),
        (["*.txt"], {"manuals/old/mill.TXT", "Reports/may.txt"}),
        (["**/ri.md"], {"ri.md"}),
        (["manuals/**/ferry.md"], {"manuals/ferry.md"}),
        (["reports/may.txt", "./ri.md"], {"ri.md"}),
        (["R?.md"], {"ri.md"}),
    ],
)
def test_a_filter_names_what_people_mean_by_it(
    asker: QA, only: list[str], expected: set[str]
) -> None:
    assert paths(asker.ask("Does the ferry run in winter?", only=only)) == expected


@pytest.mark.parametrize(
    ("exclude", "expected"),
    [(["manuals"], {"ri.md", "Reports/may.txt"}), (["*.MD"], {"manuals/old/mill.TXT", "Reports/may.txt"})],
)  # fmt: skip
def test_what_is_left_out_is_named_likewise(
    asker: QA, exclude: list[str], expected: set[str]
) -> None:
    assert paths(asker.ask("Does the ferry run in winter?", exclude=exclude)) == expected


@pytest.mark.parametrize(
    ("only", "words"),
    [
        (["letters"], ["“letters”", "no document", "folders Reports, manuals", "*.txt, *.md", "Reports/may.txt"]),
        (["*.pdf"], ["“*.pdf”", "kinds *.txt, *.md"]),
        (["ferry.md"], ["Is manuals/ferry.md meant?"]),
        (["old/"], ["Is manuals/old meant?"]),
        (["seeds/ri.md"], ["Is ri.md meant?"]),
        (["manuals/fery.md"], ["Is manuals/ferry.md meant?"]),
        (["empty.txt"], ["The file is there, but empty"]),
    ],
)  # fmt: skip
def test_what_names_nothing_is_an_error_that_says_what_there_is(
    asker: QA, only: list[str], words: list[str]
) -> None:
    with pytest.raises(FilterEmpty) as refused:
        asker.ask("Does the ferry run in winter?", only=only)
    assert all(word in str(refused.value) for word in words), refused.value
    assert isinstance(refused.value, QuestionRefused) and "\n" not in str(refused.value)


def test_filters_that_leave_nothing_together_are_an_error(asker: QA) -> None:
    with pytest.raises(FilterEmpty, match="leave no document"):
        asker.ask("Does the ferry run in winter?", only=["manuals"], exclude=["manuals/*"])


def test_one_of_several_that_names_nothing_is_told_beside_the_answer(asker: QA) -> None:
    answer = asker.ask("How old is Ri?", only=["ri.md", "letters"], exclude=["drafts/*"])
    assert answer.notes == (
        "The filter “letters” names nothing.",
        "The filter “drafts/*” leaves out nothing.",
    )
    assert all(note in str(answer) for note in answer.notes)
    assert answer.notes[0] in answer.to_markdown()
    assert not asker.ask("How old is Ri?", only=["ri.md"]).notes


def listing(there: list[str]) -> PathsOf:
    """An index of these paths."""
    return lambda globs: filter(Globs(globs).match, sorted(there))


def test_a_path_to_the_letter_is_that_file_alone() -> None:
    there = listing(["a.md", "a.MD", "A.md", "a[1].md"])
    assert understood(["a.md"], there) == ["a.md"]
    assert understood(["a[[]1].md"], there) == ["a[[]1].md"]
    assert understood(["B.md"], there) == []


def test_thousands_of_globs_are_looked_up_not_tried(asker: QA) -> None:
    there = sorted(f"folder/{number}.txt" for number in range(5_000))
    assert understood(there, listing(there)) == there


def test_an_answer_saved_before_there_were_notes_is_still_one(asker: QA) -> None:
    saved = asker.ask("How old is Ri?").to_dict()
    assert qa.Answer.from_dict(saved).to_dict() == saved
    assert qa.Answer.from_dict({n: v for n, v in saved.items() if n != "notes"}).to_dict() == saved


def test_the_command_line_says_so_in_a_line(
    asker: QA, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    from qa import cli

    command = ["qa", "ask", "How old is Ri?", "--index", str(asker.index), "--json"]
    monkeypatch.setattr("sys.argv", [*command, "--only", "letters"])
    with pytest.raises(SystemExit) as ended:
        cli.main()
    result = capsys.readouterr()
    assert (ended.value.code, result.out) == (2, "")
    assert re.fullmatch(r"qa: The filter “letters” names no document\. There are .*\n", result.err)
    monkeypatch.setattr("sys.argv", [*command, "--only", "./ri.MD"])
    with pytest.raises(SystemExit) as ended:
        cli.main()
    assert not ended.value.code
    assert json.loads(capsys.readouterr().out)["excerpts"][0]["path"] == "ri.md"
