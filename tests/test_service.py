"""Asking: honest, verbatim, reproducible, fresh, and safe against odd questions."""

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from indexes import write

import qa
from qa.asking import excerpts
from qa.asking.confidence import OF_DEFAULT
from qa.asking.service import QA
from qa.building.pipeline import build
from qa.checking.verifying import verify
from qa.errors import FilterEmpty, IndexMissing, QuestionRefused, QuestionsInvalid
from qa.index.manifest import current
from qa.records import Freshness

TEXTS = {
    "tower.txt": "The tower is ninety metres tall. It was built by a guild of masons.\n",
    "notes/ferry.md": "---\ntitle: The ferry\n---\n# Winter\n\nThe ferry rests in winter.\n\n"
    "# Summer\n\nIn summer the ferry crosses twice a day.\n",
    "notes/ferry-copy.txt": "In summer, the ferry crosses twice a day.",
    "two.txt": "The count by the port says 40 boats. The count by the town says 52 boats.",
}


@pytest.fixture
def seeds(tmp_path: Path) -> Path:
    for name, text in TEXTS.items():
        write(tmp_path / "seeds", name, text)
    return tmp_path / "seeds"


@pytest.fixture
def asker(seeds: Path, new_index: Callable[[], Path]) -> Iterator[QA]:
    index = new_index()
    build(seeds, index)
    with QA.open(index) as opened:
        yield opened


def ranking(answer: qa.Answer) -> tuple[qa.Excerpt, ...]:
    return (*answer.excerpts, *answer.nearest)


def test_every_excerpt_is_the_documents_text_word_for_word(asker: QA) -> None:
    for question in ("How tall is the tower?", "When does the ferry cross?", "How many boats?"):
        for excerpt in ranking(asker.ask(question)):
            document = asker.document(excerpt.document)
            assert document is not None
            assert excerpt.text == document.text[excerpt.start : excerpt.end]
            for highlight in excerpt.highlights:
                assert excerpt.start <= highlight.start < highlight.end <= excerpt.end
                marked = document.text[highlight.start : highlight.end]
                assert marked == marked.strip()


def test_an_excerpt_names_its_place(asker: QA) -> None:
    excerpt = ranking(asker.ask("Does the ferry rest in winter?"))[0]
    assert (excerpt.path, excerpt.title, excerpt.heading) == (
        "notes/ferry.md",
        "The ferry",
        ("Winter",),
    )
    lines = TEXTS["notes/ferry.md"].splitlines()
    first, last = excerpt.lines
    assert excerpt.text.splitlines() == lines[first - 1 : last]


def test_passages_of_the_same_words_stand_once_with_all_their_paths(asker: QA) -> None:
    texts = [excerpt.text for excerpt in ranking(asker.ask("When does the ferry cross?"))]
    assert len([text for text in texts if "twice a day" in text]) in (1, 2)
    paths = [p for e in ranking(asker.ask("When does the ferry cross?")) for p in e.paths]
    assert len(paths) == len(set(paths)) or "notes/ferry.md" in paths


def test_sources_that_disagree_are_both_cited(
    tmp_path: Path, new_index: Callable[[], Path]
) -> None:
    seeds, index = tmp_path / "seeds", new_index()
    counts = {"a.txt": "3,000", "b.txt": "300"}
    for name, count in counts.items():
        write(
            seeds, name, f"It rained. The ministry says that {count} soldiers died at the front.\n"
        )
    build(seeds, index)
    with QA.open(index) as qa:
        answer = qa.ask("How many soldiers died at the front?")
    for excerpt in answer.excerpts:
        start, end, _ = excerpt.highlights[0]
        marked = excerpt.text[start - excerpt.start : end - excerpt.start]
        assert counts.pop(excerpt.path) in marked
    assert counts == {}


def test_the_same_question_gets_the_same_bytes(asker: QA) -> None:
    assert len({asker.ask("How tall is the tower?").to_json() for _ in range(5)}) == 1


def test_many_questions_get_the_answers_that_each_would_get(asker: QA) -> None:
    questions = ["How tall is the tower?", "When does the ferry cross?", " How tall is the tower? "]
    many = asker.ask_many(questions, limit=3, exclude=["notes/*"])
    assert many == [asker.ask(one, limit=3, exclude=["notes/*"]) for one in questions]
    assert asker.ask_many([]) == []
    with pytest.raises(QuestionRefused):
        asker.ask_many(["How tall is the tower?", " "])


def test_questions_of_many_threads_get_the_answers_that_each_would_get(asker: QA) -> None:
    questions = ["How tall is the tower?", "When does the ferry cross?", "How many boats?"] * 8
    alone = list(map(asker.ask, questions))
    with ThreadPoolExecutor(8) as pool:
        assert list(pool.map(asker.ask, questions)) == alone


