"""The commands: the same verbs as the public face. Errors become one line and an exit code.

Exit codes: 0 done (unanswered questions and builds with failed files included), 1 a failure, 2 wrong
usage, 3 verified but not all valid, 130 interrupted. Each command imports what it needs when it runs,
so that a question starts fast.
"""

import json
import logging
import os
import sys
import threading
import traceback
from collections.abc import Mapping
from contextlib import nullcontext, suppress
from dataclasses import asdict
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from qa import logs, processes
from qa.errors import (
    IndexDamaged,
    IndexMissing,
    QAError,
    QuestionsInvalid,
    RemovalRefused,
    SeedsMissing,
)
from qa.settings import EXCERPT_LIMIT, INDEX, SEEDS

if TYPE_CHECKING:
    from qa.asking.service import QA
    from qa.checking.freshness import Waiting
    from qa.index.store import Snapshot
    from qa.records import BuildReport

NOT_ALL_VALID = 3
INTERRUPTED = 130
GLANCE = 0.05  # seconds in which `qa ask` looks for files that are not in the index yet
END_SECONDS = 10  # in which the threads of a server that has ended must end
DEBUG = "QA_DEBUG"
LOGGED = ("serve", "watch")  # the commands that run on, and write a log

_log = logging.getLogger("qa.cli")

app = typer.Typer(
    name="qa",
    help="Cited, verbatim answers from your own documents.",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
)

Index = Annotated[
    Path | None,
    typer.Option(envvar="QA_INDEX", help="The index's folder.", show_default=str(INDEX)),
]
Seeds = Annotated[
    Path | None,
    typer.Option(
        envvar="QA_SEEDS", help="The folder of documents, if not the one last built from."
    ),
]
Json = Annotated[bool, typer.Option("--json", help="Print JSON, for programs.")]


def main() -> None:
    """Runs the command line; ends the process with one of the exit codes."""
    processes.go_offline()
    code = run(sys.argv[1:])
    if sys.argv[1:2] == ["serve"]:
        _end_soon(code)
    sys.exit(code)


def _end_soon(code: int) -> None:
    """Ends the process in a while even where a thread still works: a supervisor waits for its end."""
    end = threading.Timer(END_SECONDS, os._exit, (code,))
    end.daemon = True
    end.start()


def run(arguments: list[str]) -> int:
    """The exit code of a command line; what went wrong is one line on stderr."""
    for stream in (sys.stdout, sys.stderr):
        stream.reconfigure(errors="backslashreplace")  # type: ignore[union-attr]
    try:
        with logs.to_stderr() if arguments[:1] and arguments[0] in LOGGED else nullcontext():
            return _run(arguments)
    except QAError as error:  # a setting of the log means nothing
        _complain(str(error))
        return error.exit_code


def _run(arguments: list[str]) -> int:
    try:
        app(arguments, prog_name="qa")
    except SystemExit as end:
        if end.code == INTERRUPTED:
            _complain("Interrupted.")
        return end.code if isinstance(end.code, int) else 0
    except QAError as error:
        _complain(str(error))
        return error.exit_code
    except Exception as error:  # noqa: BLE001 - no traceback to users, whatever happens
        if logs.is_set_up():
            _log.exception("Ended by an unexpected failure.", extra={"event": "error"})
        _complain(_unexpected(error))
        return 1
    return 0


@app.callback(invoke_without_command=True)
def version(
    *, version: Annotated[bool, typer.Option("--version", help="Print the version.")] = False
) -> None:
    """Cited, verbatim answers from your own documents."""
    if version:
        from qa import __version__

        typer.echo(f"qa {__version__}")
        raise typer.Exit


