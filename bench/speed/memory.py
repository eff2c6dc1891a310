"""What a process holds in memory, in megabytes, as the kernel counts it."""

import re
from collections import defaultdict
from pathlib import Path


def resident() -> dict[str, float]:
    """Memory of this process's own, and pages of files that it has mapped."""
    return {"own": _megabytes("RssAnon"), "mapped": _megabytes("RssFile")}


def mapped(index: Path) -> dict[str, float]:
    """The pages of each part of an index that this process has mapped, and those of libraries."""
    pages: dict[str, float] = defaultdict(float)
    part = ""
    for line in Path("/proc/self/smaps").read_text(encoding="utf-8").splitlines():
        if found := re.match(r"[0-9a-f]+-[0-9a-f]+ \S+ \S+ \S+ \S+ *(.*)", line):
            part = _part(index, found[1])
        elif part and (found := re.match(r"(Rss|Anonymous): +(\d+)", line)):
            pages[part] += (1 if found[1] == "Rss" else -1) * int(found[2]) / 1024
    return dict(pages)


def peak() -> float:
    """The most that this process held at once."""
    return _megabytes("VmHWM")


def _part(index: Path, file: str) -> str:
    """`"vectors"`, `"words"`, and so on; `""` for memory that no file is behind."""
    if not file.startswith("/"):
        return ""
    below = Path(file)
    if not below.is_relative_to(index.resolve()):
        return "libraries"
    return below.relative_to(index.resolve()).parts[2].partition(".")[0]


def _megabytes(name: str) -> float:
    status = Path("/proc/self/status").read_text(encoding="utf-8")
    found = re.search(rf"{name}:\s+(\d+)", status)
    return int(found[1]) / 1024 if found else 0.0
