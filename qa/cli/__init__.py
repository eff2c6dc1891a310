"""The commands: the same verbs as the public face. Errors become one line and an exit code.

Exit codes: 0 done (unanswered questions and builds with failed files included), 1 a failure, 2 wrong
usage, 3 verified but not all valid, 130 interrupted. Each command imports what it needs when it runs,
so that a question starts fast.
"""

import logging
import os
import sys
import threading
from contextlib import nullcontext
from pathlib import Path
from typing import Annotated, Any

import typer

from qa import logs, processes, settings_file
from qa.cli import asking, building, checking, modelling, serving, viewing
from qa.cli.output import complain, unexpected
from qa.errors import QAError
from qa.translation import of_environment, speaking, tr
from qa.version import VERSION

INTERRUPTED = 130
END_SECONDS = 10  # in which the threads of a server that has ended must end
LOGGED = ("serve", "watch")  # the commands that run on, and write a log

_log = logging.getLogger("qa.cli")

app = typer.Typer(
    name="qa",
    help="Cited, verbatim answers from your own documents.",
    no_args_is_help=True,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
)

for _command in (
    building.init, building.build, asking.ask, checking.status, checking.verify, building.watch,
    serving.serve, serving.mcp,
):  # fmt: skip
    app.command()(_command)
app.command("eval")(checking.evaluate)
app.command("open")(viewing.open_citation)
app.add_typer(modelling.app)


def main() -> None:
    """Runs the command line; ends the process with one of the exit codes."""
    processes.go_offline()
    code = run(sys.argv[1:])
    if _command_of(sys.argv[1:]) == "serve":
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
        settings_file.use(_named(arguments, "--config"), _named(arguments, "--index"))
        with speaking(of_environment(os.environ)):
            return _logged(arguments)
    except QAError as error:  # a setting of the log means nothing
        complain(str(error))
        return error.exit_code


def _logged(arguments: list[str]) -> int:
    with logs.to_stderr() if _command_of(arguments) in LOGGED else nullcontext():
        return _run(arguments)


def _command_of(arguments: list[str]) -> str:
    """Which command a command line names."""
    words = iter(arguments)
    for word in words:
        if word == "--config":
            next(words, "")
        elif not word.startswith("-"):
            return word
    return ""


def _named(arguments: list[str], option: str) -> str | None:
    """What an option names, looked up before the commands read theirs: a file may set their defaults."""
    for word, after in zip(arguments, [*arguments[1:], ""], strict=True):
        if word == option or word.startswith(f"{option}="):
            return after if word == option else word.partition("=")[2]
    return None


def _run(arguments: list[str]) -> int:
    try:
        _spoken(typer.main.get_command(app))(arguments, prog_name="qa")
    except SystemExit as end:
        if end.code == INTERRUPTED:
            complain("Interrupted.")
        return end.code if isinstance(end.code, int) else 0
    except QAError as error:
        complain(str(error))
        return error.exit_code
    except Exception as error:  # noqa: BLE001 - no traceback to users, whatever happens
        if logs.is_set_up():
            _log.exception("Ended by an unexpected failure.", extra={"event": "error"})
        complain(unexpected(error))
        return 1
    return 0


def _spoken(command: Any) -> Any:
    """The command with its help, and that of all below it, in the language that is spoken."""
    for part in (command, *command.params):
        if getattr(part, "help", None):
            part.help = tr(part.help)
    for below in getattr(command, "commands", {}).values():
        _spoken(below)
    return command


@app.callback(invoke_without_command=True)
def version(
    *,
    version: Annotated[bool, typer.Option("--version", help="Print the version.")] = False,
    config: Annotated[  # noqa: ARG001 - it was read before the commands were
        Path | None,
        typer.Option(
            envvar="QA_CONFIG",
            help="A file of settings.",
            show_default="seedqa.toml beside the index",
        ),
    ] = None,
) -> None:
    """Cited, verbatim answers from your own documents."""
    if version:
        typer.echo(f"qa {VERSION}")
        raise typer.Exit
