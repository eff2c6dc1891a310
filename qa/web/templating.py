"""The templates of the page's HTML: what is put into one can only be text.

Jinja's own escaping knows HTML alone. Here the signs of Markdown are escaped too (see markup), as
Gradio reads the HTML as Markdown: for the same reason no line ends in it.
"""

import re
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from jinja2.ext import Extension
from markupsafe import Markup

from qa.web import markup
from qa.web.markup import Mark
from qa.web.texts import TEXTS

_BESIDE_TAG = re.compile(
    r"(?:(?<=>)|(?<=%\})|(?<=#\})|(?<=\}\}))\s*\n\s*|\s*\n\s*(?=<|\{%|\{#|\{\{)"
)


class _OneLine(Extension):
    """Templates are written in indented lines, each ending beside a tag, and read as one line."""

    def preprocess(self, source: str, name: str | None, filename: str | None = None) -> str:
        line = _BESIDE_TAG.sub("", source.strip())
        assert "\n" not in line, f"{filename or name}: a line ends within a text or a tag"
        return line


def _shown(value: Any) -> Any:
    """What `{{ value }}` writes: HTML that was made here, or anything else as text."""
    return value if hasattr(value, "__html__") else Markup(markup.shown(str(value)))  # noqa: S704


def _quoted(value: Any) -> Markup:
    """What `"{{ value | quoted }}"` writes, in an attribute or within `<pre>`."""
    return Markup(markup.quoted(str(value)))  # noqa: S704 - escaped


def _marked(text: str, start: int, end: int, marks: Sequence[Mark]) -> Markup:
    """What `{{ text | marked(start, end, marks) }}` writes."""
    return Markup(markup.marked(text, start, end, marks))  # noqa: S704 - escaped


def _items(text: str, start: int, end: int, marks: Sequence[Mark], kinds: Sequence[Mark]) -> Markup:
    """What `{{ text | items(start, end, marks, kinds) }}` writes."""
    return Markup("".join(markup.items(text, start, end, marks, kinds)))  # noqa: S704 - escaped


def _environment() -> Environment:
    environment = Environment(
        loader=FileSystemLoader(Path(__file__).with_name("templates")),
        extensions=[_OneLine], autoescape=True, finalize=_shown, undefined=StrictUndefined,
        auto_reload=False,
    )  # fmt: skip
    environment.filters |= {"quoted": _quoted, "marked": _marked, "items": _items}
    environment.globals |= {"text": TEXTS, "moment": time.monotonic_ns}
    return environment


_TEMPLATES = _environment()


def render(name: str, **values: Any) -> str:
    """The template of that name (without `.html`) with the values put in, as one line of HTML."""
    return _TEMPLATES.get_template(f"{name}.html").render(values)
