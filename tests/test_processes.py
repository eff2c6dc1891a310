"""Processes of ours: no foreign module, no secret, no telemetry."""

import json
import os
import shutil
import signal
import subprocess
import sys
from contextlib import suppress
from pathlib import Path

import onnxruntime
import pytest
from files import scan
from indexes import write
from served import free_port
from waiting import wait_for

from qa import __version__, processes
from qa.reading.workers import read_files

LINUX = pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
TRAP = "import os\nopen(os.path.join(os.path.dirname(__file__), 'TRAPPED'), 'a').write(__name__)\n"
TRAPS = ("numpy", "watchfiles", "json", "faiss", "sitecustomize", "usercustomize", "typer", "lxml")
# What setuptools puts into sys.path for an editable installation, if it may: a relative name.
HOOK = f"__editable__.seedqa-{__version__}.finder.__path_hook__"


@pytest.fixture
def trapped(tmp_path, encoders):
    """A folder of documents, some of which leave a file where they are imported or run."""
    write(tmp_path, "ri.txt", "Ri is 26 years old. He comes from the north.\n")
    for name in TRAPS:
        write(tmp_path, f"{name}.py", TRAP)
        write(tmp_path, f"{HOOK}/{name}.py", TRAP.replace("__file__", "os.path.dirname(__file__)"))
    write(tmp_path, "tesseract", "#!/bin/sh\necho tesseract >>TRAPPED\n").chmod(0o755)
    (tmp_path / "scan.pdf").write_bytes(scan())
    (tmp_path / "index").mkdir()
    (tmp_path / "index" / "encoders").symlink_to(encoders)
    return tmp_path


def environment(**further):
    """That of a user who keeps a password in it, and runs programs of the folder that they are in."""
    own = {
        "PYTHONPATH": str(Path(processes.__file__).parents[1]),
        "PATH": os.pathsep.join([".", os.environ["PATH"], ""]),
        "QA_PASSWORD": "correct horse",
        "QA_OCR": "1" if shutil.which("tesseract") else "0",
    }
    return {**os.environ, **own, **further}


def children(process):
    """The processes that a process has started, and theirs."""
    direct = set()
    for file in Path(f"/proc/{process}/task").glob("*/children"):
        with suppress(OSError):  # the thread has ended
            direct |= set(map(int, file.read_text().split()))
    return direct | {below for child in direct for below in children(child)}


def environments(process, module=b"qa."):
    """What the processes that a process has started know, once they run this package."""
    found = []
    for child in children(process):
        with suppress(OSError):
            if module in Path(f"/proc/{child}/cmdline").read_bytes():
                found.append(Path(f"/proc/{child}/environ").read_bytes())
    return [known for known in found if known]


def test_modules_among_the_documents_are_not_imported_by_a_build(trapped):
    command = [sys.executable, "-m", "qa", "build", ".", "--index", "index"]
    done = subprocess.run(command, cwd=trapped, env=environment(), capture_output=True, check=False)
    assert done.returncode == 0, done.stderr
    assert not (trapped / "TRAPPED").exists()


