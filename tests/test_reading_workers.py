"""Reading many files: order, isolation of crashes, hangs and hunger, archives, files that change."""

import gc
import os
import signal
import subprocess
import sys
import threading
import time
from contextlib import closing
from math import inf
from pathlib import Path

import files
import pytest
from waiting import wait_for

from qa import processes
from qa.reading import archive, containers, loading, workers
from qa.reading.walking import walk
from qa.reading.workers import file_reader, read_files
from qa.records import Document, Status

# Put in the way of a worker's HTML reader: what a broken parser does when it meets these words.
BROKEN_PARSER = """
import ctypes, os, sys
import qa.reading.html as html
sound = html.read
def read(data, name):
    if b"CRASH" in data:
        ctypes.string_at(0)
    if b"EXIT" in data:
        os._exit(3)
    if b"HANG" in data:
        ctypes.PyDLL(None).sleep(600)  # in C, and without ever letting another thread run
    if b"HUNGRY" in data:
        return bytearray(8 << 30)
    if b"PRINT" in data:
        os.write(1, b"words of a parser that prints")
        print("more of them")
    return sound(data, name)
html.read = read
"""


STARTED = f"{BROKEN_PARSER}\nimport runpy\nrunpy.run_module(sys.argv.pop(1), run_name='__main__')"


@pytest.fixture
def broken_parser(tmp_path, monkeypatch):
    """Workers whose HTML reader does what the words in a page say."""

    def command(module, *arguments):
        return [sys.executable, "-P", "-S", "-c", STARTED, module, *arguments]

    monkeypatch.setattr(processes, "command", command)


def page(words: str) -> bytes:
    return f"<!doctype html><html><body><p>{words}</p></body></html>".encode()


def put(folder: Path, **contents: bytes) -> list[str]:
    """Write files, their suffix after two underscores; their paths in order."""
    folder.mkdir(exist_ok=True)
    names = [name.replace("__", ".") for name in contents]
    for name, data in zip(names, contents.values(), strict=True):
        (folder / name).write_bytes(data)
    return names


def outcomes(folder: Path, names: list[str], **options):
    return [one for reading in read_files(folder, names, **options) for one in reading.outcomes]


def test_every_file_of_a_folder_of_every_format_and_fault_comes_to_its_status(tmp_path):
    """At least forty files, each with the one status that is true of it, and a reason for it."""
    expected = files.make_folder(tmp_path)
    found = [one.path for one in walk(tmp_path)]
    came = {one.path: one for one in outcomes(tmp_path, found, processes=2)}
    assert {path: one.status for path, one in came.items()} == expected
    assert len(expected) >= 40
    for one in came.values():
        assert one.reason or one.status is Status.INDEXED
        assert "\n" not in one.reason
        one.path.encode(), one.reason.encode()
        assert (one.status is Status.INDEXED) <= bool(one.document and one.document.text.strip())


def test_readings_come_in_the_order_of_the_paths_with_the_files_own_state(tmp_path):
    """Whoever is quickest, the order is that of the paths."""
    data = {
        f"f{n}__{'html' if n % 3 else 'txt'}": page(f"Words {n}.") * (1 + n % 5) for n in range(40)
    }
    names = put(tmp_path, **data)[::-1]
    readings = list(read_files(tmp_path, names, processes=3))
    assert [reading.path for reading in readings] == names
    for reading in readings:
        about = (tmp_path / reading.path).stat()
        assert (reading.size, reading.modified) == (about.st_size, about.st_mtime_ns)
        assert reading.outcomes[0].document.sha256 == reading.sha256


@pytest.mark.parametrize("processes", [0, 1, 2])
def test_a_file_reads_the_same_here_and_in_a_process(tmp_path, processes):
    """What a worker sends is what a reader made, to the last block."""
    from qa.reading import read

    made = {
        "a.html": files.html(files.FACTS, title="T", date="2024-01-01"),
        "b.pdf": files.pdf([["# Title", "Words."], ["More."]]),
        "c.csv": files.csv([("a", "b"), ("1", "\U0001f6a2")]),
        "d.pptx": files.pptx(files.FACTS),
    }
    for name, data in made.items():
        (tmp_path / name).write_bytes(data)
    for reading in read_files(tmp_path, sorted(made), processes=processes):
        assert reading.outcomes[0].document == read(made[reading.path], reading.path)


