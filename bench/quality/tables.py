"""The tables and the picture of `compare.py`."""

import os
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np

from bench import markdown
from bench.markdown import table
from qa.evaluation.judging import Row
from qa.evaluation.metrics import reciprocal, within
from qa.evaluation.report import figures

OURS = "seedqa"
TITLES = {
    "xquad": "XQuAD",
    "covidqa": "COVID-QA",
    "excerpts": "excerpts",
    "lists": "lists",
    "policies": "policies",
    "filings": "filings",
}
ACROSS = 3  # panels of the picture
ROUNDS = 5_000  # of the bootstrap
ACCENT, REST, INK = "#0b6b5f", "#cfc9bf", "#1f1d1a"

Speaks = Callable[[Row], float]
"""what a question says to a figure"""


class System(NamedTuple):
    """How a system is called in tables, in sentences, and where packages are listed."""

    label: str
    name: str
    package: str


SYSTEMS = {
    OURS: System("**this project**", "this project", ""),
    "txtai": System("txtai, hybrid index", "txtai", "txtai"),
    "haystack": System("Haystack, BM25 + embeddings, reciprocal rank", "Haystack", "haystack-ai"),
    "llamaindex": System("LlamaIndex, fusion retriever", "LlamaIndex", "llama-index-core"),
    "langchain": System("LangChain, ensemble of BM25 + FAISS", "LangChain", "langchain-classic"),
    "fusion": System("plain rank fusion of the next two", "rank fusion", ""),
    "dense": System("faiss + sentence-transformers, dense", "dense", "sentence-transformers"),
    "bm25": System("bm25s, words alone", "BM25", "bm25s"),
}


class Compared(NamedTuple):
    """A question set in every system, and in this project without each of its parts."""

    name: str
    passages: int
    systems: Mapping[str, Sequence[Row]]
    parts: Mapping[str, Sequence[Row]]

    @property
    def title(self) -> str:
        """The set's name as it is printed."""
        return TITLES[self.name]

    @property
    def ours(self) -> Sequence[Row]:
        """What this project made of the questions."""
        return self.systems[OURS]

    @property
    def best_peer(self) -> str:
        """The peer with the highest hit@1."""
        peers = [name for name in self.systems if name != OURS]
        return max(peers, key=lambda name: sum(map(hit, self.systems[name])))


class Difference(NamedTuple):
    """The mean of paired differences, and the interval that holds it with 95%."""

    mean: float
    low: float
    high: float

    @property
    def is_clear(self) -> bool:
        """Whether the interval leaves 0 out."""
        return self.low > 0 or self.high < 0

    def __str__(self) -> str:
        """The three as a table prints them."""
        return f"{self.mean:+.3f} ({self.low:+.3f} to {self.high:+.3f})".replace("0.", ".")


def write(compared: Sequence[Compared], requirements: Path, root: Path) -> None:
    """Writes RESULTS.md, the picture, and the README's part."""
    result = f"{results(compared, requirements)}\n![hit@1 of each system](../../docs/quality.png)\n"
    (root / "bench/quality/RESULTS.md").write_text(result, encoding="utf-8")
    draw(compared, root / "docs/quality.png")
    markdown.put("the comparison", "bench/quality/compare.py", summary(compared))


def summary(compared: Sequence[Compared]) -> str:
    """The README's part."""
    return f"""Beside its peers, on the same machine. All have the same encoder and the very same \
passages, each set in an index of its own, so that only the ranking differs (hit@1 / hit@5 / MRR@10, \
of the filings by pages):

{ranking(compared)}

{lead(compared)} The peers stand as their guides put them together; this project's weights were chosen \
with these sets in view. [bench/quality/RESULTS.md](bench/quality/RESULTS.md) tells versions and \
conditions, and what each part of the ranking is worth.

![The first passage holds an answer: this project and its peers on six sets](docs/quality.png)"""


