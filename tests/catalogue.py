"""Every text that a reader may see, as it stands in the code; `python tests/catalogue.py` writes it down.

That brings `qa/locale/de/LC_MESSAGES/qa.po` up to date with the code and compiles it; what has no German
yet is printed. A text is

    an argument of `tr` or `msg`, or a pair of `plural`
    a field of the page's texts
    the help of a command or an option
    the message of an error that is raised, and what the functions in MESSAGES put together
    a text of the tables in TABLES, or a word in WORDS that is the name of something as well

In a text that is put together, `{name}` stands for what is put in.
"""

import ast
import inspect
import re
import sys
from collections.abc import Iterator
from dataclasses import fields
from datetime import UTC, datetime
from importlib import import_module
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[1]
PACKAGE = ROOT / "qa"
PO = PACKAGE / "locale" / "de" / "LC_MESSAGES" / "qa.po"

# Errors that no reader sees: bugs, and what one module of ours tells another.
INTERNAL = frozenset(
    {
        *("ArithmeticError", "AssertionError", "AttributeError", "LookupError", "OSError"),
        *("RuntimeError", "TimeoutError", "TypeError", "ValueError"),
        *("EventRefused", "Exit", "HTTPException", "MCPError", "RemoteProtocolError", "ToolError"),
        *("_refusal", "damaged", "SegmentsDamaged"),
    }
)
# Functions whose texts are messages, by their module.
MESSAGES = {
    "asking.filters": ("_names_nothing", "_in_vain", "_listed"),
    "asking.following": ("_fall_back", "_missing"),
    "asking.places": ("unquoted", "nowhere"),
    "asking.service": ("_not_read",),
    "building.files": ("_marked",),
    "cli.last": ("_there_are",),
    "cli.output": ("unexpected",),
    "faults": ("_reason",),
    "reading.children": ("too_slow", "_why"),
    "reading.loading": ("_why_unread",),
    "reading.outcomes": ("outcome_of", "failure", "_missing_pages"),
    "reading.walking": ("_why_missing",),
    "web.guards": ("refusal",),
    "web.rebuilding": ("_crash",),
}
TABLES = {
    "checking.candidates": ("WORDLESS", "TOO_LARGE"),
    "checking.verifying": ("AWAY", "UNLISTED", "UNREAD"),
    "reading.formats": (
        *("UNREAD_STARTS", "NO_DOCUMENTS", "SAVED_AS", "ZIPPED_BY_SUFFIX", "ZIPPED_BY_MEMBER"),
        "UNREAD_OFFICE",
    ),
    "web.health": ("_BROKEN", "_HUNG", "_OLDER", "_AWAY", "_UNWATCHED", "_UNBUILT", "_FAILED"),
    "web.guards": ("_FOREIGN",),
    "web.observing": ("FAULT",),
    "web.passwords": ("_NEEDED", "_TOO_MANY"),
}
WORDS = (
    "file", "status", "passages", "pages", "characters", "date", "reason",
    "index", "seeds", "holds", "settings", "waiting",
    "added", "changed", "removed", "unchanged", "new", "gone", "moved", "valid", "unknown",
    "indexed", "empty", "needs OCR", "unsupported", "failed", "duplicate",
    "better", "worse", "reading", "splitting", "encoding", "writing", "publishing", "starting",
    "very likely", "likely", "possible", "unlikely",
)  # fmt: skip

# What readers note of a file, put together of numbers and names.
NOTES = (
    "{count} passage of hidden text", "{count} passages of hidden text",
    "{count} passage of hidden text not read", "{count} passages of hidden text not read",
    "{count} picture not read", "{count} pictures not read",
    "{count} embedded file", "{count} embedded files",
    "{count} embedded file not read", "{count} embedded files not read",
    "{count} embedded object not read", "{count} embedded objects not read",
    "{count} chart or diagram not read", "{count} charts or diagrams not read",
    "{count} chart not read", "{count} charts not read",
    "{count} shape not read", "{count} shapes not read",
    "{count} formula without a value", "{count} formulas without a value",
    "{count} hidden row in {sheet}", "{count} hidden rows in {sheet}",
    "{count} hidden column in {sheet}", "{count} hidden columns in {sheet}",
    "{rows} hidden row and {columns} hidden column in {sheet}",
    "{rows} hidden row and {columns} hidden columns in {sheet}",
    "{rows} hidden rows and {columns} hidden column in {sheet}",
    "{rows} hidden rows and {columns} hidden columns in {sheet}",
    "hidden sheet: {name}", "hidden slide: {numbers}", "hidden slides: {numbers}",
    "slide {number} is hidden", "chapters missing: {names}",
    "attachments, read as files of their own: {names}",
    "its front matter is nested too deep and was not read",
    "made by scripts in the browser: save the page as it is shown, or as PDF",
    "cut off: its end is missing",
    "the text layer is garbled, words may be wrong: page {number}",
    "the text layer is garbled, words may be wrong: pages {numbers}",
    "not JSON, kept as text: line {number}", "not JSON, kept as text: lines {numbers}",
)  # fmt: skip


def texts() -> list[str | tuple[str, str]]:
    """Every text, each once, sorted; a pair where it has a form for one and one for more."""
    found = {*_of_code(), *_of_page(), *_of_commands(), *_of_tables(), *WORDS, *NOTES}
    found = {text for text in found if re.search(r"\w", re.sub(r"\{.*?\}", "", str(text)))}
    return sorted(found, key=lambda text: text if isinstance(text, str) else text[0])


