"""How fast this project is, from one thousand passages to a million.

    python -m bench.speed.run SETS WORK [--sizes N ...] [--parts NAME ...] [--environment FOLDER]

SETS holds question sets, of which documents of any size are made; WORK keeps documents, indexes and
figures (a million passages: 15 GB). Each part of each size runs in a process of its own and keeps its
figures, so that a run that was broken off goes on; name a part to measure it again. The report of all
that was kept goes to bench/speed/RESULTS.md, docs/speed.png and the README. Machines differ and are
noisy: run it where nothing else runs, and compare within one table.
"""

import argparse
import os
import subprocess
import sys
from collections.abc import Callable, Mapping
from pathlib import Path

from bench.peers import running
from bench.speed import asking, encoding, making, peers, rebuilding, report, starting
from bench.speed.place import Figures, Place

SIZES = (1_000, 10_000, 100_000, 1_000_000)
COMPARED = 10_000  # passages, at which start-up and peers are looked at
SMALL = 1_000  # passages, which are encoded many times

Part = Callable[[Place], Figures]


def main() -> None:
    """Runs what is missing and writes the report."""
    given = arguments()
    if given.only:
        size, name = int(given.only[0]), given.only[1]
        place = Place(given.sets, given.work, size)
        place.keep(name, parts(size, given.environment)[name](place))
        return
    for size in given.sizes:
        place = Place(given.sets, given.work, size)
        for name in parts(size, given.environment):
            if name == "build" or place.figures(name) is None or name in given.parts:
                one(given, size, name)
    report.write([Place(given.sets, given.work, size) for size in SIZES])


def parts(size: int, environment: Path) -> Mapping[str, Part]:
    """What is measured at that size, in this order."""
    found: dict[str, Part] = {
        "build": making.measure,
        "asking": asking.measure,
        "rebuilding": rebuilding.measure,
    }
    if size == SMALL:
        found["encoding"] = encoding.measure
    if size == COMPARED:
        found["starting"] = starting.measure
        found["peers"] = lambda place: peers.measure(place, running.python_of(environment))
    return found


def one(given: argparse.Namespace, size: int, name: str) -> None:
    """Measures a part in a process of its own."""
    print(f"{size:,}: {name} (load {os.getloadavg()[0]:.1f})", file=sys.stderr, flush=True)
    command = [sys.executable, "-m", "bench.speed.run", str(given.sets), str(given.work)]
    environment = ["--environment", str(given.environment)]
    subprocess.run([*command, *environment, "--only", str(size), name], check=True)


def arguments() -> argparse.Namespace:
    """What the command line says."""
    parser = argparse.ArgumentParser()
    parser.add_argument("sets", type=Path)
    parser.add_argument("work", type=Path)
    parser.add_argument("--sizes", type=int, nargs="*", default=SIZES)
    parser.add_argument("--parts", nargs="*", default=(), help="measured again")
    parser.add_argument(
        "--environment", type=Path, default=running.ENVIRONMENT, help="of the peers"
    )
    parser.add_argument("--only", nargs=2, help=argparse.SUPPRESS)
    return parser.parse_args()


if __name__ == "__main__":
    main()