@pytest.mark.usefixtures("broken_parser")
def test_a_crash_a_hang_and_hunger_cost_their_own_file_only(tmp_path):
    """The files around a broken one are read, and its reason says what happened."""
    names = put(
        tmp_path / "seeds",
        a__html=page("Sound."),
        b__html=page("CRASH"),
        c__html=page("HANG"),
        d__html=page("HUNGRY"),
        e__html=page("EXIT"),
        f__html=page("PRINT and go on."),
        g__html=page("Sound again."),
    )
    came = outcomes(tmp_path / "seeds", names, processes=2, seconds=1.5)
    assert [(one.path, one.status.value) for one in came] == [
        ("a.html", "indexed"),
        ("b.html", "failed"),
        ("c.html", "failed"),
        ("d.html", "failed"),
        ("e.html", "failed"),
        ("f.html", "indexed"),
        ("g.html", "indexed"),
    ]
    assert [one.reason for one in came[1:5]] == [
        "its reader crashed (SIGSEGV)",
        "took longer than 1.5 seconds",
        "needs more memory than one file may take",
        "its reader ended by itself (exit code 3)",
    ]


@pytest.mark.usefixtures("broken_parser")
def test_a_crash_within_an_archive_costs_that_member_only(tmp_path):
    """The members before and after are read; one that keeps crashing is given up in time."""
    sound, crash = page("Sound."), page("CRASH")
    names = put(
        tmp_path / "seeds",
        a__zip=files.archive({"1.html": sound, "2.html": crash, "3.html": sound}),
        b__zip=files.archive({f"{n}.html": crash for n in range(9)} | {"last.html": sound}),
    )
    first, second = read_files(tmp_path / "seeds", names, processes=1)
    assert [(one.path, one.status.value) for one in first.outcomes] == [
        ("a.zip/1.html", "indexed"),
        ("a.zip/2.html", "failed"),
        ("a.zip/3.html", "indexed"),
    ]
    assert len(first.sha256) == 64
    assert len(second.outcomes) == workers.CRASHES + 1
    assert "given up" in second.outcomes[-1].reason


@pytest.mark.parametrize(
    ("limit", "doing", "ends"),
    [
        ("0.3, wall=60", "while True: pass", -signal.SIGPROF),
        ("0.3, wall=60", "time.sleep(0.6)", 0),
        ("60, wall=0.3", "time.sleep(60)", -signal.SIGALRM),
        ("0.3", "time.sleep(60)", -signal.SIGALRM),
    ],
)
def test_time_is_counted_on_the_processor_and_generously_by_the_clock(limit, doing, ends):
    """What computes too long is ended, what waits for its turn on a busy machine is not."""
    code = f"import time\nfrom qa.reading.confined import time_limit\nwith time_limit({limit}):\n    {doing}"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == ends


@pytest.mark.usefixtures("broken_parser")
def test_workers_die_with_the_process_that_started_them(tmp_path):
    """Killing the reading process leaves no worker behind, not even one that hangs."""
    put(tmp_path / "seeds", a__html=page("Sound."), b__html=page("HANG"))
    script = (
        "import sys, time; from pathlib import Path; from qa.reading.workers import read_files\n"
        f"from qa import processes; processes.command = lambda module, *more: "
        f"[sys.executable, '-P', '-S', '-c', {STARTED!r}, module, *more]\n"
        f"for reading in read_files(Path({str(tmp_path / 'seeds')!r}), ['a.html', 'b.html'],"
        " processes=2, seconds=3): print(reading.path, flush=True)\n"
    )
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(p for p in sys.path if p)}
    with subprocess.Popen(
        [sys.executable, "-c", script], stdout=subprocess.PIPE, env=environment
    ) as parent:
        assert parent.stdout is not None
        assert parent.stdout.readline() == b"a.html\n"
        children = _children(parent.pid)
        assert children
        parent.send_signal(signal.SIGKILL)
    wait_for(lambda: not any(map(_is_alive, children)))


def test_a_file_that_takes_too_long_is_given_up_and_the_next_one_is_read(tmp_path, broken_parser):
    put(tmp_path / "seeds", a__html=page("HANG"), b__html=page("Words."), c__txt=b"Plain words.")
    with file_reader(tmp_path / "seeds") as read:
        with pytest.raises(TimeoutError):
            list(read("a.html", time.monotonic() + 0.5))
        for path in ("b.html", "c.txt", "b.html"):
            (outcome,) = read(path, time.monotonic() + 60)
            assert (outcome.path, outcome.status) == (path, Status.INDEXED)


def documents() -> int:
    """How many documents this process holds."""
    return sum(type(each) is Document for each in gc.get_objects())


def test_of_an_archive_one_member_is_held_and_a_crash_costs_that_one(tmp_path, broken_parser):
    before = documents()
    words = ["One.", "CRASH", "Three.", "Four."]
    pages = {f"{number}.html": page(result) for number, result in enumerate(words)}
    put(tmp_path / "seeds", a__zip=files.archive(pages), b__html=page("Words."))
    with file_reader(tmp_path / "seeds") as read:
        statuses = []
        for outcome in read("a.zip", inf):
            statuses.append(outcome.status)
            assert documents() <= before + 1
        assert statuses == [Status.INDEXED, Status.FAILED, Status.INDEXED, Status.INDEXED]
        with closing(read("a.zip", inf)) as early:
            assert next(early).path == "a.zip/0.html"
        (after,) = read("b.html", inf)
    assert after.status is Status.INDEXED


