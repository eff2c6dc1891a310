"""Ignore files: which paths they leave out, in the syntax of .gitignore and in linear time.

A pattern becomes an expression that never goes back: what stands between two stars is looked for
from the left and kept where it is found first, and so is what stands between two `**`. That finds
every match, for a star takes up whatever comes before the next piece. The time is at most the
product of the pattern's length and the path's.
"""

import os
import re
import stat
from collections.abc import Iterator, Sequence
from itertools import groupby
from typing import NamedTuple

IGNORE_FILE = ".qaignore"
SIZE_LIMIT = 32 << 10  # bytes of one ignore file
RULES_LIMIT = 1_000

_STAR, _SLASH = "*", "/"
_DEEP = "**"  # a component that stands for any number of them
_ANY = "[^/]"
_NEVER = "(?!)"
_FOLDERS = "(?:[^/]++/)*?"  # as few as may be
_NAMED = re.compile(r"\[:(\w*):\]")
_NAMED_CLASSES = {
    "alnum": "0-9A-Za-z",
    "alpha": "A-Za-z",
    "blank": " \\t",
    "cntrl": "\\0-\\x1f\\x7f",
    "digit": "0-9",
    "graph": "!-~",
    "lower": "a-z",
    "print": " -~",
    "punct": "!-/:-@\\[-`{-~",
    "space": " \\t-\\r",
    "upper": "A-Z",
    "xdigit": "0-9A-Fa-f",
}


class IgnoreFileRefused(Exception):
    """An ignore file whose rules do not hold; the message is the reason."""


class Rule(NamedTuple):
    """One line of an ignore file."""

    expression: re.Pattern[str]  # of paths relative to the file's folder
    ignores: bool  # False for a line that begins with `!`
    only_folders: bool


class Rules(NamedTuple):
    """One ignore file's rules and the folder in which they hold."""

    folder: str  # relative, "" or ending with a slash
    rules: tuple[Rule, ...]

    def judge(self, path: str, *, is_folder: bool) -> bool | None:
        """Whether to ignore a path: what the last rule that names it says, or None."""
        within = path[len(self.folder) :]
        return next(
            (
                rule.ignores
                for rule in reversed(self.rules)
                if (is_folder or not rule.only_folders) and rule.expression.fullmatch(within)
            ),
            None,
        )


def is_ignored(path: str, rules: Sequence[Rules], *, is_folder: bool) -> bool:
    """True when the deepest ignore file with a rule for the path ignores it."""
    for each in reversed(rules):
        verdict = each.judge(path, is_folder=is_folder)
        if verdict is not None:
            return verdict
    return False


def rules_of(file: str, folder: str, root: str) -> Rules:
    """The rules of an ignore file, none where there is no such file.

    Raises IgnoreFileRefused for what is no small regular file within `root`.
    """
    real = os.path.realpath(file)
    try:
        data = _content(real) if real.startswith(root.rstrip(os.sep) + os.sep) else None
    except FileNotFoundError:
        return Rules(folder, ())
    except OSError as error:
        raise IgnoreFileRefused(f"cannot be opened: {(error.strerror or '').lower()}") from error
    if data is None:
        raise IgnoreFileRefused("a link that leaves the folder")
    lines = data.decode("utf-8-sig", errors="surrogateescape").split("\n")
    rules = [rule for line in lines if (rule := rule_of(line.removesuffix("\r")))]
    if len(rules) > RULES_LIMIT:
        raise IgnoreFileRefused(f"it has more than {RULES_LIMIT:,} rules")
    return Rules(folder, tuple(rules))


def _content(file: str) -> bytes:
    # Not blocking: a pipe of that name would wait for a writer.
    with os.fdopen(os.open(file, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0)), "rb") as stream:
        if not stat.S_ISREG(os.fstat(stream.fileno()).st_mode):
            raise IgnoreFileRefused("no regular file")
        data = stream.read(SIZE_LIMIT + 1)
    if len(data) > SIZE_LIMIT:
        raise IgnoreFileRefused(f"larger than {SIZE_LIMIT >> 10} kB")
    return data


