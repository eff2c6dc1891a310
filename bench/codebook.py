"""Makes the codebook of an encoder from public text: the docstrings of Python's standard library.

    python bench/codebook.py OUT.npy [MODEL [TEXTS]]

Plain k-means per piece of the vector, on whole passages of docstrings, with a fixed seed: nothing of
any question set or user's corpus enters it. Prints what share of the vectors' energy is lost.
"""

import ast
import sys
import sysconfig
from pathlib import Path

import faiss
import numpy as np

from qa.encoding.codebook import CENTROIDS, PIECE, Codebook
from qa.encoding.encoder import Encoder
from qa.encoding.quantisation import SCALE

TEXTS = 2_000
CHARACTERS = 700


def texts(count: int) -> list[str]:
    """Docstrings of the standard library, longest modules first left out, in a fixed order."""
    library = Path(sysconfig.get_paths()["stdlib"])
    found: list[str] = []
    for file in sorted(library.glob("*.py")) + sorted(library.glob("[a-z]*/*.py")):
        if "test" in file.parts or "site-packages" in file.parts:
            continue
        for node in ast.walk(ast.parse(file.read_bytes())):
            if isinstance(node, ast.FunctionDef | ast.ClassDef | ast.Module):
                result = " ".join((ast.get_docstring(node) or "").split())
                if len(result) > 200:
                    found.append(result[:CHARACTERS])
    step = max(1, len(found) // count)
    return found[::step][:count]


def main() -> None:
    """Writes the codebook."""
    encoder = Encoder(*sys.argv[2:3], folder=Path("index/encoders"))
    chosen = texts(int(sys.argv[3]) if len(sys.argv) > 3 else TEXTS)
    tokens = np.concatenate([encoder.encode(text).tokens for text in chosen]) * SCALE
    pieces = tokens.shape[1] // PIECE
    centroids = np.empty((pieces, CENTROIDS, PIECE), np.int16)
    for piece in range(pieces):
        part = np.ascontiguousarray(tokens[:, piece * PIECE : (piece + 1) * PIECE])
        kmeans = faiss.Kmeans(PIECE, CENTROIDS, niter=25, seed=1, max_points_per_centroid=20_000)
        kmeans.train(part)
        centroids[piece] = np.rint(kmeans.centroids)
    codebook = Codebook(centroids)
    codebook.save(Path(sys.argv[1]))
    sample = tokens[::17] / SCALE
    lost = np.square(codebook.decode(codebook.encode(sample)) / SCALE - sample).sum(1).mean()
    print(f"{len(tokens)} tokens of {len(chosen)} texts; energy lost: {lost:.3f}")


if __name__ == "__main__":
    main()
