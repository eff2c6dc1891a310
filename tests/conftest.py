"""What many tests share: real indexes, and the question sets that may lie beside the project."""

import os
import shutil
from pathlib import Path

import pytest
from hypothesis import settings
from indexes import encoded, encoders, new_index, write

from qa.building.pipeline import build

__all__ = ["SHARED", "encoded", "encoders", "library", "new_index"]

settings.register_profile("untimed", deadline=None)  # no test is timed
settings.load_profile("untimed")

SHARED = Path(__file__).parents[2] / "shared"  # question sets; tests that need them skip without

TEXTS = {
    "ri.txt": "Ri came to the front in October 2024.\n\nRi is 26 years old. He comes from the north.\n",
    "copy.txt": "Ri came to the front in October 2024.\n\nRi is 26 years old. He comes from the north.\n",
    "mill.md": "# The mill\n\nThe mill has four sails. It grinds rye for three villages.\n",
    "notes/ferry.txt": "The ferry crosses at six. In winter it does not run because of the ice.\n",
}


@pytest.fixture(scope="session")
def library(tmp_path_factory, encoders):
    """A folder of four documents, two of them equal, and its index: (seeds, index), to be read."""
    folder = tmp_path_factory.mktemp("library")
    for name, text in TEXTS.items():
        write(folder / "seeds", name, text)
    (folder / "index").mkdir()
    shutil.copytree(encoders, folder / "index" / "encoders", copy_function=os.link)
    build(folder / "seeds", folder / "index")
    return folder / "seeds", folder / "index"


def pytest_collection_modifyitems(items):
    """The tests of `test_offline.py` are the last: what they look at runs beside the others."""
    items.sort(key=lambda item: item.path.name == "test_offline.py")


def pytest_collection_finish(session):
    """Starts what `test_offline.py` looks at."""
    if session.items and not session.config.option.collectonly:
        last = session.items[-1]
        if last.path.name == "test_offline.py":
            last.module.begin()


def pytest_sessionfinish(session):
    """Ends it, where its tests did not come to run."""
    for module in {item.module for item in session.items if item.path.name == "test_offline.py"}:
        module.end()
