"""Writes what was measured: RESULTS.md, the picture and the README's table."""

import os
from collections.abc import Iterable, Sequence
from pathlib import Path

from bench import markdown
from bench.markdown import table
from bench.speed.asking import STAGES
from bench.speed.place import Figures, Place

ROOT = Path(__file__).parents[2]
PEERS = {
    "dense": "sentence-transformers + faiss, dense",
    "txtai": "txtai, hybrid index",
    "haystack": "Haystack, BM25 + embeddings, reciprocal rank",
}
COLOURS = ("#0b6b5f", "#5fa89c", "#b7d3cc", "#cfc9bf", "#8a8378")


def write(places: Sequence[Place]) -> None:
    """Writes the report of every figure that is there."""
    measured = [place for place in places if place.figures("asking")]
    folder = Path(__file__).parent
    (folder / "RESULTS.md").write_text(results(measured), encoding="utf-8")
    draw(measured, ROOT / "docs/speed.png")
    markdown.put("the speed", "bench/speed/run.py", summary(measured))


def summary(places: Sequence[Place]) -> str:
    """The README's part."""
    return f"""{machine()}, medians. The documents are recombined from the sentences of the question sets; \
beyond 20,000 passages their vectors and codes are put together instead of encoded. Memory is the asking \
process's own and the pages of files that it has mapped; cold is the median while the files are not in \
the system's cache yet; recall@50 says how many of the fifty nearest \
vectors the search finds.

{sizes(places)}

{peers(places)}

[bench/speed/RESULTS.md](bench/speed/RESULTS.md) has the stages of a question, many callers at once, \
and what was measured how.

![The time of a question by its stages](docs/speed.png)"""


def results(places: Sequence[Place]) -> str:
    """All tables, with what must be known to read them."""
    return f"""# Speed

Written by `python -m bench.speed.run`. {machine()}. Times are medians, of questions \
{_questions(places)} asked one at a time by one process, in a second round; the first one, of files that \
the system had dropped from its cache, is the cold one. \
Documents are made by recombining the sentences of the question sets (about 150 tokens a passage). Up to \
20,000 passages all are encoded; in larger indexes sentences are encoded once, alone, and passages put \
together of their codes and vectors, with a little noise (`recombining.py`): reading, splitting, writing \
and searching are real, the time of building leaves encoding out, and vectors lie closer together than \
real ones, which makes recall harder.

## Sizes

{sizes(places)}

Memory is that of an asking process: its own, and pages of files that it has mapped, which the system \
takes back when it needs them. Recall@50: of the fifty nearest vectors the search finds so many.

## Memory

{memory(places)}

The index keeps its sketch of the vectors and a line of every document in memory; all else is mapped or \
read when it is needed. Only pages of vectors that a question looked at are there.

## Stages of a question

{stages(places)}

![The time of a question by its stages](../../docs/speed.png)

## Many callers

Questions a second that threads of one process get answered, each asking without a pause:

{callers(places)}

## Beside others

{peers(places)}

All take in the same passages with the same model. Peers answer the first 200 of the questions, and their \
building includes the loading of their libraries and the model, some seconds.

{starting(places)}

## Encoding

{encoding(places)}
"""


def sizes(places: Sequence[Place]) -> str:
    """What an index of each size takes."""
    head = [
        "passages", "ask, median / 95%", "cold", "recall@50", "memory", "on disk", "build", "its memory",
        "rebuild, nothing changed", "one file added",
    ]  # fmt: skip
    rows = []
    for place in places:
        asked, built = _all(place, "asking"), _all(place, "build")
        rebuilt = _all(place, "rebuilding")
        memory = asked["resident"]
        rows.append(
            [
                f"{place.passages:,}",
                f"{asked['median']:.1f} / {asked['95%']:.1f} ms",
                f"{asked['cold']:.1f} ms",
                f"{asked['recall']:.4f}",
                f"{memory['own']:.0f} + {memory['mapped']:.0f} MB",
                f"{built['bytes'] / 1e6:,.0f} MB",
                f"{built['seconds']:,.0f} s{' without encoding' if built['recombined'] else ''}",
                f"{built['peak']:,.0f} MB",
                f"{rebuilt['unchanged']:.2f} s" if rebuilt else "",
                f"{rebuilt['added']:.2f} s" if rebuilt else "",
            ]
        )
    return table(head, rows)


def memory(places: Sequence[Place]) -> str:
    """Megabytes of each part of an asking process."""
    rows: list[list[str]] = []
    for place in places:
        asked = _all(place, "asking")
        parts = {f"own: {part}": current for part, current in asked["own"].items()}
        parts |= {f"mapped: {part}": current for part, current in sorted(asked["mapped"].items())}
        rows = rows or [["passages", *(f"{part}, MB" for part in parts)]]
        rows.append([f"{place.passages:,}", *(f"{current:,.0f}" for current in parts.values())])
    return table(rows[0], rows[1:])


