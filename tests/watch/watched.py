"""What tests of the dashboard look at: a market that was played, and a page that is served."""

import asyncio
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache

from hypothesis import strategies as st

from numen.market import events
from numen.watch import serve
from numen.watch.market import About
from numen.watch.sources import MarketSource
from tests.market.town import Town, build

HOSTILE = '<img src=x onerror="window.hacked=1"><script>window.hacked=1</script>\x1b[31m"\''
"""A name that would be more than a name, where somebody is careless."""


@cache
def played(seed: int = 1) -> Town:
    """A market with liars, after its run."""
    town = build(seed)
    list(town.play.run())
    return town


def happened(town: Town) -> list:
    """All its events."""
    return [*town.opening.events, *town.play.log]


def source_of(events=(), *, names=None, role="log", **about) -> MarketSource:
    """A source that has heard some events."""
    who = About("market", role, role, names=names or {}, **about)
    source = MarketSource(lambda: who)
    source.hear(events)
    return source


@contextmanager
def served(source) -> Iterator[str]:
    """Serve a source from a thread with a loop of its own; its address."""
    listening = serve.listen(0)
    loop = asyncio.new_event_loop()
    task = loop.create_task(serve.attend(source, listening))

    def run() -> None:
        asyncio.set_event_loop(loop)
        try:
            loop.run_until_complete(task)
        except asyncio.CancelledError:
            pass
        finally:
            loop.close()

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    try:
        yield serve.address(listening)
    finally:
        loop.call_soon_threadsafe(task.cancel)
        thread.join(10)
        listening.close()
    assert not thread.is_alive()


IDS = st.sampled_from(["", "aa", "bb" * 20, "cc" * 32, "dd" * 32])
NUMBERS = st.integers(0, 10) | st.integers(0, 2**70)
TEXTS = (
    st.sampled_from(["", "join as worker", "unstake", "settled", "accepted", HOSTILE]) | st.text()
)


def _of(kind) -> st.SearchStrategy:
    drawn = {}
    for name, hint in kind.__annotations__.items():
        is_hex = hint is events.Hex
        drawn[name] = IDS if is_hex else NUMBERS if hint is events.Natural else TEXTS
        if hint is bool:
            drawn[name] = st.booleans()
    return st.builds(kind, at_ms=NUMBERS, **drawn)


EVENTS = st.one_of([_of(kind) for kind in events.Event.__args__])
"""Any event of a log: ids and texts of few kinds, so that they meet."""
