"""The page in Chromium: what a person sees, by mouse and keyboard, on a desk and on a phone."""

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from numen.watch.sources import LedgerSource
from tests.watch.test_ledger import ABOUT, asked
from tests.watch.test_replica import near, robbed
from tests.watch.test_replica import source_of as source_of_replica
from tests.watch.watched import EVENTS, HOSTILE, happened, played, served, source_of
from tools import browser
from tools.browser import Browser

__all__ = ["asked", "near", "robbed"]

pytestmark = [
    pytest.mark.browser,
    pytest.mark.slow,
    pytest.mark.skipif(browser.find() is None, reason="there is no chromium here"),
]

TEXT = "document.body.innerText"


@pytest.fixture(scope="module")
def chromium():
    with Browser() as found:
        yield found


def opened(chromium, url: str, fragment: str = "") -> None:
    chromium.open("about:blank")
    chromium.until("location.href === 'about:blank'")
    chromium.complaints.clear()
    chromium.open(url + fragment)
    chromium.until("document.querySelectorAll('.card').length > 2")


def test_the_liar_is_seen_slashed_as_it_happens_and_a_link_says_why(chromium):
    found = happened(played())
    liar = played().workers[1].address.hex()
    source = source_of()
    with served(source) as url:
        opened(chromium, url)
        assert "Nobody has bid yet" in chromium.evaluate(TEXT)
        assert "numen worker MARKET --key ada" in chromium.evaluate(TEXT)
        assert not chromium.evaluate("document.querySelector('.fines')")

        source.hear(found)
        chromium.until("document.querySelector('.fines')")
        told = chromium.evaluate("document.querySelector('.fines').innerText")
        assert "wrong answer" in told
        assert "that ran the task again signed" in told
        assert "Nobody has bid yet" not in chromium.evaluate(TEXT)

        chromium.evaluate(f"""document.querySelector('.fines a[href="#why/{liar}"]').click()""")
        chromium.until("document.getElementById('why').open")
        why = chromium.evaluate("document.getElementById('why').innerText")
        assert "wrong answer" in why
        assert "lost" in why
        chromium.press("Escape")
        chromium.until("!document.getElementById('why').open && location.hash === ''")
        assert chromium.complaints == []


def test_what_the_page_says_is_what_the_state_has(chromium):
    source = source_of(happened(played()))
    with served(source) as url:
        opened(chromium, url)
        totals = source.sections()["totals"]
        tile = "document.querySelector('#tile-{} strong').textContent"
        assert chromium.evaluate(tile.format("settled")) == str(totals["settled"])
        assert chromium.evaluate(tile.format("live")) == "0"
        rows = "document.querySelectorAll('.people tbody tr').length"
        assert chromium.evaluate(rows) == totals["workers"] + totals["verifiers"]
        tasks = "document.querySelectorAll('ol.tasks > li').length"
        assert chromium.evaluate(tasks) == len(source.story.done)
        shown = source.sections()["trust"]
        assert chromium.evaluate("document.querySelectorAll('.edge').length") == len(shown["edges"])


def test_a_hostile_name_is_text_and_nothing_else(chromium):
    town = played()
    names = {key.address.hex(): HOSTILE for key in (*town.workers, *town.verifiers)}
    found = [
        msgspec.structs.replace(each, policy=HOSTILE) if type(each).__name__ == "Posted" else each
        for each in happened(town)
    ]
    with served(source_of(found, names=names, ask=f"numen why ID --log {HOSTILE}")) as url:
        opened(chromium, url, f"#why/{town.workers[1].address.hex()}")
        chromium.until("document.getElementById('why').open")

        assert "<img src=x onerror=" in chromium.evaluate(TEXT)
        assert chromium.evaluate("window.hacked") is None
        assert chromium.evaluate("document.querySelectorAll('img, iframe, object').length") == 0
        assert chromium.evaluate("document.querySelectorAll('script').length") == 1
        assert chromium.complaints == []


@settings(max_examples=8, derandomize=True, database=None)
@given(st.lists(EVENTS, min_size=60, max_size=60))
def test_no_log_makes_the_page_stumble(chromium, found):
    with served(source_of(found)) as url:
        opened(chromium, url)
        assert chromium.evaluate("window.hacked") is None
        assert chromium.complaints == []


@pytest.mark.parametrize(
    "fragment", ["#why/%3Cimg%20src=x%3E", "#why/%E0%A4%A", "#tree/javascript:1"]
)
def test_a_hostile_address_is_text_too(chromium, fragment):
    with served(source_of(happened(played()))) as url:
        opened(chromium, url, fragment)

        assert chromium.evaluate("window.hacked") is None
        assert chromium.evaluate("document.querySelectorAll('img').length") == 0
        assert "Tasks alive" in chromium.evaluate(TEXT)


