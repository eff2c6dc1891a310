"""Who is let in, and what they may reach."""

import base64

import pytest
from starlette.testclient import TestClient

from qa.errors import SettingsInvalid
from qa.web import make_app, serve
from qa.web.admission import body_limit
from qa.web.guards import ATTEMPTS, ATTEMPTS_SECONDS, Guards, Hosts, Passwords
from qa.web.library import UPLOAD_LIMIT
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
        ("192.168.1.5", "192.168.1.5:7860", True),
        ("192.168.1.5", "evil.example", False),
        ("0.0.0.0", "192.168.1.5:7860", True),
        ("0.0.0.0", "evil.example", False),
        ("0.0.0.0", "docs.example", True),
    ],
)
def test_only_names_that_the_server_goes_by_are_known(bound, host, known):
    assert Hosts.of(bound, ["docs.example"]).know(host) is known


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
    assert client.get("/", headers={"authorization": "Bearer sésame".encode()}).status_code in (
        200,
        401,
    )
    assert client.get("/healthz").text == "reached"


def test_a_token_opens_as_the_password_does():
    client = TestClient(Guards(echo, Hosts.of("127.0.0.1"), Passwords("token")), "http://localhost")
    assert client.get("/api/documents", headers={"authorization": "Bearer token"}).text == "reached"


def test_guessing_is_stopped_and_forgiven_after_a_while():
    now = 0.0
    passwords = Passwords("right", clock=lambda: now)
    for _ in range(ATTEMPTS):
        assert passwords.refusal(basic("wrong")["authorization"], "1.2.3.4").status == 401
    assert passwords.refusal(basic("right")["authorization"], "1.2.3.4").status == 429
    assert passwords.refusal(basic("right")["authorization"], "5.6.7.8") is None
    now = ATTEMPTS_SECONDS + 1
    assert passwords.refusal(basic("right")["authorization"], "1.2.3.4") is None


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


@pytest.mark.parametrize(
    "headers",
    [
        {"origin": "http://evil.example"},
        {"origin": "null"},
        {"sec-fetch-site": "cross-site"},
        {"origin": "http://localhost:9999"},
    ],
)
def test_a_change_from_another_site_is_refused(client, headers):
    assert client.post("/api/build", headers=headers).status_code == 403
    assert client.post("/gradio_api/run/predict", headers=headers, json={}).status_code == 403


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
