"""The HTTP API. Documents are reached by id only: the SHA-256 of their source's bytes."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Annotated, Any

from fastapi import FastAPI, Query, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse, PlainTextResponse
from pydantic import Field

from qa.checking import listing
from qa.checking.listing import BY
from qa.errors import QAError, QuestionRefused, QuestionsInvalid, ReadFailed
from qa.records import Answer, Document
from qa.records.forms import to_dict
from qa.translation import tr
from qa.version import VERSION
from qa.web import feedback, filtering, library
from qa.web.address import Address
from qa.web.arguments import (
    Find,
    ListLimit,
    ListPage,
    Offset,
    PageNumber,
    SavedAnswer,
    Sha256,
    Sort,
    check_globs,
)
from qa.web.health import FAILING
from qa.web.observing import PATH_LIMIT, log_fault
from qa.web.schemas import (
    Answered,
    Done,
    Health,
    Judgement,
    Library,
    Problem,
    Progress,
    Question,
    Text,
    Verdicts,
)
from qa.web.site import Site
from qa.web.verifying import VerifierBusy
from qa.web.viewer import page_spans

PART = 200_000  # characters of a document in one answer, at most


def make_api(site: Site) -> FastAPI:
    """The API over a site, described at `/api/openapi.json`."""
    wrong = {code: {"model": Problem} for code in (404, 409, 413, 422, 503)}
    api = FastAPI(
        title="Cited answers from your own documents",
        version=VERSION,
        openapi_url="/api/openapi.json",
        docs_url=None,  # the usual pages load scripts from elsewhere
        redoc_url=None,
        responses=wrong,  # type: ignore[arg-type]
    )
    api.add_exception_handler(QAError, _problem)
    api.add_exception_handler(RequestValidationError, _invalid)
    _add_questions(api, site)
    _add_documents(api, site)
    _add_pages(api, site)
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
        return site.answer(**asked.model_dump()).to_dict()

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
    def documents(
        sort: Sort = BY, find: Find = "", limit: ListLimit | None = None, page: ListPage = 1
    ) -> dict[str, Any]:
        waiting = site.qa.waiting()
        found = site.qa.listed(listing.part(sort, find, page=page, limit=limit))
        return {
            "snapshot": site.qa.manifest.snapshot,
            "total": found.total,
            "documents": [
                {"id": file.sha256 or None, **to_dict(file), "date": day}
                for file, day in found.files
            ],
            **waiting._asdict(),
        }

    @api.get("/api/filters", include_in_schema=False)
    def offered() -> dict[str, list[str]]:
        spoken = [each.language for each in site.qa.manifest.languages]
        return filtering.choices(site.qa.files(), spoken)._asdict()

    @api.get("/api/documents/{document}", response_model=Text)
    def text(
        document: Sha256,
        start: Offset = 0,
        end: Offset | None = None,
    ) -> dict[str, Any]:
        found = site.document(document)
        return part(found, site.paths(found), start, end)

    @api.get("/api/build", response_model=Progress)
    def progress() -> dict[str, Any]:
        state = site.rebuilder.state.to_dict()
        return {**state, "error": tr(state["error"])}


def _add_pages(api: FastAPI, site: Site) -> None:
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
        found = site.document(document)
        start, end = page_spans(found).get(page, (0, 0))
        if page > found.pages:
            raise ReadFailed(f"There is no page {page} in this document.")
        return found.text[start : min(end, start + PART)]


def _add_changes(api: FastAPI, site: Site) -> None:
    """Everything that writes: nothing of it is there when the library is read-only."""

    @api.post("/api/feedback", status_code=201, response_model=Done)
    def judge(judgement: Judgement) -> dict[str, str]:
        span = (judgement.start, judgement.end)
        path = feedback.add(
            site.qa, judgement.question, judgement.document, span, helpful=judgement.helpful
        )
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
        return JSONResponse({"error": tr(str(error))}, status, {"retry-after": "5"})
    if status == 503:
        log_fault(error, f"The request {request.url.path[:PATH_LIMIT]}")
    return JSONResponse({"error": tr(str(error))}, status)


async def _invalid(_request: Request, error: Exception) -> JSONResponse:
    """What is wrong with a request, in a line."""
    faults = error.errors() if isinstance(error, RequestValidationError) else []
    lines = [f"{'.'.join(str(part) for part in fault['loc'])}: {fault['msg']}" for fault in faults]
    return JSONResponse({"error": "; ".join(lines[:5]) or "The request is not valid."}, 422)
