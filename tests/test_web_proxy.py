"""The server behind a proxy, below a path, and inside of another application."""

import asyncio
import gc
import json
import re
from contextlib import asynccontextmanager
from pathlib import Path

import httpx
import pytest
from fastapi import FastAPI
from fastapi.responses import HTMLResponse
from indexes import write
from served import (  # noqa: F401
    OUTPUT,
    browser,
    corpus,
    free_port,
    new_library,
    new_tab,
    nginx,
    running,
    serving,
)
from starlette.testclient import TestClient

from qa.errors import QAError, SettingsInvalid
from qa.web import make_app
from qa.web.mounting import Rooted, Started, normal_path
from qa.web.passwords import ATTEMPTS
from qa.web.proxies import Proxies, Unproxied

README = (Path(__file__).parents[1] / "README.md").read_text(encoding="utf-8")
WRONG = {"authorization": "Bearer wrong"}
RIGHT = {"authorization": "Bearer right"}


@pytest.fixture
def environment(monkeypatch):
    """Sets variables of the environment until the test ends."""

    def set_all(**variables):
        for name, value in variables.items():
            monkeypatch.setenv(name, value)

    return set_all


def forwarded(address):
    """Headers of a proxy that tells whom it forwards."""
    return {"x-forwarded-for": address, "x-real-ip": address, "forwarded": f"for={address}"}


def test_who_guesses_cannot_pass_for_another_by_a_header(library):
    seeds, index = library
    with serving(index=index, seeds=seeds, password="right") as at, httpx.Client() as client:
        result = [
            client.get(f"{at}/api/documents", headers=WRONG | forwarded(f"10.0.0.{n}")).status_code
            for n in range(ATTEMPTS + 3)
        ]
        assert result == [401] * ATTEMPTS + [429] * 3
        assert client.get(f"{at}/api/documents", headers=RIGHT).status_code == 200


def test_behind_a_proxy_that_was_named_each_client_is_counted_by_itself(library, environment):
    environment(QA_PROXIES="127.0.0.1")
    seeds, index = library
    with serving(index=index, seeds=seeds, password="right") as at, httpx.Client() as client:

        def status(address):
            return client.get(f"{at}/healthz/x", headers=WRONG | forwarded(address)).status_code

        assert {status(f"10.0.0.{n}") for n in range(ATTEMPTS + 3)} == {401}
        # What stands before the proxy's own word was written by the client.
        result = [status(f"10.0.1.{n}, 10.9.9.9") for n in range(ATTEMPTS + 1)]
        assert result == [401] * ATTEMPTS + [429]


@pytest.mark.parametrize(
    ("peer", "header", "client"),
    [
        ("10.0.0.1", "2.2.2.2", "2.2.2.2"),
        ("10.0.0.1", "1.1.1.1, 2.2.2.2", "2.2.2.2"),
        ("10.0.0.1", "1.1.1.1, 2.2.2.2, 10.0.0.9", "2.2.2.2"),
        ("10.0.0.1", "2.2.2.2:4711", "2.2.2.2"),
        ("10.0.0.1", '"[2001:db8::1]:4711"', "2001:db8::1"),
        ("10.0.0.1", "::ffff:2.2.2.2", "2.2.2.2"),
        ("::ffff:10.0.0.1", "2.2.2.2", "2.2.2.2"),
        ("10.0.0.1", "2.2.2.2, unknown", "10.0.0.1"),
        ("10.0.0.1", "", "10.0.0.1"),
        ("10.0.0.1", "10.0.0.8, 10.0.0.9", "10.0.0.8"),
        ("3.3.3.3", "2.2.2.2", "3.3.3.3"),
        ("", "2.2.2.2", ""),
    ],
)
def test_the_client_is_the_last_address_that_is_no_proxy_of_ours(peer, header, client):
    assert Proxies.of("10.0.0.0/24, ::1").client(peer, header) == client


