"""Log lines of the processes that run on, `qa serve` and `qa watch`: one line an event, on stderr.

The package logs below the logger `qa` by the standard `logging` and sets up nothing by itself: it is
silent in a program that imports it. `to_stderr` sets logging up for a process, so that what
libraries log, warn of or print has the same form. `QA_LOG` is `text` or `json`, `QA_LOG_LEVEL` the
least level that is written.

Whatever a record holds, it is one line: control characters are escaped, and the lines of a traceback
are indented (`text`) or a field (`json`), so that no file name can forge a record. Above the level
`debug` no text of a question or document is written: what an exception quotes is left out.
"""

import faulthandler
import logging
import os
import sys
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from typing import IO, Any, NamedTuple

from qa.errors import SettingsInvalid
from qa.logs.lines import (
    JsonFormatter,
    LineFormatter,
    extra,
    last_line,
    message,
    without_quotations,
)
from qa.logs.writing import PrintedLines, StderrHandler

__all__ = [
    "LogSettings",
    "flush",
    "is_json",
    "is_set_up",
    "last_line",
    "log_lines",
    "plain_stderr",
    "receive_record",
    "send_records",
    "to_stderr",
]

FORM, LEVEL = "QA_LOG", "QA_LOG_LEVEL"
LEVELS = {"debug": 10, "info": 20, "warning": 30, "error": 40}


class LogSettings(NamedTuple):
    """How a process writes its log."""

    as_json: bool = False
    level: int = logging.INFO

    @classmethod
    def from_environment(cls) -> "LogSettings":
        """The settings in QA_LOG and QA_LOG_LEVEL. Raises SettingsInvalid."""
        form = os.environ.get(FORM, "").strip().lower() or "text"
        level = os.environ.get(LEVEL, "").strip().lower() or "info"
        if form not in ("text", "json"):
            raise SettingsInvalid(f"{FORM} is {form}: it must be text or json.")
        if level not in LEVELS:
            raise SettingsInvalid(f"{LEVEL} is {level}: it must be one of {', '.join(LEVELS)}.")
        return cls(form == "json", LEVELS[level])


@contextmanager
def to_stderr() -> Iterator[LogSettings]:
    """Writes the log of this process to stderr while the block runs. Raises SettingsInvalid.

    Handlers that libraries have put on the root logger are taken off for that time.
    """
    settings = LogSettings.from_environment()
    stream = sys.stderr
    handler = StderrHandler(stream, _formatter(settings))
    with _restored_logging(), _restored_hooks():
        root = logging.getLogger()
        root.handlers[:] = [handler]
        root.setLevel(logging.INFO if settings.level <= logging.DEBUG else logging.WARNING)
        logging.getLogger("qa").setLevel(settings.level)
        logging.captureWarnings(capture=True)
        _log_uncaught()
        if not faulthandler.is_enabled():  # a crash of native code leaves its place in the log
            with suppress(OSError, ValueError):  # of a stream that is none of the system's
                faulthandler.enable(stream)
        if not stream.isatty():
            sys.stderr = PrintedLines(stream, is_full=settings.level <= logging.DEBUG)
        try:
            yield settings
        finally:
            root.removeHandler(handler)
            handler.close()


def log_lines(logger: logging.Logger, text: str, lines: Iterable[str], **fields: Any) -> None:
    """Logs an error with what another process printed where a traceback stands."""
    is_full = logger.isEnabledFor(logging.DEBUG)
    kept = [line if is_full else without_quotations(line) for line in lines]
    sent = {"name": logger.name, "levelno": logging.ERROR, "levelname": "ERROR", "msg": text}
    receive_record({"record": {**sent, "exc_text": "\n".join(kept)}, "extra": fields})


def _formatter(settings: LogSettings) -> LineFormatter:
    kind = JsonFormatter if settings.as_json else LineFormatter
    return kind(is_full=settings.level <= logging.DEBUG)


def is_set_up() -> bool:
    """Whether the log of this process is written to stderr."""
    return _handler() is not None


def is_json() -> bool:
    """Whether it is, as JSON."""
    handler = _handler()
    return handler is not None and isinstance(handler.formatter, JsonFormatter)


def plain_stderr() -> IO[str]:
    """Where lines for people go, those of the log before them written."""
    handler = _handler()
    flush()
    return handler.stream if handler else sys.stderr


def flush() -> None:
    """Waits until what was logged is written, a moment at most."""
    handler = _handler()
    if handler is not None:
        handler.flush()


def _handler() -> StderrHandler | None:
    handlers = logging.getLogger().handlers
    return next((one for one in handlers if isinstance(one, StderrHandler)), None)


def send_records(send: Callable[[Mapping[str, Any]], None], level: int) -> None:
    """Has every record of this process sent as a mapping, for `receive_record` of another one."""
    handler = _SendingHandler(send, _formatter(LogSettings(level=level)))
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(logging.WARNING)
    logging.getLogger("qa").setLevel(level)
    logging.captureWarnings(capture=True)


def receive_record(sent: Mapping[str, Any]) -> None:
    """Logs a record here that `send_records` sent from another process."""
    record = logging.makeLogRecord({**sent["extra"], **sent["record"]})
    logger = logging.getLogger(record.name)
    if logger.isEnabledFor(record.levelno):
        logger.handle(record)


class _SendingHandler(logging.Handler):
    """Sends each record as a mapping."""

    def __init__(self, send: Callable[[Mapping[str, Any]], None], formatter: LineFormatter) -> None:
        super().__init__()
        self._send, self._form = send, formatter

    def emit(self, record: logging.LogRecord) -> None:
        """Sends the record."""
        trace = "\n".join(self._form.trace(record)) or None
        sent = {
            "name": record.name,
            "levelno": record.levelno,
            "levelname": record.levelname,
            "msg": message(record),
            "created": record.created,
            "exc_text": trace,
        }
        self._send({"record": sent, "extra": extra(record)})


def _log_uncaught() -> None:
    """Logs exceptions that end a thread, or that nobody can catch."""
    log = logging.getLogger("qa")

    def in_thread(args: threading.ExceptHookArgs) -> None:
        if args.exc_value is not None and args.exc_type is not SystemExit:
            name = args.thread.name if args.thread else "?"
            log.error("The thread %s ended by an exception.", name, exc_info=args.exc_value)

    def unraisable(args: "sys.UnraisableHookArgs") -> None:
        log.error("An exception could not be raised.", exc_info=args.exc_value)

    threading.excepthook = in_thread
    sys.unraisablehook = unraisable


@contextmanager
def _restored_logging() -> Iterator[None]:
    """Puts handlers and levels back as they were."""
    root, ours = logging.getLogger(), logging.getLogger("qa")
    handlers, levels = root.handlers[:], (root.level, ours.level)
    try:
        yield
    finally:
        root.handlers[:] = handlers
        root.setLevel(levels[0])
        ours.setLevel(levels[1])
        logging.captureWarnings(capture=False)


@contextmanager
def _restored_hooks() -> Iterator[None]:
    """Puts stderr and the hooks for uncaught exceptions back as they were."""
    stream, in_thread, unraisable = sys.stderr, threading.excepthook, sys.unraisablehook
    try:
        yield
    finally:
        sys.stderr, threading.excepthook, sys.unraisablehook = stream, in_thread, unraisable
