"""Rich text (.rtf) by striprtf: its paragraphs. Pictures, notes, headers and footers are not read."""

import re

from striprtf.striprtf import rtf_to_text

from qa.reading.content import Content, Draft

_TITLE = re.compile(r"\{\\title ([^{}\\]{1,300})\}")
_NOT_READ = (("footnote", "footnotes"), ("annotation", "comments"), ("pict", "pictures"))


def read(data: bytes, _name: str) -> Content:
    """The content of a rich text file."""
    source = data.decode("cp1252", errors="replace")
    draft = Draft()
    words: str = rtf_to_text(source, errors="replace")  # type: ignore[no-untyped-call]
    for line in words.split("\n"):
        draft.add(line.strip("| \t").replace("|", "\t") if line.count("|") > 1 else line)
    title = _TITLE.search(source[:20_000])
    kinds = [named for word, named in _NOT_READ if re.search(rf"\\{word}(?![a-z])", source)]
    note = f"not read: {', '.join(kinds)}" if kinds else ""
    return draft.content(title=title[1].strip() if title else None, note=note)
