"""Text and JSON that are safe to print: what a terminal would obey is shown as a sign, or escaped."""

import json
import re

# C0 controls have signs of their own in Unicode; the rest, and half characters, become U+FFFD.
_SIGNS = {code: 0x2400 + code for code in range(0x20) if chr(code) not in "\n\t"}
_SIGNS |= dict.fromkeys(
    [*range(0x80, 0xA0), *range(0x202A, 0x202F), *range(0x2066, 0x206A)], 0xFFFD
)
_SIGNS |= dict.fromkeys(range(0xD800, 0xE000), 0xFFFD)
_SIGNS[0x7F] = 0x2421
# What a terminal or an editor might obey although JSON lets it stand.
_OBEYED = re.compile("[\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069\ud800-\udfff]")


def printable(text: str) -> str:
    r"""The text with a visible sign for each character that a terminal would obey.

    `printable("a\x1b[31mb")` is `"a␛[31mb"`. Newlines and tabs stay; CR LF and CR end a line.
    """
    return text.replace("\r\n", "\n").replace("\r", "\n").translate(_SIGNS)


def one_line(text: str) -> str:
    """The text with each run of blanks and line ends as one space."""
    return " ".join(text.split())


def dump(said: object) -> str:
    """A value as JSON that is safe to print: sorted keys, no bare control characters."""
    text = json.dumps(said, ensure_ascii=False, allow_nan=False, indent=2, sort_keys=True)
    return _OBEYED.sub(lambda found: f"\\u{ord(found[0]):04x}", text) + "\n"
