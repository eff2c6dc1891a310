"""Who is let in, and what they may reach."""

import asyncio
import base64

import pytest
from starlette.testclient import TestClient

from qa.errors import SettingsInvalid
from qa.web import make_app, serve
from qa.web.admission import body_limit
from qa.web.guards import Guards, Hosts, is_loopback
from qa.web.library import UPLOAD_LIMIT
from qa.web.passwords import ATTEMPTS, ATTEMPTS_SECONDS, PAUSE, WAITING, Passwords
from qa.web.server import listening


@pytest.fixture(scope="module")
def client(library):
    seeds, index = library
    with TestClient(make_app(index, seeds), base_url="http://127.0.0.1:7860") as client:
        yield client


def basic(password, user="anyone"):
    return {"authorization": f"Basic {base64.b64encode(f'{user}:{password}'.encode()).decode()}"}


async def echo(scope, receive, send):
    """An application that says it was reached, after it has taken the whole body."""
    while (await receive()).get("more_body"):
        pass
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": b"reached"})


@pytest.mark.parametrize(
    ("bound", "host", "known"),
    [
        ("127.0.0.1", "localhost:7860", True),
        ("127.0.0.1", "[::1]:7860", True),
        ("127.0.0.1", "evil.example", False),
        ("127.0.0.1", "192.168.1.5", False),
        ("127.0.0.1", "", False),
        ("127.0.0.2", "127.0.0.2:7860", True),
        ("127.1", "127.0.0.1:7860", True),
        ("LOCALHOST", "localhost:7860", True),
        ("127.0.0.1", "localhost.:7860", True),
        ("0:0:0:0:0:0:0:1", "[::1]:7860", True),
        ("2001:DB8:0::1", "[2001:db8::1]:7860", True),
        ("Docs-Server", "docs-server:7860", True),
        ("beef.example", "beef.example", True),
        ("::0", "[2001:db8::7]:7860", True),
        ("::0", "evil.example", False),
        ("0", "192.168.1.5:7860", True),
        ("192.168.1.5", "192.168.1.5:7860", True),
        ("192.168.1.5", "evil.example", False),
        ("0.0.0.0", "192.168.1.5:7860", True),
        ("0.0.0.0", "evil.example", False),
        ("0.0.0.0", "docs.example", True),
    ],
)
def test_only_names_that_the_server_goes_by_are_known(bound, host, known):
    assert Hosts.of(bound, ["docs.example"]).know(host) is known


@pytest.mark.parametrize("host", ["127.0.0.2", "127.1", "LOCALHOST", "::1", "0:0::1", "[::1]"])
def test_an_address_of_this_machine_alone_needs_no_password(host):
    assert is_loopback(host)


@pytest.mark.parametrize(
    "host", ["0.0.0.0", "0", "::", "::0", "", "10.1", "1.2.3.4", "beef", "127.0.0.1.example"]
)
def test_every_other_address_needs_one(host):
    assert not is_loopback(host)


def test_a_foreign_host_header_is_refused(client):
    assert client.get("/healthz", headers={"host": "evil.example"}).status_code == 421


def test_beyond_loopback_a_password_must_be_set(library):
    with pytest.raises(SettingsInvalid, match="QA_PASSWORD"):
        serve(library[1], library[0], host="0.0.0.0")


def test_an_address_that_is_taken_is_refused_in_words():
    with listening("127.0.0.1", 0) as taken, pytest.raises(SettingsInvalid, match="--port"):
        listening("127.0.0.1", taken.getsockname()[1])


def test_with_a_password_only_those_who_have_it_get_in():
    client = TestClient(
        Guards(echo, Hosts.of("127.0.0.1"), Passwords("sésame")), "http://localhost"
    )
    assert client.get("/").status_code == 401
    assert client.get("/", headers=basic("wrong")).status_code == 401
    assert client.get("/", headers=basic("sésame")).text == "reached"
    assert client.get("/", headers={"authorization": "Bearer sésame".encode()}).text == "reached"
    assert client.get("/healthz").text == "reached"


def test_a_token_opens_as_the_password_does():
    client = TestClient(Guards(echo, Hosts.of("127.0.0.1"), Passwords("token")), "http://localhost")
    assert client.get("/api/documents", headers={"authorization": "Bearer token"}).text == "reached"


def wrong(passwords, client, **more):
    """The status that a wrong password from there gets."""
    return passwords.refusal(basic("wrong")["authorization"], client, **more).status


def test_who_guesses_is_refused_for_a_while_and_who_knows_the_password_gets_in_at_once():
    now = 0.0
    passwords = Passwords("right", clock=lambda: now)
    assert [wrong(passwords, "1.2.3.4") for _ in range(ATTEMPTS)] == [401] * ATTEMPTS
    assert wrong(passwords, "1.2.3.4") == 429
    assert passwords.refusal(basic("right")["authorization"], "1.2.3.4") is None
    assert wrong(passwords, "5.6.7.8") == 401
    now = ATTEMPTS_SECONDS + 1
    assert wrong(passwords, "1.2.3.4") == 401


