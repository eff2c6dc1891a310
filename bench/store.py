"""A store at an address beside the folder: equal answers, the time of a question, rows, memory.

    export QA_STORE=milvus://127.0.0.1:19530/bench QA_OBJECTS=objects
    python -m bench.store SETS WORK [--server PROCESS_ID] [--passages 30000] [--questions 200]

SETS is a folder of question sets, each with `documents/` and `questions.jsonl`. Each is built into the
folder WORK first and then into the store, with the codes of the folder, so that the second build takes
what reading, splitting and sending take. `--server` is the process whose memory is looked at.
"""

import argparse
import json
import os
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np

from qa import QA
from qa.building import machines
from qa.building.pipeline import build
from qa.encoding.codebook import Codebook
from qa.encoding.encoder import Encoder
from qa.encoding.quantisation import quantise
from qa.index.coding import Coded
from qa.index.milvus.address import address_of
from qa.index.milvus.server import NUMBERS, TEXTS, WRITING_PATIENCE, Server
from qa.index.snapshot import LocalSnapshot
from qa.splitting import RankingText

NAMES = ("xquad", "covidqa")
SENT, CANDIDATES, TOKENS, DIM = 500, 64, 180, 384
SETTLED = 30.0  # seconds in which a server lets go of what it was sent
STORE = "QA_STORE"


def main() -> None:
    """Prints what was measured, a line each."""
    given = argparse.ArgumentParser(description=__doc__)
    given.add_argument("sets", type=Path)
    given.add_argument("work", type=Path)
    given.add_argument("--server", type=int, default=0)
    given.add_argument("--passages", type=int, default=30_000)
    given.add_argument("--questions", type=int, default=200)
    options = given.parse_args()
    store = os.environ.pop(STORE)
    for name in NAMES if options.questions else ():
        at = options.sets / name
        compare(at, options.work / name, f"{store}_{name}", options.questions, options.server)
    if options.passages:
        rows(f"{store}_rows", options.passages, options.server)


def compare(at: Path, index: Path, store: str, count: int, server: int) -> None:
    """Answers and times of a question set, from the folder and from the store."""
    build(at / "documents", index)
    with at_address(store), encoded_as(codes_of(index)):
        began: dict[str, float] = {}
        report = build(
            at / "documents", index, full=True,
            progress=lambda now: began.setdefault(now.stage, time.perf_counter()),
        )  # fmt: skip
        seconds = time.perf_counter() - began["publishing"]
        print(f"{at.name}: {report.passages / seconds:.0f} of {report.passages} published a second")
        far = QA.open(index)
    near = QA.open(index)
    lines = (at / "questions.jsonl").read_text(encoding="utf-8").splitlines()[:count]
    questions = [json.loads(line)["question"] for line in lines]
    with closing(near), closing(far):
        before = time.process_time()
        local = [timed(asked, near, each) for each in questions]
        print(
            f"{at.name}, the folder: {shown(local)}, {_each(time.process_time() - before, count)}"
        )
        for which in ("first", "again"):
            before, spent = time.process_time(), spent_by(server)
            with at_address(store):
                found = [timed(asked, far, each) for each in questions]
            equal = sum(one == other for (_, one), (_, other) in zip(local, found, strict=True))
            mine, its = time.process_time() - before, spent_by(server) - spent
            print(
                f"{at.name}, {which}: {equal} of {len(questions)} answers equal, {shown(found)}, "
                f"{_each(mine, count)} here and {_each(its, count)} of the server's"
            )


def _each(seconds: float, count: int) -> str:
    return f"{1_000 * seconds / count:.1f} ms of the processor"


def codes_of(index: Path) -> dict[str, Coded]:
    """What the folder's index holds of every ranking text."""
    with closing(LocalSnapshot.open(index)) as snapshot:
        return {
            segment.ranking_text(row): segment.coded(row)
            for segment in snapshot.segments
            for row in range(len(segment.records))
        }


