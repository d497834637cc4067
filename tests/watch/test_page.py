"""The page only answers questions, to this machine only, and waits for nobody."""

import asyncio
import json
import re
import urllib.error
import urllib.request

import pytest

from numen.watch import guard, page
from numen.watch.board import REST_S, Board
from numen.watch.page import Page
from tests.watch.watched import happened, played, served, source_of

PORT = 7380
HOST = (b"host", b"127.0.0.1:7380")


def asked(application, path="/", *headers, method="GET"):
    """Ask without a socket; status, headers, and body."""
    sent = []

    async def receive():
        await asyncio.sleep(60)

    async def send(message):
        sent.append(message)

    scope = {"type": "http", "path": path, "method": method, "headers": list(headers) or [HOST]}
    asyncio.run(asyncio.wait_for(application(scope, receive, send), 30))
    body = b"".join(message.get("body", b"") for message in sent)
    return sent[0]["status"], dict(sent[0]["headers"]), body


@pytest.fixture(scope="module")
def application():
    return Page(Board(source_of(happened(played()))), PORT)


@pytest.mark.parametrize(
    "name", ["127.0.0.1:7380", "localhost:7380", "[::1]:7380", "LOCALHOST:7380"]
)
def test_this_machine_is_answered_by_its_names(application, name):
    assert asked(application, "/state", (b"host", name.encode()))[0] == 200


@pytest.mark.parametrize("path", ["/", "/state", "/live", "/metrics", "/why/aa", "/assets/main.js"])
@pytest.mark.parametrize(
    "headers",
    [
        [(b"host", b"evil.example:7380")],  # a name that a stranger points here
        [(b"host", b"127.0.0.1")],
        [(b"host", b"127.0.0.1:7381")],
        [(b"host", b"127.0.0.1.evil.example:7380")],
        [(b"host", b"")],
        [(b"accept", b"*/*")],
        [HOST, (b"origin", b"https://evil.example")],
        [HOST, (b"origin", b"null")],
        [HOST, (b"origin", b"http://127.0.0.1:8545")],  # another page of this machine
        [HOST, (b"sec-fetch-site", b"cross-site")],
        [HOST, (b"sec-fetch-site", b"same-site")],
        [HOST, (b"sec-fetch-site", b"cross-site"), (b"sec-fetch-mode", b"no-cors")],
    ],
)
def test_strangers_are_refused(application, path, headers):
    status, _, body = asked(application, path, *headers)

    assert status == 403
    assert b"<" not in body


def test_a_link_elsewhere_may_lead_to_the_page_and_to_nothing_else(application):
    visit = [HOST, (b"sec-fetch-site", b"cross-site"), (b"sec-fetch-mode", b"navigate")]

    assert asked(application, "/", *visit)[0] == 200
    assert asked(application, "/state", *visit)[0] == 403


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "OPTIONS", "PATCH", "TRACE"])
def test_it_can_only_be_read(application, method):
    assert asked(application, "/state", method=method)[0] == 405


def test_head_is_get_without_the_body(application):
    status, headers, body = asked(application, "/state", method="HEAD")

    assert (status, body) == (200, b"")
    assert int(headers[b"content-length"]) > 1000


@pytest.mark.parametrize(
    "path", ["/", "/state", "/metrics", "/nothing", "/why/ffffff", "/assets/style.css"]
)
def test_every_answer_says_what_the_page_may_do(application, path):
    _, headers, _ = asked(application, path)

    assert set(guard.HEADERS) <= set(headers.items())
    policy = headers[b"content-security-policy"].decode()
    assert "unsafe" not in policy
    assert "default-src 'none'" in policy


@pytest.mark.parametrize(
    "path",
    ["/assets/../page.py", "/assets/%2e%2e/page.py", "//etc/passwd", "/assets/", "/why/",
     "/why/a/b", "/why/" + "a" * 81, "/tree/<script>", "/favicon.ico"],
)  # fmt: skip
def test_there_is_nothing_but_the_page(application, path):
    assert asked(application, path)[0] == 404


def test_parts_of_the_page_are_of_this_package_and_small():
    parts = page.assets()
    text = b"".join(raw for _, raw in parts.values()).decode()

    assert {"/", "/assets/main.js", "/assets/style.css"} <= parts.keys()
    assert len(text) < 80_000
    addresses = set(re.findall(r"https?://[^\s'\"`)]+", text))
    assert addresses == {"http://www.w3.org/2000/svg"}, "nothing comes from elsewhere"
    script = "".join(raw.decode() for name, (_, raw) in parts.items() if name.endswith(".js"))
    for door in (
        "innerHTML",
        "outerHTML",
        "insertAdjacentHTML",
        "document.write",
        "eval(",
        "Function(",
    ):
        assert door not in script.replace("there is no innerHTML here", ""), door
    html = parts["/"][1].decode()
    assert not re.search(r"<script(?![^>]*\bsrc=)|\bon\w+=|\bstyle=", html), "nothing is inline"


def test_why_is_answered_and_what_nobody_knows_is_not_there(application):
    liar = played().workers[1].address.hex()

    status, _, body = asked(application, f"/why/{liar[:16]}")
    assert status == 200
    assert any("lost" in said for said in json.loads(body))
    status, _, body = asked(application, "/why/zzzzzz")
    assert status == 404
    assert "error" in json.loads(body)
    assert asked(application, "/tree/aaaaaa")[0] == 404


