"""Files that hold files: archives, mails with attachments, mailboxes, one within another.

What is within is named under the file, as `letters.mbox/2 Boat.eml/plan.pdf`.
"""

from collections.abc import Iterator

from qa.errors import ReadFailed
from qa.reading import archive
from qa.reading.archive import Budget, Member
from qa.reading.detection import format_of
from qa.reading.formats import Format

_HOLDING = (".eml", ".mbox", ".msg")  # names of what is looked into within an archive
_MAILS = (Format.MAIL, Format.MESSAGE)


def members(data: bytes, path: str) -> Iterator[Member]:
    """The documents that a file holds, itself first where it is one; repeated names get a number."""
    taken: set[str] = set()
    for member in _opened(Member(path, lambda: data), Budget(), archive.DEPTH_LIMIT):
        unique, number = member.path, 1
        while unique in taken:
            number += 1
            unique = f"{member.path} ({number})"
        taken.add(unique)
        yield member._replace(path=unique)


def _opened(member: Member, budget: Budget, depth: int) -> Iterator[Member]:
    """The member, and what is within it."""
    try:
        data = member.load()
        kind = format_of(data, member.path.rpartition("/")[2])
    except ReadFailed:
        yield member  # its reading says why
        return
    if kind not in (Format.ARCHIVE, Format.MAILBOX, *_MAILS):
        yield member
    elif depth < 0:
        yield archive.failing(member.path, ReadFailed("files within files are nested too deep"))
    elif kind is Format.ARCHIVE:
        for inner in archive.members(data, member.path, budget):
            holds = inner.path.lower().endswith(_HOLDING)
            yield from _opened(inner, budget, depth - 1) if holds else (inner,)
    else:
        if kind in _MAILS:
            yield member
        for inner in _within(data, member.path, kind):
            yield from _opened(inner, budget, depth - 1)


def _within(data: bytes, path: str, kind: Format) -> Iterator[Member]:
    """The mails of a mailbox, or the attachments of a mail."""
    from qa.reading import attachments  # late: few files are mails

    if kind is Format.MAILBOX:
        return attachments.mails(data, path)
    return attachments.attached(data, path)
