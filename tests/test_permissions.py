"""Who may read an index: its owner alone, whatever the umask."""

import os
import stat
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from indexes import write

from qa.asking.service import QA
from qa.building.pipeline import build
from qa.web import feedback

OPEN = "import os; os.umask(0); "
BUILD = OPEN + "import sys; from qa.building.pipeline import build; build(sys.argv[1], sys.argv[2])"
MARK = OPEN + "from qa import highlight; highlight('Who?', ['Ri is a soldier.'])"


def open_to_others(*folders: Path) -> dict[str, str]:
    """What stands below the folders, them included, and may be used by others: path -> mode."""
    paths = [path for folder in folders for path in (folder, *folder.rglob("*"))]
    modes = {str(path): path.lstat().st_mode for path in paths}
    return {path: stat.filemode(mode) for path, mode in modes.items() if mode & 0o077}


@pytest.fixture
def seeds(tmp_path: Path) -> Path:
    write(tmp_path / "seeds", "mill.txt", "The mill has four sails. It grinds rye.")
    return tmp_path / "seeds"


def judge(index: Path) -> None:
    """A question and a judgement of its first excerpt."""
    with QA.open(index) as qa:
        answer = qa.ask("How many sails has the mill?")
        (cited, *_) = (*answer.excerpts, *answer.nearest)
        feedback.add(qa, "Why?", cited.document, (cited.start, cited.end), helpful=True)


@pytest.mark.parametrize("step", ["", "before-manifest"])
def test_an_index_is_for_its_owner_alone_whatever_the_umask(
    seeds: Path, new_index: Callable[[], Path], step: str
) -> None:
    index = new_index()
    environment = {**os.environ, "QA_CRASH_AT": step}
    done = subprocess.run(
        [sys.executable, "-c", BUILD, str(seeds), str(index)], env=environment, check=False
    )
    assert bool(done.returncode) is bool(step)
    if step:  # a build that was killed may leave what it had not finished, behind a closed door
        assert not index.stat().st_mode & 0o077
        build(seeds, index)
    judge(index)
    assert open_to_others(index) == {}


def test_an_index_that_others_could_read_is_closed_by_the_next_build(
    seeds: Path, new_index: Callable[[], Path]
) -> None:
    index = new_index()
    build(seeds, index)
    judge(index)
    (index / "README.md").write_text("not ours")
    for path in (index, *index.rglob("*")):
        path.chmod(0o755 if path.is_dir() else 0o644)
    report = build(seeds, index)
    assert report.unchanged == ("mill.txt",)
    assert set(open_to_others(index)) == {str(index / "README.md")}


def test_a_folder_that_may_only_be_read_is_not_opened_for_writing(
    seeds: Path, new_index: Callable[[], Path]
) -> None:
    index = new_index()
    build(seeds, index)
    segments = index / "segments"
    segments.chmod(0o555)
    build(seeds, index)
    assert stat.S_IMODE(segments.stat().st_mode) == 0o500
    segments.chmod(0o700)


def test_the_cache_folder_is_for_its_owner_alone(tmp_path: Path, encoders: Path) -> None:
    cache = tmp_path / "seedqa"
    (cache / "encoders").mkdir(parents=True)
    for file in encoders.iterdir():
        os.link(file, cache / "encoders" / file.name)
    cache.chmod(0o755)
    environment = {**os.environ, "XDG_CACHE_HOME": str(tmp_path)}
    subprocess.run([sys.executable, "-c", MARK], env=environment, check=True)
    assert open_to_others(cache) == {}
