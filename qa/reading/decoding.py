"""Bytes to text, exactly: no newline is translated and no character is dropped.

UTF-8 comes first, because text in another encoding is hardly ever valid UTF-8. A byte order mark
names the encoding; it is the only thing that does not become text.
"""

import codecs
import re

from qa.errors import Unsupported

_MARKS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),  # before UTF-16, whose mark is its beginning
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
_SAMPLE = 1 << 16  # bytes that are examined where all would take too long
_CONTROLS = bytes(code for code in range(32) if code not in b"\t\n\v\f\r\x1b") + b"\x7f"
_CONTROL_SHARE = 0.02
_WRITTEN = re.compile(
    "[\t\n\r\f\x20-\x7e\xa0-\u1fff\u2010-\u206f\u20a0-\u22ff\u3000-\u9fff\uac00-\ud7a3"
    "\uff01-\uffef\U0001f000-\U0001faff\ufeff]"
)
_USUAL = re.compile("[\t\n\r\x20-\x7e\u3000-\u30ff]")
_DAMAGED_SHARE = 0.05

# What Windows-1252 makes of Western European text: accented letters within words, and the
# typographer's marks. A superscript or a currency sign within a word betrays another encoding.
_WESTERN_LETTERS = "ÀÁÂÃÄÅÆÇÈÉÊËÌÍÎÏÑÒÓÔÕÖØŒÙÚÛÜÝŸßŠŽàáâãäåæçèéêëìíîïñòóôõöøœùúûüýÿšžðÐþÞ"
_WESTERN = re.compile(
    rf"[{_WESTERN_LETTERS}]|’|(?<!\w)[“„‘‚«‹¿¡€£¥§©(–—…•†‡]|[”’“»›…%°²³®™©–—·‰ºª¢€](?!\w)"
    rf"|[–—…«»“”„\xa0‘×±½¼¾µ¶·÷]|°(?=[CFK]\b)"
)
# Letters that Hungarian, Turkish, Baltic, Czech and Polish texts are full of when they are read as
# Windows-1252, and capitals within words, which the encodings of DOS and the Macintosh leave there.
_NOT_WESTERN = re.compile(
    "[ÐðÞþÕõÛûÝý]|(?<=[^\\W\\d_])[±¶¼½¾¹³º]|(?<=[a-z])[ŠŽŸ\xc0-\xde]|(?<=[a-z])[ìù](?=\\w)"
)
# Encodings that hardly any file has, and that short texts are easily mistaken for.
_NEVER_MEANT = ("cp1006", "hp-roman8", "kz1048", "ptcp154")
_CZECH = re.compile("[řěůŘĚŮ]")
_NEVER_CZECH = re.compile("[ąľĽ]")  # what ISO-8859-2's š and ž become in Windows-1250
_ESCAPED = (
    (re.compile(rb"\x1b(?:\$[@B]|\([JI])"), "iso2022_jp_ext"),
    (re.compile(rb"\x1b\$\)C"), "iso2022_kr"),
)


def decode(data: bytes, declared: str | None = None) -> str:
    """The text of `data`; `declared` is an encoding that the file names itself, such as HTML does.

    Raises Unsupported when the bytes are not text.
    """
    for mark, encoding in _MARKS:
        if data.startswith(mark):
            return _decode_marked(data, encoding)
    if order := _unmarked_utf16(data):
        return data.decode(order, errors="replace")
    if (text := _decode_escaped(data)) is not None:
        return text
    if not looks_like_text(data):
        raise Unsupported("not text: it holds NUL bytes or many control characters")
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError:
        return _decode_legacy(data, declared)


def looks_like_text(data: bytes) -> bool:
    """True when there is no NUL byte and there are few control characters."""
    if b"\0" in data:
        return False
    sample = data[:_SAMPLE]
    return len(sample) - len(sample.translate(None, _CONTROLS)) <= _CONTROL_SHARE * len(sample)


def _decode_marked(data: bytes, encoding: str) -> str:
    text = data.decode(encoding, errors="replace")
    if "\0" in text:
        raise Unsupported("not text: it holds NUL characters")
    return text


