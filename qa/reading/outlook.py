"""Mail of Outlook (.msg) by olefile, made a mail as all others are.

A message is a compound file: its properties are streams named by number and type, an attachment is
a storage, and a message within it is a storage with properties of its own.
"""

from email.message import EmailMessage
from email.parser import HeaderParser
from email.policy import default as policy
from io import BytesIO

import olefile

from qa.errors import ReadFailed
from qa.reading.decoding import decode

_DEPTH_LIMIT = 5  # messages attached to messages
_ATTACHED_LIMIT = 1_000
_HEADERS = {"Subject": "0037", "From": "0C1A", "To": "0E04", "Cc": "0E03"}
_BODY, _PAGE, _TRANSPORT = "1000", "1013", "007D"
_DATA, _MESSAGE, _LONG_NAME, _SHORT_NAME = "37010102", "3701000D", "3707", "3704"
_ATTACHMENT = "__attach_version1.0_#"


def mail_of(data: bytes) -> EmailMessage:
    """The message with its attachments. Raises ReadFailed."""
    try:
        with olefile.OleFileIO(BytesIO(data)) as ole:
            return _Message(ole).mail((), _DEPTH_LIMIT)
    except (OSError, ValueError, IndexError, KeyError, TypeError, AttributeError) as error:
        raise ReadFailed("a damaged Outlook message") from error


class _Message:
    """The properties of a compound file."""

    def __init__(self, ole: olefile.OleFileIO) -> None:
        self.ole = ole
        self.entries = ole.listdir(streams=True, storages=True)

    def mail(self, at: tuple[str, ...], depth: int) -> EmailMessage:
        """The message that stands at a storage."""
        mail = EmailMessage()
        sent = HeaderParser(policy=policy).parsestr(self.text(at, _TRANSPORT))
        for name, number in _HEADERS.items():
            if value := " ".join((self.text(at, number) or str(sent.get(name, ""))).split()):
                mail[name] = value
        if "Date" in sent:
            mail["Date"] = str(sent["Date"])
        mail.set_content(self.text(at, _BODY))
        if page := self.bytes(at, f"{_PAGE}0102") or self.text(at, _PAGE).encode():
            mail.add_alternative(decode(page), subtype="html")
        for storage in self.attachments(at):
            self.attach(mail, (*at, storage), depth)
        return mail

    def attachments(self, at: tuple[str, ...]) -> list[str]:
        """The names of the storages of attachments."""
        below = {
            entry[len(at)]
            for entry in self.entries
            if len(entry) > len(at) and tuple(entry[: len(at)]) == at
        }
        return sorted(name for name in below if name.startswith(_ATTACHMENT))[:_ATTACHED_LIMIT]

    def attach(self, mail: EmailMessage, at: tuple[str, ...], depth: int) -> None:
        """Attach what a storage holds."""
        inner = (*at, f"__substg1.0_{_MESSAGE}")
        if self.ole.exists(list(inner)):
            if depth:
                mail.add_attachment(self.mail(inner, depth - 1))
            return
        name = self.text(at, _LONG_NAME) or self.text(at, _SHORT_NAME) or "attachment"
        mail.add_attachment(
            self.bytes(at, _DATA),
            maintype="application",
            subtype="octet-stream",
            filename=" ".join(name.split()),
        )

    def text(self, at: tuple[str, ...], number: str) -> str:
        """A property's text, "" where there is none."""
        if wide := self.bytes(at, f"{number}001F"):
            return wide.decode("utf-16-le", errors="replace").rstrip("\0")
        narrow = self.bytes(at, f"{number}001E").rstrip(b"\0")
        return decode(narrow) if narrow else ""

    def bytes(self, at: tuple[str, ...], name: str) -> bytes:
        """A property's bytes, b"" where there is none."""
        place = [*at, f"__substg1.0_{name}"]
        if not self.ole.exists(place):
            return b""
        with self.ole.openstream(place) as stream:
            return bytes(stream.read())
