"""The HTTP API. Documents are reached by id only: the SHA-256 of their source's bytes."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Annotated, Any

from fastapi import FastAPI, Query, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse, PlainTextResponse
from pydantic import BaseModel, ConfigDict, Field

from qa.errors import QAError, QuestionRefused, QuestionsInvalid, ReadFailed
from qa.records import Answer, Document, File
from qa.settings import EXCERPT_LIMIT
from qa.web import feedback, filtering, library
from qa.web.address import Address
from qa.web.arguments import (
    ExcerptLimit,
    Globs,
    Offset,
    PageNumber,
    QuestionText,
    SavedAnswer,
    Sha256,
    check_globs,
)
from qa.web.health import FAILING
from qa.web.observing import PATH_LIMIT, log_fault
from qa.web.site import Site
from qa.web.verifying import VerifierBusy
from qa.web.viewer import page_spans

PART = 200_000  # characters of a document in one answer, at most


class Problem(BaseModel):
    """Why a request was not carried out."""

    error: str


class Question(BaseModel):
    """A question, and the documents that it is asked of."""

    model_config = ConfigDict(extra="forbid")
    question: QuestionText
    limit: ExcerptLimit = EXCERPT_LIMIT
    only: Globs = []
    exclude: Globs = []


class Mark(BaseModel):
    """A sentence that answers; offsets in the document's text, in code points."""

    start: int
    end: int
    strength: float


class Cited(BaseModel):
    """A passage quoted word for word, and where it stands."""

    path: str
    paths: list[str]
    document: str
    title: str
    date: str | None
    start: int
    end: int
    lines: tuple[int, int]
    page: int | None
    heading: list[str]
    text: str
    highlights: list[Mark]
    confidence: float
    freshness: str


class Answered(BaseModel):
    """What the documents say to a question."""

    question: str
    answered: bool
    confidence: float
    excerpts: list[Cited]
    nearest: list[Cited]
    snapshot: str


class Listed(BaseModel):
    """One file of the library."""

    id: str | None
    path: str
    status: str
    reason: str
    size: int
    modified: int
    passages: int
    pages: int
    characters: int


class Library(BaseModel):
    """Every file that the last build saw, and what it has not seen yet."""

    snapshot: str
    documents: list[Listed]
    added: list[str]
    changed: list[str]
    removed: list[str]


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


class Judged(BaseModel):
    """What became of one citation."""

    outcome: str
    path: str
    start: int
    end: int
    text: str
    found_path: str | None
    found_start: int | None
    found_text: str | None


class Verdicts(BaseModel):
    """What became of an answer's citations, in order."""

    verdicts: list[Judged]


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


def make_api(site: Site) -> FastAPI:
    """The API over a site, described at `/api/openapi.json`."""
    wrong = {code: {"model": Problem} for code in (404, 409, 413, 422, 503)}
    api = FastAPI(
        title="Cited answers from your own documents",
        version="1",
        openapi_url="/api/openapi.json",
        docs_url=None,  # the usual pages load scripts from elsewhere
        redoc_url=None,
        responses=wrong,  # type: ignore[arg-type]
    )
    api.add_exception_handler(QAError, _problem)
    api.add_exception_handler(RequestValidationError, _invalid)
    _add_questions(api, site)
    _add_documents(api, site)
    if not site.read_only:
        _add_changes(api, site)
    return api


def _add_questions(api: FastAPI, site: Site) -> None:
    @api.get("/healthz", response_model=Health, responses={503: {"model": Health}})
    async def health(response: Response) -> dict[str, str]:  # it waits for nothing
        found = site.monitor.health
        response.status_code = 503 if found.status == FAILING else 200
        return {**found._asdict(), "snapshot": site.qa.manifest.snapshot}

    @api.post("/api/ask", response_model=Answered)
    def ask(asked: Question) -> dict[str, Any]:
        check_globs(asked.only, asked.exclude)
        answer = site.answer(
            asked.question, limit=asked.limit, only=asked.only, exclude=asked.exclude
        )
        return answer.to_dict()

    @api.post("/api/verify", response_model=Verdicts)
    async def check(answer: SavedAnswer) -> dict[str, Any]:
        return {"verdicts": await site.verifier.verdicts(answer.model_dump())}

    def export(show: Callable[[Answer], str], kind: str) -> Callable[[Request], Response]:
        def exported(request: Request) -> Response:
            return Response(show(site.ask(Address.of(request.query_params))), media_type=kind)

        return exported

    for suffix, show, kind in (
        ("md", Answer.to_markdown, "text/markdown; charset=utf-8"),
        ("json", Answer.to_json, "application/json"),
    ):
        path = f"/api/answer.{suffix}"
        api.get(path, include_in_schema=False)(export(show, kind))


