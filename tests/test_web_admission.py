"""Work has its turns, slow clients take none, and nobody has all of them."""

import asyncio
import json
import time

import httpx
import pytest
from connecting import connected, limited
from starlette.requests import ClientDisconnect
from waiting import wait_for

from qa.web import bodies
from qa.web.admission import (
    DOCUMENTS,
    IMAGES,
    QUESTIONS,
    TOOLS,
    UPLOADS,
    VERIFYING,
    Admission,
    Kind,
    Turns,
    body_limit,
    kind_of,
)
from qa.web.bodies import Bodies, BodyRefused

SLOW = b"POST /api/ask HTTP/1.1\r\nhost: x\r\ncontent-length: 100\r\n\r\n{"


class Site:
    """An application that works until it is told that it has worked enough."""

    def __init__(self, *, begins=False):
        self.enough = asyncio.Event()
        self.at_work = 0
        self.begins = begins  # its answer, before it works

    async def __call__(self, _scope, _receive, send):
        """Works, and answers."""
        self.at_work += 1
        start = {"type": "http.response.start", "status": 200, "headers": []}
        if self.begins:
            await send(start)
        await self.enough.wait()
        if not self.begins:
            await send(start)
        await send({"type": "http.response.body", "body": b"done"})


async def ask(app, path="/api/ask", client="1.1.1.1", method="POST", query=b""):
    """The status and headers of an answer."""
    answer = {}

    async def receive():
        return {"type": "http.request", "body": b"{}", "more_body": False}

    async def send(message):
        if message["type"] == "http.response.start":
            answer.update(message)

    scope = {"type": "http", "method": method, "path": path, "query_string": query}
    await app({**scope, "headers": [], "client": (client, 1)}, receive, send)
    return answer["status"], dict(answer["headers"])


async def asked(app, count, **given):
    """So many requests, begun."""
    tasks = [asyncio.create_task(ask(app, **given)) for _ in range(count)]
    await settled()
    return tasks


async def settled():
    """Lets all that can go on go on."""
    for _ in range(20):
        await asyncio.sleep(0)


@pytest.mark.parametrize(
    ("path", "query", "kind"),
    [
        ("/api/ask", "", QUESTIONS), ("/api/answer.md", "q=x", QUESTIONS), ("/mcp", "", TOOLS),
        ("/gradio_api/run/predict", "q=x&view=ask", QUESTIONS),
        ("/gradio_api/run/predict", "q=x&d%6fc=00ff", DOCUMENTS),
        ("/gradio_api/run/predict", "view=library", DOCUMENTS), ("/api/verify", "", VERIFYING),
        ("/api/files", "name=a.txt", UPLOADS), ("/api/files/00ff", "", DOCUMENTS), ("/", "", DOCUMENTS),
        ("/api/documents/00ff/pages/1.png", "", IMAGES), ("/api/documents/00ff", "", DOCUMENTS),
        ("/healthz", "", None), ("/metrics", "", None), ("/assets/a.js", "", None),
    ],
)  # fmt: skip
def test_each_kind_of_work_has_turns_of_its_own(path, query, kind):
    assert kind_of({"path": path, "query_string": query.encode()}) is kind


def test_as_many_are_worked_on_as_have_turns_and_the_others_wait():
    async def scene():
        site = Site()
        app = Admission(site)
        many = [await asked(app, 20, client=f"1.1.1.{number}") for number in range(4)]
        assert site.at_work == QUESTIONS.at_once
        site.enough.set()
        statuses = [(await task)[0] for tasks in many for task in tasks]
        assert statuses == [200] * 80
        assert site.at_work == 80

    asyncio.run(scene())


def test_who_would_wait_too_long_is_told_to_come_again():
    async def scene():
        site = Site()
        app = Admission(site)
        most = QUESTIONS.at_once + QUESTIONS.waiting
        current = [await asked(app, 1, client=f"1.1.1.{number}") for number in range(most)]
        status, headers = await ask(app, client="2.2.2.2")
        assert (status, headers[b"retry-after"]) == (503, b"1")
        site.enough.set()
        assert [(await task)[0] for tasks in current for task in tasks] == [200] * most
        assert (await ask(app, client="2.2.2.2"))[0] == 200

    asyncio.run(scene())


def test_one_client_has_half_of_the_turns_and_half_of_the_queue():
    async def scene():
        site = Site()
        app = Admission(site)
        most = QUESTIONS.at_once + QUESTIONS.waiting
        tasks = await asked(app, most)
        assert site.at_work == QUESTIONS.at_once // 2
        assert sum(task.done() and task.result()[0] == 503 for task in tasks) == most - most // 2
        await asked(app, 1, client="2.2.2.2")
        assert site.at_work == QUESTIONS.at_once // 2 + 1
        site.enough.set()
        await asyncio.gather(*tasks)

    asyncio.run(scene())


def test_pages_that_are_long_to_draw_hold_up_no_question():
    async def scene():
        site = Site()
        app = Admission(site)
        path = "/api/documents/00ff/pages/1.png"
        for number in range(20):
            await asked(app, 10, path=path, client=f"1.1.1.{number}", method="GET")
        assert site.at_work == IMAGES.at_once
        await asked(app, 1)
        assert site.at_work == IMAGES.at_once + 1
        site.enough.set()
        await settled()

    asyncio.run(scene())


def test_a_turn_ends_where_the_answer_begins():
    async def scene():
        site = Site(begins=True)
        app = Admission(site)
        tasks = await asked(app, 3 * QUESTIONS.at_once)
        assert site.at_work == 3 * QUESTIONS.at_once
        site.enough.set()
        await asyncio.gather(*tasks)

    asyncio.run(scene())


