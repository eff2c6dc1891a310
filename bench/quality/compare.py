"""Runs this project and its peers side by side, and takes this project's ranking apart.

    python -m bench.quality.compare SETS INDEXES [--questions N] [--environment FOLDER]

SETS holds question sets, INDEXES an index of each (built when missing). Every system has the same
encoder and the very passages and ranking texts of the index, and is asked for ten passages, one
question at a time; `qa.evaluation.judge` marks them all. Questions that name the document that they
are asked of are asked of its passages alone, in every system. The peers run one after the other in
an environment of their own, made when it is missing.

Writes RESULTS.md, the picture in docs/, and the part of the README between its marks: about an
hour on two cores, as passages are encoded by one peer and kept for the others. With N, that many
questions of each set are asked, evenly spread, and the tables are only printed.
"""

import argparse
import sys
import tempfile
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

from bench.peers import running
from bench.quality import ablation, tables
from bench.quality.tables import OURS, Compared
from qa.asking.filters import filtered
from qa.asking.service import QA
from qa.building.pipeline import build
from qa.encoding.library import model_folder
from qa.evaluation.judging import Row, judge
from qa.evaluation.metrics import DEPTH
from qa.evaluation.questions import Question, read_questions
from qa.records import Answer, Excerpt, Highlight

Passage = tuple[str, Excerpt]
"""a ranking text, and what is quoted of it"""

ROOT = Path(__file__).parents[2]
PEERS = tuple(system for system in tables.SYSTEMS if system != OURS)


class Group(NamedTuple):
    """Questions, and the passages that they are asked of."""

    questions: Sequence[Question]
    passages: Sequence[Passage]


def main() -> None:
    """Measures, then prints or writes the tables."""
    parser = argparse.ArgumentParser()
    parser.add_argument("sets", type=Path)
    parser.add_argument("indexes", type=Path)
    parser.add_argument("--questions", type=int, help="of each set, evenly spread")
    parser.add_argument(
        "--environment", type=Path, default=running.ENVIRONMENT, help="of the peers"
    )
    given = parser.parse_args()
    python = running.python_of(given.environment)
    compared = []
    for name in tables.TITLES:
        questions = spread(read_questions(given.sets / name / "questions.jsonl"), given.questions)
        index = given.indexes / name
        if not (index / "CURRENT").exists():
            build(given.sets / name / "documents", index)
        with QA.open(index) as qa:
            say(f"{name}: {len(questions)} questions, {qa.manifest.passages} passages")
            compared.append(compare(name, qa, questions, python))
    if given.questions:
        print(tables.results(compared, running.REQUIREMENTS))
    else:
        tables.write(compared, running.REQUIREMENTS, ROOT)


def compare(name: str, qa: QA, questions: Sequence[Question], python: Path) -> Compared:
    """What became of every question of a set in every system, and without each of our parts."""
    say("  this project")
    groups = list(grouped(qa, questions))
    questions = [question for group in groups for question in group.questions]
    systems = {OURS: asked(qa, questions)}
    with tempfile.TemporaryDirectory() as folder:
        for peer in PEERS:
            say(f"  {peer}")
            systems[peer] = asked_of(peer, qa, groups, python, Path(folder) / "vectors.npz")
    parts = {}
    for part, taken_away in ablation.parts(qa):
        say(f"  {part}")
        with taken_away:
            parts[part] = asked(qa, questions)
    return Compared(name, qa.manifest.passages, systems, parts)


def asked(qa: QA, questions: Iterable[Question]) -> list[Row]:
    """What this project answers."""
    asked = ((one, qa.ask(one.text, limit=DEPTH, only=one.only)) for one in questions)
    return [judge("", question, answer, 0.0) for question, answer in asked]


def grouped(qa: QA, questions: Sequence[Question]) -> Iterator[Group]:
    """The questions by the documents that they are asked of, with the passages of these."""
    by_documents: dict[tuple[str, ...], list[Question]] = {}
    for question in questions:
        by_documents.setdefault(question.only, []).append(question)
    for only, some in by_documents.items():
        yield Group(some, distinct(qa, only))


def asked_of(peer: str, qa: QA, groups: Sequence[Group], python: Path, kept: Path) -> list[Row]:
    """What a peer finds. It quotes whole passages: each is its own highlight."""
    result = running.rank(
        peer,
        model_folder(qa.manifest.encoder),
        [
            running.Group([text for text, _ in passages], [question.text for question in questions])
            for questions, passages in groups
        ],
        limit=DEPTH,
        python=python,
        kept=kept,
    )
    asked = [(question, passages) for questions, passages in groups for question in questions]
    return [
        judge("", question, found([passages[number][1] for number in ranking]), 0.0)
        for (question, passages), ranking in zip(asked, result.rankings, strict=True)
    ]


def found(excerpts: Sequence[Excerpt]) -> Answer:
    """A peer's ranking as an answer."""
    return Answer(
        "", answered=True, confidence=1, excerpts=tuple(excerpts), nearest=(), snapshot=""
    )


def distinct(qa: QA, only: Sequence[str] = ()) -> list[Passage]:
    """The passages of an index, or of some of its documents, those of equal texts once."""
    passages: dict[tuple[str, int], Passage] = {}
    snapshot = qa.snapshot
    left = filtered(snapshot, only, ()).among
    keys = range(snapshot.count) if left is None else left.numbers.tolist()
    for segment, row, number in snapshot.locate(keys):
        live, text = snapshot.catalog.described(number), segment.text(row)
        record = segment.records[row]
        start, end, page = int(record["start"]), int(record["end"]), int(record["page"])
        if (text, page) in passages:
            ranking_text, same = passages[text, page]
            passages[text, page] = ranking_text, replace(same, paths=(*same.paths, *live.paths))
            continue
        full = (Highlight(start, end, 1.0),)
        paths = live.paths
        excerpt = Excerpt(text, start, end, full, 1.0, live.sha256, paths[0], paths, "", page=page)
        passages[text, page] = segment.ranking_text(row), excerpt
    return list(passages.values())


def spread(questions: list[Question], count: int | None) -> list[Question]:
    """About `count` of the questions, evenly spread; all without one."""
    return questions[:: max(1, len(questions) // count)] if count else questions


def say(progress: str) -> None:
    """Prints how far the run is, apart from its tables."""
    print(progress, file=sys.stderr, flush=True)


if __name__ == "__main__":
    main()
