"""The one place of the version: the package, the commands, the log, the API and MCP take it from here."""

VERSION = "0.1.0"