def rule_of(line: str) -> Rule | None:
    """The rule that a line is; None for a comment, a blank line and a pattern of nothing."""
    if line.startswith("#"):
        return None
    pattern = re.sub(r"(?<!\\) +\Z", "", line)
    ignores = not pattern.startswith("!")
    pattern = pattern.removeprefix("!")
    named = pattern.removesuffix("/")
    if not named:
        return None
    anchored = "/" in named
    components = _components(named.removeprefix("/"))
    if not anchored:
        components = [[_DEEP], *components]
    return Rule(re.compile(_expression(components), re.DOTALL), ignores, named != pattern)


def _components(pattern: str) -> list[list[str]]:
    """The pattern's parts between slashes, each a list of stars and of expressions of a character."""
    parts = list(_parts(pattern))
    components: list[list[str]] = [[]]
    for part in parts:
        if part == _SLASH:
            components.append([])
        else:
            components[-1].append(part)
    deep = [len(one) > 1 and set(one) == {_STAR} for one in components]
    return [[_DEEP] if is_deep else one for one, is_deep in zip(components, deep, strict=True)]


def _parts(pattern: str) -> Iterator[str]:
    """Stars, slashes, and expressions that match one character each."""
    at = 0
    while at < len(pattern):
        character = pattern[at]
        at += 1
        if character in (_STAR, _SLASH):
            yield character
        elif character == "?":
            yield _ANY
        elif character == "[":
            expression, at = _class(pattern, at)
            yield expression
        elif character == "\\":
            escaped = pattern[at : at + 1]
            yield (escaped if escaped == _SLASH else re.escape(escaped)) or _NEVER
            at += 1
        else:
            yield re.escape(character)


def _class(pattern: str, at: int) -> tuple[str, int]:
    """The expression of what stands in brackets from `at` on, and where it ends.

    Brackets that are never closed, or name a class that is none, match nothing, as in git.
    """
    negated = pattern[at : at + 1] in ("!", "^")
    at += negated
    items, first = "", at
    while at < len(pattern):
        if pattern[at] == "]" and at > first:
            return _in_brackets(items, negated=negated), at + 1
        item, at = _item(pattern, at)
        if item is None:
            break
        items += item
    return _NEVER, len(pattern)


def _item(pattern: str, at: int) -> tuple[str | None, int]:
    """A named class, a range or a character within brackets, and where the next begins."""
    named = _NAMED.match(pattern, at)
    if named:
        return _NAMED_CLASSES.get(named[1]), named.end()
    low, at = _character(pattern, at)
    if pattern[at : at + 1] != "-" or pattern[at + 1 : at + 2] in ("", "]"):
        return re.escape(low), at
    high, at = _character(pattern, at + 1)
    return re.escape(low) + (f"-{re.escape(high)}" if low <= high else ""), at


def _character(pattern: str, at: int) -> tuple[str, int]:
    escaped = pattern[at] == "\\" and at + 1 < len(pattern)
    return pattern[at + escaped], at + escaped + 1


def _in_brackets(items: str, *, negated: bool) -> str:
    """A character of a class, never a slash."""
    if not items:
        return _ANY if negated else _NEVER
    return f"(?!/)[{'^' if negated else ''}{items}]"


def _expression(components: Sequence[Sequence[str]]) -> str:
    r"""The expression of a complete path: `a/**/b` gives `a/(?:[^/]++/)*?b`.

    Of the runs between two `**` all but the last are kept where they are found first.
    """
    runs = [
        [] if is_deep else ["/".join(map(_component, run))]
        for is_deep, run in groupby(components, lambda one: list(one) == [_DEEP])
    ]
    expression = ""
    for number, run in enumerate(runs):
        is_last = number == len(runs) - 1
        if not run:
            expression += ".+" if is_last else ""
        elif number == 0:
            expression += run[0] + ("" if is_last else "/")
        elif is_last:
            expression += _FOLDERS + run[0]
        else:
            expression += f"(?>{_FOLDERS}{run[0]}/)"
    return expression


def _component(parts: Sequence[str]) -> str:
    """The expression of one name: `a*b*c` gives `a(?>[^/]*?b)[^/]*c`."""
    pieces = ["".join(run) for is_star, run in groupby(parts, _STAR.__eq__) if not is_star]
    if _STAR not in parts:
        return "".join(pieces)
    first = pieces.pop(0) if pieces and parts[0] != _STAR else ""
    last = pieces.pop() if pieces and parts[-1] != _STAR else ""
    return first + "".join(f"(?>{_ANY}*?{piece})" for piece in pieces) + f"{_ANY}*" + last
