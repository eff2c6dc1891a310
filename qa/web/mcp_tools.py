"""The tools `ask`, `read` and `verify` for programs that speak MCP, by HTTP and by stdio."""

from collections.abc import Iterator, Mapping
from contextlib import AsyncExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from fastapi import FastAPI
from pydantic import Field

from qa.asking.service import QA
from qa.checking.verifying import verify
from qa.errors import QAError
from qa.settings import EXCERPT_LIMIT, INDEX, QUESTION_LIMIT

if TYPE_CHECKING:
    from mcp.server import MCPServer

    from qa.web.site import Site

LINES = 400  # of a document in one answer, at most
_INSTRUCTIONS = (
    "Answers from the user's own documents, word for word. Ask first; quote an excerpt's text "
    "exactly and give its path and lines. When `answered` is false, the documents hold no answer: "
    "say so. Read a document by its id to see what stands around an excerpt."
)


def run_stdio(index: str | Path = INDEX, seeds: str | Path | None = None) -> None:
    """Serves the tools on standard input and output until the input ends.

    Raises QAError when the package `mcp` is not installed, and what `QA.open` raises.
    """
    if not installed():
        raise QAError("The MCP tools need the package mcp: pip install 'seedqa[mcp]'.")
    with QA.open(index, seeds=seeds) as qa:
        make_tools(qa).run("stdio")


def installed() -> bool:
    """Whether the package `mcp` is there: it is an extra."""
    from importlib.util import find_spec

    return find_spec("mcp") is not None


def make_tools(qa: QA) -> "MCPServer[Any]":
    """An MCP server with the three tools over an open index."""
    from mcp.server import MCPServer
    from mcp.types import ToolAnnotations

    server: MCPServer[Any] = MCPServer("seedqa", instructions=_INSTRUCTIONS, log_level="WARNING")
    reading = ToolAnnotations(read_only_hint=True, open_world_hint=False)

    @server.tool(annotations=reading)
    def ask(
        question: Annotated[str, Field(min_length=1, max_length=QUESTION_LIMIT)],
        limit: Annotated[int, Field(ge=1, le=50)] = EXCERPT_LIMIT,
        only: Annotated[list[str], Field(description="globs of paths to ask")] = [],  # noqa: B006
        exclude: Annotated[list[str], Field(description="globs to leave out")] = [],  # noqa: B006
    ) -> dict[str, Any]:
        """Excerpts of the documents that answer a question, with their places and confidence."""
        with _told():
            return qa.ask(question, limit=limit, only=only, exclude=exclude).to_dict()

    @server.tool(annotations=reading)
    def read(
        document: Annotated[str, Field(pattern="^[0-9a-f]{64}$", description="an excerpt's id")],
        first_line: Annotated[int, Field(ge=1)] = 1,
        last_line: Annotated[int | None, Field(ge=1)] = None,
    ) -> dict[str, Any]:
        """The text of a document from one line to another, both included."""
        with _told():
            return lines(qa, document, first_line, last_line)

    @server.tool(name="verify", annotations=reading)
    def check(answer: Annotated[dict[str, Any], Field(description="what ask gave")]) -> list[Any]:
        """Whether each excerpt of an answer still stands in its file as it was quoted."""
        with _told():
            return verdicts(qa, answer)

    return server


@contextmanager
def _told() -> Iterator[None]:
    """Lets the tool's user read an error of this package."""
    from mcp.server.mcpserver.exceptions import ToolError

    try:
        yield
    except QAError as error:
        raise ToolError(str(error)) from error


def lines(qa: QA, document: str, first: int, last: int | None) -> dict[str, Any]:
    """Lines of a document, `LINES` at most. Raises QAError when the index does not hold it."""
    held = qa.document(document)
    if held is None:
        raise QAError("There is no such document in the index: ask again for its id.")
    every = held.text.split("\n")
    last = min(len(every), first + LINES - 1, max(last or len(every), first))
    return {
        "document": document,
        "title": held.title,
        "first_line": first,
        "last_line": last,
        "lines": len(every),
        "text": "\n".join(every[first - 1 : last]),
    }


def verdicts(qa: QA, answer: Mapping[str, Any]) -> list[dict[str, Any]]:
    """What became of each excerpt of an answer."""
    found = verify(answer, index=qa.index, seeds=qa.seeds)
    return [verdict._asdict() for verdict in found]


async def mount_tools(api: FastAPI, site: "Site", stack: AsyncExitStack) -> None:
    """Puts the tools at `/mcp` as long as the stack stands; nothing when `mcp` is missing."""
    if not installed():
        return
    from mcp.server.transport_security import TransportSecuritySettings

    tools = make_tools(site.qa)
    # The guards have checked Host and origin already, and know more names than this would.
    app = tools.streamable_http_app(
        json_response=True,
        stateless_http=True,
        transport_security=TransportSecuritySettings(enable_dns_rebinding_protection=False),
    )
    api.router.routes.extend(app.routes)
    await stack.enter_async_context(tools.session_manager.run())
