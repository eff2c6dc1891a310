"""Runs everything that this package does in a network of its own, under a tracer of system calls.

Started by `test_offline.py` as `unshare --net python offline.py FOLDER SECONDS`: only loopback is
there. A build, questions, highlight(), the MCP tools and the web page with a browser in front of it
run side by side, each for that many seconds; `FOLDER/traces` gets what they asked of the system.
"""

import asyncio
import contextlib
import fcntl
import os
import shutil
import signal
import socket
import struct
import subprocess
import sys
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

ROOT = Path(__file__).parents[1]
CHROMIUM = Path("/usr/bin/chromium")
TRACED = (
    "network,io_uring_setup,openat,openat2,open,creat,mkdir,mkdirat,rename,renameat,renameat2,link"
    ",linkat,symlink,symlinkat"
)
PORT = 7860

BUILD = """
import sys, time
from qa import build
build("seeds", "index")
time.sleep(float(sys.argv[1]))
"""
ASK = """
import sys, time
from qa import QA
end = time.monotonic() + float(sys.argv[1])
with QA.open("index") as qa:
    while time.monotonic() < end:
        assert qa.ask("How many soldiers were killed?").nearest is not None
        time.sleep(1)
"""
HIGHLIGHT = """
import sys, time
from qa import highlight
end = time.monotonic() + float(sys.argv[1])
while time.monotonic() < end:
    assert highlight("How old is Ri?", ["Ri is 26 years old. Rain falls."])
    time.sleep(1)
"""

# A user who wants to send what can be sent.
WISHES = {
    "ORT_DISABLE_TELEMETRY": "0",
    "GRADIO_ANALYTICS_ENABLED": "True",
    "HF_HUB_DISABLE_TELEMETRY": "0",
    "HF_HUB_OFFLINE": "0",
    "TRANSFORMERS_OFFLINE": "0",
    "DO_NOT_TRACK": "0",
}
# A document that names other places in every way.
OUTWARD = """<!DOCTYPE html SYSTEM "http://dtd.example/outward.dtd">
<html><head><link rel="stylesheet" href="http://style.example/a.css"><base href="http://base.example">
<script src="http://script.example/a.js"></script></head>
<body><img src="http://image.example/a.png"><iframe src="http://frame.example/"></iframe>
<p>The pilot boat is moored at the northern quay.</p></body></html>
"""


def main(folder: Path, seconds: float) -> None:
    """Runs all of it; ends with an error where one of them failed."""
    loopback_up()
    (folder / "traces").mkdir()
    make_documents(folder / "seeds")
    environment = {
        # libraries keep quiet on a CI server: this is to be seen as a user's machine
        **{name: value for name, value in os.environ.items() if name != "CI"},
        **WISHES,
        "QA_OCR": "1" if shutil.which("tesseract") else "0",
        "HOME": str(folder / "home"),
        "XDG_CACHE_HOME": str(folder / "home" / ".cache"),
        "TMPDIR": str(folder / "tmp"),
        "PYTHONPATH": str(ROOT),
        "PYTHONDONTWRITEBYTECODE": "1",
    }
    for name in ("home", "tmp"):
        (folder / name).mkdir()
    python = [sys.executable, "-P"]

    def traced(name: str, *command: str) -> list[str]:
        trace = ["strace", "-f", "-qq", "-y", "--seccomp-bpf", "-s", "300"]
        return [*trace, "-o", str(folder / "traces" / name), "-e", f"trace={TRACED}", *command]

    def start(name: str, *command: str) -> subprocess.Popen[bytes]:
        log = (folder / f"{name}.log").open("wb")
        return subprocess.Popen(
            traced(name, *command), cwd=folder, env=environment, stdout=log, stderr=log
        )

    building = start("build", *python, "-c", BUILD, str(seconds))
    while not (folder / "index" / "CURRENT").exists():
        assert building.poll() is None, (folder / "build.log").read_text()
        time.sleep(0.1)
    asking = start("ask", *python, "-c", ASK, str(seconds))
    highlighting = start("highlight", *python, "-c", HIGHLIGHT, str(seconds))
    serving = start("serve", *python, "-m", "qa", "serve")
    begun = time.monotonic()
    tools = use_tools(traced("mcp", *python, "-m", "qa", "mcp"), folder, environment, seconds)
    with ThreadPoolExecutor() as beside:
        talking = beside.submit(asyncio.run, tools)
        use_page(folder, seconds)
        talking.result()
    for process in (building, asking, highlighting):
        assert process.wait(seconds + 60) == 0, process.args
    time.sleep(max(begun + seconds - time.monotonic(), 0))
    for child in Path(f"/proc/{serving.pid}/task/{serving.pid}/children").read_text().split():
        os.kill(int(child), signal.SIGTERM)  # the tracer ends with what it traces
    serving.wait(60)