def test_a_failure_gives_its_turn_back():
    async def broken(_scope, _receive, _send):
        raise RuntimeError("broken")

    async def scene():
        app = Admission(broken)
        for _ in range(3 * (QUESTIONS.at_once + QUESTIONS.waiting)):
            with pytest.raises(RuntimeError, match="broken"):
                await ask(app)

    asyncio.run(scene())


def test_clients_that_came_and_went_are_forgotten():
    async def scene():
        turns = Turns(Kind("any", 2, 0))
        for number in range(100):
            async with turns.turn(f"1.1.1.{number}"):
                pass
        assert not turns._clients

    asyncio.run(scene())


def test_a_client_of_ipv6_is_its_network():
    async def scene():
        site = Site()
        app = Admission(site)
        most = (QUESTIONS.at_once + QUESTIONS.waiting) // 2
        current = [
            await asked(app, 1, client=f"2001:db8::{number:x}") for number in range(1, most + 1)
        ]
        assert (await ask(app, client="2001:db8::ffff"))[0] == 503
        current.append(await asked(app, 1, client="2001:db8:0:1::1"))
        site.enough.set()
        assert {(await task)[0] for tasks in current for task in tasks} == {200}

    asyncio.run(scene())


def test_messages_to_a_client_of_mcp_are_not_waited_for():
    async def scene():
        for method in ("GET", "DELETE"):
            status, headers = await ask(Admission(Site()), path="/mcp", method=method)
            assert (status, headers[b"allow"]) == (405, b"POST")

    asyncio.run(scene())


def test_slow_bodies_keep_nobody_out():
    async def answering(_scope, receive, send):
        content = (await receive())["body"]
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": content})

    with limited(Admission(answering)) as (server, port), connected(port, *[SLOW] * 200):
        wait_for(lambda: len(server.connections) == 200)
        for _ in range(3):
            result = httpx.post(f"http://127.0.0.1:{port}/api/ask", content=b"now", timeout=20)
            assert (result.status_code, result.text) == (200, "now")


def test_bodies_in_memory_are_bounded_and_the_oldest_gives_way():
    async def scene():
        bodies = Bodies(limit=250)
        waits = asyncio.Event()

        async def slow():
            if waits.is_set():
                await asyncio.Event().wait()
            waits.set()
            return {"type": "http.request", "body": b"x" * 100, "more_body": True}

        async def first():
            async with bodies.complete(slow, 1_000):
                pass

        async def quick():
            return {"type": "http.request", "body": b"y" * 100, "more_body": False}

        task = asyncio.create_task(first())
        await settled()
        async with bodies.complete(quick, 1_000), bodies.complete(quick, 1_000) as body:
            assert body == b"y" * 100
            with pytest.raises(BodyRefused) as refused:
                await task
            assert refused.value.status == 503
            with pytest.raises(BodyRefused):  # nothing else can give way
                async with bodies.complete(quick, 1_000):
                    pass
        async with bodies.complete(quick, 1_000) as body:
            assert len(body) == 100

    asyncio.run(scene())


def test_large_bodies_come_at_a_rate_that_leaves_time_for_others(monkeypatch):
    monkeypatch.setattr(bodies, "RATE", 4 << 20)
    left = [b"x" * (128 << 10)] * 8

    async def quick():
        return {"type": "http.request", "body": left.pop(), "more_body": bool(left)}

    async def scene():
        started = time.monotonic()
        async with Bodies().complete(quick, 1 << 20) as body:
            assert len(body) == 1 << 20
        return time.monotonic() - started

    assert asyncio.run(scene()) >= 0.25  # seconds for 1 MB at 4 MB a second, or more


@pytest.mark.parametrize("many", ['{"a": 1}', "[1, 1, 1]", '{"a": {"b": [{}]}}'])
def test_a_body_of_very_many_values_is_refused_and_one_of_many_comes_slowly(monkeypatch, many):
    """Bytes alone are no measure of what JSON takes to be parsed."""
    monkeypatch.setattr(bodies, "VALUES_RATE", 20_000)

    def giving(count):
        left = [",".join([many] * 1_000).encode()] * count

        async def receive():
            return {"type": "http.request", "body": left.pop(), "more_body": bool(left)}

        return receive

    async def scene():
        with pytest.raises(BodyRefused, match="100,000 values") as refused:
            async with Bodies().complete(giving(120), 4 << 20):
                pass
        assert refused.value.status == 413
        started = time.monotonic()
        async with Bodies().complete(giving(2), 4 << 20):
            pass
        return time.monotonic() - started

    assert asyncio.run(scene()) >= 0.1


def test_a_long_answer_is_within_the_limits_of_a_body():
    text = 'He said: "Rye, oats and barley", and "Nothing else", {twice}. ' * 60
    excerpts = [{"text": text, "paths": [f"{n}.txt" for n in range(100)]}] * 50
    data = json.dumps({"excerpts": excerpts}).encode()

    async def receive():
        return {"type": "http.request", "body": data, "more_body": False}

    async def scene():
        async with Bodies().complete(receive, body_limit("/api/verify")) as body:
            return len(body)

    assert asyncio.run(scene()) == len(data)


def test_a_body_that_grows_beyond_its_limit_is_refused():
    async def endless():
        return {"type": "http.request", "body": b"x" * 1_000, "more_body": True}

    async def gone():
        return {"type": "http.disconnect"}

    async def scene():
        with pytest.raises(BodyRefused) as refused:
            async with Bodies().complete(endless, body_limit("/api/ask")):
                pass
        assert refused.value.status == 413
        with pytest.raises(ClientDisconnect):
            async with Bodies().complete(gone, 10):
                pass

    asyncio.run(scene())
