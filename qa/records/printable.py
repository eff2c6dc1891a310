"""Text and JSON that are safe to print: what nobody sees is shown as a sign, or escaped.

The one rule for all who read: terminal, Markdown, page and MCP. Control characters, marks that turn
the direction of writing, tags (which hide whole sentences from people, not from language models)
and other characters without a shape get a sign; so do half characters. Soft hyphens, joiners and
variation selectors stay: scripts and emoji need them. JSON says every character exactly, escaped.
"""

import json
import re

_REPLACEMENT = 0xFFFD
_HIDDEN = (  # first and last code point
    (0x80, 0x9F),  # controls
    (0x061C, 0x061C), (0x200E, 0x200F), (0x202A, 0x202E), (0x2066, 0x2069),  # turn the direction
    (0x115F, 0x1160), (0x17B4, 0x17B5), (0x3164, 0x3164), (0xFFA0, 0xFFA0),  # letters without shape
    (0x180E, 0x180E), (0x200B, 0x200B), (0x2060, 0x2065), (0xFEFF, 0xFEFF),  # of no width
    (0x206A, 0x206F), (0xFFF9, 0xFFFB), (0x1BCA0, 0x1BCA3), (0x1D173, 0x1D17A),  # shape others
    (0xD800, 0xDFFF),  # halves of characters
    (0xE0000, 0xE0FFF),  # tags and supplementary variation selectors
)  # fmt: skip
_LINES = {0x2028: 0x2424, 0x2029: 0x2424}  # they end lines in some programs
_SIGNS = {
    **{code: 0x2400 + code for code in range(0x20) if chr(code) not in "\n\t"},
    0x7F: 0x2421,
    **{code: _REPLACEMENT for first, last in _HIDDEN for code in range(first, last + 1)},
    **_LINES,
}
# JSON itself escapes those below.
_ESCAPED = re.compile("[\x7f\u2028\u2029" + "".join(f"{chr(a)}-{chr(b)}" for a, b in _HIDDEN) + "]")


def visible(text: str) -> str:
    r"""The text, as long as it was, with a sign for each character that nobody sees.

    `visible("a\x1b[31mb\u202e")` is `"a␛[31mb\ufffd"`. Newlines and tabs stay.
    """
    return text.translate(_SIGNS)


def printable(text: str) -> str:
    r"""The text as `visible` gives it; CR LF and CR end a line."""
    return visible(text.replace("\r\n", "\n").replace("\r", "\n"))


def one_line(text: str) -> str:
    """The text with each run of blanks and line ends as one space."""
    return " ".join(text.split())


def dump(value: object) -> str:
    """A value as JSON that is safe to print: sorted keys, and escapes for what nobody sees."""
    text = json.dumps(value, ensure_ascii=False, allow_nan=False, indent=2, sort_keys=True)
    return _ESCAPED.sub(lambda found: json.dumps(found[0])[1:-1], text) + "\n"