def stages(places: Sequence[Place]) -> str:
    """Milliseconds of each stage at each size."""
    rows = [
        [f"{place.passages:,}", *(f"{_stages(place)[stage]:.2f}" for stage in STAGES)]
        for place in places
    ]
    return table(["passages", *(f"{stage}, ms" for stage in STAGES)], rows)


def callers(places: Sequence[Place]) -> str:
    """Questions a second by the number of callers."""
    rates = {place.passages: _all(place, "asking")["callers"] for place in places}
    numbers = list(next(iter(rates.values())))
    rows = [[f"{size:,}", *(f"{result[n]:.0f}" for n in numbers)] for size, result in rates.items()]
    heads = [f"{n} caller{'s' if n != '1' else ''}" for n in numbers]
    return table(["passages", *heads], rows)


def peers(places: Sequence[Place]) -> str:
    """What the project and its peers take over the same passages."""
    for place in places:
        measured = _all(place, "peers")
        if measured:
            asked, built = _all(place, "asking"), _all(place, "build")
            own = asked["resident"]
            rows = [
                [
                    "**this project**",
                    f"{asked['median']:.1f} / {asked['95%']:.1f} ms",
                    f"{built['seconds']:.0f} s",
                    f"{own['own'] + own['mapped']:.0f} MB",
                ]
            ]
            rows += [
                [
                    label,
                    f"{measured[peer]['median']:.1f} / {measured[peer]['95%']:.1f} ms",
                    f"{measured[peer]['building']:.0f} s",
                    f"{measured[peer]['megabytes']:.0f} MB",
                ]
                for peer, label in PEERS.items()
            ]
            head = [f"{place.passages:,} passages", "ask, median / 95%", "build", "memory"]
            return table(head, rows)
    return ""


def starting(places: Sequence[Place]) -> str:
    """What the command line takes, in a sentence."""
    for place in places:
        result = _all(place, "starting")
        if result:
            return (
                f"`qa ask` in a process of its own over {place.passages:,} passages: "
                f"{result['seconds']:.2f} s and {result['megabytes']:.0f} MB."
            )
    return ""


def encoding(places: Sequence[Place]) -> str:
    """A whole build beside the encoding alone of sentence-transformers, in a sentence."""
    for place in places:
        result = _all(place, "encoding")
        if result:
            return (
                f"{result['passages']:,} passages of {result['tokens']:.0f} tokens in the mean, in one run: "
                f"sentence-transformers' `encode` alone {result['reference']:.0f} a second, a whole build "
                f"{result['fp32']:.0f} ({result['fp32'] / result['reference']:.1f} times) with fp32 and "
                f"{result['int8']:.0f} ({result['int8'] / result['reference']:.1f} times) with int8."
            )
    return ""


def machine() -> str:
    """What the figures were measured on."""
    result = Path("/proc/cpuinfo").read_text(encoding="utf-8")
    names = [
        line.partition(": ")[2] for line in result.splitlines() if line.startswith("model name")
    ]
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") >> 30
    return f"{os.cpu_count()} cores ({names[0] if names else 'unnamed'}), {memory} GB, no GPU"


def draw(places: Sequence[Place], file: Path) -> None:
    """The picture: a bar for each size, parted into the stages of a question."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(7, 2.4), layout="constrained")
    panel = figure.subplots()
    names = [f"{place.passages:,}" for place in places]
    before = [0.0] * len(places)
    for stage, colour in zip(STAGES, COLOURS, strict=True):
        widths = [_stages(place)[stage] for place in places]
        panel.barh(names, widths, left=before, label=stage, color=colour)
        before = [a + b for a, b in zip(before, widths, strict=True)]
    panel.invert_yaxis()
    panel.set_xlabel("milliseconds, median of each stage", fontsize=8)
    panel.set_ylabel("passages", fontsize=8)
    panel.tick_params(labelsize=8, length=0)
    panel.spines[["top", "right", "left"]].set_visible(False)
    figure.legend(fontsize=8, frameon=False, ncols=len(STAGES), loc="outside upper center")
    figure.savefig(file, dpi=110)


def _questions(places: Iterable[Place]) -> str:
    return f"({min(_all(place, 'asking')['questions'] for place in places)} of all sets, mixed)"


def _stages(place: Place) -> Figures:
    stages: Figures = _all(place, "asking")["stages"]
    return stages


def _all(place: Place, part: str) -> Figures:
    return place.figures(part) or {}