def results(compared: Sequence[Compared], requirements: Path) -> str:
    """All tables, with what must be known to read them."""
    sizes = "; ".join(
        f"{each.title}: {len(each.ours):,} questions over {each.passages:,} passages"
        for each in compared
    )
    return f"""# Quality beside the peers

Written by `bench/quality/compare.py` on {os.cpu_count()} cores without a GPU. {sizes}. Each set is in \
an index of its own. All systems run all-MiniLM-L6-v2 from the same files.

## The same passages, ranked

Every system gets the passages of this project's splitter, as the texts that its own encoder and word \
index read (a title in front, line-end hyphens joined), so that only the ranking differs. A passage is \
a hit when it overlaps a gold span, or of the filings stands on a gold page: hit@1 / hit@5 / MRR@10. \
The questions about policies are asked of one document each. How long a question takes stands in \
[bench/speed](../speed/RESULTS.md).

{ranking(compared)}

{lead(compared)} Standard errors of this project's hit@1: {errors(compared)}.

The peers are put together as their own guides show it ({versions(requirements)}), and stand at their \
defaults. Where two lists are fused, each is ten passages long, as what is asked for: longer ones (20, \
64) did Haystack and LangChain worse and LlamaIndex hardly better. This project's weights were chosen \
with these sets in view.

## What is quoted

sentence@1 / sentence@3: the strongest highlight, or one of the three strongest, holds a gold span's \
start. IoU: characters of the first excerpt's highlights against those of the gold spans. A peer gives \
back a passage: the whole of it is its quotation, and there is no sentence to rank. The gold spans of \
XQuAD and COVID-QA are often a few words, of which even the right sentence holds many more.

{quoted(compared)}

## What each part is worth

hit@1 / sentence@1 of this project with one part taken away. A star marks a difference from the whole \
whose 95% interval (paired bootstrap) leaves 0 out. How sentences are chosen stays as it is where only \
the passages are ranked otherwise.

{ablated(compared)}
"""


def ranking(compared: Sequence[Compared]) -> str:
    """hit@1, hit@5 and MRR@10 of every system on every set."""
    rows = [
        [system.label, *(slashed(ranks(each.systems[key])) for each in compared)]
        for key, system in SYSTEMS.items()
    ]
    return table(["", *(each.title for each in compared)], rows)


def ranks(rows: Sequence[Row]) -> tuple[float, float, float]:
    """hit@1, hit@5 and MRR@10; a gold page is hit by a passage that stands on it."""
    found = [row.page_rank if row.pages else row.rank for row in rows]
    depths = [sum(within(rank, depth) for rank in found) / len(found) for depth in (1, 5)]
    return depths[0], depths[1], sum(map(reciprocal, found)) / len(found)


def quoted(compared: Sequence[Compared]) -> str:
    """How well the sentences are chosen, and what share the quotations have with gold."""
    compared = [each for each in compared if each.ours[0].spans]
    rows = []
    for key, system in SYSTEMS.items():
        result = [figures(each.systems[key]) for each in compared]
        names = ("sentence@1", "sentence@3", "IoU") if key == OURS else ("IoU",)
        rows.append([system.label, *(slashed(figure[name] for name in names) for figure in result)])
    return table(["", *(each.title for each in compared)], rows)


def ablated(compared: Sequence[Compared]) -> str:
    """hit@1 and sentence@1 of this project, whole and without each of its parts."""
    rows = [["**the whole**", *(both(each.ours, each.ours) for each in compared)]]
    rows += [
        [part, *(both(each.parts[part], each.ours) for each in compared)]
        for part in compared[0].parts
    ]
    return table(["", *(each.title for each in compared)], rows)


def both(rows: Sequence[Row], full: Sequence[Row]) -> str:
    """hit@1 and sentence@1 of the rows, starred where they differ from the whole's."""
    result = []
    for speaks in (hit, sentence):
        star = "*" if difference(rows, full, speaks).is_clear else ""
        result.append(f"{short(sum(map(speaks, rows)) / len(rows))}{star}")
    return " / ".join(result).replace("*", "\\*")