def test_globs_keep_to_and_leave_out_files(asker: QA) -> None:
    only = ranking(asker.ask("How tall is the tower?", only=["notes/*"]))
    assert {excerpt.path.split("/")[0] for excerpt in only} == {"notes"}
    without = ranking(asker.ask("How tall is the tower?", exclude=["tower.txt"]))
    assert "tower.txt" not in {excerpt.path for excerpt in without}
    with pytest.raises(FilterEmpty):
        asker.ask("How tall is the tower?", only=["none/*"])


def test_a_limit_counts_excerpts_and_nearest_together(asker: QA) -> None:
    assert len(ranking(asker.ask("How tall is the tower?", limit=2))) == 2


def test_a_question_that_is_nothing_to_the_model_has_no_answer(asker: QA) -> None:
    answer = asker.ask("\ufffd")
    assert (answer.answered, answer.excerpts, answer.nearest) == (False, (), ())


@pytest.mark.parametrize("question", ["", "  \n\t", "\a\x19 \u200b", "x" * 1_000_000])
def test_a_question_that_is_none_is_refused(asker: QA, question: str) -> None:
    with pytest.raises(QuestionRefused):
        asker.ask(question)


@pytest.mark.parametrize(
    "question", ["?", "\x00\x1b[31m", "\ud800", "body:*) OR (", "tower " * 300, "東京はどこですか"]
)
def test_an_odd_question_is_answered_or_not_but_breaks_nothing(asker: QA, question: str) -> None:
    assert asker.ask(question).confidence <= 1


def test_a_question_about_something_else_is_not_answered(asker: QA) -> None:
    answer = asker.ask("Which protein binds the receptor of the influenza virus?")
    assert not answer.answered
    assert answer.excerpts == ()
    assert answer.nearest != ()


def test_freshness_follows_the_file(asker: QA, seeds: Path) -> None:
    def freshness() -> Freshness:
        return ranking(asker.ask("How tall is the tower?"))[0].freshness

    assert freshness() is Freshness.FRESH
    os.utime(seeds / "tower.txt")  # another time, the same bytes
    assert freshness() is Freshness.FRESH
    (seeds / "tower.txt").write_text("The tower fell.")
    assert freshness() is Freshness.CHANGED
    (seeds / "tower.txt").unlink()
    assert freshness() is Freshness.GONE
    seeds.rename(seeds.with_name("elsewhere"))
    assert freshness() is Freshness.UNKNOWN


def test_what_is_not_in_the_index_yet_is_told(asker: QA, seeds: Path) -> None:
    assert not asker.waiting()
    write(seeds, "new.txt", "New.")
    (seeds / "two.txt").unlink()
    (seeds / "tower.txt").write_text("Other.")
    assert asker.waiting() == (("new.txt",), ("tower.txt",), ("two.txt",))


def test_an_open_index_sees_a_new_snapshot_by_itself(asker: QA, seeds: Path) -> None:
    write(seeds, "lamp.txt", "The lamp of the lighthouse is green.")
    build(seeds, asker.index)
    question, new = "Which colour has the lamp?", "lamp.txt"
    answer = asked_until(asker, question, lambda answer: ranking(answer)[0].path == new)
    assert ranking(answer)[0].path == new


def outcomes(asker: QA, answer: qa.Answer) -> dict[str, str]:
    verdicts = verify(answer.to_dict(), index=asker.index)
    return {verdict.path: verdict.outcome for verdict in verdicts}


@pytest.mark.parametrize(
    ("field", "value", "reason"),
    [("format", 99, "format 99"), ("encoder_fingerprint", "other", "another version of")],
)
def test_a_snapshot_of_another_version_does_not_take_over_and_is_told_of(
    asker: QA, seeds: Path, field: str, value: object, reason: str
) -> None:
    """As when a newer version of this program builds while an older one answers."""
    question = "How tall is the tower?"
    before = asker.ask(question)
    write(seeds, "new.txt", "Something new.")
    build(seeds, asker.index)
    (manifest,) = asker.index.glob(f"snapshots/{current(asker.index)}/manifest.json")
    payload = json.loads(manifest.read_text())
    manifest.write_text(json.dumps({**payload, field: value}))
    answer = asked_until(asker, question, lambda _: bool(asker.warning))
    assert answer == before
    assert reason in asker.warning
    manifest.write_text(json.dumps(payload))
    answer = asked_until(asker, question, lambda answer: answer.snapshot != before.snapshot)
    assert answer.snapshot == payload["snapshot"]
    assert asker.warning == ""