@app.command()
def build(
    folder: Annotated[
        Path | None, typer.Argument(metavar="[SEEDS]", help="The folder of documents.")
    ] = None,
    *,
    seeds: Annotated[
        Path | None, typer.Option(envvar="QA_SEEDS", help="The same, as an option.")
    ] = None,
    index: Index = None,
    full: Annotated[bool, typer.Option("--full", help="Build from nothing.")] = False,
    plan: Annotated[bool, typer.Option("--plan", help="Only tell what would be done.")] = False,
    allow_empty: Annotated[
        bool, typer.Option("--allow-empty", help="Build even if no file is found.")
    ] = False,
    yes: Annotated[
        bool, typer.Option("--yes", help="Remove even more than half of the documents.")
    ] = False,
    device: Annotated[
        str, typer.Option(envvar="QA_DEVICE", help="Encode on cpu or cuda; auto: a GPU if any.")
    ] = "auto",
    as_json: Json = False,
) -> None:
    """Bring the index up to date with the folder of documents, as the last time if none is named."""
    from qa import terminal
    from qa.building import pipeline

    where = (folder or seeds, index or INDEX)

    def run(*, allow_removal: bool) -> "BuildReport":
        with terminal.building_bar() as tell:
            return pipeline.build(
                *where, full=full, allow_empty=allow_empty, allow_removal=allow_removal,
                device=device, progress=tell,
            )  # fmt: skip

    if plan:
        report = pipeline.plan(*where, full=full, allow_empty=allow_empty)
    else:
        try:
            report = run(allow_removal=yes)
        except RemovalRefused as error:
            _ask_for(error)
            report = run(allow_removal=True)
    if as_json:
        _print_json(asdict(report))
    else:
        terminal.show_report(report, planned=plan)


@app.command()
def ask(
    question: Annotated[str, typer.Argument(help="The question, in quotation marks.")],
    *,
    as_json: Json = False,
    markdown: Annotated[bool, typer.Option("--markdown", help="Print Markdown.")] = False,
    limit: Annotated[
        int, typer.Option(min=1, max=100, envvar="QA_LIMIT", help="Excerpts, at most.")
    ] = EXCERPT_LIMIT,
    only: Annotated[
        list[str] | None, typer.Option(metavar="GLOB", help="Only these paths. Repeatable.")
    ] = None,
    exclude: Annotated[
        list[str] | None, typer.Option(metavar="GLOB", help="Not these paths. Repeatable.")
    ] = None,
    seeds: Seeds = None,
    index: Index = None,
) -> None:
    """Ask the documents: excerpts that answer, word for word, each with its citation."""
    from qa.asking.questions import validated_question
    from qa.asking.service import QA

    validated_question(question)
    _build_first(index, seeds)
    with QA.open(index or INDEX, seeds=seeds) as qa:
        answer = qa.ask(question, limit=limit, only=only or (), exclude=exclude or ())
        if qa.warning:
            _complain(qa.warning)
        _tell_waiting(qa)
    if as_json:
        _print(answer.to_json())
    elif markdown:
        _print(answer.to_markdown())
    else:
        from qa import terminal

        terminal.show_answer(answer)


@app.command()
def status(
    *,
    as_json: Json = False,
    check: Annotated[
        bool, typer.Option("--check", help="Read every file of the index and compare its hash.")
    ] = False,
    seeds: Seeds = None,
    index: Index = None,
) -> None:
    """Show what is in the index: every file, what became of it, and what is waiting."""
    from qa.index.opening import open_snapshot

    folder = index or INDEX
    snapshot = open_snapshot(folder)
    try:
        waiting = _waiting(snapshot, folder, seeds)
        if snapshot.warning and not check:
            _complain(snapshot.warning)
        if as_json:
            _print_json(_status(snapshot, waiting))
        else:
            from qa import terminal

            terminal.show_status(str(folder), snapshot.manifest, snapshot.files(), waiting)
        if check:
            _check(snapshot, folder)
    finally:
        snapshot.close()


