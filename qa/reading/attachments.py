"""The mails of a mailbox, and the attachments and forwarded mails of a mail, as files."""

import re
from collections.abc import Iterator
from email.message import EmailMessage, MIMEPart
from functools import partial
from itertools import islice, pairwise
from mimetypes import guess_extension

from qa.errors import ReadFailed
from qa.reading.archive import MEMBERS_LIMIT, Member, failing
from qa.reading.mail import filename, header, parse, parts, payload
from qa.reading.walking import safe

_FROM = re.compile(rb"(?:\A|(?<=\n))From [^\r\n]*\d{4}[^\r\n]*\r?\n(?=[!-9;-~]+:)")
_QUOTED_FROM = re.compile(rb"^>(>*From )", re.MULTILINE)
_SEPARATORS = re.compile(r"[/\\\0-\x1f]")
_NAME_LIMIT = 120  # characters
_SIGNATURES = ("application/pgp-signature", "application/pkcs7-signature")


def mails(data: bytes, path: str) -> Iterator[Member]:
    """Each mail of a mailbox (mboxrd, mboxo), numbered, with its subject as name."""
    starts = (found.start() for found in _FROM.finditer(data))
    for number, (start, end) in enumerate(pairwise((*starts, len(data))), start=1):
        if number > MEMBERS_LIMIT:
            reason = f"beyond the {MEMBERS_LIMIT} mails that are read of one mailbox"
            yield failing(f"{path}/{number}.eml", ReadFailed(reason))
            return
        mail = _QUOTED_FROM.sub(rb"\1", data[data.index(b"\n", start) + 1 : end])
        subject = header(parse(mail[:20_000]), "Subject")
        yield Member(f"{path}/{_named(f'{number} {subject}'.strip())}.eml", partial(bytes, mail))


def attached(data: bytes, path: str) -> Iterator[Member]:
    """What is attached to a mail; a forwarded mail is one with its own attachments within."""
    for number, part in enumerate(islice(parts(parse(data)), MEMBERS_LIMIT), start=1):
        if part.get_content_type() not in _SIGNATURES:
            yield Member(f"{path}/{_name_of(part, number)}", partial(_bytes, part))


def _name_of(part: MIMEPart, number: int) -> str:
    """The name of an attachment; one without a name gets its number."""
    kind = part.get_content_type()
    if kind == "message/rfc822":
        inner = part.get_payload()
        forwarded = inner[0] if isinstance(inner, list) and inner else None
        subject = header(forwarded, "Subject") if isinstance(forwarded, EmailMessage) else ""
        return f"{_named(subject or f'mail {number}')}.eml"
    return _named(filename(part) or f"part {number}{guess_extension(kind) or ''}")


def _named(name: str) -> str:
    """The name in one step of a path, safe to print; its ending stays."""
    name = " ".join(_SEPARATORS.sub("_", name).split()) or "_"
    if len(name) > _NAME_LIMIT:
        stem, dot, suffix = name.rpartition(".")
        suffix = dot + suffix if stem and len(suffix) <= 10 else ""
        name = name[: _NAME_LIMIT - len(suffix)].rstrip() + suffix
    return safe("_" if name in (".", "..") else name)


def _bytes(part: MIMEPart) -> bytes:
    """The bytes of an attachment. Raises ReadFailed where they cannot be had."""
    if part.get_content_type() != "message/rfc822":
        return payload(part)
    inner = part.get_payload()
    if not isinstance(inner, list) or not inner or not isinstance(inner[0], EmailMessage):
        raise ReadFailed("a damaged mail within the mail")
    try:
        return inner[0].as_bytes()
    except (ValueError, TypeError, AttributeError, LookupError) as error:
        raise ReadFailed("a damaged mail within the mail") from error
