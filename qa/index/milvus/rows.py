"""A passage as a row of a store: what a question reads of it, in fields that any Milvus has.

Milvus 2.3 has no bytes: codes are base64, and what belongs to the passage alone is JSON. What belongs
to its document (paths, title, date) stands once, in the table of documents.
"""

import base64
import binascii
import json
from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import blake2b
from typing import Any

import numpy as np

from qa.encoding.codebook import Codes
from qa.encoding.quantisation import Vectors
from qa.errors import DocumentFailed, IndexDamaged
from qa.index.coding import Coded
from qa.index.milvus.server import KEY, LONGEST, TEXTS, VECTOR, WORDS
from qa.index.milvus.weighing import Bm25
from qa.records import Passage

_HEADING, _WORDS = 6, 9  # the places of the heading path and the words in a row's facts
FIELDS = (VECTOR, "tokens", "input", "digest", *TEXTS)  # of a whole row, besides its key


@dataclass(frozen=True, slots=True)
class PassageRow:
    """A passage, complete but for what its document says."""

    key: int
    text: str
    passage: Passage
    context: str
    lines: tuple[int, int]
    coded: Coded
    input: bytes  # hash of its ranking text
    words: str  # see `Analyzer.line`


def number_of(digest: bytes) -> int:
    """A hash as a number of 64 bits, by which rows are found."""
    return int.from_bytes(digest[:8], "little", signed=True)


def packed(
    row: PassageRow, *, document: int, born: int, weighing: Bm25 | None = None
) -> dict[str, Any]:
    """The row as Milvus takes it, with its words as a sparse vector where they are weighed.

    Raises DocumentFailed where Milvus has no room for it.
    """
    passage, coded = row.passage, row.coded
    facts = [
        *(passage.start, passage.end, passage.sentences, row.context, row.lines),
        *(passage.page, passage.heading, coded.bounds, row.input.hex(), row.words),
    ]
    texts = {
        "codes": base64.b64encode(coded.codes.tobytes()).decode(),
        "text": row.text,
        "facts": json.dumps(facts, ensure_ascii=False),
    }
    if longest := [name for name, text in texts.items() if len(text.encode()) > LONGEST]:
        raise DocumentFailed(f"a passage is too long for the store: its {longest[0]}")
    vector = coded.vector.astype("<f4")
    return {
        KEY: row.key,
        "born": born,
        "document": document,
        VECTOR: vector,
        "input": number_of(row.input),
        "tokens": len(coded.codes),
        "digest": _digest(vector, texts),
        **texts,
        **({WORDS: weighing.vector(row.words)} if weighing else {}),
    }


def unpacked(row: Mapping[str, Any], *, code_bytes: int) -> PassageRow:
    """The passage of a row. Raises IndexDamaged where it is not what was written."""
    try:
        vector = np.array(row[VECTOR], "<f4")
        if row["digest"] == _digest(vector, row):
            return _unpacked(row, vector, code_bytes)
    except (KeyError, ValueError, TypeError, binascii.Error) as error:
        raise _damaged(row) from error
    raise _damaged(row)


def heading_of(row: Mapping[str, Any]) -> tuple[str, ...]:
    """The heading path of a row that was read with its facts alone. Raises IndexDamaged."""
    return tuple(map(str, _fact(row, _HEADING)))


def words_of(row: Mapping[str, Any]) -> str:
    """The words of a row that was read with its facts alone. Raises IndexDamaged."""
    return str(_fact(row, _WORDS))


def _fact(row: Mapping[str, Any], place: int) -> Any:
    try:
        return json.loads(row["facts"])[place]
    except (KeyError, ValueError, TypeError, IndexError) as error:
        raise _damaged(row) from error


def _unpacked(row: Mapping[str, Any], vector: Vectors, code_bytes: int) -> PassageRow:
    start, end, sentences, context, lines, page, heading, bounds, digest, words = json.loads(
        row["facts"]
    )
    codes: Codes = np.frombuffer(base64.b64decode(row["codes"], validate=True), np.uint8)
    return PassageRow(
        key=int(row[KEY]),
        text=row["text"],
        passage=Passage(start, end, tuple(sentences), page, tuple(heading)),
        context=context,
        lines=(lines[0], lines[1]),
        coded=Coded(vector, codes.reshape(-1, code_bytes), tuple(bounds)),
        input=bytes.fromhex(digest),
        words=words,
    )


def _damaged(row: Mapping[str, Any]) -> IndexDamaged:
    return IndexDamaged(f"The row {row.get(KEY)} is not what was written: build again with --full.")


def _digest(vector: Vectors, texts: Mapping[str, Any]) -> int:
    """A number of what the row holds, by which damage is found."""
    found = blake2b(vector.tobytes(), digest_size=8)
    for name in TEXTS:
        found.update(b"\0" + texts[name].encode())
    return number_of(found.digest())
