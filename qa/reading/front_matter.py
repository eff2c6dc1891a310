"""Front matter: what the head of a Markdown file names, of YAML between dashes or TOML between pluses.

Only the title and the date are taken, and a value is taken as it is written. YAML is followed event
by event and nothing is built of it: references are never expanded, so that none can grow.
"""

import re
import tomllib
from collections.abc import Iterator
from typing import NamedTuple

import yaml

from qa.reading.content import one_line

LIMIT = 100_000  # characters; a longer head is text like any other
DEPTH_LIMIT = 50  # collections within collections
DOTS_LIMIT = 200  # in one line of TOML, whose parser takes the square of a dotted key's length

_NAMES = ("title", "date")
_FIELD = re.compile(
    r"^(?!(?:title|date|layout|slug|permalink|draft|weight|tags|categories|aliases)\b)"
    r"[^\W\d_][\w -]{0,60}[ \t]*[:=]",
    re.IGNORECASE | re.MULTILINE,
)
_NULL = "tag:yaml.org,2002:null"
_NODE_ENDS = (yaml.ScalarEvent, yaml.AliasEvent, yaml.CollectionEndEvent)
_HEAD = re.compile(
    r"\A\s*(?P<fence>---|\+\+\+)[ \t]*\r?\n(?P<body>.*?)^(?P=fence)[ \t]*\r?(?:\n|\Z)",
    re.DOTALL | re.MULTILINE,
)


class FrontMatter(NamedTuple):
    """What stands at the head of a text."""

    end: int = 0  # where the text proper begins
    title: str | None = None
    date: str | None = None
    note: str = ""  # why nothing was taken of it
    has_fields: bool = False  # besides those that only serve a site or a note's place in it


class TooDeep(ValueError):
    """Collections nested deeper than anyone writes them."""


def of(text: str) -> FrontMatter:
    """The front matter of a text; all is empty where there is none."""
    head = _HEAD.match(text, 0, LIMIT)
    if head is None:
        return FrontMatter()
    read = _of_yaml if head["fence"] == "---" else _of_toml
    try:
        named = read(head["body"])
    except (TooDeep, RecursionError):
        return FrontMatter(head.end(), note="its front matter is nested too deep and was not read")
    except (ValueError, yaml.YAMLError):
        return FrontMatter(head.end())  # what is no front matter names nothing
    has_fields = _FIELD.search(head["body"]) is not None
    title = one_line(named.get("title"))
    return FrontMatter(head.end(), title, named.get("date"), has_fields=has_fields)


def _of_yaml(body: str) -> dict[str, str]:
    """The scalars that a mapping at the top has under the names; the last of a name counts."""
    nodes = _top_nodes(yaml.parse(body, Loader=yaml.SafeLoader))
    named: dict[str, str] = {}
    for key in nodes:
        value = next(nodes, None)
        if key is not None and key.lower() in _NAMES and value is not None:
            named[key.lower()] = value
    return named


def _top_nodes(events: Iterator[yaml.Event]) -> Iterator[str | None]:
    """The keys and values of the mapping at the top, in turns; None for what is no scalar."""
    anchors: dict[str, str | None] = {}
    depth = 0
    for event in events:
        depth = _depth_after(event, depth)
        if depth == 1 and isinstance(event, yaml.SequenceStartEvent):
            return
        value = _value(event, anchors)
        if depth == 1 and isinstance(event, _NODE_ENDS):
            yield value


def _depth_after(event: yaml.Event, depth: int) -> int:
    """How many collections are open once the event has passed."""
    if isinstance(event, yaml.CollectionStartEvent):
        if depth == DEPTH_LIMIT:
            raise TooDeep
        return depth + 1
    return depth - isinstance(event, yaml.CollectionEndEvent)


def _value(event: yaml.Event, anchors: dict[str, str | None]) -> str | None:
    """A scalar as it is written; None where YAML takes it for nothing, and for all else."""
    if isinstance(event, yaml.AliasEvent):
        return anchors.get(event.anchor)
    if not isinstance(event, yaml.ScalarEvent):
        return None
    node = yaml.ScalarNode, event.value, event.implicit
    tag = event.tag or yaml.SafeLoader("").resolve(*node)
    value = None if tag == _NULL else str(event.value)
    if event.anchor:
        anchors[event.anchor] = value
    return value


def _of_toml(body: str) -> dict[str, str]:
    if any(line.count(".") > DOTS_LIMIT for line in body.splitlines()):
        raise TooDeep
    found = tomllib.loads(body.replace("\r\n", "\n"))
    named = {key.lower(): value for key, value in found.items() if key.lower() in _NAMES}
    return {name: str(value) for name, value in named.items() if not isinstance(value, dict | list)}
