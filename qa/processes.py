"""How processes of ours are started: they run this package and nothing else, know no secret, send nothing.

A reader of hostile files needs no password, and a folder of documents may hold a `numpy.py`: so a
process gets the environment that is listed here and no more, and imports nothing from the working
directory. The libraries' telemetry is turned off for it, as for this process.
"""

import os
import sys
from collections.abc import Mapping
from pathlib import Path

# onnxruntime 1.30 and later write a device id below the user's cache folder when they are imported,
# and send what they note to Microsoft, unless this stands in the environment by then.
NO_TELEMETRY = {"ORT_DISABLE_TELEMETRY": "1", "GRADIO_ANALYTICS_ENABLED": "False"}
# What else keeps libraries off the network, in processes that are wholly ours.
OFFLINE = {
    **NO_TELEMETRY,
    "DISABLE_TELEMETRY": "1",
    "DO_NOT_TRACK": "1",
    "HF_HUB_DISABLE_TELEMETRY": "1",
    "HF_HUB_OFFLINE": "1",
    "TRANSFORMERS_OFFLINE": "1",
}

# What a process of ours may know of its surroundings.
_KEPT = frozenset(
    {
        *("PATH", "HOME", "USER", "LOGNAME", "SHELL", "LANG", "LANGUAGE", "TZ", "TERM"),
        *("TMPDIR", "TEMP", "TMP", "SYSTEMROOT", "SYSTEMDRIVE", "APPDATA", "LOCALAPPDATA"),
        *("LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH", "TESSDATA_PREFIX", "CUDA_VISIBLE_DEVICES"),
        *("PYTHONPYCACHEPREFIX", "PYTHONDONTWRITEBYTECODE", "PYTHONHASHSEED", "PYTHONUTF8"),
    }
)
_KEPT_PREFIXES = ("LC_", "XDG_", "OMP_", "OPENBLAS_", "MKL_", "QA_")
_SECRET = ("PASSWORD", "TOKEN", "SECRET", "KEY")  # in a name of ours: never passed on


def command(module: str, *arguments: str) -> list[str]:
    """The command that runs a module of this package in a process of its own."""
    return [sys.executable, "-P", "-m", module, *arguments]


def environment(further: Mapping[str, str] | None = None) -> dict[str, str]:
    """The environment of such a process: what it needs, no secret, no telemetry."""
    kept = {name: value for name, value in os.environ.items() if _is_kept(name)}
    modules = os.pathsep.join(_module_folders())
    return {**kept, **OFFLINE, "PYTHONPATH": modules, "PYTHONSAFEPATH": "1", **(further or {})}


def silence() -> None:
    """Turns telemetry off in this process, whatever its environment says.

    Called before the first import of a library that would send some.
    """
    os.environ.update(NO_TELEMETRY)


def go_offline() -> None:
    """Keeps every library of this process off the network: for programs of ours, not for importers."""
    os.environ.update(OFFLINE)


def _is_kept(name: str) -> bool:
    if name.startswith("QA_") and any(part in name for part in _SECRET):
        return False
    return name in _KEPT or name.startswith(_KEPT_PREFIXES)


def _module_folders() -> list[str]:
    """Where this process finds modules, in its order, but not in the working directory.

    The folder of this package is among them wherever it is.
    """
    own, here = str(Path(__file__).resolve().parents[1]), os.path.realpath(Path.cwd())
    places = [(entry, os.path.realpath(entry)) for entry in sys.path if Path(entry).is_absolute()]
    kept = [entry for entry, place in places if place == own or place != here]
    return kept if own in (place for _, place in places) else [own, *kept]
