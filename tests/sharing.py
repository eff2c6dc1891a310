"""What the processes of one run of the tests share: each thing is made once, by who needs it first."""

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from filelock import FileLock


def common_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The temporary folder of this run, one for all of its processes."""
    base = tmp_path_factory.getbasetemp()
    return base.parent if base.name.startswith("popen-") else base  # as pytest-xdist names them


def made_once(
    tmp_path_factory: pytest.TempPathFactory, name: str, make: Callable[[Path], object]
) -> Path:
    """A folder of that name that `make` has filled, in this process or in another one."""
    folder = common_folder(tmp_path_factory) / f"shared-{name}"
    with FileLock(f"{folder}.lock"):
        if not (done := folder.with_name(f"{folder.name}.done")).exists():
            shutil.rmtree(folder, ignore_errors=True)  # of an attempt that failed
            folder.mkdir()
            make(folder)
            done.touch()
    return folder