@app.command()
def verify(
    answer: Annotated[Path, typer.Argument(metavar="ANSWER.json", help="From qa ask --json.")],
    *,
    as_json: Json = False,
    seeds: Seeds = None,
    index: Index = None,
) -> None:
    """Check a saved answer against the files as they are now; exit code 3 if not all is valid."""
    from qa.checking.verifying import VALID
    from qa.checking.verifying import verify as judge

    verdicts = judge(_read_json(answer), index=index or INDEX, seeds=seeds)
    if as_json:
        _print_json([verdict._asdict() for verdict in verdicts])
    else:
        from qa import terminal

        terminal.show_verdicts(verdicts)
    if any(verdict.outcome != VALID for verdict in verdicts):
        raise typer.Exit(NOT_ALL_VALID)


@app.command("eval")
def evaluate(
    questions: Annotated[list[Path], typer.Argument(metavar="QUESTIONS.jsonl...")],
    *,
    without_gold: Annotated[
        bool,
        typer.Option("--without-gold", help="Ask again with each question's document left out."),
    ] = False,
    compare: Annotated[
        Path | None,
        typer.Option(metavar="OLD.json", help="Show what got better and worse since."),
    ] = None,
    as_json: Json = False,
    seeds: Seeds = None,
    index: Index = None,
) -> None:
    """Measure how well the index answers the questions of JSONL files."""
    from qa import terminal
    from qa.asking.service import QA
    from qa.evaluation import report as reports

    old = reports.Report.from_dict(_read_json(compare)) if compare else None
    with QA.open(index or INDEX, seeds=seeds) as qa, terminal.counting_bar("questions") as tell:
        report = reports.evaluate(
            qa, questions, without_gold=without_gold, progress=tell, warn=_complain
        )
    comparison = reports.compare(old, report) if old else None
    if as_json:
        said = report.to_dict()
        _print_json(said | {"comparison": comparison._asdict()} if comparison else said)
        return
    terminal.show_figures(report.by_file())
    if comparison:
        terminal.show_comparison(comparison)


@app.command()
def watch(
    *,
    seeds: Seeds = None,
    index: Index = None,
) -> None:
    """Rebuild the index whenever documents change, until Ctrl-C."""
    from qa import terminal
    from qa.building import watching

    for report in watching.watch(seeds, index or INDEX):
        terminal.show_report(report, planned=False)


@app.command()
def mcp(*, seeds: Seeds = None, index: Index = None) -> None:
    """Serve the tools ask, read and verify to an MCP client over stdio."""
    from qa.web import mcp_tools

    mcp_tools.run_stdio(index or INDEX, seeds)


