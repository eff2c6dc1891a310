"""How child processes are started: only code of this package, no secrets, no telemetry.

A reader of hostile files needs no password, and a folder of documents may hold a `numpy.py` or a
program `tesseract`: so a process gets the variables that are listed here and no more, and finds
modules, programs and libraries nowhere below the working directory. A name is listed when a process
needs it, as nobody knows what other variables hold. The libraries' telemetry is turned
off for it, as for this process.
"""

import os
import sys
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

# onnxruntime 1.30 and later write a device id below the user's cache folder when they are imported,
# and send what they note to Microsoft, unless this stands in the environment by then.
NO_TELEMETRY = {
    "ORT_DISABLE_TELEMETRY": "1",
    "GRADIO_ANALYTICS_ENABLED": "False",
    "HAYSTACK_TELEMETRY_ENABLED": "False",
}
# What else keeps libraries off the network, in processes of this package alone.
OFFLINE = {
    **NO_TELEMETRY,
    "DISABLE_TELEMETRY": "1",
    "DO_NOT_TRACK": "1",
    "HF_HUB_DISABLE_TELEMETRY": "1",
    "HF_HUB_OFFLINE": "1",
    "TRANSFORMERS_OFFLINE": "1",
}

# The variables that a child process gets.
_KEPT = frozenset(
    {
        *("HOME", "USER", "LOGNAME", "SHELL", "LANG", "LANGUAGE", "TZ", "TERM"),
        *("TMPDIR", "TEMP", "TMP", "SYSTEMROOT", "SYSTEMDRIVE", "APPDATA", "LOCALAPPDATA"),
        *("CUDA_VISIBLE_DEVICES", "OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"),
        *("PYTHONDONTWRITEBYTECODE", "PYTHONHASHSEED", "PYTHONUTF8"),
        *("QA_DEVICE", "QA_DEBUG", "QA_LOG", "QA_LOG_LEVEL", "QA_CRASH_AT"),
        "QA_LIBREOFFICE",
    }
)
_KEPT_PREFIXES = ("LC_", "XDG_")
# What a download needs besides: which hub, by which way, and a token where one is given by name.
_OF_NETWORK = ("HF_ENDPOINT", "HF_TOKEN", "SSL_CERT_FILE", "SSL_CERT_DIR", "REQUESTS_CA_BUNDLE")
_OF_PROXIES = ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY")
# Where programs, libraries and code are looked for: relative entries lead into the working directory.
_PLACES = frozenset(
    {
        *("PATH", "LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH", "DYLD_FALLBACK_LIBRARY_PATH"),
        *("TESSDATA_PREFIX", "PYTHONPYCACHEPREFIX"),
    }
)


def command(module: str, *arguments: str) -> list[str]:
    """The command that runs a module of this package in a process of its own."""
    # -P: not from the working directory; -S: no sitecustomize, and no .pth file that adds a place
    return [sys.executable, "-P", "-S", "-m", module, *arguments]


def environment(further: Mapping[str, str] | None = None) -> dict[str, str]:
    """The environment of such a process: what it needs, no secret, no telemetry."""
    kept = {name: value for name, value in os.environ.items() if _is_kept(name)}
    kept |= {name: value for name in _PLACES if (value := _absolute(os.environ.get(name, "")))}
    modules = os.pathsep.join(_module_folders())
    return {**kept, **OFFLINE, "PYTHONPATH": modules, "PYTHONSAFEPATH": "1", **(further or {})}


def online_environment(home: Path) -> dict[str, str]:
    """The environment of the one process that downloads: what the hub's library notes goes to `home`."""
    names = (*_OF_NETWORK, *_OF_PROXIES, *map(str.lower, _OF_PROXIES))
    given = {name: value for name in names if (value := os.environ.get(name))}
    online = {"HF_HUB_OFFLINE": "0", "TRANSFORMERS_OFFLINE": "0", "HF_HOME": str(home)}
    plain = {"HF_HUB_DISABLE_XET": "1", "HF_HUB_DISABLE_PROGRESS_BARS": "1"}
    return environment({**given, **online, **plain})


def cores() -> int:
    """The cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def silence() -> None:
    """Turns telemetry off in this process, whatever its environment says.

    Called before the first import of a library that would send some.
    """
    os.environ.update(NO_TELEMETRY)


def go_offline() -> None:
    """Keeps every library of this process off the network: for programs of ours, not for importers."""
    os.environ.update(OFFLINE)


def _is_kept(name: str) -> bool:
    return name in _KEPT or name.startswith(_KEPT_PREFIXES)


def _absolute(places: str) -> str:
    """The places of a search path that do not depend on the working directory."""
    return os.pathsep.join(place for place in places.split(os.pathsep) if Path(place).is_absolute())


def _module_folders() -> list[str]:
    """Where this process finds modules, in its order: not in the working directory or the script's.

    The folder of this package is among them wherever it is.
    """
    own = str(Path(__file__).resolve().parents[1])
    places = [(entry, os.path.realpath(entry)) for entry in sys.path if Path(entry).is_absolute()]
    kept = [entry for entry, place in places if place == own or place not in _foreign()]
    return kept if own in (place for _, place in places) else [own, *kept]


def _foreign() -> set[str]:
    """The working directory, and the folder of the script that runs: documents may lie there."""
    script = getattr(sys.modules["__main__"], "__file__", None)
    found = {os.path.realpath(Path(script).parent)} if script else set()
    with suppress(OSError):  # it may be gone
        found.add(os.path.realpath(Path.cwd()))
    return found