def _add_documents(api: FastAPI, site: Site) -> None:
    @api.get("/api/documents", response_model=Library)
    def documents() -> dict[str, Any]:
        waiting = site.qa.waiting()
        return {
            "snapshot": site.qa.manifest.snapshot,
            "documents": [_listed(file) for file in site.qa.files()],
            **waiting._asdict(),
        }

    @api.get("/api/filters", include_in_schema=False)
    def offered() -> dict[str, list[str]]:
        return filtering.choices(site.qa.files())._asdict()

    @api.get("/api/documents/{document}", response_model=Text)
    def text(
        document: Sha256,
        start: Offset = 0,
        end: Offset | None = None,
    ) -> dict[str, Any]:
        held = site.document(document)
        return part(held, site.paths(held), start, end)

    @api.get(
        "/api/documents/{document}/pages/{page}.png",
        response_class=Response,
        responses={200: {"content": {"image/png": {}}}},
    )
    async def picture(document: Sha256, page: PageNumber) -> Response:
        # A document's id is the hash of its bytes: its pages never look otherwise.
        kept = {"cache-control": "private, max-age=86400, immutable"}
        image = await site.page_images.image(document, page)
        return Response(image, media_type="image/png", headers=kept)

    @api.get(
        "/api/documents/{document}/pages/{page}.txt",
        response_class=PlainTextResponse,
        include_in_schema=False,
    )
    def page_text(document: Sha256, page: PageNumber) -> str:
        held = site.document(document)
        start, end = page_spans(held).get(page, (0, 0))
        if page > held.pages:
            raise ReadFailed(f"There is no page {page} in this document.")
        return held.text[start : min(end, start + PART)]

    @api.get("/api/build", response_model=Progress)
    def progress() -> dict[str, Any]:
        return site.rebuilder.state.to_dict()


def _add_changes(api: FastAPI, site: Site) -> None:
    """Everything that writes: nothing of it is there when the library is read-only."""

    @api.post("/api/feedback", status_code=201, response_model=Done)
    def judge(said: Judgement) -> dict[str, str]:
        span = (said.start, said.end)
        path = feedback.add(site.qa, said.question, said.document, span, helpful=said.helpful)
        return {"path": path}

    @api.post("/api/build", status_code=202, response_model=Progress)
    def rebuild(*, allow_removal: bool = False) -> dict[str, Any]:
        site.rebuilder.start(allow_removal=allow_removal)
        return site.rebuilder.state.to_dict()

    @api.put("/api/files", status_code=201, response_model=Done)
    async def put(
        request: Request,
        name: Annotated[str, Query(min_length=1, max_length=255)],
        *,
        replace: bool = False,
    ) -> dict[str, str]:
        from fastapi.concurrency import run_in_threadpool

        library.safe_name(name)
        with library.receiving() as content:
            async for block in request.stream():
                await run_in_threadpool(content.write, block)
            content.seek(0)
            path = await run_in_threadpool(
                library.put, Path(site.seeds), name, content, replace=replace
            )
        return {"path": path}

    @api.delete("/api/files/{file}", response_model=Done)
    def remove(file: Annotated[str, Field(pattern="^[0-9a-f]{24}$")]) -> dict[str, str]:
        path = library.remove(Path(site.seeds), file, site.qa.files(), site.qa.waiting())
        return {"path": path}


def part(document: Document, paths: Sequence[str], start: int, end: int | None) -> dict[str, Any]:
    """A part of the document's text, `PART` characters at most, and where it begins."""
    size = len(document.text)
    start = min(start, size)
    end = max(min(size if end is None else end, size, start + PART), start)
    block = next((block for block in document.blocks if block.end > start), None)
    return {
        "id": document.sha256,
        "paths": list(paths),
        "title": document.title,
        "date": document.date,
        "pages": document.pages,
        "characters": size,
        "start": start,
        "end": end,
        "line": document.text.count("\n", 0, start) + 1,
        "page": block.page if block else None,
        "heading": list(block.heading) if block else [],
        "text": document.text[start:end],
    }


def _listed(file: File) -> dict[str, Any]:
    return {
        "id": file.sha256 or None,
        "path": file.path,
        "status": str(file.status),
        "reason": file.reason,
        "size": file.size,
        "modified": file.modified,
        "passages": file.passages,
        "pages": file.pages,
        "characters": file.characters,
    }


async def _problem(request: Request, error: Exception) -> JSONResponse:
    """An error of this package in words, with the status that fits."""
    status = 503
    if isinstance(error, library.NameTaken):
        status = 409
    elif isinstance(error, QuestionRefused | QuestionsInvalid | library.UploadRefused):
        status = 422
    elif isinstance(error, ReadFailed):
        status = 404
    if isinstance(error, VerifierBusy):
        return JSONResponse({"error": str(error)}, status, {"retry-after": "5"})
    if status == 503:
        log_fault(error, f"The request {request.url.path[:PATH_LIMIT]}")
    return JSONResponse({"error": str(error)}, status)


async def _invalid(_request: Request, error: Exception) -> JSONResponse:
    """What is wrong with a request, in a line."""
    faults = error.errors() if isinstance(error, RequestValidationError) else []
    said = [f"{'.'.join(str(part) for part in fault['loc'])}: {fault['msg']}" for fault in faults]
    return JSONResponse({"error": "; ".join(said[:5]) or "The request is not valid."}, 422)
