"""The nouns of the service: frozen records that every module shares.

Offsets are Python string indices (code points) into a document's text, ends exclusive. Pages are
physical and counted from 1. Paths are relative to the seeds folder, with forward slashes.
"""

from qa.records.answers import Answer
from qa.records.documents import Block, Document, Kind, Passage
from qa.records.excerpts import Excerpt, Figure, Freshness, Highlight
from qa.records.places import Places
from qa.records.reports import BuildReport, File, Status

__all__ = [
    "Answer",
    "Block",
    "BuildReport",
    "Document",
    "Excerpt",
    "Figure",
    "File",
    "Freshness",
    "Highlight",
    "Kind",
    "Passage",
    "Places",
    "Status",
]