def test_leaving_the_readings_early_ends_the_workers(tmp_path):
    """A caller that stops, or is interrupted, leaves no process behind."""
    names = put(tmp_path, **{f"f{n}__html": page("Words.") for n in range(10)})
    readings = read_files(tmp_path, names, processes=2)
    next(readings)
    children = _children(os.getpid())
    assert children
    readings.close()
    assert not any(_is_alive(child) for child in children)


def test_workers_inherit_no_open_file(tmp_path):
    """A lock held open here is not held by a worker."""
    names = put(tmp_path, a__html=page("Words."), b__html=page("Words."))
    with (tmp_path / "lock").open("w") as lock:
        os.set_inheritable(lock.fileno(), True)
        readings = read_files(tmp_path, names, processes=1)
        next(readings)
        for child in _children(os.getpid()):
            current = {os.path.realpath(link) for link in Path(f"/proc/{child}/fd").iterdir()}
            assert str(tmp_path / "lock") not in current
        readings.close()


def test_a_script_without_a_main_guard_can_read(tmp_path):
    """Workers do not run the caller's main module."""
    put(tmp_path / "seeds", a__html=page("Words."))
    script = tmp_path / "script.py"
    script.write_text(
        "from pathlib import Path; from qa.reading.workers import read_files\n"
        f"print([r.outcomes[0].status.value for r in read_files(Path({str(tmp_path / 'seeds')!r}),"
        " ['a.html'])])\n"
    )
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(p for p in sys.path if p)}
    result = subprocess.run(
        [sys.executable, script], capture_output=True, text=True, env=environment, check=True
    )
    assert (result.stdout, result.stderr) == ("['indexed']\n", "")


def test_modules_among_the_documents_are_not_imported(tmp_path, monkeypatch):
    """A worker started in the folder of documents does not run a json.py that lies there."""
    names = put(tmp_path, a__html=page("Words."), json__py=b"raise SystemExit", email__py=b"1/0")
    monkeypatch.chdir(tmp_path)
    (one, *_) = outcomes(Path(), names[:1], processes=1)
    assert one.status is Status.INDEXED


def test_small_text_needs_no_process(tmp_path):
    """A few notes are read without starting anything."""
    names = put(tmp_path, a__txt=b"Words.", b__md=b"# Title", c__csv=b"a,b\n1,2\n")
    readings = read_files(tmp_path, names)
    assert next(readings).outcomes[0].status is Status.INDEXED
    assert not _children(os.getpid())
    assert len(list(readings)) == 2


def test_a_file_that_changes_all_the_time_fails_and_one_that_stops_is_read(tmp_path):
    """A file is read as it was at one time, or not at all."""
    (tmp_path / "grows.html").write_bytes(page("Words.") * 300_000)
    stop = threading.Event()

    def grow() -> None:
        with (tmp_path / "grows.html").open("ab", buffering=0) as file:
            while not stop.wait(0.0005):
                file.write(b"<p>more")

    thread = threading.Thread(target=grow)
    thread.start()
    try:
        (one,) = outcomes(tmp_path, ["grows.html"], processes=1)
    finally:
        stop.set()
        thread.join()
    assert (one.status, one.reason) == (Status.FAILED, "changed while it was being read")
    (one,) = outcomes(tmp_path, ["grows.html"], processes=1)
    assert one.status is Status.INDEXED


def test_files_that_are_gone_or_locked_or_no_files_fail_with_a_reason(tmp_path):
    """What cannot be opened says why, wherever it is read."""
    (tmp_path / "folder.html").mkdir()
    os.mkfifo(tmp_path / "pipe.html")
    names = ["gone.txt", "gone.html", "folder.html", "pipe.html"]
    if os.geteuid():
        put(tmp_path, locked__html=b"x")
        (tmp_path / "locked.html").chmod(0)
        names.append("locked.html")
    came = outcomes(tmp_path, names, processes=1, seconds=5)
    assert {one.status for one in came} == {Status.FAILED}
    assert [one.reason for one in came][:4] == [
        "gone before it could be read",
        "gone before it could be read",
        "a folder that cannot be opened",
        "no regular file",
    ]


def test_a_file_beyond_the_limit_is_not_read(tmp_path):
    """A file of many gigabytes is told by its size, and a video by its kind, without reading it."""
    for name, start in (("a.html", b"<html>"), ("b.mp4", b"\0\0\0\x18ftypmp42")):
        with (tmp_path / name).open("wb") as file:
            file.write(start)
            file.truncate(loading.FILE_LIMIT + 1)
    large, video = outcomes(tmp_path, ["a.html", "b.mp4"], processes=1)
    assert large.status is Status.FAILED and "larger than" in large.reason
    assert video.status is Status.UNSUPPORTED


