"""Subtitles (.srt, .vtt): cues joined to sentences, under the time at which they begin."""

import re
from collections.abc import Iterator
from typing import NamedTuple

from qa.reading import text
from qa.reading.content import Content, Draft
from qa.reading.decoding import decode

_TIME = r"(?:\d{1,3}:)?\d{1,2}:\d{2}[.,]\d{1,3}"
_CUE = re.compile(rf"^[ \t]*({_TIME})[ \t]*-->[ \t]*{_TIME}[^\n]*$", re.MULTILINE)
_SPEAKER = re.compile(r"<v(?:\.[^\s>]*)?[ \t]+([^>]{1,80})>")
_TAG = re.compile(r"</?[a-zA-Z][^<>]{0,200}>|<\d[\d:.]*>|\{\\[^{}]{0,100}\}")
_SENTENCE_END = re.compile(r"[.!?…。！？][\"'”’)\]]*\Z")
_PARAGRAPH = 300  # characters, after which a sentence's end ends the paragraph
_LONGEST = 1_500  # characters, after which any cue does


class _Cue(NamedTuple):
    time: str
    words: str


def read(data: bytes, name: str) -> Content:
    """The content of subtitles; a file without cues is read as text."""
    decoded = decode(data).replace("\r\n", "\n").replace("\r", "\n")
    draft, began, spoken = Draft(), "", list[str]()
    for cue in _cues(decoded):
        began = began or cue.time
        spoken.append(cue.words)
        length = sum(map(len, spoken))
        if length > _LONGEST or (length > _PARAGRAPH and _SENTENCE_END.search(cue.words)):
            _add(draft, began, spoken)
            began = ""
    _add(draft, began, spoken)
    return draft.content() if draft.pieces else text.read(data, name)


def _add(draft: Draft, began: str, spoken: list[str]) -> None:
    """Add the spoken words as a paragraph below the time at which they begin."""
    draft.headings.enter(1, began)
    draft.add(" ".join(spoken))
    spoken.clear()


def _cues(decoded: str) -> Iterator[_Cue]:
    """The cues that say something, without their numbers and styles."""
    found = list(_CUE.finditer(decoded))
    ends = [following.start() for following in found[1:]] + [len(decoded)]
    speaker = ""

    def named(found: re.Match[str]) -> str:
        nonlocal speaker
        before, speaker = speaker, found[1].strip()
        return "" if speaker == before else f"{speaker}: "

    for cue, end in zip(found, ends, strict=False):  # where there is no cue, there is an end alone
        body = decoded[cue.end() : end].strip("\n").split("\n\n")[0]
        words = " ".join(_TAG.sub("", _SPEAKER.sub(named, body)).split())
        if words:
            yield _Cue(re.split("[.,]", cue[1])[0], words)
