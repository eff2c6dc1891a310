"""`qa ask --follow`: one question after another, and the keys of the page between them."""

import sys
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import typer

from qa import storage
from qa.cli.output import complain
from qa.errors import QAError
from qa.records import Answer

HISTORY = "questions"  # in the user's cache folder
KEPT = 500  # questions
NEXT, BEFORE = ("j", "\x1b[B", "\x1bOB"), ("k", "\x1b[A", "\x1bOA")  # and the arrows
OPEN = ("\r", "\n")
AGAIN = ("/", "\x1b")

Asked = Callable[[str], Answer]
Opened = Callable[[int], None]


def follow(first: str | None, asked: Asked, opened: Opened) -> None:
    """Asks the questions that are typed, or come in a pipe line by line, until there are no more.

    `asked` answers one and shows it; `opened` shows a citation by its number.
    """
    for question in _questions(first):
        try:
            answer = asked(question)
            if is_terminal():
                _read(answer, opened)
        except QAError as error:
            complain(str(error))


def is_terminal() -> bool:
    """Whether a person types."""
    return sys.stdin.isatty() and sys.stdout.isatty()


def _questions(first: str | None) -> Iterator[str]:
    if first:
        yield first
    if not is_terminal():
        yield from (line.strip() for line in sys.stdin if line.strip())
        return
    with suppress(EOFError):
        history = _History(first)
        while True:
            if question := input("? ").strip():
                history.keep()
                yield question


class _History:
    """The questions of earlier sessions, one of the arrow keys away; kept by readline."""

    def __init__(self, first: str | None) -> None:
        self._file: Path | None = None
        with suppress(ImportError, OSError):  # Windows has none; a home may be closed
            import readline

            self._readline = readline
            self._file = storage.user_cache() / HISTORY
            readline.set_auto_history(True)
            readline.set_history_length(KEPT)
            if self._file.exists():
                readline.read_history_file(self._file)
            else:
                self._file.touch(0o600)
            if first:
                readline.add_history(first)

    def keep(self) -> None:
        """Writes down what was typed last, for this account alone."""
        if self._file:
            with suppress(OSError):
                self._readline.write_history_file(self._file)
                storage.close_to_others(self._file)


def _read(answer: Answer, opened: Opened) -> None:
    """Lets the reader go through the citations: the keys of the page."""
    from qa import terminal

    count, at = len(answer.excerpts) + len(answer.nearest), 0
    if not count:
        return
    terminal.show_keys()
    for key in _keys():
        if key in AGAIN:
            break
        if key in NEXT:
            at = min(at + 1, count)
        elif key in (*BEFORE, *OPEN):
            at = max(at - (key in BEFORE), 1)
        else:
            continue
        terminal.show_chosen(at, answer)
        if key in OPEN:
            opened(at)
    terminal.end_chosen()


def _keys() -> Iterator[str]:
    """The keys that are pressed; those that came at once are one string, an arrow is another."""
    while True:
        pressed = typer.getchar()
        yield from [pressed] if pressed.startswith("\x1b") else pressed
