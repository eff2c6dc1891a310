"""Cited answers from your own documents: word for word, each with its place, none made up.

>>> from qa import ask
>>> answer = ask("How old is Ri?")
>>> print(answer.excerpts[0].text)
"""

import sys

if sys.argv[:1] == ["-m"] and not sys.flags.safe_path:
    # `python -m qa` looks for modules in the working directory first, and that may be a folder of
    # documents with a `json.py`. This package is found by now, and its modules lie in its own folder.
    del sys.path[0]

import logging
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from qa.errors import (
    ClusterUnfit,
    DownloadFailed,
    FilterEmpty,
    IndexBusy,
    IndexClosed,
    IndexDamaged,
    IndexForeign,
    IndexMissing,
    IndexUnreadable,
    ModelMismatch,
    ModelMissing,
    ModelRefused,
    QAError,
    QuestionRefused,
    QuestionsInvalid,
    ReadFailed,
    RemovalRefused,
    SeedsEmpty,
    SeedsMissing,
    SettingsInvalid,
    StorageFailed,
    StoreUnreachable,
)
from qa.records import Answer, BuildReport, Excerpt, Freshness, Highlight
from qa.settings import INDEX, Settings
from qa.version import VERSION

if TYPE_CHECKING:
    from qa.asking.highlighting import highlight
    from qa.asking.service import QA
    from qa.building.pipeline import build
    from qa.checking.verifying import Verdict, verify

logging.getLogger("qa").addHandler(logging.NullHandler())  # silent unless a program wants it

__all__ = [
    "QA",
    "Answer",
    "BuildReport",
    "ClusterUnfit",
    "DownloadFailed",
    "Excerpt",
    "FilterEmpty",
    "Freshness",
    "Highlight",
    "IndexBusy",
    "IndexClosed",
    "IndexDamaged",
    "IndexForeign",
    "IndexMissing",
    "IndexUnreadable",
    "ModelMismatch",
    "ModelMissing",
    "ModelRefused",
    "QAError",
    "QuestionRefused",
    "QuestionsInvalid",
    "ReadFailed",
    "RemovalRefused",
    "SeedsEmpty",
    "SeedsMissing",
    "Settings",
    "SettingsInvalid",
    "StorageFailed",
    "StoreUnreachable",
    "Verdict",
    "ask",
    "build",
    "highlight",
    "verify",
]
__version__ = VERSION

_LATER = {
    "QA": "asking.service",
    "build": "building.pipeline",
    "highlight": "asking.highlighting",
    "Verdict": "checking.verifying",
    "verify": "checking.verifying",
}
_open: dict[Path, "QA"] = {}


def ask(  # noqa: PLR0913 - all but the question have a default
    question: str,
    *,
    index: str | Path | None = None,
    limit: int | None = None,
    only: Sequence[str] = (),
    exclude: Sequence[str] = (),
    since: str = "",
    until: str = "",
    language: str | Sequence[str] = (),
    all: bool = False,  # noqa: A002 - as `--all` on the command line
    page: int = 1,
) -> Answer:
    """What the documents say to the question.

    Without `index` it asks `./index`, and builds it from `./seeds` when there is none yet. The index
    stays open for the next question. The rest is as in `QA.ask`. Raises QuestionRefused, IndexMissing and the other errors of
    `QA.open`.
    """
    from qa.asking.questions import validated_question
    from qa.asking.service import QA

    validated_question(question)
    folder = Path(INDEX if index is None else index).resolve()
    if folder not in _open:
        if index is None:
            from qa.building.first import build_first

            build_first()
        _open[folder] = QA.open(folder)
    return _open[folder].ask(
        question, limit=limit, only=only, exclude=exclude, since=since, until=until,
        language=language, all=all,
        page=page,
    )  # fmt: skip


def __getattr__(name: str) -> object:
    """The rest of the public face, imported when it is first used: `import qa` stays light."""
    if name in _LATER:
        from importlib import import_module

        return getattr(import_module(f"qa.{_LATER[name]}"), name)
    raise AttributeError(f"module 'qa' has no attribute {name!r}")
