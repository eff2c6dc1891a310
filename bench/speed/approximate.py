"""The approximate index against faiss' RaBitQ: recall@50, time of a search, bytes a vector.

`python -m bench.speed.approximate INDEX [INDEX ...]` takes the vectors of indexes, and of many more that
are mixed of two of them with noise, as far as a million: what is compared is how both compress.
"""

import sys
import time
from collections.abc import Callable
from pathlib import Path

import faiss
import numpy as np

from qa.encoding.quantisation import Vectors, quantise
from qa.index import dense
from qa.index.dense import Ordinals

SIZES = (100_000, 1_000_000)
QUESTIONS = 100
DEPTH = 50


def vectors_of(indexes: list[Path], count: int) -> Vectors:
    """`count` quantised vectors `(count, 384)`: those of the indexes, and mixtures of two each."""
    files = [file for index in indexes for file in sorted(index.glob("segments/*/vectors.f32"))]
    real = np.concatenate([np.fromfile(file, "<f4").reshape(-1, 384) for file in files])
    chance = np.random.default_rng(5)
    blocks = [real[:count]]
    while (left := count - sum(map(len, blocks))) > 0:
        size = min(left, 50_000)
        one, other = (real[chance.integers(len(real), size=size)] for _ in range(2))
        mixed = one + chance.random((size, 1), np.float32) * other
        mixed += chance.normal(scale=300, size=mixed.shape).astype(np.float32)
        blocks.append(quantise(mixed / np.linalg.norm(mixed, axis=1, keepdims=True)))
    return np.concatenate(blocks).astype(np.float32)


def rabitq(vectors: Vectors, bits: int) -> faiss.Index:
    """RaBitQ by fast scan, trained on the vectors' mean alone."""
    index = faiss.IndexRaBitQFastScan(vectors.shape[1], faiss.METRIC_INNER_PRODUCT, 32, bits)
    index.train(vectors[:100_000])
    index.add(vectors)
    return index


def measure(
    name: str,
    search: Callable[[Vectors], Ordinals],
    size: int,
    vectors: Vectors,
    questions: Vectors,
) -> None:
    """Prints a row: the recall of the 50 nearest among those reranked, the median time, the size."""
    shares, seconds = [], []
    for question in questions:
        exact = dense.best(dense.products(vectors, question), DEPTH)
        started = time.perf_counter()
        found = search(question)
        seconds.append(time.perf_counter() - started)
        shares.append(np.isin(exact, found).mean())
    median = np.median(seconds) * 1000
    print(f"| {len(vectors):,} | {name} | {np.mean(shares):.4f} | {median:.2f} ms | {size} |")


def main() -> None:
    """Prints the table."""
    faiss.omp_set_num_threads(1)
    print(
        "| vectors | index | recall@50 of 1,000 | a search | bytes a vector |\n|---|---|---|---|---|"
    )
    for count in SIZES:
        vectors = vectors_of([Path(argument) for argument in sys.argv[1:]], count)
        questions = vectors[:: max(count // QUESTIONS, 1)][:QUESTIONS]
        noise = np.random.default_rng(6).normal(scale=60, size=questions.shape)
        questions = np.rint(questions + noise).astype(np.float32)
        ours = dense.ApproximateIndex.of([vectors], vectors.shape[1])
        measure(
            "fixed grid, PQ fast scan",
            lambda question, index=ours: index.nearest(question, dense.RESCORED),
            vectors.shape[1] // 4, vectors, questions,
        )  # fmt: skip
        del ours
        for bits in (1, 2):
            index = rabitq(vectors, bits)
            measure(
                f"RaBitQ fast scan, {bits} bit",
                lambda question, index=index: index.search(question[None], dense.RESCORED)[1][0],
                index.code_size, vectors, questions,
            )  # fmt: skip
            del index


if __name__ == "__main__":
    main()
