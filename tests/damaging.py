"""Flips bits in an index's files and cuts them off, and asks: run as a process of its own.

`python damaging.py FOLDER ROUNDS SEED COMPARED` works on FOLDER/index, built from FOLDER/seeds, and
prints a line for every outcome that must not be. An outcome is an answer, the same as before where
all files are compared when they are opened, or one of our own errors; never more than `ROOM` is
allocated.
"""

import os
import random
import resource
import shutil
import sys
from functools import lru_cache
from pathlib import Path
from typing import Any

from qa.asking import service
from qa.asking.service import QA
from qa.building.pipeline import build
from qa.errors import QAError
from qa.index import dense, integrity

ROOM = 1 << 30  # bytes
QUESTIONS = ("How many sails has the mill?", "Who keeps the harbour?")

FILTERS: tuple[dict[str, Any], ...] = (
    {"only": ["*.md"], "since": "2001"}, {"exclude": ["m?l*"], "language": "en"},
)  # fmt: skip


def main() -> None:
    """Runs the rounds."""
    folder, rounds, seed, compared = Path(sys.argv[1]), *map(int, sys.argv[2:])
    integrity.COMPARED = compared
    dense.EXACT, dense.SHARD = 2, 40  # so that there is an approximate index, of several shards
    service.Encoder = lru_cache(service.Encoder)  # a model that is read once
    chance = random.Random(seed)
    index, spare = folder / "index", folder / "spare"
    build(folder / "seeds", index)
    shutil.copytree(index, spare, ignore=shutil.ignore_patterns("encoders"))
    before = asked(index)
    files = sorted(
        at.relative_to(spare) for at in spare.rglob("*") if at.stat().st_size and at.is_file()
    )
    limit_memory()
    for number in range(rounds):
        file = files[number % len(files)]
        data = (spare / file).read_bytes()
        how, changed = damaged(data, chance, cut=number // len(files) % 4 == 3)
        (index / file).write_bytes(changed)
        sys.stderr.write(f"{file}, {how}\n")  # in case that this process dies
        try:
            same = asked(index) == before
            if compared and not same:
                sys.stdout.write(f"{file}, {how}: another answer\n")
        except QAError:
            pass
        except BaseException as error:  # noqa: BLE001 - any other is what is looked for
            sys.stdout.write(f"{file}, {how}: {type(error).__name__}: {error}\n")
        (index / file).write_bytes(data)
    if asked(index) != before:
        sys.stdout.write("the index as it was written gives another answer\n")


def asked(index: Path) -> list[str]:
    """All that is asked of an index, as text."""
    with QA.open(index) as qa:
        answers = [qa.ask(question, limit=20).to_json() for question in QUESTIONS]
        answers += [qa.ask(QUESTIONS[0], **wish).to_json() for wish in FILTERS]
        documents = [qa.document(file.sha256) for file in qa.files()]
        return [*answers, repr(documents), repr(qa.files()), repr(qa.dates())]


def damaged(data: bytes, chance: random.Random, *, cut: bool) -> tuple[str, bytes]:
    """The data with a bit flipped, or cut off, and how."""
    place = chance.randrange(len(data))
    if cut:
        return f"cut off at {place}", data[:place]
    bit = chance.randrange(8)
    return f"bit {bit} of byte {place}", data[:place] + bytes([data[place] ^ 1 << bit]) + data[
        place + 1 :
    ]


def limit_memory() -> None:
    """Lets this process take `ROOM` more than it has."""
    pages = int(Path("/proc/self/statm").read_text().split()[0])
    taken = pages * os.sysconf("SC_PAGE_SIZE")
    resource.setrlimit(resource.RLIMIT_AS, (taken + ROOM, taken + ROOM))


if __name__ == "__main__":
    main()
