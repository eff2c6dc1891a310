"""What the commands read and print: JSON, verbatim text, and one line on stderr."""

import json
import logging
import os
import sys
import traceback
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import typer

from qa import logs
from qa.errors import QuestionsInvalid
from qa.translation import tr

DEBUG = "QA_DEBUG"

_log = logging.getLogger("qa.cli")


def read_json(file: Path) -> Mapping[str, Any]:
    """The object that a JSON file holds; `-` reads standard input. Raises QuestionsInvalid."""
    try:
        data = sys.stdin.buffer.read() if str(file) == "-" else file.read_bytes()
        payload = json.loads(data)
    except OSError as error:
        raise QuestionsInvalid(f"{file} cannot be read: {error.strerror or error}.") from error
    except (ValueError, RecursionError) as error:
        raise QuestionsInvalid(f"{file} is not JSON: name what --json printed.") from error
    if not isinstance(payload, dict):
        raise QuestionsInvalid(f"{file} holds no JSON object: name what --json printed.")
    return payload


def print_json(value: object) -> None:
    """Prints a value as JSON that is safe on a terminal."""
    from qa.records.printable import dump

    print_text(dump(value))


def print_text(text: str) -> None:
    """Prints the text in UTF-8, whatever the terminal's encoding: quotations stay verbatim."""
    sys.stdout.flush()
    sys.stdout.buffer.write(text.encode(errors="backslashreplace"))
    sys.stdout.buffer.flush()


def complain(message: str) -> None:
    """One printable line on stderr; a record where the log is JSON."""
    from qa.records.printable import one_line, printable

    if logs.is_json():
        _log.warning("%s", message)
    else:
        typer.echo(f"qa: {printable(one_line(tr(message)))}", file=logs.plain_stderr())


def unexpected(error: Exception) -> str:
    """An unexpected failure in one line; its traceback, too, where `QA_DEBUG` asks for it."""
    if os.environ.get(DEBUG) and not logs.is_set_up():
        traceback.print_exception(error)
    if isinstance(error, OSError) and error.strerror:
        place = f": {error.filename}" if error.filename else ""
        return f"{error.strerror}{place}. Put that right and try again; {DEBUG}=1 shows where it happened."
    return (
        f"An unexpected failure, {type(error).__name__}: {error}. "
        f"{DEBUG}=1 shows where it happened; please report it."
    )
