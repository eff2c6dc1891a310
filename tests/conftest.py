"""What many tests share: real indexes, and the question sets that may lie beside the project."""

import os
import shutil
from pathlib import Path

import beside
import pytest
from hypothesis import settings
from indexes import _models_are_loaded_once, encoded, encoders, new_index, write
from sharing import made_once

from qa.building.pipeline import build

__all__ = ["SHARED", "_models_are_loaded_once", "encoded", "encoders", "library", "new_index"]

settings.register_profile("untimed", deadline=None)  # no test is timed
settings.load_profile("untimed")

# It takes seconds a file, and is on few machines: its own tests ask for it.
os.environ["QA_LIBREOFFICE"] = "0"

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

    def make(folder):
        for name, text in TEXTS.items():
            write(folder / "seeds", name, text)
        (folder / "index").mkdir()
        shutil.copytree(encoders, folder / "index" / "encoders", copy_function=os.link)
        build(folder / "seeds", folder / "index")

    folder = made_once(tmp_path_factory, "library", make)
    return folder / "seeds", folder / "index"


# --- the order of the tests, and what runs beside them ---------------------------------------------

SLOWEST = ("test_trust", "test_models", "test_web_page", "test_operation", "test_damage")


def pytest_collection_modifyitems(items):
    """The longest files are the first, and the tests of `test_offline.py` the last."""
    items.sort(key=lambda item: SLOWEST.index(item.path.stem) if item.path.stem in SLOWEST else 99)
    items.sort(key=lambda item: item.path.name == beside.TESTS)


def pytest_configure(config):
    """In the one process that all others of a run belong to."""
    if not hasattr(config, "workerinput"):
        config.pluginmanager.register(beside.Beside(config), "beside")
