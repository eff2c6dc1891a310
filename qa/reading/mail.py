"""Mail by the standard library: the subject as heading, who wrote to whom and when, the text.

What a reply quotes stands under a heading of its own. A mail of Outlook (.msg) is made one of these
first. A web page saved as one file (.mhtml) is a mail whose text is the page.
"""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from email import message_from_bytes
from email.message import EmailMessage, MIMEPart
from email.policy import default as policy
from email.utils import parsedate_to_datetime

from qa.errors import ReadFailed
from qa.reading import html
from qa.reading.content import Content, Draft
from qa.reading.decoding import decode

_SHOWN_HEADERS = ("From", "To", "Cc", "Date")
_NAMED = 5  # attachments in a note
_OUTLOOK = b"\xd0\xcf\x11\xe0"
_GAP = re.compile(r"\n[^\S\n]*\n\s*")
_WORD = re.compile(r"\w{3,}")
_LEAST_SHARE = 0.5  # of the words of the HTML part; with fewer of them, the plain part is a stub
_ORIGINAL = re.compile(r"\s*-{3,}[^-\n]{5,60}-{3,}\s*\Z")
_QUOTES = re.compile(r"[ \t]*((?:>[ \t]?)+)(.*)\Z", re.DOTALL)
_ATTRIBUTION_LIMIT = 250  # characters of "On Monday, Ada wrote:"


def parse(data: bytes) -> EmailMessage:
    """The mail that the bytes hold. Raises ReadFailed."""
    if data.startswith(_OUTLOOK):
        from qa.reading import outlook  # late: few mails are Outlook's

        return outlook.mail_of(data)
    mail = message_from_bytes(data, policy=policy)
    if not mail.keys():
        raise ReadFailed("not a mail: it has no header")
    return mail


def read(data: bytes, _name: str) -> Content:
    """The content of a mail; attachments are named, and are files of their own."""
    mail = parse(data)
    draft = Draft()
    subject = header(mail, "Subject")
    draft.enter(1, subject)
    headers = ((name, header(mail, name)) for name in _SHOWN_HEADERS)
    draft.add("\n".join(f"{name}: {value}" for name, value in headers if value))
    plain, page = (mail.get_body(preferencelist=(kind,)) for kind in ("plain", "html"))
    if page is not None and (plain is None or _is_stub(_text(plain), page)):
        html.add(draft, payload(page), _charset(page))
    elif plain is not None:
        _add_plain(draft, _text(plain))
    return draft.content(title=subject, date=_date(mail), note=_attached(mail))


def read_web_archive(data: bytes, _name: str) -> Content:
    """The main text of a web page that was saved with its pictures as one file."""
    mail = message_from_bytes(data, policy=policy)
    for part in mail.walk():
        if part.get_content_type() in ("text/html", "application/xhtml+xml"):
            content = html.content_of(payload(part), _charset(part))
            return content if content.date else replace(content, date=_date(mail))
    raise ReadFailed("a damaged web archive: it holds no page")


def header(mail: EmailMessage, name: str) -> str:
    """A header's value on one line, "" when it is missing or damaged."""
    try:
        return " ".join(str(mail.get(name, "")).split())
    except (ValueError, IndexError, AttributeError, TypeError):
        return ""  # the library's parser gives up on some headers in such ways


def payload(part: MIMEPart) -> bytes:
    """The bytes of a part, decoded from what mail carries them in."""
    data = part.get_payload(decode=True)
    return data if isinstance(data, bytes) else b""


def parts(mail: EmailMessage) -> Iterator[MIMEPart]:
    """The attachments of a mail, forwarded mails among them."""
    try:
        yield from mail.iter_attachments()
    except (ValueError, TypeError, AttributeError, LookupError):
        return  # a mail of one part whose kind is damaged


def _is_stub(plain: str, page: MIMEPart) -> bool:
    """True for a plain part without most words of the HTML part beside it."""
    draft = Draft()
    try:
        html.add(draft, payload(page), _charset(page))
    except ReadFailed:
        return False
    words = set(_WORD.findall("".join(draft.pieces).lower()))
    shared = words & set(_WORD.findall(plain.lower()))
    return len(shared) < _LEAST_SHARE * len(words)


@dataclass(slots=True)
class _Part:
    """Lines of a mail that one person wrote."""

    level: int  # 0 for the writer's own words, 1 for those quoted, and so on
    lines: list[str] = field(default_factory=list)
    title: str = ""  # the line that names whose words are quoted

    def attribution(self) -> str:
        """The last paragraph when it ends with a colon, taken out: "On Monday, Ada wrote:"."""
        paragraphs = _paragraphs(self.lines)
        last = " ".join(paragraphs[-1].split()) if paragraphs else ""
        if not last.endswith((":", "：")) or len(last) > _ATTRIBUTION_LIMIT:
            return ""
        self.lines = ["\n\n".join(paragraphs[:-1])]
        return last


def _add_plain(draft: Draft, text: str) -> None:
    """Add the paragraphs; what is quoted stands under the line that names whose words they are."""
    for part in _parts_of(text.replace("\r\n", "\n").split("\n")):
        if part.title:
            draft.enter(part.level + 1, part.title)
        elif part.level:
            draft.headings.enter(part.level + 1, "Quoted")
        else:
            draft.headings.leave(2)
        for paragraph in _paragraphs(part.lines):
            draft.add(paragraph)


def _parts_of(lines: Iterable[str]) -> list[_Part]:
    """The parts of a mail in order, without the marks of quoting."""
    parts, below = [_Part(0)], 0
    for line in lines:
        quoted = _QUOTES.match(line)
        level, words = below, line
        if quoted:
            level, words = below + quoted[1].count(">"), quoted[2]
        if _ORIGINAL.match(line):
            below = 1
            parts.append(_Part(1, title=line.strip(" -\t")))
        elif level == parts[-1].level or not line.strip():
            parts[-1].lines.append(words)
        else:
            title = parts[-1].attribution() if level > parts[-1].level else ""
            parts.append(_Part(level, [words], title))
    return parts


def _paragraphs(lines: Iterable[str]) -> list[str]:
    return [paragraph for paragraph in _GAP.split("\n".join(lines)) if paragraph.strip()]


def _date(mail: EmailMessage) -> str | None:
    try:
        return parsedate_to_datetime(header(mail, "Date")).date().isoformat()
    except ValueError:
        return None


def _charset(part: MIMEPart) -> str | None:
    charset = part.get_content_charset()
    return str(charset) if charset else None


def _text(part: MIMEPart) -> str:
    return decode(payload(part), _charset(part))


def _attached(mail: EmailMessage) -> str:
    """What a report says of attachments; "" when there are none."""
    names = [filename(part) or part.get_content_type() for part in parts(mail)]
    if not names:
        return ""
    more = f" and {len(names) - _NAMED} more" if len(names) > _NAMED else ""
    return f"attachments, read as files of their own: {', '.join(names[:_NAMED])}{more}"


def filename(part: MIMEPart) -> str | None:
    """The name that an attachment has, if any."""
    try:
        name = part.get_filename()
    except (ValueError, TypeError, AttributeError, LookupError):
        return None
    return str(name) if name else None
