"""What a build has added so far, on this machine: where it goes depends on paths, known when all is."""

from collections.abc import Iterator, Mapping
from typing import NamedTuple

from qa.index.milvus.labels import key_of
from qa.index.milvus.rows import PassageRow
from qa.index.milvus.weighing import counted
from qa.index.segment import Location, Segment
from qa.index.store import DocumentKey


class Live(NamedTuple):
    """A document that is to be live."""

    key: DocumentKey
    paths: tuple[str, ...]  # sorted


class Spooled(NamedTuple):
    """The documents that this build has added, on this machine."""

    segment: Segment
    locations: Mapping[DocumentKey, Location]

    def words(self, location: Location) -> int:
        """How many words the passages of a document have."""
        found = self.segment.words(location.row, location.passages)
        return sum(counted(line).words for line in found)

    def rows(self, location: Location, label: int) -> Iterator[PassageRow]:
        """The passages of a document as rows."""
        segment = self.segment
        words = segment.words(location.row, location.passages)
        stored = zip(segment.stored(location), words, strict=True)
        for number, ((passage, _, coded), line) in enumerate(stored):
            at = location.row + number
            record = segment.records[at]
            yield PassageRow(
                key=key_of(label, number),
                text=segment.text(at),
                passage=passage,
                context=segment.context(at),
                lines=(int(record["line"]), int(record["last_line"])),
                coded=coded,
                input=record["input"].tobytes(),
                words=line,
            )