def test_no_script_of_others_runs_and_no_text_becomes_markup(chromium):
    with served(source_of()) as url:
        opened(chromium, url)
        tried = """(() => {
            const seen = [];
            const inline = document.createElement('script');
            try { inline.text = 'window.hacked = 1'; document.body.append(inline); }
            catch (error) { seen.push(error.name); }
            try { document.body.insertAdjacentHTML('beforeend', '<b>x</b>'); }
            catch (error) { seen.push(error.name); }
            return [window.hacked ?? null, seen];
        })()"""

        hacked, seen = chromium.evaluate(tried)

        assert hacked is None
        assert seen == ["TypeError", "TypeError"], "trusted types refuse both"
        fetched = chromium.evaluate("fetch('http://127.0.0.1:9/').then(() => 1, (e) => e.name)")
        assert fetched == "TypeError"


def test_it_is_used_by_keyboard(chromium):
    with served(source_of(happened(played()))) as url:
        opened(chromium, url)
        for _ in range(40):
            chromium.press("Tab")
            if chromium.evaluate("(document.activeElement.hash ?? '').startsWith('#why/')"):
                break
        chromium.press("Enter")
        chromium.until("document.getElementById('why').open")
        chromium.press("Escape")
        chromium.until("!document.getElementById('why').open")
        before = chromium.evaluate("getComputedStyle(document.body).backgroundColor")
        chromium.press("t")
        after = chromium.evaluate("getComputedStyle(document.body).backgroundColor")
        assert before != after
        chromium.evaluate("localStorage.clear()")
        nameless = """[...document.querySelectorAll('a, button')].filter(
            (each) => !(each.getAttribute('aria-label') || each.textContent.trim())).length"""
        assert chromium.evaluate(nameless) == 0


@pytest.mark.parametrize("is_dark", [False, True])
def test_it_fits_on_a_phone(chromium, is_dark):
    chromium.look(390, 844, is_dark=is_dark)
    try:
        with served(source_of(happened(played()))) as url:
            opened(chromium, url)
            assert chromium.evaluate("document.documentElement.scrollWidth <= innerWidth")
            stops = "getComputedStyle(document.querySelector('.stops')).display"
            assert chromium.evaluate(stops) == "none"
            background = chromium.evaluate("getComputedStyle(document.body).backgroundColor")
            assert background.startswith("rgb(11" if is_dark else "rgb(244"), background
            assert chromium.picture().startswith(b"\x89PNG")
    finally:
        chromium.look()


def test_a_ledger_is_drawn_as_trees(chromium, asked):
    with served(LedgerSource(ABOUT, asked.node)) as url:
        opened(chromium, url)
        messages = sum(
            len(asked.node.archive.receipts(height))
            for height in range(1, asked.node.ledger.height + 1)
        )
        assert chromium.evaluate("document.querySelectorAll('.message').length") == messages
        failed = chromium.evaluate(
            "document.querySelector('.message.failed').getAttribute('aria-label')"
        )
        assert "reverted" in failed
        chromium.evaluate(
            "location.hash = document.querySelector('.message.failed').getAttribute('href')"
        )
        chromium.until("document.getElementById('why').open")
        assert "what to do" in chromium.evaluate("document.getElementById('why').innerText")
        assert chromium.complaints == []


def test_a_node_of_several_draws_whom_it_trusts(chromium, near):
    source = source_of_replica(near, 1)
    with served(source) as url:
        opened(chromium, url)
        edges = len(source.sections()["trust"]["edges"])
        assert chromium.evaluate("document.querySelectorAll('.edge').length") == edges > 0
        assert "node-0" in chromium.evaluate("document.querySelector('.graph').textContent")
        chromium.evaluate(
            "location.hash = document.querySelector('a.trusted').getAttribute('href')"
        )
        chromium.until("document.getElementById('why').open")
        assert "trusts node-" in chromium.evaluate("document.getElementById('why').innerText")
        assert chromium.complaints == []


def test_a_bond_that_was_taken_is_seen_and_a_link_says_why(chromium, robbed):
    source = source_of_replica(robbed, 1)
    with served(source) as url:
        opened(chromium, url)
        told = chromium.evaluate("document.querySelector('.fines').innerText")
        for said in ("node-0", "a false block", "1,000,000", "62,500", "937,500 were burnt"):
            assert said in told
        rows = "document.querySelectorAll('#bonds tbody tr').length"
        assert chromium.evaluate(rows) == len(source.sections()["bonds"]["bonds"])
        assert chromium.evaluate("!!document.querySelector('nav a[href=\"#bonds\"]')")
        chromium.evaluate("document.querySelector('.fines .links a').click()")
        chromium.until("document.getElementById('why').open")
        assert "node-0 was shown to lie" in chromium.evaluate(
            "document.getElementById('why').innerText"
        )
        assert chromium.complaints == []


def test_a_page_whose_process_ends_says_so(chromium):
    with served(source_of(happened(played()))) as url:
        opened(chromium, url)
        assert chromium.evaluate("document.querySelector('.bar .link').textContent") == "a log"

    chromium.until("document.querySelector('.bar .link.away')")
    assert "Tasks alive" in chromium.evaluate(TEXT)
