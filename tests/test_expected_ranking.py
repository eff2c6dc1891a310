"""The exact ranking of questions over `seeds/`: every weight, constant and threshold shows in it.

`expected_ranking.jsonl` holds questions whose ranking has no close call. After a change that is meant
to rank otherwise, `python tests/test_expected_ranking.py` writes anew what is found.
"""

import json
import os
import shutil
import sys
import tempfile
from pathlib import Path

import pytest

from qa.asking import (
    confidence,
    excerpts,
    highlights,
    kinds,
    questions,
    reranking,
    retrieval,
    scoring,
)
from qa.asking.service import QA
from qa.building.pipeline import build

SEEDS = Path(__file__).parents[1] / "seeds"
EXPECTED = Path(__file__).with_name("expected_ranking.jsonl")
DEPTH = 5


def found(qa, question):
    """What is expected of a question: excerpts that answer it, ranking, strongest highlights."""
    answer = qa.ask(question, limit=8)
    ranking = (*answer.excerpts, *answer.nearest)[:DEPTH]
    marks = [(mark, excerpt.path) for excerpt in ranking for mark in excerpt.highlights]
    strongest = sorted(marks, key=lambda pair: -pair[0].strength)[:3]
    return {
        "question": question,
        "answering": len(answer.excerpts),
        "ranking": [[excerpt.path, excerpt.start] for excerpt in ranking],
        "highlights": [[path, mark.start, mark.end] for mark, path in strongest],
    }


def expected():
    return list(map(json.loads, EXPECTED.read_text(encoding="utf-8").splitlines()))


@pytest.fixture(scope="module")
def asker(tmp_path_factory, encoders):
    index = tmp_path_factory.mktemp("expected")
    shutil.copytree(encoders, index / "encoders", copy_function=os.link)
    build(SEEDS, index)
    with QA.open(index) as qa:
        yield qa


def test_the_ranking_of_the_seeds_is_the_expected_one(asker):
    for row in expected():
        assert found(asker, row["question"]) == row


@pytest.mark.parametrize(
    ("module", "name"),
    [
        (reranking, "BM25_WEIGHT"),
        (reranking, "SENTENCE_WEIGHT"),
        (highlights, "RANK_WEIGHT"),
        (highlights, "NEARLY_BEST"),
        (highlights, "JOINT_GAIN"),
        (scoring, "CARRY_OVER"),
        (scoring, "CONTEXT_CARRY_OVER"),
        (scoring, "OWN_WEIGHT"),
        (scoring, "CONTEXT_WEIGHT"),
        (kinds, "NAMES_WEIGHT"),
        (kinds, "QUANTITY_WEIGHT"),
        (scoring, "PRONOUN_CARRY_OVER"),
        (questions, "LEAST_WEIGHT"),
        (questions, "IDF_POWER"),
        (retrieval, "SECTION_WEIGHT"),
    ],
)
def test_the_expected_ranking_tells_of_every_weight(asker, monkeypatch, module, name):
    """Were a weight twice what it is, some question would be ranked otherwise."""
    monkeypatch.setattr(module, name, 2 * getattr(module, name))
    assert any(found(asker, row["question"]) != row for row in expected())


@pytest.mark.parametrize("share", [0.7, 1.4])
def test_the_expected_ranking_tells_of_the_threshold(asker, monkeypatch, share):
    monkeypatch.setattr(excerpts, "THRESHOLD", share * confidence.THRESHOLD)
    assert any(found(asker, row["question"]) != row for row in expected())


def write_expected():
    """Writes what is found for the questions of the file."""
    with tempfile.TemporaryDirectory() as folder:
        build(SEEDS, folder)
        with QA.open(folder) as qa:
            rows = [found(qa, row["question"]) for row in expected()]
    lines = [json.dumps(row, ensure_ascii=False) + "\n" for row in rows]
    EXPECTED.write_text("".join(lines), encoding="utf-8")


if __name__ == "__main__":
    sys.exit(write_expected())