def test_proxies_are_given_as_addresses_and_networks():
    assert Proxies.of(" localhost 10.1.2.3/16,").believe("127.0.0.5")
    assert Proxies.of("10.1.2.3/16").believe("10.1.9.9")
    assert not Proxies.of("").believe("127.0.0.1")
    with pytest.raises(SettingsInvalid, match="QA_PROXIES"):
        Proxies.of("proxy.example")


def test_forwarded_headers_are_taken_off_and_a_named_proxys_host_holds():
    seen = []

    async def see(scope, _receive, send):
        seen.append(scope)
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b""})

    headers = forwarded("2.2.2.2") | {
        "x-forwarded-host": "evil.example, docs.example",
        "x-forwarded-proto": "https",
        "x-gradio-server": "http://evil.example",
    }
    for networks in ("", "10.0.0.1"):
        app = Unproxied(see, Proxies.of(networks))
        TestClient(app, "http://localhost", client=("10.0.0.1", 50)).get("/", headers=headers)
    stranger, proxied = seen
    for scope in (stranger, proxied):
        assert not [name for name, _ in scope["headers"] if b"forward" in name or b"real" in name]
    assert (stranger["client"][0], dict(stranger["headers"])[b"host"]) == ("10.0.0.1", b"localhost")
    assert (proxied["client"][0], dict(proxied["headers"])[b"host"]) == ("2.2.2.2", b"docs.example")


def test_the_name_that_a_named_proxy_tells_has_to_be_the_servers(library, environment):
    environment(QA_PROXIES="127.0.0.1", QA_HOSTS="docs.example")
    with serving(index=library[1], seeds=library[0]) as at, httpx.Client() as client:
        for name, status in (("docs.example", 200), ("evil.example", 421)):
            answer = client.get(f"{at}/healthz", headers={"x-forwarded-host": name})
            assert answer.status_code == status


@pytest.mark.parametrize(
    ("given", "path"),
    [("", ""), ("/", ""), ("qa", "/qa"), ("/qa/", "/qa"), (" /a/b-c.d ", "/a/b-c.d")],
)
def test_a_root_path_is_given_with_or_without_its_slashes(given, path):
    assert normal_path(given) == path


@pytest.mark.parametrize(
    "given", ["http://docs.example/qa", "/a/../b", "/a b", "/a?b", "/a//b", "ä"]
)
def test_a_root_path_that_is_none_is_refused(given):
    with pytest.raises(SettingsInvalid, match="root path"):
        normal_path(given)


@pytest.fixture(scope="module")
def rooted(library):
    """A client of a server below /qa."""
    seeds, index = library
    app = make_app(index, seeds, root_path="/qa")
    with TestClient(app, base_url="http://127.0.0.1", follow_redirects=False) as client:
        yield client


@pytest.mark.parametrize("before", ["", "/qa"])
def test_below_a_path_everything_is_there_whether_the_proxy_leaves_it_in_or_not(rooted, before):
    assert rooted.get(f"{before}/healthz").json()["status"] == "ok"
    question = {"question": "How old is Ri?"}
    assert rooted.post(f"{before}/api/ask", json=question).status_code == 200
    assert "page/page.js" in rooted.get(f"{before}/").text
    assert rooted.get(f"{before}/page/style.css").status_code == 200
    assert rooted.get(f"{before}/gradio_api/upload").status_code == 404
    assert rooted.get(f"{before}/qax/healthz").status_code == 404
    described = rooted.get(f"{before}/api/openapi.json").json()
    assert described["servers"] == [{"url": "/qa"}]


def test_a_root_without_its_slash_leads_to_the_page(rooted):
    moved = rooted.get("/qa?q=How+old+is+Ri%3F")
    assert moved.status_code == 307
    assert moved.headers["location"] == "/qa/?q=How+old+is+Ri%3F"
    assert rooted.get("/qa").headers["location"] == "/qa/"