def loopback_up() -> None:
    """Brings the loopback of a new network up, as `ip link set lo up` does."""
    up, get, put = 1, 0x8913, 0x8914
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as control:
        request = struct.pack("16sh14x", b"lo", 0)
        _, flags = struct.unpack("16sh14x", fcntl.ioctl(control, get, request))
        fcntl.ioctl(control, put, struct.pack("16sh14x", b"lo", flags | up))


def make_documents(seeds: Path) -> None:
    """The project's own, one of every format, and one that names other places."""
    import files

    shutil.copytree(ROOT / "seeds", seeds)
    for name, (data, _) in files._sound_files().items():
        (seeds / name).parent.mkdir(exist_ok=True)
        (seeds / name).write_bytes(data)
    (seeds / "outward.html").write_text(OUTWARD)


def wait_for(condition: Callable[[], object]) -> None:
    """Returns when it holds; an AssertionError when it does not within minutes."""
    end = time.monotonic() + 200
    while not condition():
        assert time.monotonic() < end, condition
        time.sleep(0.1)


def listens() -> bool:
    """Whether the server does."""
    with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", PORT), 1):
        return True
    return False


def use_page(folder: Path, seconds: float) -> None:
    """Asks in a real browser where there is one, looks at sources, and changes a document."""
    wait_for(listens)
    if not CHROMIUM.exists():
        return
    from playwright.sync_api import sync_playwright
    from served import ARGUMENTS, new_tab

    end = time.monotonic() + seconds
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=str(CHROMIUM), args=ARGUMENTS)
        with new_tab(browser) as page:
            page.goto(f"http://127.0.0.1:{PORT}/?q=Where+is+the+pilot+boat+moored%3F")
            page.locator(".open").first.click(timeout=60_000)
            page.goto(f"http://127.0.0.1:{PORT}/?q=How+many+killed+or+wounded&kind=pdf")
            page.locator(".open").first.click(timeout=60_000)
            snapshots = folder / "index" / "snapshots"
            before = set(snapshots.iterdir())
            (folder / "seeds" / "outward.html").write_text(OUTWARD.replace("northern", "eastern"))
            wait_for(lambda: set(snapshots.iterdir()) - before)
            page.wait_for_timeout(max(end - time.monotonic(), 0) * 1000)
        browser.close()


async def use_tools(
    command: list[str], folder: Path, environment: dict[str, str], seconds: float
) -> None:
    """Asks by the MCP tools, and keeps their process for that long."""
    import mcp
    from mcp.client.stdio import StdioServerParameters, stdio_client

    parameters = StdioServerParameters(
        command=command[0], args=command[1:], env=environment, cwd=folder
    )
    async with stdio_client(parameters) as (read, write), mcp.ClientSession(read, write) as client:
        await client.initialize()
        assert not (await client.call_tool("ask", {"question": "How old is Ri?"})).is_error
        await asyncio.sleep(seconds)


if __name__ == "__main__":
    main(Path(sys.argv[1]), float(sys.argv[2]))