@app.command()
def serve(
    *,
    host: Annotated[str, typer.Option(envvar="QA_HOST", help="The address.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(envvar="QA_PORT", min=1, max=65535)] = 7860,
    watch: Annotated[
        bool, typer.Option("--watch/--no-watch", help="Rebuild when files change.")
    ] = True,
    read_only: Annotated[
        bool, typer.Option("--read-only", help="Write nothing: no uploads, rebuilds, judgements.")
    ] = False,
    metrics: Annotated[
        bool, typer.Option("--metrics", help="Show figures for Prometheus at /metrics.")
    ] = False,
    seeds: Seeds = None,
    index: Index = None,
) -> None:
    """Serve the web page and the HTTP API, on this machine alone unless told otherwise."""
    from qa.web import server

    server.check_reach(host, os.environ.get("QA_PASSWORD"))
    _build_first(index, seeds)
    server.serve(
        index or INDEX, seeds, host=host, port=port, watch=watch, read_only=read_only or None,
        metrics=metrics or None,
        ready=lambda address: typer.echo(f"The page is at {address} (Ctrl-C ends it)."),
    )  # fmt: skip


def _build_first(index: Path | None, seeds: Path | None) -> None:
    """Builds the default index when it is asked for and not there; a named one is not made up."""
    from qa.index.opening import require

    if index is not None:
        return
    try:
        require(INDEX)
    except IndexMissing:
        from qa import terminal
        from qa.building import pipeline

        _complain(f"There is no index yet: building one from {seeds or SEEDS}.")
        with terminal.building_bar() as tell:
            pipeline.build(seeds or SEEDS, INDEX, progress=tell)


def _ask_for(refused: RemovalRefused) -> None:
    """Asks on a terminal whether to do what was refused; raises it again where nobody can say."""
    if not (sys.stdin.isatty() and sys.stderr.isatty()):
        raise refused
    _complain(str(refused))
    if not typer.confirm("Remove them?", err=True):
        raise typer.Exit(1)


def _tell_waiting(qa: "QA") -> None:
    """Tells of files that are not in the index yet, where looking takes no noticeable time."""
    found: list[tuple[tuple[str, ...], ...]] = []

    def look() -> None:
        with suppress(Exception):  # no folder, or the index was closed while this still looked
            found.append(qa.waiting())

    looking = threading.Thread(target=look, daemon=True)
    looking.start()
    looking.join(GLANCE)
    if count := sum(map(len, chain(*found))):
        _complain(
            f"{count} new, changed or removed files are not in the index yet: run `qa build`."
        )


def _waiting(snapshot: "Snapshot", index: Path, seeds: Path | None) -> "Waiting | None":
    """What is not in the index yet, None when the folder of documents is out of reach."""
    from qa.checking.freshness import waiting
    from qa.index.origin import seeds_of

    try:
        folder = seeds or seeds_of(index, snapshot.manifest)
        return waiting(folder, snapshot.files(), leave_out=index)
    except SeedsMissing:
        return None


def _check(snapshot: "Snapshot", index: Path) -> None:
    """Raises IndexDamaged when a byte of the index is not what was written."""
    if snapshot.warning:
        raise IndexDamaged(snapshot.warning)
    if damaged := snapshot.damaged():
        raise IndexDamaged(
            f"Damaged in {index}: {', '.join(damaged)}. Run `qa build --full` to repair it."
        )
    typer.echo("Checked: every file of the index is as it was written.", err=True)


def _status(snapshot: "Snapshot", waiting: "Waiting | None") -> dict[str, Any]:
    manifest = asdict(snapshot.manifest)
    del manifest["files"]  # the index's own, not the user's
    return {
        "manifest": manifest,
        "warning": snapshot.warning,
        "waiting": None if waiting is None else waiting._asdict(),
        "files": [asdict(file) for file in snapshot.files()],
    }


def _read_json(file: Path) -> Mapping[str, Any]:
    """The object that a JSON file holds; `-` reads standard input. Raises QuestionsInvalid."""
    try:
        data = sys.stdin.buffer.read() if str(file) == "-" else file.read_bytes()
        said = json.loads(data)
    except OSError as error:
        raise QuestionsInvalid(f"{file} cannot be read: {error.strerror or error}.") from error
    except (ValueError, RecursionError) as error:
        raise QuestionsInvalid(f"{file} is not JSON: name what --json printed.") from error
    if not isinstance(said, dict):
        raise QuestionsInvalid(f"{file} holds no JSON object: name what --json printed.")
    return said


def _print_json(said: object) -> None:
    from qa.records.printable import dump

    _print(dump(said))


def _print(text: str) -> None:
    """Prints the text in UTF-8, whatever the terminal's encoding: quotations stay verbatim."""
    sys.stdout.flush()
    sys.stdout.buffer.write(text.encode(errors="backslashreplace"))
    sys.stdout.buffer.flush()


def _complain(message: str) -> None:
    """One printable line on stderr; a record where the log is JSON."""
    from qa.records.printable import one_line, printable

    if logs.is_json():
        _log.warning("%s", message)
    else:
        typer.echo(f"qa: {printable(one_line(message))}", file=logs.plain_stderr())


def _unexpected(error: Exception) -> str:
    if os.environ.get(DEBUG) and not logs.is_set_up():
        traceback.print_exception(error)
    if isinstance(error, OSError) and error.strerror:
        place = f": {error.filename}" if error.filename else ""
        return f"{error.strerror}{place}. Mend it and try again; {DEBUG}=1 shows where it happened."
    return (
        f"An unexpected failure, {type(error).__name__}: {error}. "
        f"{DEBUG}=1 shows where it happened; please report it."
    )
