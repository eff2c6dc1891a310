"""The commands, run on real folders: what they print, and how they end."""

import json
import os
import shutil
import signal
import subprocess
import sys

import pytest
from indexes import write
from waiting import wait_for

from qa import Answer, __version__, cli, terminal
from qa.building.pipeline import Progress

HOSTILE = "The [red]alarm[/red] code is \x1b[31m4711\x1b[0m\x07 \u202eand nothing else.\n"


@pytest.fixture
def place(tmp_path, library, monkeypatch):
    """A copy of the library, which is also the current folder."""
    seeds, index = library
    shutil.copytree(seeds, tmp_path / "seeds")
    shutil.copytree(index, tmp_path / "index")
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def qa(capsys):
    """Runs a command line and gives its exit code, stdout and stderr."""

    def run(*arguments):
        code = cli.run([str(argument) for argument in arguments])
        out, err = capsys.readouterr()
        return code, out, err

    return run


def asked(qa, *arguments):
    code, out, err = qa("ask", "How old is Ri?", *arguments)
    assert (code, err) == (0, "")
    return out


def test_ask_prints_numbered_citations_and_sets_off_the_sentence_that_answers(place, qa):
    out = asked(qa, "--limit", 1)
    assert "[1] ri" in out or "[1] copy" in out
    assert "»Ri is 26 years old.«" in out
    assert "the same text in" in out


def test_ask_tells_of_files_that_are_not_in_the_index_yet(place, qa):
    write(place / "seeds", "new.txt", "Something new.")
    (place / "seeds" / "mill.md").unlink()
    code, _, err = qa("ask", "How old is Ri?", "--seeds", "seeds")
    assert (code, err) == (
        0,
        "qa: 2 new, changed or removed files are not in the index yet: run `qa build`.\n",
    )


def test_ask_json_is_the_answers_own_json_and_verbatim(place, qa):
    result = json.loads(asked(qa, "--json"))
    first = (result["excerpts"] + result["nearest"])[0]
    text = (place / "seeds" / first["path"]).read_text()
    assert first["text"] == text[first["start"] : first["end"]]
    assert Answer.from_dict(result).to_json() == asked(qa, "--json")


def test_ask_markdown_is_markdown(place, qa):
    assert asked(qa, "--markdown").startswith("# How old is Ri?\n")


def test_ask_only_and_exclude_choose_by_path(place, qa):
    result = json.loads(asked(qa, "--json", "--only", "notes/*"))
    assert {e["path"] for e in result["excerpts"] + result["nearest"]} == {"notes/ferry.txt"}
    result = json.loads(asked(qa, "--json", "--exclude", "*.txt"))
    assert {e["path"] for e in result["excerpts"] + result["nearest"]} == {"mill.md"}


def test_an_unanswered_question_is_no_failure_and_says_so_plainly(place, qa):
    code, out, _ = qa("ask", "Who won the chess match on Mars?")
    assert code == 0
    assert out.startswith("The documents do not answer this.") and "Nearest passages:" in out


@pytest.mark.parametrize("question", ["", "  \n"])
def test_a_blank_question_is_wrong_usage_even_without_an_index(tmp_path, monkeypatch, qa, question):
    monkeypatch.chdir(tmp_path)
    code, out, err = qa("ask", question)
    assert (code, out) == (2, "") and "blank" in err
    assert not list(tmp_path.iterdir())


def test_a_question_of_a_megabyte_is_refused_in_one_short_line(place, qa):
    code, out, err = qa("ask", "why " * 250_000)
    assert (code, out) == (2, "")
    assert err.count("\n") == 1 and len(err) < 200


@pytest.mark.parametrize(
    "arguments",
    [
        ("ask", "Why?", "--index", "nowhere"),
        ("status", "--index", "nowhere"),
        ("eval", "q.jsonl", "--index", "nowhere"),
        ("build", "nowhere"),
        ("build", "empty"),
        ("eval", "nowhere.jsonl"),
        ("eval", "q.jsonl", "--compare", "nowhere.json"),
        ("verify", "nowhere.json"),
        ("verify", "q.jsonl"),
        ("serve", "--host", "0.0.0.0"),
    ],
)
def test_what_cannot_be_done_is_one_line_that_says_what_to_do(place, qa, arguments):
    (place / "empty").mkdir()
    (place / "q.jsonl").write_text("[1]\n")
    code, out, err = qa(*arguments)
    assert code in (1, 2) and out == ""
    assert err.startswith("qa: ") and err.count("\n") == 1 and "Traceback" not in err
    assert len(err) > 30


@pytest.mark.parametrize("arguments", [("ask",), ("fly",), ("ask", "x", "--limit", "0")])
def test_wrong_usage_ends_with_2(place, qa, arguments):
    code, out, err = qa(*arguments)
    assert (code, out) == (2, "") and "Traceback" not in err


