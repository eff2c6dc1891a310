"""Rich text (.rtf) by striprtf: its paragraphs. Pictures, notes, headers and footers are not read."""

import re

from striprtf.striprtf import rtf_to_text

from qa.reading.content import Content, Draft

_TITLE = re.compile(r"\{\\title ([^{}\\]{1,300})\}")
_CODE = re.compile(r"\\u(-?\d+)")
_NOT_READ = (("footnote", "footnotes"), ("annotation", "comments"), ("pict", "pictures"))


def _possible(code: re.Match[str]) -> str:
    """A character by its number; what can be no number of one is the sign for that."""
    # At most 16 bits, with a sign: striprtf would fail on others, and the file with it.
    return code[0] if len(code[1]) < 7 and -(1 << 15) <= int(code[1]) < 1 << 16 else "\\u65533"


def read(data: bytes, _name: str) -> Content:
    """The content of a rich text file."""
    source = data.decode("cp1252", errors="replace")
    draft = Draft()
    words: str = rtf_to_text(_CODE.sub(_possible, source), errors="replace")  # type: ignore[no-untyped-call]
    for line in words.split("\n"):
        draft.add(line.strip("| \t").replace("|", "\t") if line.count("|") > 1 else line)
    title = _TITLE.search(source[:20_000])
    kinds = [named for word, named in _NOT_READ if re.search(rf"\\{word}(?![a-z])", source)]
    note = f"not read: {', '.join(kinds)}" if kinds else ""
    return draft.content(title=title[1].strip() if title else None, note=note)
