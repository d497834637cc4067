"""Hand messages over on several processors: each address in its lane, each lane in a thread.

Cells share nothing, so lanes need no locks but for reading what lies below. A lane has its own
machines. Contracts run in native code, which lets go of Python's lock, so lanes that compute run
side by side; what the ledger itself does between takes turns.
"""

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor

from numen.ledger.cell import Cell
from numen.ledger.deliver import Handed, Moment, Services
from numen.ledger.rounds import Alone, Mail
from numen.vm.host import Address


class Lanes:
    """Hands over messages in several threads; a `Crew`.

    Args:
        cells: Gives the cell of an address; called in the present thread only.
        services: Gives, for a lane, what gives the code of a digest.
        pool: Threads, one for each lane.
        count: How many lanes.
    """

    def __init__(
        self,
        cells: Callable[[Address], Cell],
        services: Callable[[int], Services],
        pool: ThreadPoolExecutor,
        count: int,
    ) -> None:
        self._cells = cells
        self._pool = pool
        self._found: dict[Address, Cell] = {}
        self._lanes = [Alone(self._found.__getitem__, services(lane)) for lane in range(count)]

    def hand_over(self, mail: Sequence[Mail], moment: Moment) -> list[tuple[int, Handed]]:
        piles: list[list[Mail]] = [[] for _ in self._lanes]
        for place, message in mail:
            target = message.target
            self._found[target] = self._cells(target)
            piles[target[-1] % len(piles)].append((place, message))
        busy = [(lane, pile) for lane, pile in zip(self._lanes, piles, strict=True) if pile]
        if len(busy) == 1:
            lane, pile = busy[0]
            return lane.hand_over(pile, moment)
        running = [self._pool.submit(lane.hand_over, pile, moment) for lane, pile in busy]
        return [handed for done in running for handed in done.result()]

    def credit(self, coins: dict[Address, int]) -> None:
        for address, amount in coins.items():
            self._cells(address).credit(amount)
