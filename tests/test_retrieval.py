"""Candidates: ties at every cut, and filtered questions over the approximate index."""

import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import numpy as np
import pytest
from indexes import write

from qa.asking.retrieval import CANDIDATES, RERANKED
from qa.asking.service import QA
from qa.building.pipeline import build
from qa.encoding.quantisation import Vectors
from qa.index import dense
from qa.index.runs import Runs, up_to
from qa.index.snapshot import LocalSnapshot
from qa.index.store import Keys
from qa.records import Answer, Excerpt


def ranking(answer: Answer) -> tuple[Excerpt, ...]:
    return (*answer.excerpts, *answer.nearest)


def test_at_every_cut_ties_stand_in_the_order_of_paths(
    tmp_path: Path, new_index: Callable[[], Path]
) -> None:
    """Equal passages of different files: those of the first paths are found, in their order."""
    seeds, index, copies = tmp_path / "seeds", new_index(), CANDIDATES // 2 + 20
    texts = {
        "words": "Taxes fell by two per cent; lamp, colour and keeper are the passwords of the bank.",
        "meaning": "The lantern that the guard of the lighthouse carries shines red and green.",
    }
    for number in range(copies):
        for name, text in texts.items():
            # of other bytes each, so that none is another's duplicate; its path leads backwards
            write(seeds, f"{copies - number:03}-{name}.txt", text + "\n" * (number + 1))
    build(seeds, index)
    with QA.open(index) as qa:
        answer = qa.ask("Which colour has the lamp of the keeper?")
    found = {excerpt.text.strip(): excerpt.paths for excerpt in ranking(answer)}
    assert sum(map(len, found.values())) == RERANKED < 2 * copies
    for name, text in texts.items():
        expected = [f"{number:03}-{name}.txt" for number in range(1, copies + 1)]
        assert list(found[text]) == expected[: len(found[text])]
    assert any(len(paths) < copies for paths in found.values())


def test_of_equal_passages_in_one_document_the_first_is_quoted(
    tmp_path: Path, new_index: Callable[[], Path]
) -> None:
    paragraph = "The lamp of the keeper is red. " + "It shines over the sea at night. " * 12
    text = "\n\n".join([paragraph.strip()] * 4) + "\n"
    write(tmp_path / "seeds", "lamp.txt", text)
    index = new_index()
    build(tmp_path / "seeds", index)
    with QA.open(index) as qa:
        assert qa.snapshot.manifest.passages == 4
        (excerpt,) = ranking(qa.ask("Which colour has the lamp of the keeper?"))
    assert (excerpt.start, excerpt.lines) == (0, (1, 1))


@pytest.fixture(scope="module")
def many(tmp_path_factory: pytest.TempPathFactory, encoders: Path) -> Iterator[LocalSnapshot]:
    """Two tables of 250 rows, with an approximate index over them: 100 rows are looked at exactly."""
    folder = tmp_path_factory.mktemp("many")
    shutil.copytree(encoders, folder / "index" / "encoders", copy_function=os.link)
    random = np.random.default_rng(4)
    nouns = ("mill", "ferry", "lamp", "harbour", "bridge", "market", "school", "tower", "garden")
    for name in "ab":
        rows = [f"{' and '.join(random.choice(nouns, 3))},{number * 37}" for number in range(249)]
        table = "\n".join(["places,number", *rows]) + "\n"
        write(folder / "seeds", f"{name}.csv", table)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(dense, "EXACT", 120)
        patch.setattr(dense, "RESCORED", 100)
        build(folder / "seeds", folder / "index")
        with closing(LocalSnapshot.open(folder / "index")) as opened:
            yield opened


def test_a_filtered_search_looks_at_as_many_passages_as_one_without(
    many: LocalSnapshot, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The more a filter leaves out, the deeper the approximate index is searched for it."""
    looked_at: list[int] = []
    original = LocalSnapshot.products

    def spy(self: LocalSnapshot, vector: Vectors, keys: Keys | None = None) -> Vectors:
        looked_at.append(self.count if keys is None else len(keys))
        return original(self, vector, keys)

    only = many.among(["a.csv"], [])
    assert only is not None and only.size == 250
    questions = [many.segments[0].vectors[row].copy() for row in range(0, 500, 25)]
    exact = [dense.best(many.products(question), 20, only) for question in questions]
    monkeypatch.setattr(LocalSnapshot, "products", spy)
    shares = []
    for question, expected in zip(questions, exact, strict=True):
        found = many.all_nearest(question, 20, only)
        assert only.holds(found).all()
        shares.append(np.isin(expected, found).mean())
    assert np.mean(shares) > 0.85
    assert 0.8 * dense.RESCORED < np.median(looked_at) < 1.2 * dense.RESCORED
    looked_at.clear()
    few = up_to(dense.EXACT)
    assert many.all_nearest(questions[0], 9, few).tolist() == (
        dense.best(original(many, questions[0]), 9, few).tolist()
    )
    assert looked_at == [dense.EXACT]


def test_where_too_few_of_the_nearest_may_be_found_all_that_may_are_looked_at(
    many: LocalSnapshot,
) -> None:
    """A filter that leaves in what is far from the question gets no worse an answer."""
    question = many.segments[0].vectors[0].copy()
    only = up_to(500).without(Runs.of(np.sort(dense.best(many.products(question), 300))))
    expected = dense.best(many.products(question), CANDIDATES, only)
    assert many.all_nearest(question, CANDIDATES, only).tolist() == expected.tolist()
