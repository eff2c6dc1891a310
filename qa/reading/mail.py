"""Mail by the standard library: the subject as heading, who wrote to whom and when, the text.

A web page saved as one file (.mhtml) is a mail whose text is the page.
"""

import re
from dataclasses import replace
from email import message_from_bytes
from email.message import EmailMessage, MIMEPart
from email.policy import default as policy
from email.utils import parsedate_to_datetime

from qa.errors import ReadFailed
from qa.reading import html
from qa.reading.content import Content, Draft
from qa.reading.decoding import decode

_TOLD = ("From", "To", "Cc", "Date")
_NAMED = 5  # attachments in a note
_GAP = re.compile(r"\n[^\S\n]*\n\s*")


def read(data: bytes, _name: str) -> Content:
    """The content of a mail; attachments are named, not read."""
    mail = message_from_bytes(data, policy=policy)
    if not mail.keys():
        raise ReadFailed("not a mail: it has no header")
    draft = Draft()
    subject = _header(mail, "Subject")
    draft.enter(1, subject)
    told = ((name, _header(mail, name)) for name in _TOLD)
    draft.add("\n".join(f"{name}: {value}" for name, value in told if value))
    body = mail.get_body(preferencelist=("plain", "html"))
    if body is not None and body.get_content_type() == "text/html":
        html.add(draft, _bytes(body), _charset(body))
    elif body is not None:
        for paragraph in _GAP.split(_text(body).replace("\r\n", "\n")):
            draft.add(paragraph)
    return draft.content(title=subject, date=_date(mail), note=_attached(mail))


def read_web_archive(data: bytes, _name: str) -> Content:
    """The main text of a web page that was saved with its pictures as one file."""
    mail = message_from_bytes(data, policy=policy)
    for part in mail.walk():
        if part.get_content_type() in ("text/html", "application/xhtml+xml"):
            content = html.content_of(_bytes(part), _charset(part))
            return content if content.date else replace(content, date=_date(mail))
    raise ReadFailed("a damaged web archive: it holds no page")


def _header(mail: EmailMessage, name: str) -> str:
    """A header's value on one line, "" when it is missing or damaged."""
    try:
        return " ".join(str(mail.get(name, "")).split())
    except (ValueError, IndexError, AttributeError, TypeError):
        return ""  # the library's parser gives up on some headers in such ways


def _date(mail: EmailMessage) -> str | None:
    try:
        return parsedate_to_datetime(_header(mail, "Date")).date().isoformat()
    except ValueError:
        return None


def _bytes(part: MIMEPart) -> bytes:
    payload = part.get_payload(decode=True)
    return payload if isinstance(payload, bytes) else b""


def _charset(part: MIMEPart) -> str | None:
    charset = part.get_content_charset()
    return str(charset) if charset else None


def _text(part: MIMEPart) -> str:
    return decode(_bytes(part), _charset(part))


def _attached(mail: EmailMessage) -> str:
    """What a report says of attachments; "" when there are none."""
    names = [part.get_filename() or "without a name" for part in mail.iter_attachments()]
    if not names:
        return ""
    more = f" and {len(names) - _NAMED} more" if len(names) > _NAMED else ""
    return f"attachments not read: {', '.join(names[:_NAMED])}{more}"