# Live. -------------------------------------------------------------------------------------------


class Reader:
    """A browser that looks live, at a pace of its own."""

    def __init__(self, application, pause=None) -> None:
        self.parts: list[bytes] = []
        self.leaves = asyncio.Event()
        self.pause = pause or asyncio.Event()
        if pause is None:
            self.pause.set()
        scope = {"type": "http", "path": "/live", "method": "GET", "headers": [HOST]}
        self.task = asyncio.create_task(application(scope, self.receive, self.send))

    async def receive(self):
        await self.leaves.wait()
        return {"type": "http.disconnect"}

    async def send(self, message):
        await self.pause.wait()
        self.parts.append(message.get("body", b""))

    def events(self) -> list[bytes]:
        return re.findall(rb"event: (\w+)", b"".join(self.parts))


async def until(condition):
    async with asyncio.timeout(10):
        while not condition():
            await asyncio.sleep(0.01)


def test_who_looks_is_told_everything_and_then_what_changed():
    found = happened(played())

    async def story():
        source = source_of(found[:40])
        application = Page(Board(source), PORT)
        reader = Reader(application)
        await until(lambda: b"drawn" in reader.events())
        assert {b"about", b"totals", b"tasks", b"slashes"} <= set(reader.events())
        reader.parts.clear()
        source.hear(found[40:])
        await until(lambda: b"drawn" in reader.events())
        assert b"tasks" in reader.events()
        assert b"about" not in reader.events(), "it did not change"
        reader.leaves.set()
        await asyncio.wait_for(reader.task, 60)
        assert application.streams == 0

    asyncio.run(story())


def test_who_is_slow_is_given_the_newest_and_holds_up_nobody():
    found = happened(played())

    async def story():
        source = source_of()
        application = Page(Board(source), PORT)
        slow, quick = Reader(application, asyncio.Event()), Reader(application)
        for start in range(0, len(found), 60):
            source.hear(found[start : start + 60])
            await asyncio.sleep(REST_S + 0.05)
        await until(lambda: quick.events().count(b"drawn") >= 3)
        assert slow.parts == []
        slow.pause.set()
        await until(lambda: b"drawn" in slow.events())
        assert slow.events().count(b"totals") == 1, "what was between waits for nobody"
        last = re.findall(rb"event: totals\ndata: (.*)\n", b"".join(slow.parts))[-1]
        assert json.loads(last)["settled"] == source.story.ends["settled"]
        for reader in (slow, quick):
            reader.leaves.set()
            await asyncio.wait_for(reader.task, 60)

    asyncio.run(story())


def test_who_reads_nothing_is_let_go(monkeypatch):
    monkeypatch.setattr(page, "SEND_S_MAX", 0.05)

    async def story():
        application = Page(Board(source_of(happened(played()))), PORT)
        stuck = Reader(application)
        await until(lambda: application.streams == 1 and stuck.parts)
        stuck.pause.clear()
        application._board.source.hear(happened(played(2)))
        await asyncio.wait_for(stuck.task, 60)
        assert application.streams == 0

    asyncio.run(story())


def test_so_many_may_look_and_no_more(monkeypatch):
    monkeypatch.setattr(page, "STREAMS_MAX", 2)

    async def story():
        application = Page(Board(source_of()), PORT)
        readers = [Reader(application) for _ in range(3)]
        await asyncio.wait_for(readers[2].task, 60)
        assert readers[2].parts[-1] == b"enough pages are open"
        for reader in readers[:2]:
            reader.leaves.set()
            await asyncio.wait_for(reader.task, 60)

    asyncio.run(story())


def test_a_board_reads_once_for_all_who_look():
    class Counting:
        reads = 0

        def sections(self):
            self.reads += 1
            return {"n": self.reads}

    now_s = [100.0]
    source = Counting()
    board = Board(source, clock=lambda: now_s[0])
    assert [board.read() for _ in range(5)] == [1] * 5
    assert source.reads == 1
    now_s[0] += REST_S
    assert board.read() == 2
    assert board.since(1) == {"n": b"2"}
    assert board.since(2) == {}


def test_it_is_served_on_this_machine_and_by_its_names():
    with served(source_of(happened(played()))) as url:
        with urllib.request.urlopen(f"{url}state") as answer:
            assert json.load(answer)["totals"]["slashes"] > 0
        request = urllib.request.Request(f"{url}state", headers={"host": "evil.example"})
        with pytest.raises(urllib.error.HTTPError) as refused:
            urllib.request.urlopen(request)
        assert refused.value.code == 403
        refused.value.close()


def test_what_is_dear_to_read_is_read_seldom():
    now_s = [100.0]

    class Dear:
        reads = 0

        def sections(self):
            self.reads += 1
            now_s[0] += 2
            return {"n": self.reads}

    source = Dear()
    board = Board(source, clock=lambda: now_s[0])
    for _ in range(39):
        board.read()
        now_s[0] += 1
    assert source.reads == 1
    now_s[0] += 1
    board.read()
    assert source.reads == 2
