"""Documents of any number, made by recombining the sentences of question sets.

A paragraph holds sentences of one source in a chance order, about as many tokens as a passage, so
that the splitter makes it one passage. Documents have titles and sections; every other one is plain
text. The chance is seeded by a document's number: a small corpus is the beginning of a large one.
"""

import random
import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

from qa import splitting
from qa.encoding.encoder import Encoder
from qa.reading.workers import read_files
from qa.records import Block, Document, Passage
from qa.settings import Settings

SETS = ("xquad", "covidqa", "excerpts")
PARAGRAPHS = 100  # of a document
SECTION = 10  # paragraphs
HEADINGS = 10  # of a source, which its documents share
LEAST, MOST = 105, 155  # tokens from which a paragraph is long enough
MANY = 12  # sentences of a paragraph, at most
LONGEST = 175  # tokens of a paragraph
PLAIN = re.compile(r"[A-Z][^\n<>|]{30,400}[\w%)][.?]")
FRAME = "The report was read again in the evening."


class Sentence(NamedTuple):
    """A sentence that the splitter parts from any other."""

    text: str
    tokens: int


class Source(NamedTuple):
    """A document of a question set."""

    title: str
    sentences: tuple[Sentence, ...]

    @property
    def headings(self) -> list[str]:
        """Names for sections: how some of the sentences begin."""
        step = max(1, len(self.sentences) // HEADINGS)
        firsts = [" ".join(one.text.split()[:5]) for one in self.sentences[::step]]
        return [first.rstrip(".,;:") for first in firsts[:HEADINGS]]


def sources(sets: Path, encoder: Encoder, settings: Settings) -> list[Source]:
    """The documents of the question sets, with each of their plain sentences once."""
    found: list[Source] = []
    known: set[str] = {FRAME}
    for folder in (sets / name / "documents" for name in SETS):
        for reading in read_files(folder, sorted(file.name for file in folder.iterdir())):
            for document in (each.document for each in reading.outcomes if each.document):
                result = _sentences(document, encoder, settings)
                kept = [text for text in dict.fromkeys(result) if text not in known]
                known.update(kept)
                plain = tuple(_parted(kept, encoder, settings))
                if len(plain) >= HEADINGS:
                    title = document.title or " ".join(plain[0].text.split()[:6])
                    found.append(Source(title[:60], plain))
    return found


def _sentences(document: Document, encoder: Encoder, settings: Settings) -> Iterator[str]:
    """The document's sentences that are plain prose."""
    for passage in _split(document, encoder, settings):
        start = passage.start
        for end in passage.sentences:
            text = document.text[start:end].strip()
            start = end
            if PLAIN.fullmatch(text) and "  " not in text:
                yield text


def _parted(texts: Sequence[str], encoder: Encoder, settings: Settings) -> Iterator[Sentence]:
    """Those of the texts that the splitter finds again between other sentences."""
    for text in texts:
        tokens = len(encoder.token_ends(text))
        framed = f"{FRAME} {text} {FRAME}"
        document = Document("", "text", framed, blocks=(Block(0, len(framed)),))
        ends = [end for passage in _split(document, encoder, settings) for end in passage.sentences]
        if ends == [len(FRAME), len(FRAME) + 1 + len(text), len(framed)] and tokens < LONGEST:
            yield Sentence(text, tokens)


def _split(document: Document, encoder: Encoder, settings: Settings) -> Iterator[Passage]:
    return splitting.split(
        document,
        encoder.token_ends,
        limit=settings.passage_tokens,
        window=encoder.window,
        language=settings.language,
    )


def write(folder: Path, found: Sequence[Source], count: int) -> None:
    """Writes documents of `count` passages in all, a hundred to a folder; those there are kept."""
    weights = [len(source.sentences) for source in found]
    for number in range(-(-count // PARAGRAPHS)):
        paragraphs = min(PARAGRAPHS, count - number * PARAGRAPHS)
        suffix = ".md" if number % 2 else ".txt"
        file = folder / f"{number // 100:03}" / f"{number:05}{suffix}"
        if not file.is_file():
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(_document(number, found, weights, paragraphs), encoding="utf-8")


def _document(number: int, found: Sequence[Source], weights: Sequence[int], paragraphs: int) -> str:
    """The text of a document: Markdown with sections, or plain text."""
    chance = random.Random(number)
    topic = chance.choices(found, weights)[0]
    marked = number % 2
    parts = [f"# {topic.title}" if marked else topic.title]
    for at, source in enumerate(chance.choices(found, weights, k=paragraphs)):
        if marked and at and at % SECTION == 0:
            headings = topic.headings
            parts.append(f"## {headings[at // SECTION % len(headings)]}")
        parts.append(_paragraph(chance, source.sentences))
    return "\n\n".join(parts) + "\n"


def _paragraph(chance: random.Random, sentences: Sequence[Sentence]) -> str:
    """Sentences in a chance order, as many as make a passage."""
    enough, tokens, result = chance.randint(LEAST, MOST), 0, []
    for sentence in chance.sample(sentences, min(MANY, len(sentences))):
        if tokens >= enough or tokens + sentence.tokens > LONGEST:
            break
        tokens += sentence.tokens
        result.append(sentence.text)
    return " ".join(result)
