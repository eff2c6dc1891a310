"""Bold lines that are headings, in documents whose styles make none."""

import re

_LONGEST = 80  # characters
_ENDS = (".", ",", ";", "!", "?")
_WEIGHT = re.compile(r"\s*(?:bold(?:er)?|[6-9]\d\d)\b")


def may_head(text: str) -> bool:
    """True for a line that may be a heading where it is bold and what follows is not."""
    line = text.strip()
    return 0 < len(line) <= _LONGEST and "\n" not in line and not line.endswith(_ENDS)


def is_bold(weight: str) -> bool:
    """True for a weight as style sheets have it: `"bold"`, `"700"`."""
    return _WEIGHT.match(weight) is not None