def test_the_page_tells_no_address_that_a_header_brought(rooted):
    page = rooted.get(
        "/", headers={"x-forwarded-host": "evil.example", "x-gradio-server": "http://evil.example"}
    ).text
    assert "evil.example" not in page and "page.invalid" not in page
    assert '"root":"./"' in page.replace('": "', '":"')


def mounted(index, seeds, **settings):
    """Another application with this one in it."""
    parent = FastAPI()
    parent.mount("/qa", make_app(index, seeds, **settings))

    @parent.get("/hello")
    def hello():
        return "hello"

    return parent


@pytest.fixture
def own(tmp_path, encoders):
    """A library that may be changed: (seeds, index)."""
    return new_library(tmp_path, encoders)


def test_a_mounted_application_holds_to_its_password(library, environment):
    environment(QA_PASSWORD="right")
    with TestClient(mounted(library[1], library[0]), base_url="http://127.0.0.1") as client:
        assert client.get("/qa/api/documents", headers=WRONG).status_code == 401
        assert client.get("/qa/").status_code == 401
        assert client.get("/qa/api/documents", headers=RIGHT).status_code == 200


def tools_at(client, path):
    """The tools that a server offers by MCP there."""
    asked = {"jsonrpc": "2.0", "id": 1, "method": "tools/list", "params": {}}
    accept = {"accept": "application/json, text/event-stream"}
    answer = client.post(path, json=asked, headers=accept)
    event = next(line for line in answer.text.splitlines() if line.startswith("data: {"))
    return {tool["name"] for tool in json.loads(event[6:])["result"]["tools"]}


def test_a_mounted_application_offers_its_tools_in_each_event_loop(library):
    client = TestClient(mounted(library[1], library[0]), base_url="http://127.0.0.1")
    for _ in range(2):  # each request has a loop of its own
        assert tools_at(client, "/qa/mcp") >= {"ask", "read", "verify"}
        assert client.get("/qa/healthz").json()["status"] == "ok"


def living():
    """An application that notes what happens to it, and the notes."""
    notes = []

    @asynccontextmanager
    async def lifespan(_app):
        notes.append("started")
        try:
            yield
        finally:
            notes.append("ended")

    app = FastAPI(lifespan=lifespan)

    @app.get("/")
    def page():
        notes.append("asked")

    return Started(app, lambda: notes.append("closed")), notes


def test_what_nothing_starts_is_started_once_by_its_first_requests():
    app, notes = living()

    async def ask_twice(app):
        transport = httpx.ASGITransport(app)
        async with httpx.AsyncClient(transport=transport, base_url="http://x") as client:
            await asyncio.gather(client.get("/"), client.get("/"))

    asyncio.run(ask_twice(app))
    assert notes == ["started", "asked", "asked", "ended"]
    asyncio.run(ask_twice(app))  # another event loop, as in a notebook
    assert notes[4:] == ["started", "asked", "asked", "ended"]
    del app
    gc.collect()
    assert notes[8:] == ["closed"]


def test_what_a_server_starts_is_closed_with_it():
    app, notes = living()
    with TestClient(app) as client:
        client.get("/")
    assert notes == ["started", "asked", "ended", "closed"]


def test_an_application_that_could_not_start_is_tried_again_by_the_next_request():
    tries = []

    async def begun(scope, receive, send):
        if scope["type"] == "lifespan":
            await receive()
            tries.append("failed" if not tries else "complete")
            await send({"type": f"lifespan.startup.{tries[-1]}", "message": "no disk"})
        if scope["type"] == "lifespan" and tries[-1] == "complete":
            await receive()

    async def ask_until_started():
        app = Started(begun, lambda: None)
        with pytest.raises(QAError, match="could not be started"):
            await app({"type": "http"}, None, None)
        await asyncio.sleep(0)
        await app({"type": "http"}, None, None)

    asyncio.run(ask_until_started())
    assert tries == ["failed", "complete"]


