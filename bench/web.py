"""How fast the page is, for one reader and for many at once.

`python bench/web.py INDEX SEEDS QUESTIONS.jsonl [--seconds 60] [--users 50]`
A server of its own on a free port; chromium for what a reader sees, plain HTTP for many at once.
"""

import argparse
import http.client
import json
import os
import random
import re
import signal
import socket
import statistics
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from pathlib import Path

CHROMIUM = "/usr/bin/chromium"
ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
]
SERVE = "import sys; from qa.web import serve; serve(sys.argv[1], sys.argv[2], port=int(sys.argv[3]), watch=False)"
# Milliseconds from Enter to the moment after the first frame that shows the answer.
TIMED = """question => new Promise(done => {
    const box = document.querySelector('#question input');
    const answer = document.querySelector('#answer');
    Object.getOwnPropertyDescriptor(HTMLInputElement.prototype, 'value').set.call(box, question);
    box.dispatchEvent(new Event('input', { bubbles: true }));
    setTimeout(() => {
        const before = document.querySelector('.here');
        const start = performance.now();
        new MutationObserver((_, watcher) => {
            if (document.querySelector('.here') === before || !document.querySelector('.card')) return;
            watcher.disconnect();
            const seen = performance.now() - start;
            requestAnimationFrame(() => setTimeout(() => done([seen, performance.now() - start])));
        }).observe(answer, { childList: true, subtree: true });
        box.dispatchEvent(new KeyboardEvent('keypress', { key: 'Enter', bubbles: true }));
        box.dispatchEvent(new KeyboardEvent('keydown', { key: 'Enter', bubbles: true }));
    }, 50);
})"""


def main() -> None:
    """Measures and prints."""
    parser = argparse.ArgumentParser()
    parser.add_argument("index")
    parser.add_argument("seeds")
    parser.add_argument("questions", type=Path)
    parser.add_argument("--seconds", type=float, default=60)
    parser.add_argument("--users", type=int, default=50)
    parser.add_argument("--think", type=float, default=2.0, help="seconds between two questions")
    parser.add_argument("--pictures", type=Path, help="a folder for pictures of the page, no more")
    given = parser.parse_args()
    lines = given.questions.read_text(encoding="utf-8").splitlines()
    questions = [json.loads(line)["question"] for line in lines]
    random.Random(1).shuffle(questions)
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    started = time.perf_counter()
    server = subprocess.Popen([sys.executable, "-c", SERVE, given.index, given.seeds, str(port)])
    try:
        at = f"http://127.0.0.1:{port}"
        wait_for(at)
        if given.pictures:
            take_pictures(at, given.pictures)
            return
        print(f"server ready after           {time.perf_counter() - started:8.2f} s")
        print(f"resident at first            {resident(server.pid):8.0f} MB")
        browse(at, questions)
        print(f"resident after the browser   {resident(server.pid):8.0f} MB")
        one_after_another(at, questions)
        for keeps in KEPT:
            crowd(at, questions, given.users, given.seconds, given.think, keeps=keeps)
        print(f"resident after the crowd     {resident(server.pid):8.0f} MB")
    finally:
        server.send_signal(signal.SIGTERM)
        server.wait(20)


def wait_for(at: str) -> None:
    """Waits until the server answers."""
    while True:
        try:
            urllib.request.urlopen(f"{at}/healthz", timeout=1).close()
        except OSError:
            time.sleep(0.1)
        else:
            return


def resident(process: int) -> float:
    """Megabytes of memory that a process holds."""
    status = Path(f"/proc/{process}/status").read_text(encoding="utf-8")
    return int(re.search(r"VmRSS:\s+(\d+)", status)[1]) / 1024


