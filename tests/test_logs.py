"""Log lines: one a record whatever it holds, silent unless wanted, and never in anybody's way."""

import json
import logging
import os
import re
import signal
import subprocess
import sys
import threading

import pytest
from indexes import write
from served import free_port
from servers import wait_for

from qa import cli, logs
from qa.logs.lines import escaped, last_line, without_quotations
from qa.logs.writing import BURST

LINE = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z (DEBUG|INFO|WARNING|ERROR) +[\w.]+ .*")


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("a\nb\r\x1b[31m", "a\\nb\\r\\x1b[31m"),
        ("\u2028\u202e\x85\ud800\x00", "\\u2028\\u202e\\x85\\ud800\\x00"),
        ("Käse 東京", "Käse 東京"),
    ],
)
def test_a_text_is_one_line_that_shows_what_it_holds(text, line):
    assert escaped(text) == line


@pytest.mark.parametrize(
    ("text", "rest"),
    [
        ("'utf-8' codec can't decode byte 0xff", "'…' codec can't decode byte 0xff"),
        ("no such key: 'it isn't so' here", "no such key: '…' here"),
        ('value "a \\" b" and \'cut off', "value '…' and '…'"),
        ('  File "/a/b c.py", line 3, in work', '  File "/a/b c.py", line 3, in work'),
    ],
)
def test_what_is_quoted_is_left_out(text, rest):
    assert without_quotations(text) == rest


def test_an_exception_is_told_without_what_it_quotes_but_with_files_and_names():
    assert last_line(KeyError("a secret"), is_full=False) == "KeyError: '…'"
    assert last_line(KeyError("a secret")) == "KeyError: 'a secret'"
    missing = FileNotFoundError(2, "No such file", "/a/b")
    assert last_line(missing, is_full=False) == "FileNotFoundError: [Errno 2] No such file: '/a/b'"
    assert last_line(ValueError("a\nb")) == "ValueError: a b"


@pytest.fixture
def logged(capsys, monkeypatch):
    """Runs something while the log is written, and gives its lines."""

    def run(work, **environment):
        for name, value in environment.items():
            monkeypatch.setenv(name, value)
        with logs.to_stderr():
            work()
        return capsys.readouterr().err.splitlines()

    return run


def fail(text):
    def work():
        raise ValueError(text) from KeyError("before")

    try:
        work()
    except ValueError:
        logging.getLogger("qa.test").exception("It failed.")


def test_a_traceback_is_indented_so_that_no_line_of_it_begins_a_record(logged):
    forged = "x\n2026-01-01T00:00:00.000Z ERROR qa forged"
    first, *rest = logged(lambda: fail(forged))
    assert LINE.fullmatch(first)
    assert rest and all(line.startswith("    ") for line in rest)
    assert any("test_logs.py" in line for line in rest)
    assert [line.split(":")[0].strip() for line in rest if "Error: " in line] == [
        "KeyError",
        "ValueError",
    ]


def test_a_record_is_a_line_of_json_with_its_fields(logged):
    def work():
        logging.getLogger("qa.test").info("one\ntwo", extra={"event": "test", "path": "a\nb"})
        logging.getLogger("anybody").warning("%d of them", "no number")
        fail("x")

    one, other, failed = map(json.loads, logged(work, QA_LOG="json"))
    assert (one["message"], one["event"], one["path"]) == ("one\\ntwo", "test", "a\nb")
    assert (one["level"], one["logger"]) == ("info", "qa.test")
    assert other["message"] == "%d of them"
    assert failed["exception"].splitlines()[-1] == "ValueError: x"


def test_the_level_holds_for_the_package_and_libraries_are_heard_from_warnings_on(logged):
    def work():
        for name in ("qa.test", "library"):
            for level in (logging.DEBUG, logging.INFO, logging.WARNING, logging.ERROR):
                logging.getLogger(name).log(level, "said")

    def heard(level):
        return [line.split()[1:3] for line in logged(work, QA_LOG_LEVEL=level)]

    assert len(heard("error")) == 1 + 2
    assert len(heard("info")) == 3 + 2
    assert len(heard("debug")) == 4 + 3


def test_what_libraries_print_or_warn_of_becomes_records(logged):
    def work():
        sys.stderr.write("Traceback 'of a library'\n")
        threading.Thread(target=lambda: 1 / 0, name="lost").start()
        for thread in threading.enumerate():
            if thread.name == "lost":
                thread.join()

    printed, lost, *_ = logged(work)
    assert LINE.fullmatch(printed) and printed.endswith("stderr Traceback '…'")
    assert "The thread lost ended by an exception." in lost