def test_a_browser_is_asked_again_however_often_it_was_wrong():
    """It keeps a password that is answered by anything but 401, and offers no way to another."""
    guards = Guards(echo, Hosts.of("127.0.0.1"), Passwords("right", sleep=at_once))
    client = TestClient(guards, "http://localhost", headers={"accept": "text/html,*/*"})
    for _ in range(ATTEMPTS + 2):
        refused = client.get("/", headers=basic("wrong"))
        assert refused.status_code == 401
        assert refused.headers["www-authenticate"].startswith("Basic")


async def at_once(_seconds):
    """No time at all."""


def test_guesses_are_checked_one_at_a_time_with_a_pause_after_each():
    now = 0.0

    async def sleep(seconds):
        nonlocal now
        now += seconds

    passwords = Passwords("right", clock=lambda: now, sleep=sleep)

    async def guess(count):
        for _ in range(count):
            assert await passwords.turn("Bearer wrong", "1.2.3.4") is None
            wrong(passwords, "1.2.3.4")

    asyncio.run(guess(ATTEMPTS))
    assert now == 0
    asyncio.run(guess(101))
    assert now == pytest.approx(101 * PAUSE)
    assert asyncio.run(passwords.turn("", "1.2.3.4")) is None
    assert asyncio.run(passwords.turn("Bearer wrong", "5.6.7.8")) is None
    assert now == pytest.approx(101 * PAUSE)


def test_more_guesses_than_can_wait_are_refused_unchecked():
    async def sleep(_seconds):
        await asyncio.Event().wait()

    passwords = Passwords("right", clock=lambda: 0.0, sleep=sleep)
    for _ in range(ATTEMPTS):
        wrong(passwords, "1.2.3.4")

    async def crowd():
        turns = [
            asyncio.create_task(passwords.turn("Bearer any", client))
            for client in (*["1.2.3.4"] * (WAITING + 1), "5.6.7.8")
        ]
        await asyncio.sleep(0)
        done = [task.done() and task.result() for task in turns]
        for task in turns:
            task.cancel()
        await asyncio.gather(*turns, return_exceptions=True)
        return done

    *waiting, refused, other = asyncio.run(crowd())
    assert waiting == [False] * WAITING
    assert refused and refused.status == 429
    assert other is None


@pytest.mark.parametrize(
    ("one", "other", "is_same"),
    [
        ("2001:db8:1:2::1", "2001:db8:1:2:ffff::9", True),
        ("2001:db8:1:2::1", "2001:db8:1:3::1", False),
        ("::ffff:10.0.0.7", "10.0.0.7", True),
        ("10.0.0.7", "10.0.0.8", False),
        ("fe80::1%eth0", "fe80::2%eth1", True),
        ("", "", True),
    ],
)
def test_an_address_counts_for_its_network(one, other, is_same):
    passwords = Passwords("right")
    for _ in range(ATTEMPTS):
        wrong(passwords, one)
    assert (wrong(passwords, other) == 429) is is_same


@pytest.mark.parametrize(
    "path",
    [
        "/gradio_api/upload", "/gradio_api/file=/etc/passwd", "/gradio_api/proxy=http://x.example/",
        "/file=/etc/passwd", "/monitoring", "/monitoring/summary", "/gradio_api/queue/join",
        "/gradio_api/queue/data", "/gradio_api/info", "/gradio_api/call/shown", "/login", "/docs",
        "/gradio_api/stream/x/0/0/playlist.m3u8", "/gradio_api/vibe-code", "/gradio_api/component_server",
        "/openapi.json", "/redoc", "/gradio_api/runs", "/runs",
    ],
)  # fmt: skip
@pytest.mark.parametrize("method", ["GET", "POST"])
def test_what_gradio_brings_and_the_page_does_not_use_is_closed(client, path, method):
    assert client.request(method, path).status_code == 404


FOREIGN = [
    {"origin": "http://evil.example"},
    {"origin": "null"},
    {"origin": "http://localhost:9999"},
    {"sec-fetch-site": "cross-site"},
    {"sec-fetch-site": "same-site", "sec-fetch-mode": "cors"},
    {"sec-fetch-site": "cross-site", "sec-fetch-mode": "navigate", "sec-fetch-dest": "document"},
]