def browse(at: str, questions: list[str]) -> None:
    """What one reader sees."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
        usable, sizes = [], []
        for _ in range(5):
            page = browser.new_context().new_page()
            requests: list[int] = []
            page.on("requestfinished", lambda r, seen=requests: seen.append(weight(r)))
            start = time.perf_counter()
            page.goto(at, wait_until="commit")
            page.wait_for_selector("#question input")
            page.wait_for_selector(".welcome")
            usable.append(time.perf_counter() - start)
            page.wait_for_load_state("networkidle")
            sizes.append((len(requests), sum(requests)))
        print(f"usable page, median of 5     {statistics.median(usable) * 1000:8.0f} ms")
        print(f"requests and bytes           {sizes[-1][0]:8} {sizes[-1][1] / 1000:8.0f} kB")
        inside, seen, painted = [], [], []
        for question in questions[:22]:
            answered, shown = page.evaluate(TIMED, question)
            result = page.locator("#answer .time").inner_text()
            inside.append(float(result.split()[0]))
            seen.append(answered)
            painted.append(shown)
            page.wait_for_timeout(200)
        for name, figures in (
            ("ask itself", inside),
            ("Enter to excerpts", seen),
            ("and painted", painted),
        ):
            middle = statistics.median(figures[2:])
            print(f"{name + ', median of 20':28} {middle:8.0f} ms (slowest {max(figures[2:]):.0f})")
        browser.close()


def take_pictures(at: str, folder: Path) -> None:
    """The page, the source beside an answer, and the library, as the README shows them."""
    from playwright.sync_api import sync_playwright

    folder.mkdir(exist_ok=True)
    asked = f"{at}/?q=How+many+soldiers+were+killed+or+wounded%3F"
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
        page = browser.new_page(viewport={"width": 1280, "height": 800})
        page.goto(asked)
        page.wait_for_selector(".card")
        page.wait_for_load_state("networkidle")
        page.screenshot(path=folder / "ask.png")
        page.locator(".document:has-text('.pdf') .open").first.click()
        page.wait_for_selector(".sheet .box.current")
        page.wait_for_load_state("networkidle")
        page.wait_for_timeout(500)
        page.screenshot(path=folder / "viewer.png")
        page.goto(f"{at}/?view=library")
        page.wait_for_selector("table")
        page.wait_for_timeout(300)
        page.screenshot(path=folder / "library.png")
        browser.close()


def weight(request: object) -> int:
    """Bytes of an answer as it travelled."""
    sizes = request.sizes()  # type: ignore[attr-defined]
    return sizes["responseBodySize"] + sizes["responseHeadersSize"]


class Client:
    """Asks over HTTP, by one connection that is kept or by a new one each time."""

    def __init__(self, at: str, *, keeps: bool) -> None:
        self._connection = http.client.HTTPConnection(at.removeprefix("http://"), timeout=30)
        self._keeps = keeps

    def ask(self, question: str) -> float:
        """The seconds from the question to the last byte of its answer. Raises OSError."""
        body = json.dumps({"question": question})
        start = time.perf_counter()
        self._connection.request("POST", "/api/ask", body, {"content-type": "application/json"})
        answer = self._connection.getresponse()
        json.load(answer)
        seconds = time.perf_counter() - start
        if answer.status != 200:
            raise OSError(f"{answer.status} {answer.reason}")
        if not self._keeps:
            self._connection.close()
        return seconds


KEPT = {False: "new connections", True: "kept connections"}


def one_after_another(at: str, questions: list[str]) -> None:
    """One client without a browser, by new connections and by one that is kept."""
    for keeps, name in KEPT.items():
        client = Client(at, keeps=keeps)
        times = [client.ask(question) for question in questions[:60]][5:]
        print(f"asked by {name + ', median':31} {statistics.median(times) * 1000:6.1f} ms")


def crowd(
    at: str, questions: list[str], users: int, seconds: float, think: float, *, keeps: bool
) -> None:
    """Many who ask at once, each with a while to read between two questions."""
    times: list[float] = []
    errors: list[str] = []
    end = time.perf_counter() + seconds

    def user(number: int) -> None:
        chance = random.Random(number)
        client = Client(at, keeps=keeps)
        time.sleep(chance.random() * think)
        while time.perf_counter() < end:
            try:
                times.append(client.ask(chance.choice(questions)))
            except (OSError, ValueError, http.client.HTTPException) as error:
                errors.append(repr(error))
                client = Client(at, keeps=keeps)
            time.sleep(think * (0.5 + chance.random()))

    threads = [threading.Thread(target=user, args=(number,)) for number in range(users)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    times.sort()
    print(
        f"{users} users by {KEPT[keeps]}, {seconds:.0f} s, {think:g} s to read: {len(times)} "
        f"answers, {len(errors)} errors, median {times[len(times) // 2] * 1000:.0f} ms, "
        f"p95 {times[int(len(times) * 0.95)] * 1000:.0f} ms"
    )
    for error in sorted(set(errors))[:5]:
        print("  ", error)


if __name__ == "__main__":
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    main()
