"""The web page, the HTTP API and the MCP tools: one server over one open index."""

from qa.web.server import make_app, serve

__all__ = ["make_app", "serve"]
