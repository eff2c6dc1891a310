"""What a codebook loses that is made from some texts: those of this package, and others beside them.

    python bench/codebook.py [TEXTS...]

TEXTS are files with a text on each line. Each makes a codebook for the default model, as
`qa model add` does for another one; printed is what share of the vectors' energy is lost on docstrings of
Python's standard library, which none was made from but the shipped one (plain k-means on 2,000 of them).
"""

import ast
import sys
import sysconfig
from pathlib import Path

import numpy as np

from qa.encoding.adding import TEXTS
from qa.encoding.codebook import Codebook
from qa.encoding.encoder import Encoder, codebook_of
from qa.encoding.quantisation import SCALE, Vectors

HELD_OUT = 300  # docstrings
CHARACTERS = 700


def docstrings(count: int) -> list[str]:
    """Docstrings of the standard library, evenly spread, in a fixed order."""
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


def lost(codebook: Codebook, tokens: Vectors) -> float:
    """The share of the vectors' energy that their codes lose."""
    decoded = codebook.decode(codebook.encode(tokens)) / np.float32(SCALE)
    return float(np.square(decoded - tokens).sum(axis=1).mean())


def main() -> None:
    """Prints a line for each text."""
    encoder = Encoder(folder=Path("index/encoders"))

    def vectors(texts: list[str]) -> Vectors:
        return np.concatenate([encoder.encode(text).tokens for text in texts])

    held_out = vectors(docstrings(HELD_OUT))
    print(f"the shipped codebook: {lost(codebook_of(encoder), held_out):.4f}")
    for file in [TEXTS, *map(Path, sys.argv[1:])]:
        tokens = vectors(file.read_text(encoding="utf-8").splitlines())
        made = Codebook.trained(tokens)
        print(f"{file.name}, {len(tokens)} tokens: {lost(made, held_out):.4f}")


if __name__ == "__main__":
    main()