def test_modules_among_the_documents_are_not_imported_by_a_watch(trapped):
    command = [sys.executable, "-m", "qa", "watch", "--seeds", ".", "--index", "index"]
    watching = subprocess.Popen(
        command,
        cwd=trapped,
        env=environment(),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    names = (trapped / "index" / "snapshots").glob
    try:
        for text in ("The mill grinds rye.", "The mill grinds wheat."):
            before = set(names("*"))
            write(trapped, "mill.html", f"<p>{text}</p>")
            wait_for(lambda before=before: set(names("*")) - before)
    finally:
        watching.send_signal(signal.SIGINT)
        watching.wait(30)
    assert not (trapped / "TRAPPED").exists()


@LINUX
def test_a_server_among_the_documents_imports_none_and_its_processes_know_no_password(trapped):
    build = [sys.executable, "-P", "-m", "qa", "build", ".", "--index", "index"]
    subprocess.run(build, cwd=trapped, env=environment(), capture_output=True, check=True)
    serve = [sys.executable, "-m", "qa", "serve", "--seeds", ".", "--index", "index", "--watch"]
    server = subprocess.Popen(
        [*serve, "--port", str(free_port())], cwd=trapped, env=environment(),
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    try:
        write(trapped, "big.html", "<p>The mill grinds rye.</p>\n" * 2_000)
        known = wait_for(lambda: environments(server.pid))
        assert all(b"correct horse" not in names for names in known)
        names = (trapped / "index" / "snapshots").iterdir
        wait_for(lambda: len(list(names())) > 1)
    finally:
        server.send_signal(signal.SIGTERM)
        server.wait(30)
    assert not (trapped / "TRAPPED").exists()


def test_nothing_is_looked_for_below_the_working_directory(tmp_path, monkeypatch):
    full = str(tmp_path / "programs")
    for name in ("PATH", "LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH"):
        monkeypatch.setenv(name, os.pathsep.join(["", ".", "programs", full, "../other", ""]))
        assert processes.environment()[name] == full
        monkeypatch.setenv(name, "")
        assert name not in processes.environment()
    monkeypatch.syspath_prepend(".")
    monkeypatch.syspath_prepend(HOOK)
    places = processes.environment()["PYTHONPATH"].split(os.pathsep)
    assert all(map(os.path.isabs, places))


def test_readers_import_nothing_that_lies_beside_the_script_that_started_them(tmp_path, encoders):
    write(tmp_path, "pypdfium2.py", TRAP)
    (tmp_path / "scan.pdf").write_bytes(scan(2, text_on=(1,)))
    code = "from qa.reading.workers import read_files\nprint(*read_files(Path(sys.argv[1]), ['scan.pdf']))"
    script = write(tmp_path, "script.py", f"import sys\nfrom pathlib import Path\n{code}\n")
    command = [sys.executable, str(script), str(tmp_path)]
    done = subprocess.run(
        command, cwd="/", env=environment(), capture_output=True, text=True, check=True
    )
    assert "indexed" in done.stdout
    assert not (tmp_path / "TRAPPED").exists()


@LINUX
def test_a_process_that_reads_hostile_files_gets_what_is_listed_and_no_more(tmp_path, monkeypatch):
    for name in (
        "QA_PASSWORD",
        "QA_MILVUS_TOKEN",
        "QA_DSN",
        "AWS_SECRET_ACCESS_KEY",
        "GITHUB_TOKEN",
    ):
        monkeypatch.setenv(name, "secret")
    monkeypatch.setenv("QA_OCR", "1")  # a setting of the index says so, and no variable
    write(tmp_path, "a.html", "<p>One.</p>")
    write(tmp_path, "b.html", "<p>Two.</p>" * 200_000)
    readings = read_files(tmp_path, ["a.html", "b.html"])
    next(readings)
    (known, *_) = environments(os.getpid(), b"qa.reading.worker")
    assert b"secret" not in known
    assert b"QA_OCR=0" in known and b"ORT_DISABLE_TELEMETRY=1" in known
    readings.close()


def test_telemetry_is_off_whatever_the_environment_says(tmp_path):
    """`ORT_DISABLE_TELEMETRY=0` sends: what counts stands there before the first import."""
    code = "import os; from qa.encoding import models; print(dict(os.environ)['ORT_DISABLE_TELEMETRY'])"
    home = {"HOME": str(tmp_path), "XDG_CACHE_HOME": str(tmp_path), "ORT_DISABLE_TELEMETRY": "0"}
    command = [sys.executable, "-c", code]
    done = subprocess.run(
        command, env=environment(**home), capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "1"
    assert [file for file in tmp_path.rglob("*") if file.is_file()] == []


def test_an_onnxruntime_that_can_send_telemetry_knows_the_switch_that_turns_it_off():
    libraries = list(Path(onnxruntime.__file__).parent.rglob("*onnxruntime*.so*"))
    for library in libraries:
        data = library.read_bytes()
        assert b"events.data.microsoft.com" not in data or b"ORT_DISABLE_TELEMETRY" in data


def test_a_command_line_keeps_every_library_off_the_network():
    code = (
        "import json, os, sys; from qa import cli; cli.run = lambda _: 0\n"
        "try: cli.main()\nexcept SystemExit: print(json.dumps(dict(os.environ)))"
    )
    command = [sys.executable, "-c", code]
    done = subprocess.run(command, env=environment(), capture_output=True, text=True, check=True)
    assert json.loads(done.stdout).items() >= processes.OFFLINE.items()
