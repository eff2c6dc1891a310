"""A server under attack from all sides at once goes on answering, shows nothing, and stays small.

Short here; `make campaign` (QA_LONG) tries far more, and holds the server to a second a question and
to a gigabyte as well.
"""

import json
import os
import random
import socket
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import attacks
import files
import httpx
import pytest
from indexes import write
from served import CHROMIUM, browser
from servers import serving_process, wait_for

from qa.building.pipeline import build

__all__ = ["browser"]

LONG = int(os.environ.get("QA_LONG", "0"))
ROUNDS = max(1, LONG // 10)  # of what is short here
SLOW = 200 if LONG else 60  # clients that are held
LARGE = 40 if LONG else 8  # clients that send large bodies


@pytest.fixture(scope="module")
def attacked(tmp_path_factory, encoders):
    """A server over a folder of hostile files and a sound one: (client, its folder, documents)."""
    place = tmp_path_factory.mktemp("attacked")
    seeds, index = place / "seeds", place / "index"
    write(seeds, "ri.txt", "Ri is a soldier. He is 26 years old.\n\nThe mill grinds rye.\n")
    for name, (data, _, _) in files.hostile().items():
        if "/" not in name:
            (seeds / name).write_bytes(data)
    (seeds / "narrow.pdf").write_bytes(files.narrow_pdf())
    (seeds / "endless.pdf").write_bytes(files.endless_pdf())
    (place / "secret.txt").write_text(attacks.SECRET)
    (index).mkdir()
    (index / "encoders").symlink_to(encoders)
    report = build(seeds, index)
    documents = [file.sha256 for file in report.files if file.path.endswith(".pdf")]
    with serving_process(seeds, index, place) as client:
        yield client, place, [document for document in documents if document]


def test_a_server_under_every_attack_at_once_goes_on_answering(attacked, capsys):
    client, place, documents = attacked
    port, chance = client.base_url.port, random.Random(7)
    canary = attacks.Canary()
    with httpx.Client(base_url=client.base_url, timeout=60) as asking:
        prober = attacks.Prober(asking, client.process.pid)
        try:
            tallies = attacks.side_by_side(
                {
                    "raw requests": lambda: attacks.raw_requests(port, chance, 60 * ROUNDS),
                    "page events": lambda: attacks.page_events(
                        client, place / "secret.txt", canary.address, 60 * ROUNDS
                    ),
                    "bombs to verify and match": lambda: attacks.verify_bombs(client, 6 * ROUNDS),
                    "pages to draw": lambda: attacks.hostile_pages(client, documents, 6 * ROUNDS),
                    "large bodies": lambda: attacks.large_bodies(port, LARGE, ROUNDS),
                    "slow clients": lambda: attacks.slow_clients(port, SLOW, 5 + LONG / 10),
                }
            )
        finally:
            prober.close()
            canary.close()
    assert client.health()["status"] in ("ok", "degraded")
    with capsys.disabled():
        print()
        for row in attacks.rows(tallies):
            print(f"  {row}")
        print(
            f"  questions meanwhile: {len(prober.seconds)}, slowest {max(prober.seconds):.2f} s, "
            f"server {prober.memory >> 20} MB at most"
        )
    assert {name: tally.through for name, tally in tallies.items() if tally.through} == {}
    assert all(tally.tried for tally in tallies.values())
    assert canary.reached == []
    assert prober.failed == [] and len(prober.seconds) > 3
    assert prober.memory < 1 << 30
    if LONG:
        assert max(prober.seconds) < 1.0
    log = client.log.read_text(encoding="utf-8")
    assert attacks.SECRET not in log and "Traceback" not in log


def test_no_client_that_is_gone_is_remembered(attacked):
    """After an attack the server has let go of its connections."""
    client, _, _ = attacked

    def current():
        return len(list(os.scandir(f"/proc/{client.process.pid}/fd")))

    before = current()
    opened = [socket.create_connection(("127.0.0.1", client.base_url.port)) for _ in range(40)]
    wait_for(lambda: current() >= before + 30)
    for connection in opened:
        connection.close()
    wait_for(lambda: current() <= before + 5)


PAGE = """<!doctype html><script>
const at = %(address)s, done = [];
const tries = {
  ask: () => fetch(at + "/api/ask", {method: "POST", body: JSON.stringify({question: "Ri?"})}),
  simple: () => fetch(at + "/api/ask", {method: "POST", headers: {"content-type": "text/plain"},
    body: JSON.stringify({question: "Ri?"})}),
  build: () => fetch(at + "/api/build", {method: "POST", mode: "no-cors"}),
  put: () => fetch(at + "/api/files?name=evil.txt", {method: "PUT", body: "evil"}),
  opaque: () => fetch(at + "/api/documents", {mode: "no-cors"}),
  event: () => fetch(at + "/gradio_api/run/predict", {method: "POST", mode: "no-cors",
    body: JSON.stringify({data: ["Ri?"], fn_index: 4, session_hash: "aaaaaaaaaaa"})}),
  script: () => new Promise((yes, no) => { const s = document.createElement("script");
    s.src = at + "/api/openapi.json"; s.onload = () => yes({text: () => "loaded"}); s.onerror = no;
    document.head.append(s); }),
  image: () => new Promise((yes, no) => { const i = new Image(); i.onload = () =>
    yes({text: () => "image " + i.width}); i.onerror = no; i.src = at + "/favicon.ico"; }),
  frame: () => new Promise((yes, no) => { const f = document.createElement("iframe");
    f.src = at + "/"; f.onload = () => { try { yes({text: () => f.contentDocument.title || "";}) }
    catch (error) { no(error) } }; document.documentElement.append(f); }),
};
(async () => { for (const [name, attempt] of Object.entries(tries)) {
  try { const found = await attempt(); done.push([name, await found.text()]); }
  catch (error) { done.push([name, ""]); } }
  window.done = done; })();
</script>""".replace('"";})', '""})')


@pytest.mark.skipif(not CHROMIUM.exists(), reason="no browser")
def test_a_page_of_another_site_changes_nothing_and_reads_nothing(attacked, browser):
    client, place, _ = attacked
    address = str(client.base_url).rstrip("/")
    page = (PAGE % {"address": json.dumps(address)}).encode()

    class Foreign(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.send_header("content-type", "text/html")
            self.end_headers()
            self.wfile.write(page)

        def log_message(self, *_: object) -> None:
            pass

    foreign = ThreadingHTTPServer(("127.0.0.1", 0), Foreign)
    threading.Thread(target=foreign.serve_forever, daemon=True).start()
    before = client.get("/api/build").json()
    tab = browser.new_page()
    try:
        tab.goto(f"http://localhost:{foreign.server_port}/")
        tab.wait_for_function("window.done", timeout=60_000)
        done = tab.evaluate("window.done")
    finally:
        tab.close()
        foreign.shutdown()
        foreign.server_close()
    assert len(done) == 9
    assert [name for name, text in done if text] == []
    assert client.get("/api/build").json() == before
    assert not (place / "seeds" / "evil.txt").exists()
