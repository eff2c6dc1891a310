"""A real server on a free port of this machine, and a real browser in front of it."""

import os
import shutil
import socket
import subprocess
import threading
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest
from indexes import write
from sharing import made_once
from waiting import wait_for

from qa.building.pipeline import build

CHROMIUM = Path("/usr/bin/chromium")
ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
    "--host-resolver-rules=MAP docs.example 127.0.0.1",
]
OURS = ("http://127.0.0.1:", "http://localhost:", "http://docs.example:", "data:", "blob:")
OUTPUT = Path(__file__).parent / "output"  # screenshots
SEEDS = Path(__file__).parents[1] / "seeds"

HOSTILE = (
    "# <script>window.ran = 1</script> notes\n\n"
    "The lighthouse keeper wrote <img src=x onerror='window.ran=1'> on the wall. "
    "It costs ${1+1} or ${window.ran=1} and `code` *stars* [link](javascript:window.ran=1) "
    "</mark></blockquote><b>bold</b> $x^2$ {{curly}} \\\\ C:\\temp.\n\n"
    "Both \u202eturned around\u202c and \x1b[31mred\x1b[0m stand in the lighthouse.\n\n"
    "## <svg onload='window.ran=1'>\n\nThe harbour behind it is empty.\n"
)


def free_port():
    """A port of this machine on which nothing listens."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return free.getsockname()[1]


@contextmanager
def serving(seeds, index, **settings):
    """The address of a server over that index; it stops at the end."""
    from qa.web import make_app

    with running(make_app(index, seeds, **settings)) as at:
        yield at


@contextmanager
def running(app):
    """The address at which an application is served; it stops at the end."""
    import uvicorn

    settings = uvicorn.Config(app, log_level="critical", ws="none", proxy_headers=False)
    server = uvicorn.Server(settings)
    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=server.run, args=([listener],), daemon=True)
        thread.start()
        wait_for(lambda: server.started or not thread.is_alive())
        assert server.started, "the server did not start"
        try:
            yield f"http://127.0.0.1:{listener.getsockname()[1]}"
        finally:
            server.should_exit = True
            server.force_exit = True
            thread.join(10)


@contextmanager
def nginx(folder, locations, port=None):
    """The port of a real nginx with these locations; it stops at the end."""
    program = shutil.which("nginx", path=f"{os.environ['PATH']}:/usr/sbin")
    if program is None:
        pytest.skip("no nginx: `apt-get install nginx-light` lets this test run")
    port = port or free_port()
    temporary = ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    paths = "".join(f"{name}_temp_path {folder}/{name}; " for name in temporary)
    user = "user root; " if os.geteuid() == 0 else ""
    (folder / "nginx.conf").write_text(
        f"{user}daemon off; worker_processes 1; pid {folder}/pid; error_log {folder}/log;\n"
        f"events {{ worker_connections 256; }}\nhttp {{ access_log off; {paths}\n"
        f"server {{ listen 127.0.0.1:{port};\n{locations}\n}} }}\n"
    )
    command = [program, "-p", str(folder), "-c", "nginx.conf", "-e", f"{folder}/log"]
    process = subprocess.Popen(command, stderr=subprocess.PIPE, text=True)
    try:
        wait_for(lambda: is_listening(port) or process.poll() is not None)
        assert process.poll() is None, process.stderr.read()
        yield port
    finally:
        process.terminate()
        process.communicate(timeout=30)


def is_listening(port):
    """Whether something listens on that port of this machine."""
    with socket.socket() as tried:
        return tried.connect_ex(("127.0.0.1", port)) == 0


def new_library(folder, encoders, texts=None):
    """A folder with the project's own seeds and these texts, and its index: (seeds, index)."""
    shutil.copytree(SEEDS, folder / "seeds")
    for name, text in (texts or {}).items():
        write(folder / "seeds", name, text)
    (folder / "index").mkdir()
    shutil.copytree(encoders, folder / "index" / "encoders", copy_function=os.link)
    build(folder / "seeds", folder / "index")
    return folder / "seeds", folder / "index"


@pytest.fixture(scope="session")
def corpus(tmp_path_factory, encoders):
    """The project's seeds with a hostile document and a folder, indexed, to be read only."""
    texts = {"hostile.md": HOSTILE, "reports/mill.txt": "The mill grinds rye for three villages.\n"}
    folder = made_once(
        tmp_path_factory, "corpus", lambda folder: new_library(folder, encoders, texts)
    )
    return folder / "seeds", folder / "index"


@pytest.fixture(scope="session")
def address(corpus):
    """The address of a server over `corpus`."""
    with serving(*corpus) as at:
        yield at


@pytest.fixture(scope="module")  # while it runs, no other test can run an event loop
def browser():
    """Chromium."""
    if not CHROMIUM.exists():
        pytest.skip("no /usr/bin/chromium: `apt-get install chromium` lets these tests run")
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=str(CHROMIUM), args=ARGUMENTS)
        yield chromium
        chromium.close()


@pytest.fixture
def tab(browser):
    """A fresh tab that notes errors and requests that leave the machine."""
    with new_tab(browser) as page:
        yield page


@contextmanager
def new_tab(browser, **settings):
    """A tab of its own, which ends with no error and no request to elsewhere."""
    context = browser.new_context(viewport={"width": 1280, "height": 860}, **settings)
    page = context.new_page()
    faults: list[str] = []
    page.on("pageerror", lambda error: faults.append(str(error)))
    page.on("console", lambda result: result.type == "error" and faults.append(result.text))
    page.on(
        "request",
        lambda asked: asked.url.startswith(OURS) or faults.append(f"left the machine: {asked.url}"),
    )
    try:
        yield page
        expected = getattr(page, "expected", ())
        assert [fault for fault in faults if not any(part in fault for part in expected)] == []
    finally:
        with suppress(Exception):
            context.close()