@contextmanager
def encoded_as(known: dict[str, Coded]) -> Iterator[None]:
    """Builds take the codes of ranking texts from here."""

    def encode(_: Encoder, book: Codebook, ranking: RankingText) -> Coded:  # noqa: ARG001
        return known[ranking.text]

    original, machines.encode = machines.encode, encode
    try:
        yield
    finally:
        machines.encode = original


@contextmanager
def at_address(store: str) -> Iterator[None]:
    """Asks and builds at the address instead of the folder."""
    os.environ[STORE] = store
    try:
        yield
    finally:
        del os.environ[STORE]


def rows(store: str, passages: int, server: int) -> None:
    """Made-up rows: how soon they are sent and found, and what they take of the server's memory."""
    address = address_of(store)
    client = Server(address.host, address.port, WRITING_PATIENCE)
    name = f"{address.name}__measured"
    client.drop(name)
    before = held_by(server)
    client.make(name, DIM)
    seconds = sum(timed(client.put, name, made(first))[0] for first in range(0, passages, SENT))
    print(f"{passages} rows: {passages / seconds:.0f} a second, by one request at a time")
    client.flush(name)
    client.index(name, exact=False)
    show_memory("loaded", passages, server, before)
    time.sleep(SETTLED)
    show_memory(f"after {SETTLED:.0f} s", passages, server, before)
    random = np.random.default_rng(1)
    nearest, fetched = [], []
    for _ in range(100):
        vector = unit(random)
        nearest.append(timed(client.nearest, name, vector, CANDIDATES + 32, "born <= 1"))
        keys = random.choice(passages, CANDIDATES, replace=False).tolist()
        fields = ["vector", "tokens", "digest", *TEXTS]
        fetched.append(timed(client.rows, name, f"place in {keys}", fields, CANDIDATES))
    print(f"nearest: {shown(nearest)}; {CANDIDATES} rows: {shown(fetched)}")
    show_memory("asked", passages, server, before)
    client.drop(name)


def show_memory(when: str, passages: int, server: int, before: tuple[int, int]) -> None:
    """What the server holds more than before, for each passage."""
    now = held_by(server)
    own, mapped = ((one - other) / passages / 1024 for one, other in zip(now, before, strict=True))
    print(
        f"{when}: the server holds {own:.1f} KB more a passage, and {mapped:.1f} KB of mapped "
        f"files; {now[0] >> 20} and {now[1] >> 20} MB in all"
    )


def made(first: int) -> list[dict[str, Any]]:
    """Rows of passages as long as most are."""
    random = np.random.default_rng(first)
    codes = "A" * (TOKENS * 48 * 4 // 3)
    return [
        {
            **dict.fromkeys(NUMBERS, 1),
            "place": number,
            "vector": unit(random),
            "codes": codes,
            "text": "x" * 900,
            "facts": "y" * 1_000,
        }
        for number in range(first, first + SENT)
    ]


def unit(random: np.random.Generator) -> Any:
    """A quantised vector."""
    vector = random.normal(size=DIM).astype(np.float32)
    return quantise(vector / np.linalg.norm(vector))


def asked(qa: QA, question: str) -> str:
    """The answer as it is compared."""
    return qa.ask(question).to_json()


def timed(work: Callable[..., Any], *arguments: Any) -> tuple[float, Any]:
    """Seconds, and what came of it."""
    started = time.perf_counter()
    found = work(*arguments)
    return time.perf_counter() - started, found


def shown(found: list[tuple[float, Any]]) -> str:
    """The median and the least of times."""
    seconds = [each for each, _ in found]
    return f"{1_000 * median(seconds):.1f} ms (at least {1_000 * min(seconds):.1f})"


def held_by(process: int) -> tuple[int, int]:
    """Bytes of a process's own memory, and those of files that it has mapped; 0 of none."""
    if not process:
        return 0, 0
    lines = Path(f"/proc/{process}/status").read_text().splitlines()
    found = dict(line.split(":", 1) for line in lines)
    own, mapped = (1024 * int(found[name].split()[0]) for name in ("RssAnon", "RssFile"))
    return own, mapped


def spent_by(process: int) -> float:
    """Seconds of the processor that a process has taken; 0 of none."""
    if not process:
        return 0.0
    fields = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


if __name__ == "__main__":
    main()