def _of_code() -> Iterator[str | tuple[str, str]]:
    for file in sorted(PACKAGE.rglob("*.py")):
        module = ".".join(file.relative_to(PACKAGE).with_suffix("").parts)
        tree = ast.parse(file.read_text(encoding="utf-8"))
        for node in ast.walk(tree):
            yield from _of_node(node)
            if getattr(node, "name", None) in MESSAGES.get(module, ()):
                yield from _of_function(node)


def _of_node(node: ast.AST) -> Iterator[str | tuple[str, str]]:
    if isinstance(node, ast.Raise) and isinstance(node.exc, ast.Call):
        if node.exc.args and _called(node.exc) not in INTERNAL:
            yield from _said(node.exc.args[-1 if _called(node.exc) == "BodyRefused" else 0])
    elif isinstance(node, ast.Call) and _called(node) in ("tr", "msg", "complain"):
        yield from _said(node.args[0])
    elif isinstance(node, ast.Call) and _called(node) == "plural":
        one, more = (each.value for each in node.args[1].elts)
        yield one, more


def _of_function(function: ast.AST) -> Iterator[str]:
    """The texts of a function whose texts are messages: those of two words or more."""
    inner = {
        id(part)
        for node in ast.walk(function)
        if isinstance(node, ast.JoinedStr)
        for part in ast.walk(node)
        if part is not node and isinstance(part, ast.Constant) and part in node.values
    }
    for node in ast.walk(function):
        is_doc = isinstance(node, ast.Expr)
        if is_doc:
            inner.add(id(node.value))
        if id(node) not in inner and isinstance(node, ast.Constant | ast.JoinedStr):
            yield from (text for text in _said(node) if " " in text.strip("{} "))


def _said(node: ast.AST) -> Iterator[str]:
    """What an expression says; nothing where it is a value from elsewhere."""
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        yield node.value
    elif isinstance(node, ast.IfExp):
        yield from (*_said(node.body), *_said(node.orelse))
    elif isinstance(node, ast.JoinedStr):
        names: dict[str, int] = {}
        yield "".join(
            part.value if isinstance(part, ast.Constant) else _place(part.value, names)
            for part in node.values
        )


def _place(node: ast.AST, names: dict[str, int]) -> str:
    """`{name}` for a value, after what it is made of; another name for the next one."""
    found = [
        each.attr if isinstance(each, ast.Attribute) else each.id
        for each in ast.walk(node)
        if isinstance(each, ast.Attribute | ast.Name)
    ]
    name = next((each for each in found if each not in ("len", "join", "str", "type")), "value")
    name = name.strip("_").lower()
    names[name] = names.get(name, 0) + 1
    return f"{{{name}}}" if names[name] == 1 else f"{{{name}_{names[name]}}}"


def _called(call: ast.Call) -> str:
    return call.func.attr if isinstance(call.func, ast.Attribute) else getattr(call.func, "id", "")


def _of_page() -> Iterator[str | tuple[str, str]]:
    from qa.web.texts import ScriptTexts, Texts

    for record in (Texts(), ScriptTexts()):
        for field in fields(record):
            value = getattr(record, field.name)
            yield from value.values() if hasattr(value, "values") else (value,)


def _of_commands() -> Iterator[str]:
    import typer

    from qa import cli

    yield from _of_command(typer.main.get_command(cli.app))


def _of_command(command: Any) -> Iterator[str]:
    yield inspect.cleandoc(command.help or "")
    yield from (option.help for option in command.params if getattr(option, "help", None))
    for below in getattr(command, "commands", {}).values():
        yield from _of_command(below)


def _of_tables() -> Iterator[str]:
    for module, names in TABLES.items():
        found = import_module(f"qa.{module}")
        for name in names:
            yield from _strings(getattr(found, name))


def _strings(value: object) -> Iterator[str]:
    if isinstance(value, str):
        if " " in value:
            yield value
    elif hasattr(value, "message"):
        yield value.message
    elif isinstance(value, dict):
        yield from _strings(list(value.values()))
    elif isinstance(value, tuple | list | set | frozenset):
        for each in value:
            yield from _strings(each)


def main() -> None:
    """Brings the catalogue up to date, compiles it, and prints what has no German yet."""
    from babel.messages.catalog import Catalog
    from babel.messages.mofile import write_mo
    from babel.messages.pofile import read_po, write_po

    old = Catalog(locale="de")
    if PO.exists():
        with PO.open("rb") as stream:
            old = read_po(stream, locale="de")
    moment = datetime(2026, 1, 1, tzinfo=UTC)  # always the same: equal texts give equal files
    new = Catalog(
        locale="de", project="seedqa", header_comment="# Texts of seedqa in German.",
        creation_date=moment, revision_date=moment,
    )  # fmt: skip
    for text in texts():
        known = old.get(text if isinstance(text, str) else text[0])
        new.add(text, known.string if known else None)
        if not known or not known.string:
            print(repr(text))
    PO.parent.mkdir(parents=True, exist_ok=True)
    with PO.open("wb") as stream:
        write_po(stream, new, width=100, omit_header=False, ignore_obsolete=True)
    with PO.with_suffix(".mo").open("wb") as stream:
        write_mo(stream, new)


if __name__ == "__main__":
    sys.path.insert(0, str(ROOT))
    main()