def test_a_damaged_index_is_named_and_a_build_from_nothing_mends_it(place, qa):
    (place / "index" / "CURRENT").write_text("no such snapshot\n")
    for folder in (place / "index" / "snapshots").iterdir():
        (folder / "manifest.json").write_text("{")
    code, _, err = qa("ask", "How old is Ri?", "--index", "index")
    assert code == 1 and err.count("\n") == 1 and "build" in err
    assert qa("build", "--full")[0] == 0
    assert "Ri is 26" in asked(qa)


def test_an_unexpected_failure_is_one_line_and_a_traceback_only_when_asked_for(
    place, qa, monkeypatch
):
    monkeypatch.setattr(terminal, "show_answer", lambda _: 1 / 0)
    code, _, err = qa("ask", "How old is Ri?")
    assert code == 1 and err.count("\n") == 1 and "ZeroDivisionError" in err
    monkeypatch.setenv("QA_DEBUG", "1")
    assert "Traceback" in qa("ask", "How old is Ri?")[2]


def test_an_error_of_the_system_is_one_line_that_names_the_place(place, qa, monkeypatch):
    def full(*_):
        raise OSError(28, "No space left on device", "index/x")

    monkeypatch.setattr(terminal, "show_answer", full)
    code, _, err = qa("ask", "How old is Ri?")
    assert code == 1 and err.startswith("qa: No space left on device: index/x.")


