"""The API's requests and responses, as pydantic models.

The models of this package's records are made from their own fields: a field is written once, in
its record, and stands in the answers and in `/api/openapi.json`.
"""

from collections.abc import Collection
from enum import StrEnum
from types import GenericAlias
from typing import Any, get_args, get_origin, get_type_hints

from pydantic import BaseModel, ConfigDict, create_model

from qa.checking.freshness import Waiting
from qa.checking.verifying import Verdict
from qa.records import Answer, Excerpt, File, Highlight
from qa.web.arguments import (
    Day,
    ExcerptLimit,
    Globs,
    Language,
    ListPage,
    Offset,
    QuestionText,
    Sha256,
)

_models: dict[type, type[BaseModel]] = {}  # of records that stand within others


def _model(
    name: str, doc: str, record: type, *, without: Collection[str] = (), **more: Any
) -> type[BaseModel]:
    """A model with the record's fields as `forms.to_dict` gives them, all of them required.

    `more` are the types of fields that the record itself does not have.
    """
    own = {key: hint for key, hint in get_type_hints(record).items() if key not in without}
    types = {**more, **{key: _json_type(hint) for key, hint in own.items()}}
    required: dict[str, Any] = {key: (kind, ...) for key, kind in types.items()}
    model = create_model(name, __doc__=doc, **required)
    return _models.setdefault(record, model)


def _json_type(hint: Any) -> Any:
    """The type that a field has in JSON."""
    if get_origin(hint) is tuple and get_args(hint)[-1] is Ellipsis:
        return _list_of(_json_type(get_args(hint)[0]))
    if isinstance(hint, type) and issubclass(hint, StrEnum):
        return str
    return _models.get(hint, hint)


def _list_of(kind: Any) -> Any:
    """`list[kind]`, where mypy knows `kind` as a value only."""
    return GenericAlias(list, (kind,))


class Problem(BaseModel):
    """Why a request was not carried out."""

    error: str


class Question(BaseModel):
    """A question, and the documents that it is asked of."""

    model_config = ConfigDict(extra="forbid")
    question: QuestionText
    limit: ExcerptLimit | None = None
    only: Globs = []
    exclude: Globs = []
    since: Day = ""
    until: Day = ""
    language: Language = ""
    all: bool = False
    page: ListPage = 1


Mark = _model(
    "Mark",
    "A sentence that answers; offsets in the document's text, in code points.",
    Highlight,
)
Cited = _model("Cited", "A passage quoted word for word, and where it stands.", Excerpt)
Answered = _model("Answered", "What the documents say to a question.", Answer)
Judged = _model("Judged", "What became of one citation.", Verdict)
Listed = _model(
    "Listed", "One file of the library.", File, id=str | None, date=str,
    without=("sha256", "reader", "source", "source_sha256", "seen"),
)  # fmt: skip
Library = _model(
    "Library", "Every file that the last build saw, and what it has not seen yet.", Waiting,
    snapshot=str, total=int, documents=_list_of(Listed),
)  # fmt: skip
Verdicts = create_model(
    "Verdicts",
    __doc__="What became of an answer's citations, in order.",
    verdicts=(_list_of(Judged), ...),
)


class Text(BaseModel):
    """A part of a document's text, and the place of its first character."""

    id: str
    paths: list[str]
    title: str | None
    date: str | None
    pages: int
    characters: int
    start: int
    end: int
    line: int
    page: int | None
    heading: list[str]
    text: str


class Progress(BaseModel):
    """How far a rebuild is, or how the last one ended."""

    running: bool
    stage: str
    path: str
    done: float
    total: int
    passages: int
    seconds: float
    rate: float
    seconds_left: float | None
    report: dict[str, Any] | None
    error: str
    needs_yes: bool


class Judgement(BaseModel):
    """What a reader thinks of one excerpt."""

    model_config = ConfigDict(extra="forbid")
    question: QuestionText
    document: Sha256
    start: Offset
    end: Offset
    helpful: bool


class Done(BaseModel):
    """The path that a change was made to."""

    path: str


class Health(BaseModel):
    """How the service is (`ok`, `degraded` or `failing`), why, and which snapshot answers."""

    status: str
    reason: str
    snapshot: str
