"""A build by the workers of a Dask cluster against one by this process alone, on the same cores.

    dask scheduler --host 127.0.0.1 --no-dashboard
    dask worker tcp://127.0.0.1:8786 --host 127.0.0.1 --no-dashboard --nthreads 1 --nworkers 2
    python -m bench.cluster SEEDS tcp://127.0.0.1:8786 [--rounds 3] [--files 24]

Builds the folder's first files from nothing by turns, and reads and splits them by turns without encoding
them. Prints the cluster's speed as a part of this process's, the median of the rounds, and whether both
made the same snapshot. The workers run on this machine, as many as it has cores, with one thread each.
"""

import argparse
import shutil
import tempfile
import time
from contextlib import closing
from pathlib import Path
from statistics import median

from qa.building.cluster import Cluster, ClusterMachines
from qa.building.encoding_ahead import Work
from qa.building.machines import Job, Machines, ThisMachine
from qa.building.pipeline import build
from qa.building.timing import Stages
from qa.encoding.encoder import Encoder, codebook_of
from qa.errors import DocumentFailed
from qa.settings import Settings


def main() -> None:
    """Prints both parts."""
    given = argparse.ArgumentParser(description=__doc__)
    given.add_argument("seeds", type=Path)
    given.add_argument("address")
    given.add_argument("--rounds", type=int, default=3)
    given.add_argument("--files", type=int, default=24)
    options = given.parse_args()
    cluster = Cluster(options.address)
    with tempfile.TemporaryDirectory() as place:
        at = Path(place)
        (at / "seeds").mkdir()
        for file in sorted(filter(Path.is_file, options.seeds.rglob("*")))[: options.files]:
            shutil.copy(file, at / "seeds" / file.name)
        compared_builds(at, cluster, options.rounds)
        compared_readings(at, cluster, options.rounds)


def compared_builds(at: Path, cluster: Cluster, rounds: int) -> None:
    """Whole builds from nothing by turns."""
    index = at / "index"
    build(at / "seeds", index, cluster=cluster)  # the model is exported, and laid down on workers
    ratios, snapshots = [], set()
    for _ in range(rounds):
        seconds = []
        for where in (None, cluster):
            started = time.perf_counter()
            report = build(at / "seeds", index, full=True, cluster=where)
            seconds.append(time.perf_counter() - started)
            snapshots.add(report.snapshot)
        ratios.append(seconds[0] / seconds[1])
        print(
            f"build: {report.passages} passages, alone {seconds[0]:.1f} s, cluster {seconds[1]:.1f}"
        )
    print(f"build: {median(ratios):.2f} of the speed; one snapshot: {len(snapshots) == 1}")


def compared_readings(at: Path, cluster: Cluster, rounds: int) -> None:
    """Files read and split by turns."""
    encoder = Encoder(folder=at / "index" / "encoders", threads=1)
    job = Job(at / "seeds", Settings(), encoder, codebook_of(encoder))
    exported = [
        file for name in encoder.exports for file in (at / "index/encoders").glob(f"{name}.*.onnx")
    ]
    paths = sorted(file.name for file in (at / "seeds").iterdir())
    there = ClusterMachines(cluster, job, Stages(), exported=exported, sample=paths[0])
    ratios = []
    with closing(ThisMachine(job, Stages())) as here, closing(there):
        for _ in range(rounds):
            seconds = [read(machines, paths) for machines in (here, there)]
            ratios.append(seconds[0] / seconds[1])
            print(f"reading: alone {seconds[0]:.2f} s, cluster {seconds[1]:.2f}")
    print(f"reading: {median(ratios):.2f} of the speed")


def read(machines: Machines, paths: list[str]) -> float:
    """The seconds in which the files are read and split."""
    started = time.perf_counter()
    for reading in machines.readings(paths):
        for outcome in reading.outcomes:
            if outcome.document is None:
                continue
            document = machines.identified(outcome.document)
            try:
                list(machines.split(Work(reading, outcome, document, 0, 1)))
            except DocumentFailed as error:
                print(f"{reading.path}: {error}")
    return time.perf_counter() - started


if __name__ == "__main__":
    main()