def test_a_path_that_only_begins_like_the_root_is_left_whole():
    paths = []

    async def note(scope, _receive, _send):
        paths.append(scope["path"])

    for path in ("/a/b", "/api/b", "/a/", "/a/a/b"):
        scope = {"type": "http", "path": path, "headers": []}
        asyncio.run(Rooted(note, "/a")(scope, None, None))
    assert paths == ["/b", "/api/b", "/", "/a/b"]


# From here on with a browser, beside which no event loop runs in this thread.

QUESTION = "#question input"


def test_in_another_application_everything_is_there_and_is_started(own, browser):
    seeds, index = own
    with running(mounted(index, seeds, watch=True)) as at, new_tab(browser) as page:
        assert httpx.get(f"{at}/hello").json() == "hello"
        page.goto(f"{at}/qa?q=How+old+is+Ri%3F")
        page.wait_for_selector(".card")
        assert page.url.startswith(f"{at}/qa/?")
        assert tools_at(httpx, f"{at}/qa/mcp") >= {"ask", "read", "verify"}
        assert httpx.get(f"{at}/qa/api/openapi.json").json()["servers"] == [{"url": "/qa"}]
        write(seeds, "late.txt", "The ferry leaves at six.\n")  # the watcher sees it
        page.goto(f"{at}/qa/?view=library")
        page.wait_for_selector(
            "tr:has-text('late.txt') .indexed, tr:has-text('late.txt'):has-text('indexed')"
        )


def uses_page(page, at):
    """Asks, opens a source, sees a page's picture and the library; leaves the first open."""
    page.goto(f"{at}?q=How+many+killed+or+wounded&kind=pdf")
    page.locator(".open").first.click()
    page.wait_for_function(
        "() => [...document.querySelectorAll('.sheet img')].some(i => i.complete && i.naturalWidth > 900)"
    )
    page.goto(f"{at}?view=library")
    page.wait_for_selector("table")
    page.goto(at)
    page.fill(QUESTION, "How old is Ri?")
    page.press(QUESTION, "Enter")
    page.wait_for_selector("#answer .card")
    page.locator("#answer .open").first.click()
    page.wait_for_selector("#viewer mark.current")
    assert page.url.startswith(f"{at}?q=How+old+is+Ri")


def readme_location(path, upstream):
    """The README's own block for nginx, below that path and before that server."""
    block = re.search(r"```nginx\n(.*?)```", README, re.DOTALL)[1]
    assert "location /qa/ {" in block and "http://127.0.0.1:7860/;" in block
    return block.replace("/qa/", path).replace("http://127.0.0.1:7860", upstream)


# A browser says so of every answer that comes by plain HTTP from another machine.
BY_HTTP = "Cross-Origin-Opener-Policy header has been ignored"


@pytest.mark.parametrize("path", ["/", "/qa/"])
def test_behind_nginx_as_the_readme_sets_it_up(browser, corpus, tmp_path, environment, path):
    environment(QA_HOSTS="docs.example", QA_PROXIES="127.0.0.1", QA_ROOT_PATH=path)
    with (
        serving(*corpus, password="right") as upstream,
        nginx(tmp_path, readme_location(path, upstream)) as port,
        new_tab(browser, http_credentials={"username": "any", "password": "right"}) as page,
    ):
        page.expected = (BY_HTTP, "401")
        uses_page(page, f"http://docs.example:{port}{path}")
        OUTPUT.mkdir(exist_ok=True)
        page.screenshot(path=OUTPUT / f"nginx{path.strip('/')}.png")
        elsewhere = httpx.HTTPTransport(local_address="127.0.0.9")  # where no proxy is
        with httpx.Client(transport=elsewhere) as client:
            at = f"http://127.0.0.1:{port}{path}api/documents"
            messages = [WRONG | forwarded(f"9.9.9.{n}") for n in range(ATTEMPTS + 1)]
            result = [client.get(at, headers=headers).status_code for headers in messages]
            assert result == [401] * ATTEMPTS + [429]
            assert client.get(at, headers=RIGHT).status_code == 200


PLAIN = "location {path} {{ proxy_pass {upstream}{uri}; }}"