def asked_until(asker: QA, question: str, holds: Callable[[qa.Answer], bool]) -> qa.Answer:
    """The first answer of which that holds, or what is given after a minute."""
    deadline = time.monotonic() + 60
    while not holds(answer := asker.ask(question)) and time.monotonic() < deadline:
        time.sleep(0.02)
    return answer


def test_a_saved_answer_is_checked_against_the_files_as_they_are_now(
    asker: QA, seeds: Path
) -> None:
    answer = asker.ask("How tall is the tower, and how many boats does the port count?", limit=9)
    assert set(outcomes(asker, answer).values()) == {"valid"}
    (seeds / "tower.txt").rename(seeds / "spire.txt")
    (seeds / "two.txt").write_text("The count by the port says 41 boats. Nobody else counts.")
    (seeds / "notes/ferry-copy.txt").unlink()
    found = outcomes(asker, answer)
    assert found["tower.txt"] == "moved"
    assert found["two.txt"] == "changed"
    assert found["notes/ferry-copy.txt"] in ("gone", "moved")
    assert found["notes/ferry.md"] == "valid"
    by_path = {verdict.path: verdict for verdict in verify(answer, index=asker.index)}
    assert by_path["tower.txt"].found_path == "spire.txt"
    assert "41 boats" in (by_path["two.txt"].found_text or "")
    seeds.rename(seeds.with_name("elsewhere"))
    assert set(outcomes(asker, answer).values()) == {"unknown"}


def test_a_file_that_is_gone_with_its_text_is_said_to_be_gone(asker: QA, seeds: Path) -> None:
    answer = asker.ask("How tall is the tower?")
    assert outcomes(asker, answer)["tower.txt"] == "valid"
    (seeds / "tower.txt").unlink()
    assert outcomes(asker, answer)["tower.txt"] == "gone"


def test_text_that_moved_within_its_file_is_found_there(asker: QA, seeds: Path) -> None:
    answer = asker.ask("How tall is the tower?", only=["tower.txt"])
    (seeds / "tower.txt").write_text("A new first line.\n" + TEXTS["tower.txt"])
    (verdict,) = verify(answer, index=asker.index)
    assert (verdict.outcome, verdict.found_start) == ("moved", 18)


def test_what_is_no_saved_answer_is_said_to_be_none(asker: QA) -> None:
    with pytest.raises(QuestionsInvalid):
        verify({"excerpts": [{}], "nearest": []}, index=asker.index)


def test_the_default_index_is_built_when_it_is_first_asked(
    seeds: Path, encoders: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(seeds.parent)
    assert ranking(qa.ask("How tall is the tower?"))[0].path == "tower.txt"
    with pytest.raises(IndexMissing):
        qa.ask("How tall is the tower?", index="nowhere")


def test_a_process_that_asks_imports_neither_torch_nor_gradio(library: tuple[Path, Path]) -> None:
    code = (
        "import sys; from qa import ask; ask('How old is Ri?', index=sys.argv[1]); "
        "print([m for m in ('torch', 'sentence_transformers', 'transformers', 'gradio') "
        "if m in sys.modules])"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, str(library[1])], capture_output=True, text=True, check=True
    )
    assert done.stdout == "[]\n"


def test_each_excerpt_is_served_by_its_own_confidence(asker: QA) -> None:
    snapshot = asker.snapshot
    question = asker._encode("In which season does the ferry rest?", snapshot)
    ranked = asker.rank(question.text, snapshot)
    weak = [ranked[0]._replace(evidence=-1.0), *ranked[1:]]  # as if the first were the least sure
    strong = [each._replace(evidence=1.5, word_place=0) for each in weak[1:]]
    answer = excerpts.answer(
        snapshot, question, [weak[0], *strong], limit=9, calibration=OF_DEFAULT
    )
    assert answer.answered
    assert answer.confidence == answer.excerpts[0].confidence > 0.5
    assert len(answer.excerpts) == len(ranking(answer)) - 1
    assert answer.nearest[0].confidence < 0.01


LISTED_BY_MANY = """
import sys
from concurrent.futures import ThreadPoolExecutor
from qa import QA

def look(number):
    return len(qa.files(sort="date", find="txt") if number % 2 else qa.files())

with QA.open(sys.argv[1], seeds=sys.argv[2]) as qa, ThreadPoolExecutor(8) as pool:
    print(sorted(set(pool.map(look, range(1_000)))))
"""


def test_files_are_listed_by_many_threads_at_once(library: tuple[Path, Path]) -> None:
    """In a process of its own: where SQLite and the interpreter wait for each other, all of it stands."""
    seeds, index = library
    command = [sys.executable, "-c", LISTED_BY_MANY, str(index), str(seeds)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
    assert done.stdout == "[3, 4]\n", done.stderr
