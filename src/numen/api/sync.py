"""The market without ``await``: for scripts and notebooks that have no event loop of their own.

with numen.SyncMarket() as market:
    print(market.run(square, 7, bid=5).value)
"""

import asyncio
import threading
from collections.abc import Callable, Coroutine, Iterable
from concurrent.futures import CancelledError
from typing import Any, Self, TypeVar

from numen.api.market import Market, Sellable
from numen.api.sale import Bought
from numen.api.task import P, R

T = TypeVar("T")


class SyncMarket:
    """A `Market` that lives in a thread of its own; every call waits for its answer.

    Args:
        given: As for `Market`.
        named: As for `Market`.
    """

    def __init__(self, *given: Any, **named: Any) -> None:
        self._make: Callable[[], Market] = lambda: Market(*given, **named)
        self._market: Market | None = None
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="market", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        try:
            self._market = self._wait(self._enter())
        except BaseException:
            self._stop()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        try:
            if self._market is not None:
                self._wait(self._market.__aexit__(None, None, None))
        finally:
            self._stop()

    def run(self, program: Sellable[P, R], *args: Any, bid: int, **terms: Any) -> Bought[Any]:
        """As `Market.run`."""
        return self._wait(self._entered().run(program, *args, bid=bid, **terms))

    def map(
        self, program: Sellable[P, R], inputs: Iterable[Any], *, bid: int, **terms: Any
    ) -> list[Bought[Any]]:
        """As `Market.map`."""
        return self._wait(self._entered().map(program, inputs, bid=bid, **terms))

    async def _enter(self) -> Market:
        return await self._make().__aenter__()

    def _entered(self) -> Market:
        assert self._market is not None, "enter the market first"
        return self._market

    def _wait(self, work: Coroutine[Any, Any, T]) -> T:
        """Have something done in the thread; whoever interrupts the wait ends it there too."""
        future = asyncio.run_coroutine_threadsafe(work, self._loop)
        try:
            return future.result()
        except (KeyboardInterrupt, CancelledError):
            future.cancel()
            raise

    def _stop(self) -> None:
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.run_until_complete(self._loop.shutdown_default_executor())
        self._loop.close()
