"""Ranking against oracles: BM25 by hand, inner products and MaxSim in plain loops."""

import math
import random
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from indexes import Indexed, write_words

from qa.encoding import codebook, originals, quantisation
from qa.encoding.codebook import Codebook
from qa.encoding.encoder import Encoder, codebook_of
from qa.errors import IndexDamaged, SettingsInvalid
from qa.index import dense, lexical
from qa.index.lexical import WordIndex
from qa.index.runs import Runs

TEXTS = ("red fox red", "blue fox", "green frog sings", "the fox and the frog and the red bird")


@pytest.fixture(scope="module")
def indexed(tmp_path_factory: pytest.TempPathFactory) -> Indexed:
    folder = tmp_path_factory.mktemp("lexical") / "words"
    return write_words(folder, TEXTS)


@pytest.fixture(scope="module")
def many() -> WordIndex:
    """Sixty passages, some of which match alike."""
    chance = random.Random(4)
    words = ("red", "fox", "frog", "bird", "mill")
    return WordIndex.of([" ".join(chance.choices(words, k=1 + at % 7)) for at in range(60)])


def test_relevance_is_bm25(indexed: Indexed) -> None:
    tokens = [text.split() for text in TEXTS]
    average = sum(map(len, tokens)) / len(tokens)

    def bm25(term: str, text: list[str]) -> float:
        having = sum(term in other for other in tokens)
        rarity = math.log(1 + (len(tokens) - having + 0.5) / (having + 0.5))
        count = text.count(term)
        return rarity * count * 2.2 / (count + 1.2 * (0.25 + 0.75 * len(text) / average))

    expected = [bm25("red", text) + bm25("fox", text) for text in tokens]
    found = indexed.index.relevance(indexed.words.terms("red fox"), range(len(TEXTS)))
    assert found == pytest.approx(expected, rel=1e-5)


def test_the_best_by_words_come_first_and_ties_in_the_order_of_ordinals(tmp_path: Path) -> None:
    found, _ = write_words(tmp_path / "words", ["same words"] * 9).index.search(["same"], 5)
    assert found.tolist() == [0, 1, 2, 3, 4]


def test_a_search_can_be_kept_to_some_passages(indexed: Indexed) -> None:
    found, _ = indexed.index.search(indexed.words.terms("fox"), 9, only=Runs.of(np.array([2, 3])))
    assert found.tolist() == [3]


@pytest.mark.parametrize(("few_runs", "most_named"), [(0, 0), (0, 99), (99, 0)])
@given(kept=st.frozensets(st.integers(0, 59)), limit=st.integers(1, 9))
def test_a_search_among_runs_finds_what_a_search_of_all_has_among_them(
    many: WordIndex, few_runs: int, most_named: int, kept: frozenset[int], limit: int
) -> None:
    """Whether it looks along ranges, deeper in all, or names each passage."""
    runs = Runs.of(np.array(sorted(kept), np.int64))
    ordinals, scores = many.search(["red", "fox"], 60)
    here = runs.holds(ordinals)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(lexical, "FEW_RUNS", few_runs)
        patch.setattr(lexical, "MOST_NAMED", most_named)
        found, its = many.search(["red", "fox"], limit, runs)
    assert found.tolist() == ordinals[here][:limit].tolist()
    assert its.tolist() == scores[here][:limit].tolist()


def test_stop_words_are_dropped_unless_nothing_else_is_asked(indexed: Indexed) -> None:
    words = indexed.words
    assert words.terms("Where do the foxes sing?") == ["fox", "sing"]
    assert words.terms("who is it") == ["who", "is", "it"]
    assert words.terms("?!") == []


UNIT = st.integers(0, 2**32 - 1).map(lambda seed: _unit(np.random.default_rng(seed), 40))


def _unit(random: np.random.Generator, rows: int) -> quantisation.Vectors:
    found = random.normal(size=(rows, 384)).astype(np.float32)
    return found / np.linalg.norm(found, axis=1, keepdims=True)


@given(UNIT, st.randoms())
def test_products_are_exact_whatever_the_order_of_their_sums(
    unit: quantisation.Vectors, random: object
) -> None:
    full = quantisation.quantise(unit)
    joint = dense.products(full, full[0])
    alone = np.array([sum(a * b for a, b in zip(map(int, row), map(int, full[0]), strict=True))
                      for row in full[:5]])  # fmt: skip
    assert joint[:5].tolist() == alone.tolist()
    shuffled = np.random.default_rng(1).permutation(384)
    assert (full[:, shuffled] @ full[0, shuffled]).tolist() == joint.tolist()
    assert dense.products(full[:0], full[0]).tolist() == []


@given(st.lists(st.integers(0, 6), min_size=1, max_size=40), st.integers(1, 12))
def test_the_best_are_the_first_of_a_full_sort_ties_by_ordinal(
    values: list[int], limit: int
) -> None:
    products = np.array(values, np.float32)
    expected = sorted(range(len(values)), key=lambda at: (-values[at], at))[:limit]
    assert dense.best(products, limit).tolist() == expected
    only = Runs.of(np.arange(0, len(values), 2))
    even = [
        at for at in sorted(range(len(values)), key=lambda at: (-values[at], at)) if at % 2 == 0
    ]
    assert dense.best(products, limit, only).tolist() == even[:limit]


