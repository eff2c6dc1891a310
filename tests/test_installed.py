"""The package as `pip install seedqa` leaves it: a wheel in a new environment, far from the repository."""

import json
import os
import re
import shlex
import shutil
import subprocess
import sys
import tomllib
import urllib.request
import venv
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import yaml
from served import free_port

ROOT = Path(__file__).parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel, built from what `.dockerignore` leaves of what is in the history or would be."""
    source, out = tmp_path_factory.mktemp("source"), tmp_path_factory.mktemp("wheel")
    listed = ["git", "ls-files", "--cached", "--others", "--exclude-standard"]
    names = subprocess.run(listed, cwd=ROOT, check=True, capture_output=True, text=True).stdout
    ignored = (ROOT / ".dockerignore").read_text(encoding="utf-8").splitlines()
    kept = tuple(line[1:] for line in ignored if line.startswith("!"))
    for name in names.splitlines():
        if name.split("/")[0] in kept:
            (source / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(ROOT / name, source / name)
    build = ["wheel", "--no-deps", "--no-build-isolation", "--no-index", "-q", "-w", str(out)]
    subprocess.run([sys.executable, "-m", "pip", *build, str(source)], check=True)
    (found,) = out.iterdir()
    return found


@pytest.fixture(scope="module")
def installed(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A new environment's `bin`, with the wheel in it; what it needs is lent by the one of the tests."""
    at = tmp_path_factory.mktemp("installed") / "venv"
    venv.create(at, with_pip=False, symlinks=True)
    command = ["--python", str(at / "bin" / "python"), "install", "--no-deps", "--no-index", "-q"]
    subprocess.run([sys.executable, "-m", "pip", *command, str(wheel)], check=True)
    (packages,) = at.glob("lib/python*/site-packages")
    lent = [path for path in sys.path if path.endswith("site-packages")]
    (packages / "lent.pth").write_text("\n".join(lent) + "\n")
    return at / "bin"


@pytest.fixture(scope="module")
def folder(encoders: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with documents, far from the repository."""
    at = tmp_path_factory.mktemp("far")
    (at / "documents").mkdir()
    (at / "documents" / "mill.md").write_text(
        "# The mill\n\nThe mill has four sails. It grinds rye.\n"
    )
    for place in ("index", "cache/seedqa"):
        shutil.copytree(encoders, at / place / "encoders")
    return at


def environment(folder: Path) -> dict[str, str]:
    """That of a user: nothing of the tests' own."""
    kept = {name: os.environ[name] for name in ("PATH", "LANG", "TMPDIR") if name in os.environ}
    return {**kept, "HOME": str(folder), "XDG_CACHE_HOME": str(folder / "cache")}


def run(command: list[str], folder: Path) -> str:
    """What a command prints, in the folder."""
    done = subprocess.run(
        command, cwd=folder, env=environment(folder), capture_output=True, text=True, check=False,
        timeout=120,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_the_wheel_is_complete(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as packed:
        there = set(packed.namelist())
        (record,) = (name for name in there if name.endswith("/METADATA"))
        metadata = packed.read(record).decode()
    listed = ["git", "ls-files", "--cached", "--others", "--exclude-standard", "qa"]
    files = subprocess.run(listed, cwd=ROOT, check=True, capture_output=True, text=True).stdout
    assert {name for name in files.splitlines() if (ROOT / name).is_file()} <= there
    for name in (
        "py.typed",
        "encoding/data/all-MiniLM-L6-v2.codebook.npy",
        "encoding/data/training.txt",
    ):
        assert f"qa/{name}" in there
    assert any(name.endswith("licenses/LICENSE") for name in there)
    assert not [name for name in there if name.startswith(("tests", "bench"))]
    for extra in PROJECT["optional-dependencies"]:
        assert f"Provides-Extra: {extra}" in metadata
    assert re.search(
        r"^Requires-Dist: torch<.*>=|^Requires-Dist: torch>=.*<", metadata, re.MULTILINE
    )


def test_a_user_builds_asks_and_highlights_far_from_the_repository(
    installed: Path, folder: Path
) -> None:
    qa = str(installed / "qa")
    where = "import qa; print(qa.__file__)"
    assert str(installed.parent) in run([str(installed / "python"), "-c", where], folder)
    assert "seedqa.toml" in run([qa, "init", "documents"], folder)
    run([qa, "build"], folder)
    answer = json.loads(run([qa, "ask", "How many sails has the mill?", "--json"], folder))
    assert answer["answered"] and answer["excerpts"][0]["path"] == "mill.md"
    marks = "from qa import highlight; print(len(highlight('How many sails?', ['It has four sails.'])[0]))"
    assert run([str(installed / "python"), "-c", marks], folder) == "1\n"
    assert "complete" in run([qa, "--show-completion", "bash"], folder)
    assert "all-MiniLM-L6-v2" in run([qa, "model", "list"], folder)


def test_a_user_serves_the_page(installed: Path, folder: Path) -> None:
    with serving(installed, folder) as address:
        with urllib.request.urlopen(f"{address}/healthz") as health:
            assert json.load(health)["status"] == "ok"
        with urllib.request.urlopen(f"{address}/") as page:
            assert b"<title>" in page.read()
        with urllib.request.urlopen(f"{address}/api/answer.md?q=How+many+sails%3F") as answer:
            assert b"four sails" in answer.read()


@contextmanager
def serving(installed: Path, folder: Path) -> Iterator[str]:
    """The address of a server that was started as a user would."""
    port = free_port()
    command = [str(installed / "qa"), "serve", "--port", str(port), "--no-watch"]
    server = subprocess.Popen(
        command, cwd=folder, env=environment(folder), stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL, text=True,
    )  # fmt: skip
    try:
        assert server.stdout
        line = server.stdout.readline()
        assert f"http://127.0.0.1:{port}" in line
        yield f"http://127.0.0.1:{port}"
    finally:
        server.terminate()
        server.communicate(timeout=30)


def test_the_image_is_made_by_commands_that_this_suite_runs() -> None:
    """No engine builds it here: its steps are those above, with a network for what is lent there."""
    steps = [
        shlex.split(line) for line in (ROOT / "Dockerfile").read_text().splitlines()
        if line and not line.startswith("#")
    ]  # fmt: skip
    runs = [" ".join(words[1:]) for words in steps if words[0] == "RUN"]
    assert runs[0] == "python -m venv /srv/venv"
    assert runs[1].startswith("/srv/venv/bin/python -m pip install") and runs[1].endswith("/src")
    (start,) = (" ".join(words[1:]) for words in steps if words[0] == "CMD")
    assert "qa build --allow-empty" in start and "qa serve" in start
    service = yaml.safe_load((ROOT / "compose.yaml").read_text())["services"]["seedqa"]
    assert service["ports"] == ["127.0.0.1:7860:7860"] and "QA_PASSWORD" in service["environment"]
    unit = (ROOT / "docs" / "seedqa.service").read_text()
    assert "qa build --allow-empty" in unit and "qa serve" in unit