def _unmarked_utf16(data: bytes) -> str | None:
    """The byte order of UTF-16 without a mark; None when it is something else.

    Its spaces and line ends hold NUL bytes, but its text holds no NUL characters and hardly any
    that are not used in writing; the right order gives more of the usual ones.
    """
    if len(data) % 2 or b"\0" not in data[:_SAMPLE]:
        return None
    usual = {order: _usual_share(data, order) for order in ("utf-16-le", "utf-16-be")}
    best = max(usual, key=lambda order: usual[order])
    return best if usual[best] > 0 else None


def _usual_share(data: bytes, encoding: str) -> float:
    """The share of ASCII and of CJK punctuation and kana; 0 for what is no text so encoded."""
    try:
        # Incremental, for the sample may end between the halves of a character.
        text = codecs.getincrementaldecoder(encoding)().decode(data[:_SAMPLE])
    except UnicodeDecodeError:
        return 0.0
    if "\0" in text or len(_WRITTEN.findall(text)) < (1 - _CONTROL_SHARE) * len(text):
        return 0.0
    return len(_USUAL.findall(text)) / len(text)


def _decode_escaped(data: bytes) -> str | None:
    """The text of Japanese or Korean in seven bits, which escape sequences announce."""
    if b"\x1b" not in data or b"\0" in data:
        return None
    for announced, encoding in _ESCAPED:
        if announced.search(data) and (text := _try(data, encoding)) is not None:
            return text
    return None


def _decode_legacy(data: bytes, declared: str | None) -> str:
    """The text of bytes that are not valid UTF-8."""
    if declared and (text := _try(data, declared)) is not None:
        return text
    if _is_damaged_utf8(data):
        return data.decode("utf-8", errors="replace")
    sample = _distinctive_sample(data)
    if _is_western(sample) and (text := _try(data, "cp1252")) is not None:
        return text
    return data.decode(_detected(sample), errors="replace")


def _try(data: bytes, encoding: str) -> str | None:
    try:
        return data.decode(encoding)
    except (LookupError, ValueError):
        return None


def _is_damaged_utf8(data: bytes) -> bool:
    """True when nearly all that is not ASCII is UTF-8, as in a file cut within a character."""
    sample = data[: 16 * _SAMPLE].decode("utf-8", errors="replace")
    lost = sample.count("\ufffd")
    beyond = sum(1 for character in sample if character > "\x7f")
    return beyond - lost > 0 and lost <= max(_DAMAGED_SHARE * beyond, 1 if beyond > 3 else 0)


def _distinctive_sample(data: bytes) -> bytes:
    """Up to 64 KB of the lines that are not ASCII: only those show the encoding."""
    if data[:_SAMPLE].isascii() or len(data) > _SAMPLE:
        lines = (line for line in data.splitlines(keepends=True) if not line.isascii())
        chosen, size = [], 0
        for line in lines:
            chosen.append(line[:_SAMPLE])
            size += len(line)
            if size >= _SAMPLE:
                break
        return b"".join(chosen)[:_SAMPLE]
    return data


def _is_western(sample: bytes) -> bool:
    """True for text in a Western language that no other encoding explains."""
    text = sample.decode("cp1252", errors="replace")
    beyond = [character for character in text if character > "\x7f"]
    accented = sum(character.isalpha() for character in beyond)
    letters = sum(character.isalpha() for character in text)
    if _NOT_WESTERN.search(text):
        return False
    return len(_WESTERN.findall(text)) == len(beyond) and accented <= 0.3 * max(letters, 1)


def _detected(sample: bytes) -> str:
    """The encoding that the sample most likely has."""
    from chardet import EncodingEra, detect

    era = EncodingEra.ALL & ~EncodingEra.MAINFRAME
    found = detect(sample, encoding_era=era, exclude_encodings=_NEVER_MEANT)["encoding"] or "cp1252"
    if found == "ISO-8859-1":
        return "cp1252"  # the same, with marks where the other has control characters
    if found == "Windows-1250" and _is_misread_czech(sample.decode("cp1250", errors="replace")):
        return "iso8859-2"
    try:
        codecs.lookup(found)
    except LookupError:
        return "cp1252"
    return found


def _is_misread_czech(text: str) -> bool:
    """True for Czech with letters of Polish or Slovak, which detectors take for Czech."""
    return bool(_CZECH.search(text) and _NEVER_CZECH.search(text))
