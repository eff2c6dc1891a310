"""A record as one line, of text or of JSON, whatever it holds."""

import json
import logging
import re
import traceback
from datetime import UTC, datetime
from typing import Any

MESSAGE_LIMIT = 8_000  # characters
CAUSES = 10  # of an exception, that are shown; half as many of each of these, and so on

# An apostrophe within a word ("can't") neither opens nor closes; what is cut off counts as quoted.
_QUOTED = re.compile(r"(?<!\w)(?:'(?:[^'\\]|\\.|'(?=\w))*(?:'|\Z)|\"(?:[^\"\\]|\\.)*(?:\"|\Z))")
_PLACE = re.compile(r'\s*File "[^"]+\.py", line \d+(?:,? in [\w.<>]+)?\s*')
_OF_CODE = (OSError, ImportError, AttributeError, NameError, TypeError)  # quote files and names
_USUAL = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime", "color_message"}


def escaped(text: str) -> str:
    r"""The text in one line: `escaped("a\nb\x1b")` is `"a\\nb\\x1b"`."""
    if text.isprintable():
        return text
    return "".join(
        sign if sign.isprintable() else sign.encode("unicode_escape").decode() for sign in text
    )


def without_quotations(text: str) -> str:
    """A line with what stands in quotation marks left out: `"no 'x'"` is `"no '…'"`.

    The line of a traceback that names a place in the code stays as it is.
    """
    return text if _PLACE.fullmatch(text) else _QUOTED.sub("'…'", text)


def last_line(error: BaseException, *, is_full: bool = True) -> str:
    """The last line of an exception's traceback: its kind and its message."""
    message = " ".join(str(error)[:MESSAGE_LIMIT].split())
    if not is_full and not isinstance(error, _OF_CODE):
        message = without_quotations(message)
    name = type(error).__qualname__
    return f"{name}: {message}" if message else name


def _trace(error: BaseException, *, is_full: bool, causes: int = CAUSES) -> list[str]:
    """The lines of an exception's traceback, those of its causes before."""
    cause = error.__cause__ or (None if error.__suppress_context__ else error.__context__)
    before = [cause] if cause is not None else []
    if isinstance(error, BaseExceptionGroup):
        before += error.exceptions
    lines: list[str] = []
    for one in before[:causes]:
        lines += [*_trace(one, is_full=is_full, causes=causes // 2), "which led to:"]
    frames = "".join(traceback.format_tb(error.__traceback__)).splitlines()
    head = ["Traceback (most recent call last):"] if frames else []
    return [*lines, *head, *frames, last_line(error, is_full=is_full)]


class LineFormatter(logging.Formatter):
    """One line: time, level, logger and message; a traceback below it, indented."""

    def __init__(self, *, is_full: bool) -> None:
        super().__init__()
        self.is_full = is_full

    def format(self, record: logging.LogRecord) -> str:
        """The record as text."""
        lines = [f"{_time(record)} {record.levelname:<7} {escaped(record.name)} {message(record)}"]
        return "\n    ".join([*lines, *map(escaped, self.trace(record))])

    def trace(self, record: logging.LogRecord) -> list[str]:
        """The lines of the record's traceback."""
        if record.exc_info and record.exc_info[1]:
            return _trace(record.exc_info[1], is_full=self.is_full)
        return (record.exc_text or "").splitlines()


class JsonFormatter(LineFormatter):
    """One JSON object: time, level, logger, message, the record's own fields, and the traceback."""

    def format(self, record: logging.LogRecord) -> str:
        """The record as a line of JSON."""
        fields = {
            "time": _time(record),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": message(record),
        }
        if trace := self.trace(record):
            fields["exception"] = "\n".join(trace)
        return json.dumps({**fields, **extra(record), **fields}, default=str)


def _time(record: logging.LogRecord) -> str:
    moment = datetime.fromtimestamp(record.created, UTC)
    return f"{moment:%Y-%m-%dT%H:%M:%S}.{moment.microsecond // 1000:03}Z"


def message(record: logging.LogRecord) -> str:
    """What the record says, in one line."""
    try:
        text = record.getMessage()
    except (TypeError, ValueError):  # a library's mistake is no reason to lose the line
        text = str(record.msg)
    return escaped(text[:MESSAGE_LIMIT])


def extra(record: logging.LogRecord) -> dict[str, Any]:
    """What was given to the record as `extra`."""
    return {name: value for name, value in vars(record).items() if name not in _USUAL}