def test_an_interruption_is_one_line_and_130(place, qa, monkeypatch):
    def interrupt(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr(terminal, "show_answer", interrupt)
    assert qa("ask", "How old is Ri?") == (130, "", "qa: Interrupted.\n")


def test_ctrl_c_during_a_build_leaves_the_old_index(place):
    for number in range(300):
        write(place / "seeds", f"more/{number}.txt", f"Lamp {number} burns in house {number}.\n")
    command = [sys.executable, "-m", "qa", "build"]
    path = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
    running = subprocess.Popen(command, stderr=subprocess.PIPE, text=True, env=path)
    wait_for(lambda: any(place.glob("index/cache/*")) or running.poll() is not None)
    assert running.poll() is None, "the build ended before it could be interrupted"
    before = (place / "index" / "CURRENT").read_text()
    running.send_signal(signal.SIGINT)
    _, err = running.communicate(timeout=60)
    assert running.returncode == 130
    assert err.endswith("qa: Interrupted.\n") and "Traceback" not in err
    assert (place / "index" / "CURRENT").read_text() == before


def test_document_text_reaches_a_terminal_without_its_escape_sequences(place, qa, monkeypatch):
    write(place / "seeds", "alarm.txt", HOSTILE)
    assert qa("build")[0] == 0
    monkeypatch.setenv("FORCE_COLOR", "1")
    monkeypatch.setenv("TTY_COMPATIBLE", "1")
    _, out, _ = qa("ask", "What is the alarm code?")
    assert "[red]alarm[/red]" in out and "␛[31m4711␛[0m␇" in out
    assert "\x1b[31m" not in out and "\u202e" not in out and "\x07" not in out
    assert "\x1b[1;32m" in out, "the highlighted sentence is set off by colour"


def test_the_first_question_builds_the_default_index_and_says_so(place, qa):
    encoders = place / "encoders"
    (place / "index" / "encoders").rename(encoders)
    shutil.rmtree(place / "index")
    (place / "index").mkdir()
    encoders.rename(place / "index" / "encoders")
    code, out, err = qa("ask", "How old is Ri?")
    assert code == 0 and "Ri is 26" in out
    assert "no index yet" in err
    assert qa("ask", "How old is Ri?")[2] == ""


def test_build_tells_what_it_did_and_why_a_file_gave_nothing(place, qa):
    write(place / "seeds", "new.txt", "The tower is ninety metres tall.\n")
    write(place / "seeds", "void.txt", "")
    (place / "seeds" / "torn.pdf").write_bytes(b"%PDF-1.7\nnothing more")
    code, out, _ = qa("build")
    assert code == 0
    assert "3 added, 0 changed, 0 removed, 4 unchanged" in out
    assert "empty: void.txt" in out and "failed: torn.pdf (" in out


def test_a_plan_tells_what_would_be_done_and_does_nothing(place, qa):
    write(place / "seeds", "new.txt", "The tower is ninety metres tall.\n")
    (place / "seeds" / "mill.md").unlink()
    before = sorted(str(path) for path in (place / "index").rglob("*"))
    code, out, _ = qa("build", "--plan")
    assert code == 0 and "added: new.txt" in out and "removed: mill.md" in out
    assert sorted(str(path) for path in (place / "index").rglob("*")) == before


def test_build_json_is_the_report(place, qa):
    code, out, _ = qa("build", "seeds", "--json")
    result = json.loads(out)
    assert code == 0 and len(result["unchanged"]) == 4 and result["passages"] > 0
    assert {file["path"] for file in result["files"]} >= {"ri.txt", "notes/ferry.txt"}


def test_status_shows_every_file_and_what_is_waiting(place, qa):
    write(place / "seeds", "new.txt", "The tower is ninety metres tall.\n")
    code, out, _ = qa("status", "--seeds", "seeds")
    assert code == 0
    assert "notes/ferry.txt" in out and "duplicate" in out and "same as" in out
    assert "1 added" in out


def test_status_without_the_folder_of_documents_says_so(place, qa):
    code, out, _ = qa("status", "--seeds", "nowhere")
    assert code == 0 and "out of reach" in out


def test_status_json_holds_files_manifest_and_waiting(place, qa):
    result = json.loads(qa("status", "--json", "--seeds", "seeds")[1])
    assert {"path", "status", "reason", "passages"} <= set(result["files"][0])
    assert result["manifest"]["documents"] == 3
    assert result["waiting"] == {"added": [], "changed": [], "removed": []}


def test_status_check_names_the_damaged_file(place, qa):
    assert qa("status", "--check")[0] == 0
    victim = next((place / "index" / "segments").rglob("texts.utf8"))
    data = bytearray(victim.read_bytes())
    data[0] ^= 1
    victim.write_bytes(data)
    code, _, err = qa("status", "--check")
    assert code == 1 and "texts.utf8" in err and "--full" in err


def test_verify_ends_with_3_when_not_all_is_valid(place, qa):
    (place / "answer.json").write_text(asked(qa, "--json", "--limit", 2))
    code, out, _ = qa("verify", "answer.json", "--seeds", "seeds")
    assert code == 0 and out.count("valid") == 2
    for name in ("ri.txt", "copy.txt"):
        (place / "seeds" / name).write_text("Ri is 27 years old.\n")
    code, out, _ = qa("verify", "answer.json", "--seeds", "seeds")
    assert code == 3 and "changed" in out and "27 years" in out
    result = json.loads(qa("verify", "answer.json", "--json", "--seeds", "seeds")[1])
    assert result[0]["outcome"] == "changed"


def test_eval_prints_a_table_and_compares_with_its_own_json(place, qa):
    row = {"question": "How old is Ri?", "document": "ri.txt", "spans": [[39, 57]]}
    (place / "q.jsonl").write_text(json.dumps(row))
    code, out, err = qa("eval", "q.jsonl", "--json", "--without-gold")
    assert code == 0 and err == ""
    assert json.loads(out)["figures"]["q.jsonl"]["hit@1"] == 1
    (place / "old.json").write_text(out)
    code, out, _ = qa("eval", "q.jsonl", "--compare", "old.json")
    assert code == 0 and "hit@1" in out and "1.000" in out
    assert "0 better" in out and "0 worse" in out


def test_an_environment_setting_stands_in_for_an_option(place, qa, monkeypatch):
    (place / "index").rename(place / "elsewhere")
    monkeypatch.setenv("QA_INDEX", "elsewhere")
    monkeypatch.setenv("QA_LIMIT", "1")
    result = json.loads(asked(qa, "--json"))
    assert len(result["excerpts"] + result["nearest"]) == 1


def test_a_setting_that_means_nothing_is_wrong_usage(place, qa, monkeypatch):
    monkeypatch.setenv("QA_PASSAGE_TOKENS", "many")
    code, _, err = qa("build")
    assert code == 2 and "passage_tokens" in err


def test_a_bar_appears_only_on_a_terminal(place, capsys, monkeypatch):
    monkeypatch.setattr(terminal, "PATIENCE", 0.0)
    progress = Progress("encoding", "a\x1b[31m.txt", 1, 4, 20, 2.0)
    for forced, seen in (("0", False), ("1", True)):
        monkeypatch.setenv("TTY_COMPATIBLE", forced)
        with terminal.building_bar() as tell:
            tell(progress)
        err = capsys.readouterr().err
        assert ("20 passages, 10/s a␛[31m.txt" in err) is seen


def test_the_command_line_is_imported_without_anything_heavy():
    code = "import qa.cli, sys; print(*sorted(sys.modules))"
    out = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
    loaded = set(out.stdout.split())
    heavy = {"numpy", "torch", "faiss", "tantivy", "onnxruntime", "gradio", "rich.console"}
    assert not loaded & heavy


def test_the_version_is_told(qa):
    assert qa("--version") == (0, f"qa {__version__}\n", "")