def lead(compared: Sequence[Compared]) -> str:
    """How far this project is from the best peer of each set, in a sentence."""
    result = [
        f"{difference(each.ours, each.systems[each.best_peer], hit)} on {each.title} "
        f"({SYSTEMS[each.best_peer].name})"
        for each in compared
    ]
    return (
        "hit@1 less that of the set's best peer, with the 95% interval of a paired bootstrap: "
        f"{', '.join(result)}."
    )


def errors(compared: Sequence[Compared]) -> str:
    """The standard error of this project's hit@1 on each set."""
    result = []
    for each in compared:
        share = sum(map(hit, each.ours)) / len(each.ours)
        error = (share * (1 - share) / len(each.ours)) ** 0.5
        result.append(f"{short(error)} on {each.title}")
    return ", ".join(result)


def difference(rows: Sequence[Row], others: Sequence[Row], speaks: Speaks) -> Difference:
    """What the rows have over the others, question by question; the bootstrap's seed is fixed."""
    pairs = zip(rows, others, strict=True)
    each = np.array([speaks(row) - speaks(other) for row, other in pairs])
    means = np.random.default_rng(1).choice(each, (ROUNDS, len(each))).mean(axis=1)
    low, high = np.percentile(means, (2.5, 97.5))
    return Difference(float(each.mean()), float(low), float(high))


def hit(row: Row) -> float:
    """Whether the first passage holds a gold span."""
    return float(within(row.page_rank if row.pages else row.rank, 1))


def sentence(row: Row) -> float:
    """Whether the strongest highlight holds a gold span's start."""
    return float(within(row.sentence_rank, 1))


def versions(requirements: Path) -> str:
    """The peers' packages and their versions."""
    text = requirements.read_text(encoding="utf-8")
    pinned = dict(re.findall(r"^([\w-]+)==(\S+)", text, re.MULTILINE))
    named = [system.package for system in SYSTEMS.values() if system.package]
    return ", ".join(f"{package} {pinned[package]}" for package in named)


def slashed(values: Iterable[float | None]) -> str:
    """The figures with slashes between them."""
    return " / ".join(short(value or 0.0) for value in values)


def short(value: float) -> str:
    """Three decimals, without the zero in front: `.960`."""
    return f"{value:.3f}".removeprefix("0")


def draw(compared: Sequence[Compared], file: Path) -> None:
    """The picture: hit@1 of every system, a panel a set, whiskers of one standard error.

    Of the filings it is page@1.
    """
    from matplotlib.figure import Figure

    across = min(len(compared), ACROSS)
    down = -(-len(compared) // across)
    figure = Figure(figsize=(9, 2.8 * down), layout="constrained")
    panels = figure.subplots(down, across, sharey=True, squeeze=False)
    names = [system.name for system in SYSTEMS.values()]
    for panel, each in zip(panels.flat, compared, strict=False):
        shares = [sum(map(hit, each.systems[key])) / len(each.ours) for key in SYSTEMS]
        errors = [(share * (1 - share) / len(each.ours)) ** 0.5 for share in shares]
        colours = [ACCENT if key == OURS else REST for key in SYSTEMS]
        panel.barh(names, shares, xerr=errors, color=colours, ecolor=INK, error_kw={"lw": 1})
        for place, share in enumerate(shares):
            shade = "white" if place == 0 else INK
            panel.text(0.02, place, short(share), va="center", color=shade, fontsize=8)
        kind = "page" if each.ours[0].pages else "hit"
        panel.set_title(f"{each.title}: {kind}@1", fontsize=10, color=INK)
        panel.set_xlim(0, 1)
        panel.tick_params(labelsize=8, length=0, colors=INK)
        panel.spines[["top", "right", "left"]].set_visible(False)
    panels.flat[0].invert_yaxis()
    figure.savefig(file, dpi=110)