@pytest.mark.parametrize("headers", FOREIGN)
def test_what_another_site_requests_is_refused(client, headers):
    """Whether it changes something or only fetches, and also when it leads a browser there."""
    for path in ("/api/build", "/api/ask", "/gradio_api/run/predict", "/mcp"):
        assert client.post(path, headers=headers, json={}).status_code == 403
    document = client.get("/api/documents").json()["documents"][0]["id"]
    for path in (
        *("/api/documents", "/api/filters", "/api/build", "/api/openapi.json", "/config"),
        *("/api/answer.json?q=Ri", "/api/answer.md?q=Ri", f"/api/documents/{document}"),
        f"/api/documents/{document}/pages/1.png",
    ):
        refused = client.get(path, headers=headers)
        assert refused.status_code == 403
        assert "QA_HOSTS" in refused.json()["error"]
    assert client.options("/api/ask", headers=headers).status_code == 403


LINK = {"sec-fetch-site": "cross-site", "sec-fetch-mode": "navigate", "sec-fetch-dest": "document"}


def test_a_link_from_anywhere_leads_to_the_page_and_nothing_else_does(client):
    assert client.get("/?q=How+old+is+Ri", headers=LINK).status_code == 200
    assert client.head("/", headers=LINK).status_code == 200
    for other in (
        {"sec-fetch-dest": "iframe"},
        {"sec-fetch-dest": "empty", "sec-fetch-mode": "cors"},
        {"sec-fetch-dest": "image", "sec-fetch-mode": "no-cors"},
    ):
        assert client.get("/", headers=LINK | other).status_code == 403
    assert client.post("/", headers=LINK).status_code == 403


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"sec-fetch-site": "same-origin", "sec-fetch-mode": "cors"},
        {"sec-fetch-site": "none", "sec-fetch-mode": "navigate"},
        {"origin": "http://127.0.0.1:7860"},
        # A proxy put its own name into Host: the browser knows better.
        {"origin": "https://docs.example", "sec-fetch-site": "same-origin"},
    ],
)
def test_what_the_page_or_a_program_requests_is_answered(client, headers):
    assert client.get("/api/documents", headers=headers).status_code == 200
    question = {"question": "How old is Ri?"}
    assert client.post("/api/ask", json=question, headers=headers).status_code == 200


@pytest.mark.parametrize(
    ("origin", "host", "is_own"),
    [
        ("http://127.0.0.1:7860", "127.0.0.1:7860", True),
        ("http://127.0.0.1:7861", "127.0.0.1:7860", False),
        ("https://docs.example", "127.0.0.1:7860", True),
        ("https://docs.example:443", "docs.example", True),
        ("http://docs.example:80", "docs.example:80", True),
        ("https://docs.example:8443", "127.0.0.1:7860", False),
        ("https://qa.example:8443", "127.0.0.1:7860", True),
        ("https://qa.example", "127.0.0.1:7860", False),
        ("http://[fd00::1]", "127.0.0.1:7860", True),
        ("null", "127.0.0.1:7860", False),
        ("", "127.0.0.1:7860", False),
    ],
)
def test_an_origin_is_own_by_host_or_by_a_name_that_was_given(origin, host, is_own):
    hosts = Hosts.of("127.0.0.1", [" Docs.example", "https://qa.example:8443/", "fd00::1", ""])
    assert hosts.own(origin, host) is is_own
    for name in ("docs.example", "qa.example", "qa.example:8443", "[fd00::1]:80"):
        assert hosts.know(name)


def test_a_large_body_is_refused_by_its_header_and_by_its_size(client):
    assert client.post("/api/ask", content=b"x" * (body_limit("/api/ask") + 1)).status_code == 413

    def drip():
        for _ in range(40):
            yield b"x" * 10_000

    assert client.post("/api/ask", content=drip()).status_code == 413
    assert body_limit("/api/files") == UPLOAD_LIMIT


def test_every_answer_bears_the_guarding_headers(client):
    for path in ("/", "/healthz", "/page/page.js", "/nothing", "/api/documents"):
        headers = client.get(path).headers
        assert headers["x-content-type-options"] == "nosniff"
        assert headers["x-frame-options"] == "DENY"
        assert "frame-ancestors 'none'" in headers["content-security-policy"]
        assert "access-control-allow-origin" not in headers


def test_the_page_runs_only_scripts_that_its_policy_names_by_hash(client):
    page = client.get("/")
    scripts = page.headers["content-security-policy"].split("script-src ")[1].split(";")[0]
    assert "unsafe" not in scripts
    assert scripts.count("'sha256-") >= 1
    assert "http" not in scripts
    assert 'rel="manifest"' not in page.text
    assert "og:image" not in page.text


def test_a_fault_inside_is_told_without_its_trace(library):
    async def broken(_scope, _receive, _send):
        raise RuntimeError("secret")

    client = TestClient(
        Guards(broken, Hosts.of("127.0.0.1"), None),
        "http://localhost",
        raise_server_exceptions=False,
    )
    refused = client.get("/healthz")
    assert refused.status_code == 500
    assert "secret" not in refused.text
