"""What a build logs: the files that gave nothing, and what was done."""

import logging
from pathlib import Path

from qa.building.files import FAILURES
from qa.records import BuildReport, File, Status
from qa.records.rendering import shares

_log = logging.getLogger("qa.building")


def log_failure(file: File) -> None:
    """Logs a file that gave nothing. After a colon its reason may quote the file."""
    if file.status not in FAILURES:
        return
    level = logging.WARNING if file.status is Status.FAILED else logging.INFO
    is_full = _log.isEnabledFor(logging.DEBUG)
    reason = file.reason if is_full else file.reason.partition(":")[0]
    fields = {"event": "file", "path": file.path, "status": str(file.status)}
    _log.log(level, "%s: %s (%s)", file.status, file.path, reason, extra=fields)


def log_changed_settings(text: str) -> None:
    """Logs that an index is built with other settings than before, if it is."""
    if text:
        _log.warning("%s", text, extra={"event": "settings"})


def log_damage(text: str) -> None:
    """Logs that a part of the index is damaged, and that its documents are read again."""
    _log.warning("Damaged, its documents are read again: %s", text, extra={"event": "damage"})


def log_report(report: BuildReport, index: Path) -> None:
    """Logs what a build did."""
    names = ("added", "changed", "removed", "unchanged", "failed")
    counts = {name: len(getattr(report, name)) for name in names}
    listed = ", ".join(f"{count} {name}" for name, count in counts.items())
    seconds = round(report.seconds, 3)
    fields = {"event": "build", **counts, "passages": report.passages, "seconds": seconds}
    _log.info(
        "Built %s in %.1f s: %s; %d passages, snapshot %s. The processor's time: %s.",
        *(index, seconds, listed, report.passages, report.snapshot, shares(report.processor)),
        extra={**fields, "snapshot": report.snapshot, "processor": dict(report.processor)},
    )