@given(UNIT, st.lists(st.integers(0, 40), max_size=6))
def test_a_mean_is_the_same_however_its_vectors_come(
    unit: quantisation.Vectors, cuts: list[int]
) -> None:
    full = quantisation.quantise(unit)
    blocks = [full[a:b] for a, b in pairwise([0, *sorted(cuts), 40])]
    found = dense.mean(blocks, 384, 40)
    assert found.tobytes() == dense.mean([full[::-1]], 384, 40).tobytes()
    assert found == pytest.approx(unit.mean(axis=0), abs=1 / quantisation.SCALE)
    assert dense.mean([], 384, 0).tolist() == [0.0] * 384


def test_an_approximate_index_finds_nearly_all_of_the_nearest(tmp_path: Path) -> None:
    """Real vectors are nearer to each other than random ones: these are the hardest case."""
    unit = _unit(np.random.default_rng(7), 20_000)
    full = quantisation.quantise(unit)
    dense.ApproximateIndex.of([full[:3], full[3:]], 384).save(tmp_path / "approximate")
    approximate = dense.ApproximateIndex.load(tmp_path / "approximate", dim=384, count=20_000)
    found = []
    for question in full[:20] + quantisation.quantise(_unit(np.random.default_rng(8), 20) / 2):
        expected = dense.best(dense.products(full, question), 50)
        near = approximate.nearest(question, dense.RESCORED)
        assert len(near) == len(set(near.tolist())) == dense.RESCORED
        found.append(np.isin(expected, near).mean())
    assert np.mean(found) > 0.99
    assert np.sort(approximate.nearest(full[0], 30_000)).tolist() == list(range(20_000))


def test_an_approximate_index_is_the_same_however_its_vectors_come(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(dense, "SHARD", 150)
    full = quantisation.quantise(_unit(np.random.default_rng(9), 400))
    for name, cuts in (("one", [0, 400]), ("many", [0, 1, 33, 250, 400])):
        dense.ApproximateIndex.of((full[a:b] for a, b in pairwise(cuts)), 384).save(tmp_path / name)
    files = [sorted((tmp_path / name).iterdir()) for name in ("one", "many")]
    assert len(files[0]) == 3
    for one, many in zip(*files, strict=True):
        assert one.read_bytes() == many.read_bytes()
    approximate = dense.ApproximateIndex.load(tmp_path / "one", dim=384, count=400)
    assert np.sort(approximate.nearest(full[0], 400)).tolist() == list(range(400))
    assert all(at in approximate.nearest(full[at], 20) for at in range(0, 400, 50))


def test_a_file_that_is_no_approximate_index_is_refused(tmp_path: Path) -> None:
    (tmp_path / "approximate").mkdir()
    (tmp_path / "approximate" / "0000.faiss").write_bytes(b"no approximate")
    with pytest.raises(IndexDamaged, match="build again"):
        dense.ApproximateIndex.load(tmp_path / "approximate", dim=384, count=20_000)


@pytest.fixture(scope="module")
def book() -> Codebook:
    return Codebook.load(next(Path(codebook.__file__).parent.glob("data/*.codebook.npy")))


def test_a_code_names_the_nearest_centroid_of_every_piece(book: Codebook) -> None:
    tokens = _unit(np.random.default_rng(3), 6)
    decoded = book.decode(book.encode(tokens)).reshape(6, -1, codebook.PIECE)
    pieces = (tokens * quantisation.SCALE).reshape(6, -1, codebook.PIECE)
    for token in range(6):
        for piece in range(book.pieces):
            distances = np.square(book.centroids[piece] - pieces[token, piece]).sum(1)
            chosen = np.square(decoded[token, piece] - pieces[token, piece]).sum()
            assert chosen == pytest.approx(distances.min(), rel=1e-4)


def test_no_sum_of_the_default_codebook_can_leave_the_exact_range(book: Codebook) -> None:
    longest = np.sqrt(np.square(book.centroids).sum(axis=2).max(axis=1).sum())
    assert longest * (quantisation.SCALE + 384**0.5) < 2**24


def test_the_exported_model_says_what_sentence_transformers_says(encoders: Path) -> None:
    from sentence_transformers import SentenceTransformer

    encoder = Encoder(folder=encoders)
    original = SentenceTransformer(str(encoder.source), device="cpu", local_files_only=True)
    for text in ("How old is the oak?", "Zwölf Boote. 東京! " * 20):
        expected = original.encode(text, normalize_embeddings=True, show_progress_bar=False)
        encoded = encoder.encode(text)
        assert float(encoded.pooled @ expected) > 0.9999
        assert np.linalg.norm(encoded.tokens, axis=1) == pytest.approx(1, abs=1e-5)
        assert len(encoded.tokens) == len(encoded.ends)


def test_the_device_is_the_cpu_unless_torch_sees_another() -> None:
    import torch

    assert originals.device("cpu") == "cpu"
    if torch.cuda.is_available():
        assert originals.device("auto") == originals.device("cuda") == "cuda"
    else:
        assert originals.device("auto") == "cpu"
        with pytest.raises(SettingsInvalid, match="--device cpu"):
            originals.device("cuda")
    with pytest.raises(SettingsInvalid, match="auto, cpu or cuda"):
        originals.device("gpu")


def test_a_text_beyond_the_window_is_read_as_far_as_the_window_goes(encoders: Path) -> None:
    encoder = Encoder(folder=encoders)
    assert len(encoder.encode("word " * 1000).tokens) == encoder.window - 2
    assert codebook_of(encoder).code_bytes == encoder.dim // 8