def test_a_flood_of_lines_that_requests_cause_is_counted_instead(logged):
    def work():
        for number in range(BURST + 50):
            logging.getLogger("qa.web.test").warning("refused %d", number)
            logging.getLogger("qa.building").warning("failed %d", number)

    lines = logged(work)
    assert sum(bool(re.search(r"refused \d", line)) for line in lines) == BURST
    assert sum(" failed " in line for line in lines) == BURST + 50
    assert "50 more lines were left out: refused %d" in lines[-1]


def test_logging_is_as_it_was_afterwards(logged):
    root, ours = logging.getLogger(), logging.getLogger("qa")
    before = (root.handlers[:], root.level, ours.level, sys.stderr, threading.excepthook)
    logged(lambda: None, QA_LOG_LEVEL="debug")
    assert before == (root.handlers[:], root.level, ours.level, sys.stderr, threading.excepthook)


@pytest.mark.parametrize("setting", ["QA_LOG", "QA_LOG_LEVEL"])
def test_a_setting_of_the_log_that_means_nothing_is_wrong_usage(capsys, monkeypatch, setting):
    monkeypatch.setenv(setting, "loud")
    assert cli.run(["serve"]) == 2
    err = capsys.readouterr().err
    assert err.startswith(f"qa: {setting} is loud") and err.count("\n") == 1


def test_the_package_is_silent_for_those_who_import_it(library, tmp_path):
    code = (
        "import sys; from qa import QA, build\n"
        "build(sys.argv[1], sys.argv[2])\n"
        "with QA.open(sys.argv[2]) as qa: qa.ask('How old is Ri?')"
    )
    write(tmp_path / "seeds", "a.txt", "The mill grinds rye.\n")
    (tmp_path / "seeds" / "torn.pdf").write_bytes(b"%PDF-1.7\nnothing more")
    places = [str(tmp_path / "seeds"), str(tmp_path / "index")]
    (tmp_path / "index").mkdir()
    (tmp_path / "index" / "encoders").symlink_to(library[1] / "encoders")
    done = subprocess.run(
        [sys.executable, "-c", code, *places], capture_output=True, text=True, check=True
    )
    assert (done.stdout, done.stderr) == ("", "")


def test_a_watch_logs_its_builds_and_why_none_can_be(library, tmp_path):
    seeds, index = tmp_path / "seeds", tmp_path / "index"
    seeds.mkdir()
    index.mkdir()
    (index / "encoders").symlink_to(library[1] / "encoders")
    log = tmp_path / "log"
    command = [sys.executable, "-m", "qa", "watch", "--seeds", str(seeds), "--index", str(index)]
    with log.open("w") as stream:
        process = subprocess.Popen(
            command, stderr=stream, stdout=subprocess.DEVNULL, env={**os.environ, "QA_LOG": "json"}
        )

    def records():
        assert process.poll() is None, log.read_text()
        return [json.loads(line) for line in log.read_text().splitlines()]

    try:
        wait_for(lambda: any("No file was found" in one["message"] for one in records()))
        (seeds / "torn.pdf").write_bytes(b"%PDF-1.7\nnothing more")
        wait_for(lambda: any(one.get("event") == "build" for one in records()))
        (failed,) = (one for one in records() if one.get("event") == "file")
        assert failed["path"] == "torn.pdf"
        assert sum("No file was found" in one["message"] for one in records()) == 1
    finally:
        process.send_signal(signal.SIGINT)
        process.wait(30)
    assert json.loads(log.read_text().splitlines()[-1])["message"] == "Interrupted."
    assert process.returncode == 130


def test_a_failure_that_ends_a_server_is_a_record_where_the_log_is_json(library):
    import socket

    with socket.create_server(("127.0.0.1", free_port())) as taken:
        port = str(taken.getsockname()[1])
        command = [sys.executable, "-m", "qa", "serve", "--index", str(library[1]), "--port", port]
        done = subprocess.run(
            command, capture_output=True, text=True, check=False,
            env={**os.environ, "QA_LOG": "json"},
        )  # fmt: skip
    assert done.returncode == 2
    assert "--port" in json.loads(done.stderr)["message"]


def test_a_stderr_that_nobody_reads_holds_nothing_back():
    """A pipe takes 64 kB; then who writes to it waits for the reader."""
    code = (
        "import logging, sys; from qa import logs\n"
        "with logs.to_stderr():\n"
        "    for number in range(20_000): logging.getLogger('qa.building').warning('x' * 100)\n"
        "    print('done', flush=True); sys.stdin.read()\n"
    )
    with subprocess.Popen(
        [sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
        stderr=subprocess.PIPE, text=True,
    ) as process:  # fmt: skip
        timer = threading.Timer(60, process.kill)
        timer.start()
        assert process.stdout.readline() == "done\n"
        timer.cancel()
        _, err = process.communicate("")
    assert "lines were lost" in err
