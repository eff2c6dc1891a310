"""No request leaves the machine and nothing is written elsewhere, native code included.

`offline.py` runs everything in a network of its own, beside the other tests: `conftest.py` starts it
first, in one process, and these tests are the last, in whichever process they come to run.
"""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from beside import SECONDS, folder_of, missing
from waiting import wait_for

NAMES = ("build", "ask", "highlight", "serve", "mcp")

ADDRESS = re.compile(r'inet_addr\("([^"]+)"\)|inet_pton\(AF_INET6, "([^"]+)"')
PORT = re.compile(r"htons\((\d+)\)")
CHANGED = re.compile(
    r"\b(?:mkdir(?:at)?|rename(?:at2?)?|(?:sym)?link(?:at)?|creat)\(|O_CREAT|O_WRONLY|O_RDWR"
)
# Ways to ask others of this machine for a name, and a ring that passes calls by the tracer.
ASKING = ("/etc/resolv.conf", "systemd/resolve", "avahi-daemon", "io_uring_setup(")
PATH = re.compile(r'(?:<(?P<folder>/[^>]*)>, )?"(?P<path>[^"]*)"')


def faults(trace, folder):
    """What a trace shows that must not be: addresses, look-ups of names, files changed elsewhere."""
    return [line for line in trace.splitlines() if leaves(line) or writes_elsewhere(line, folder)]


def leaves(line):
    """Whether another machine is spoken to, or a name is looked up."""
    hosts = [v4 or v6 for v4, v6 in ADDRESS.findall(line)]
    foreign = [host for host in hosts if not host.startswith("127.")]
    looked_up = any(way in line for way in ASKING) or (hosts and "53" in PORT.findall(line))
    return bool(looked_up or set(foreign) - {"::1", "0.0.0.0", "::"})


def writes_elsewhere(line, folder):
    """Whether a file or folder is made or opened for writing where none of ours should be."""
    if not CHANGED.search(line) or "ENOENT" in line or "EEXIST" in line:
        return False
    *_, last = PATH.finditer(line)
    path = Path(os.path.normpath(Path(last["folder"] or folder) / last["path"]))
    cache = folder / "home" / ".cache"
    if path == cache and "mkdir" in line:
        return False
    ours = [folder / name for name in ("index", "seeds", "tmp")]
    places = [*ours, cache / "seedqa", Path("/dev"), Path("/proc")]
    if path.parts[-2:] == ("gradio", "hash_seed.txt"):  # drawn once an installation, sent nowhere
        return False
    return not any(path.is_relative_to(place) for place in places)


@pytest.fixture(scope="module")
def traces(pytestconfig):
    """The traces by name, and the folder in which all ran."""
    if why := missing():
        pytest.skip(f"what native code asks of the system was not looked at: {why}")
    folder = folder_of(pytestconfig)
    wait_for((folder / "status").exists, SECONDS + 300)
    assert (folder / "status").read_text() == "0\n", (folder / "driver.log").read_text()
    return {name: (folder / "traces" / name).read_text() for name in NAMES}, folder


@pytest.mark.parametrize("name", NAMES)
def test_nothing_leaves_the_machine_and_nothing_is_written_elsewhere(traces, name):
    texts, folder = traces
    assert texts[name].count("\n") > 100, "the tracer saw nothing"
    assert faults(texts[name], folder) == []


def test_the_home_folder_holds_the_exported_model_and_the_last_citations_and_nothing_else(traces):
    _, folder = traces
    ours = folder / "home" / ".cache" / "seedqa"
    files = {file for file in (folder / "home").rglob("*") if file.is_file()}
    assert {file.parent for file in files - {ours / "last.json"}} == {ours / "encoders"}


def test_a_library_that_sends_telemetry_would_be_seen(traces, tmp_path):
    """The same look at onnxruntime as it comes, for a moment."""
    (tmp_path / "home").mkdir()
    known = {**os.environ, "HOME": str(tmp_path / "home"), "ORT_DISABLE_TELEMETRY": "0"}
    for name in ("XDG_CACHE_HOME", "CI"):  # on a CI server it keeps quiet
        known.pop(name, None)
    code = "import onnxruntime; print(onnxruntime.__version__)"
    command = ["unshare", "--net", "strace", "-f", "-qq", "-o", str(tmp_path / "trace")]
    tracing = ["-e", "trace=network,openat,mkdir,rename"]
    subprocess.run([*command, *tracing, sys.executable, "-c", code], env=known, check=True)
    found = faults((tmp_path / "trace").read_text(), tmp_path)
    assert any("deviceid" in line for line in found)


@pytest.mark.parametrize(
    "line",
    [
        'connect(3, {sa_family=AF_INET, sin_port=htons(443), sin_addr=inet_addr("192.0.2.7")}, 16)',
        'connect(3, {sa_family=AF_INET, sin_port=htons(53), sin_addr=inet_addr("127.0.0.53")}, 16)',
        'sendto(3, "x", 1, 0, {sa_family=AF_INET6, inet_pton(AF_INET6, "2001:db8::1", &a)}, 28)',
        'openat(AT_FDCWD, "/etc/resolv.conf", O_RDONLY|O_CLOEXEC) = 4',
        'openat(AT_FDCWD, "/somewhere/else", O_WRONLY|O_CREAT, 0666) = 4',
        'connect(3, {sa_family=AF_UNIX, sun_path="/run/systemd/resolve/io.systemd.Resolve"}, 42)',
        "io_uring_setup(64, {flags=0}) = 5",
        'rename("index/a", "/somewhere/else") = 0',
        'openat(AT_FDCWD, "index/../else", O_RDWR|O_CREAT, 0666) = 4',
    ],
)
def test_each_kind_of_fault_is_seen_in_a_trace(line, tmp_path):
    assert faults(line, tmp_path) == [line]