# Archives


def test_members_have_paths_of_their_own_and_hidden_ones_are_left_out():
    """Names are told once each, safe to print, beneath the archive's."""
    data = files.archive(
        {"a.txt": "1", "b/c.txt": "2", ".d": "3", "__MACOSX/e": "4", "f\ng": "5", "h/": ""}
    )
    members = list(containers.members(data, "x/y.zip"))
    assert [member.path for member in members] == [
        *("x/y.zip/a.txt", "x/y.zip/b/c.txt", "x/y.zip/f\\x0ag"),
    ]
    assert [member.load() for member in members] == [b"1", b"2", b"5"]


@pytest.mark.parametrize(
    "name", ["../a", "a/../../b", "/etc/passwd", "..\\a", "C:\\a", "c:a", "a\\b", "..", "a/.."]
)
def test_names_that_lead_elsewhere_fail_and_are_told_harmlessly(name):
    """No path told leaves the archive's own."""
    (member,) = containers.members(files.archive({name: "words"}), "x.zip")
    assert member.path.startswith("x.zip/")
    assert ".." not in member.path.split("/") and "\\" not in member.path.replace("\\x", "")
    with pytest.raises(archive.ReadFailed, match="leads elsewhere"):
        member.load()


def test_a_name_that_stands_twice_is_told_twice():
    """Two members of one name have two paths."""
    import io
    import warnings
    import zipfile

    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as file, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        file.writestr("a.txt", "1")
        file.writestr("a.txt", "2")
    members = containers.members(out.getvalue(), "x.zip")
    assert [(member.path, member.load()) for member in members] == [
        ("x.zip/a.txt", b"1"),
        ("x.zip/a.txt (2)", b"2"),
    ]


def test_an_archive_unpacks_to_no_more_than_its_limit(monkeypatch):
    """Members beyond the whole archive's limit fail, nested archives counted in."""
    import random

    noise = [random.Random(seed).randbytes(600) for seed in range(4)]
    monkeypatch.setattr(archive, "TOTAL_LIMIT", 3500)
    inner = files.archive({"b": noise[1], "c": noise[2]})
    data = files.archive({"a": noise[0], "inner.zip": inner, "d": noise[3]})
    came = []
    for member in containers.members(data, "x.zip"):
        try:
            came.append(len(member.load()))
        except archive.ReadFailed as error:
            came.append(str(error).split()[0])
    assert came == [600, 600, 600, "beyond"]


def test_too_many_members_are_not_read(monkeypatch):
    """An archive of very many files is read up to a limit."""
    monkeypatch.setattr(archive, "MEMBERS_LIMIT", 3)
    members = list(containers.members(files.archive({f"{n}.txt": "x" for n in range(5)}), "x.zip"))
    assert [member.load() for member in members[:3]] == [b"x"] * 3
    with pytest.raises(archive.ReadFailed, match="beyond"):
        members[3].load()


def test_an_archive_whose_members_cannot_be_read_says_so_for_each(tmp_path):
    """Damage to one member's bytes costs that member."""
    data = bytearray(files.archive({"a.txt": "Sound words.", "b.txt": "Damaged words."}))
    at = data.find(b"b.txt") + len("b.txt") + 3
    data[at] ^= 0xFF
    names = put(tmp_path, x__zip=bytes(data))
    sound, damaged = outcomes(tmp_path, names, processes=1)
    assert sound.status is Status.INDEXED
    assert damaged.status is Status.FAILED and "damaged" in damaged.reason


@pytest.mark.skipif(sys.platform != "linux", reason="measures by /proc")
def test_many_large_texts_are_not_held_at_once(tmp_path):
    """Reading six texts of 20 MB takes about as much memory as reading one."""
    import resource

    line = b"A line of words that goes on and on. " * 10 + b"\n\n"
    names = put(tmp_path, **{f"f{n}__txt": line * (20_000_000 // len(line)) for n in range(6)})
    gc.collect()
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    for reading in read_files(tmp_path, names, processes=2):
        assert len(reading.outcomes[0].document.text) > 19_000_000
        del reading
    grown = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
    assert grown < 400_000, f"{grown} KB"


def _children(process: int) -> list[int]:
    """The processes that a process started and that live."""
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            fields = (folder / "stat").read_text().rpartition(")")[2].split()
            command = (folder / "cmdline").read_bytes()
        except OSError:
            continue
        if int(fields[1]) == process and fields[0] != "Z" and b"qa.reading.worker" in command:
            found.append(int(folder.name))
    return found


def _is_alive(process: int) -> bool:
    try:
        state = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0]
    except OSError:
        return False
    return state != "Z"
