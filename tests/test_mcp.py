"""The MCP tools, tried with the official client."""

import asyncio
import json
import sys

import pytest
from served import serving

mcp = pytest.importorskip("mcp", reason="the extra `mcp` is not installed")


async def use(transport):
    """What the three tools say through a client."""
    async with mcp.Client(transport) as client:
        names = sorted(tool.name for tool in (await client.list_tools()).tools)
        asked = (await client.call_tool("ask", {"question": "How old is Ri?"})).structured_content
        cited = [*asked["excerpts"], *asked["nearest"]][0]
        lines = {"document": cited["document"], "first_line": cited["lines"][0]}
        read = (await client.call_tool("read", lines)).structured_content
        checked = (await client.call_tool("verify", {"answer": asked})).structured_content
        missing = await client.call_tool("read", {"document": "0" * 64})
        return names, asked, read, checked, missing


def check(names, asked, read, checked, missing):
    assert names == ["ask", "read", "verify"]
    cited = [*asked["excerpts"], *asked["nearest"]][0]
    assert cited["text"].split("\n")[0] in read["text"]
    assert {verdict["outcome"] for verdict in checked["result"]} == {"valid"}
    assert missing.is_error
    assert "no such document" in missing.content[0].text


def test_the_tools_answer_over_http_on_the_same_server(library):
    seeds, index = library
    with serving(seeds, index) as at:
        check(*asyncio.run(use(f"{at}/mcp")))


def test_the_tools_answer_over_stdio(library):
    from mcp.client.stdio import StdioServerParameters, stdio_client

    seeds, index = library
    command = ["-m", "qa", "mcp", "--index", str(index), "--seeds", str(seeds)]
    server = StdioServerParameters(command=sys.executable, args=command)
    check(*asyncio.run(use(stdio_client(server))))


def test_an_answer_by_mcp_is_the_answer_by_python(library):
    import qa

    seeds, index = library
    with serving(seeds, index) as at:
        _, asked, *_ = asyncio.run(use(f"{at}/mcp"))
    assert asked == json.loads(qa.ask("How old is Ri?", index=index).to_json())
