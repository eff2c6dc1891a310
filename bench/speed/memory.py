"""What a process holds in memory, in megabytes, as the kernel counts it."""

import re
from pathlib import Path


def resident() -> dict[str, float]:
    """Memory of this process's own, and pages of files that it has mapped."""
    return {"own": _said("RssAnon"), "mapped": _said("RssFile")}


def peak() -> float:
    """The most that this process held at once."""
    return _said("VmHWM")


def _said(name: str) -> float:
    status = Path("/proc/self/status").read_text(encoding="utf-8")
    found = re.search(rf"{name}:\s+(\d+)", status)
    return int(found[1]) / 1024 if found else 0.0
