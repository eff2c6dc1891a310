"""Documents of other programs, through LibreOffice where it is installed.

It saves a copy in a format that is read here: in a process of its own, with limits, a profile that
runs no macro and follows no link, and no network. Without it, the reason says what to install.
"""

import importlib
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from qa import processes
from qa.errors import ReadFailed, SettingsInvalid, Unsupported
from qa.reading import archive
from qa.reading.content import Content
from qa.reading.converter import TOO_SLOW
from qa.reading.detection import format_of
from qa.reading.formats import SAVED_AS, Format
from qa.settings import OFF

SECONDS = 120  # that one file may take, by the clock
_COMMANDS = ("soffice", "libreoffice")
_MACOS = "/Applications/LibreOffice.app/Contents/MacOS/soffice"
_LONGEST = 512 << 20  # bytes of the copy
_READERS = {"docx": "word", "pptx": "slides", "xlsx": "sheets", "pdf": "pdf"}
_NOWHERE = "http://127.0.0.1:9"  # for what would ask a proxy; nobody listens there
_OPTIONS = (
    *("--headless", "--invisible", "--norestore", "--nolockcheck", "--nologo", "--nodefault"),
    "--nofirststartwizard",
)
_PROFILE = """<?xml version="1.0" encoding="UTF-8"?>
<oor:items xmlns:oor="http://openoffice.org/2001/registry">
{items}
</oor:items>
"""
_ITEM = (
    '<item oor:path="/org.openoffice.Office.{path}">'
    '<prop oor:name="{name}" oor:op="fuse"><value>{value}</value></prop></item>'
)
_SETTINGS = (
    ("Common/Security/Scripting", "MacroSecurityLevel", "3"),
    ("Common/Security/Scripting", "DisableMacrosExecution", "true"),
    ("Common/Security/Scripting", "DisableActiveContent", "true"),
    ("Common/Security/Scripting", "BlockUntrustedRefererLinks", "true"),
    ("Common/Misc", "FirstRun", "false"),
    ("Writer/Content/Update", "Link", "0"),
    ("Calc/Content/Update", "Link", "2"),
)


def command() -> str | None:
    """LibreOffice's own command, by its full path; None where there is none.

    `QA_LIBREOFFICE` names it; `0` is never.
    """
    named = os.environ.get("QA_LIBREOFFICE", "")
    if named:
        return named if Path(named).is_absolute() and os.access(named, os.X_OK) else None
    places = processes.environment().get("PATH", "")
    found = (shutil.which(name, path=places) for name in (*_COMMANDS, _MACOS))
    return next(filter(None, found), None)


def fingerprint(*, there: bool) -> str:
    """What this module adds to the readers' fingerprint: with LibreOffice, more files are read."""
    return f"libreoffice={'there' if there else 'none'}"


def check() -> None:
    """Raises SettingsInvalid where it is missing and not declined: what it read would be lost."""
    if command() is None and os.environ.get("QA_LIBREOFFICE", "").lower() not in OFF:
        raise SettingsInvalid(
            "This index has documents that LibreOffice read, and it is not on this machine: "
            "install it (apt install libreoffice), name its command by QA_LIBREOFFICE, "
            "or build without them by QA_LIBREOFFICE=0."
        )


def read(data: bytes, name: str) -> Content:
    """The content of a document that LibreOffice can open.

    Raises Unsupported where it is not installed.
    """
    what, suffix = SAVED_AS[format_of(data, name)]
    office = command()
    if office is None:
        raise Unsupported(f"{what}, or install LibreOffice (apt install libreoffice)")
    copy = _saved(office, data, format_of(data, name), suffix)
    if suffix != "pdf":
        archive.check(copy)
    reader = importlib.import_module(f"qa.reading.{_READERS[suffix]}")
    content: Content = reader.read(copy, f"{name}.{suffix}")
    return content


def _saved(office: str, data: bytes, kind: Format, suffix: str) -> bytes:
    """The document as LibreOffice saves it in another format."""
    with tempfile.TemporaryDirectory(prefix="seedqa-") as folder:
        place = Path(folder)
        source = place / f"document.{kind}"
        source.write_bytes(data)
        profile = place / "profile" / "user"
        profile.mkdir(parents=True)
        items = (_ITEM.format(path=path, name=name, value=to) for path, name, to in _SETTINGS)
        text = _PROFILE.format(items="\n".join(items))
        (profile / "registrymodifications.xcu").write_text(text, encoding="utf-8")
        _convert(office, place, source, suffix)
        copy = place / "saved" / f"document.{suffix}"
        if not copy.is_file() or not 0 < copy.stat().st_size <= _LONGEST:
            raise ReadFailed("LibreOffice cannot open it: damaged, or locked by a password")
        return copy.read_bytes()


def _convert(office: str, place: Path, source: Path, suffix: str) -> None:
    """Run LibreOffice; raises ReadFailed where it takes too long."""
    arguments = [
        *_alone(),
        office,
        f"-env:UserInstallation={(place / 'profile').as_uri()}",
        *_OPTIONS,
        *("--convert-to", suffix, "--outdir", str(place / "saved"), str(source)),
    ]
    environment = processes.environment(
        {"HOME": str(place), "TMPDIR": str(place), "SAL_USE_VCLPLUGIN": "svp"}
        | dict.fromkeys(("http_proxy", "https_proxy", "ftp_proxy", "all_proxy"), _NOWHERE)
    )
    with subprocess.Popen(  # noqa: S603  # this very interpreter and package
        processes.command("qa.reading.converter", str(place), str(SECONDS), *arguments),
        stdin=subprocess.PIPE,  # it closes when this process is gone
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        env=environment,
    ) as converter:
        code = converter.wait()
    if code == TOO_SLOW:
        raise ReadFailed(f"LibreOffice took longer than {SECONDS} seconds")


def _alone() -> list[str]:
    """The command before the command that leaves it without a network, where the system allows it."""
    unshare = shutil.which("unshare", path=processes.environment().get("PATH", ""))
    if sys.platform != "linux" or unshare is None:
        return []
    apart = [unshare, "--map-root-user", "--net"]
    tried = subprocess.run([*apart, "true"], capture_output=True, check=False)  # noqa: S603
    return [*apart, "--"] if tried.returncode == 0 else []
