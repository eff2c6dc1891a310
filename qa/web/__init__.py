"""The web page, the HTTP API and the MCP tools: one server over one open index."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from qa.web.server import make_app, serve

__all__ = ["make_app", "serve"]


def __getattr__(name: str) -> object:
    """`serve` and `make_app`, with what they need, when they are asked for.

    A rebuild runs a module of this package in a process of its own, which needs none of that.
    """
    if name not in __all__:
        raise AttributeError(f"module 'qa.web' has no attribute {name!r}")
    from qa.web import server

    found: object = getattr(server, name)
    return found
