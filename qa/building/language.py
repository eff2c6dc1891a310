"""The language of a document, and how far the model knows it."""

from contextlib import suppress
from dataclasses import replace

from qa import faults
from qa.encoding.encoder import Encoder
from qa.errors import DocumentFailed
from qa.identification import language_of
from qa.records import Document
from qa.settings import AUTO

SAMPLED = 4_000  # characters by which is told how far the model knows the letters of a document


def with_language(document: Document, setting: str, encoder: Encoder) -> Document:
    """The document with its language, found unless the setting names one, and with its letters."""
    with suppress(DocumentFailed), faults.of_document():  # else it fails when it is split
        language = language_of(document.text) if setting == AUTO else setting
        letters, unread = encoder.unread(document.text[:SAMPLED])
        return replace(document, language=language, letters=letters, unread=unread)
    return document