@pytest.mark.parametrize("place", [("/", "", ""), ("/qa/", "/", ""), ("/qa/", "", "/qa")])
@pytest.mark.parametrize("name", ["localhost", "127.0.0.1"])
def test_behind_an_nginx_that_puts_its_own_name_into_host(browser, corpus, tmp_path, place, name):
    path, uri, root_path = place
    with (
        serving(*corpus, root_path=root_path) as upstream,
        nginx(tmp_path, PLAIN.format(path=path, upstream=upstream, uri=uri)) as port,
        new_tab(browser) as page,
    ):
        uses_page(page, f"http://{name}:{port}{path}")


@pytest.mark.parametrize("is_named", [True, False])
def test_by_plain_http_such_an_nginx_is_the_servers_own_where_its_address_was_named(
    browser, corpus, tmp_path, environment, is_named
):
    """A browser then tells nothing else that would show the page to be the server's own."""
    port = free_port()
    environment(QA_HOSTS=f"docs.example:{port if is_named else port - 1}")
    with (
        serving(*corpus) as upstream,
        nginx(tmp_path, PLAIN.format(path="/", upstream=upstream, uri=""), port),
        new_tab(browser) as page,
    ):
        page.expected = (BY_HTTP, "403")
        page.goto(f"http://docs.example:{port}/?q=How+old+is+Ri%3F")
        if is_named:
            page.wait_for_selector(".card")
        else:
            page.wait_for_function(
                "() => [...document.querySelectorAll('#answer')].some("
                "place => getComputedStyle(place, '::before').content.includes('QA_HOSTS'))"
            )


def foreign_page(at):
    """A page of another site that tries to reach the server in every way that a page has."""
    return f"""<title>loading</title><a href="{at}/?q=How+old+is+Ri%3F">link</a>
        <img src="{at}/api/answer.json?q=Ri"><script src="{at}/api/documents"></script>
        <link rel="stylesheet" href="{at}/page/style.css"><iframe src="{at}/"></iframe>
        <form method="post" action="{at}/api/build" target="frame"><button>go</button></form>
        <iframe name="frame"></iframe><script>
        const body = JSON.stringify({{ question: "Ri?" }});
        Promise.allSettled([
            fetch("{at}/api/documents"), fetch("{at}/api/documents", {{ mode: "no-cors" }}),
            fetch("{at}/api/ask", {{ method: "POST", mode: "no-cors", body }}),
            fetch("{at}/gradio_api/run/predict", {{ method: "POST", mode: "no-cors", body }}),
            fetch("{at}/?q=Ri", {{ mode: "no-cors", credentials: "include" }}),
        ]).then(() => document.title = "tried")</script>"""


def noting(app, notes):
    """The application, with the path and status of each answer noted."""

    async def noted(scope, receive, send):
        async def note(message):
            if message["type"] == "http.response.start":
                notes.append((scope["path"], message["status"]))
            await send(message)

        await app(scope, receive, note)

    return noted


def test_a_page_of_another_site_reaches_nothing_but_by_a_link(browser, corpus):
    notes = []
    elsewhere = FastAPI()
    with (
        running(noting(make_app(corpus[1], corpus[0]), notes)) as at,
        running(elsewhere) as other,
        new_tab(browser) as page,
    ):
        elsewhere.get("/")(lambda: HTMLResponse(foreign_page(at)))
        page.expected = ("",)  # a browser complains of each
        for name in ("127.0.0.1", "localhost"):  # another port of the same site; another site
            notes.clear()
            page.goto(other.replace("127.0.0.1", name))
            page.wait_for_function("() => document.title === 'tried'")
            with page.expect_response("**/api/build"):
                page.get_by_role("button").click()
            assert {status for _, status in notes} == {403}
            assert {path for path, _ in notes} == {
                *("/", "/api/answer.json", "/api/ask", "/api/build", "/api/documents"),
                *("/gradio_api/run/predict", "/page/style.css"),
            }
            page.get_by_role("link").click()
            page.wait_for_selector(".card")
