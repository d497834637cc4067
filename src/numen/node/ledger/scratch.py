"""What tests turn on a ledger in memory: its time, who may act unsigned, and the way back.

A ledger on disk has none of it: what it acknowledged stays, whoever asks.

    EvmError
    └── DurableError    the ledger is kept on disk
"""

from bisect import bisect_right

import msgspec

from numen.evm.errors import EvmError
from numen.ledger.state.scratch import ScratchKV
from numen.node.clock import Clock
from numen.node.pool import Pool
from numen.node.surface import SNAPSHOTS_MAX, TimestampError, TooManySnapshotsError


class DurableError(EvmError):
    """A ledger on disk forgets nothing, moves no time, and lets nobody act unsigned."""

    def __init__(self) -> None:
        super().__init__(
            "this ledger is kept on disk: what it acknowledged stays, its time is the time of day, "
            "and nobody acts without a key; for tests leave --data out"
        )


class Snapshot(msgspec.Struct, frozen=True):
    """A moment to come back to.

    Attributes:
        height: Of the last block.
        moment: Of the `ScratchKV`.
        clock: The time.
        waiting: Transactions that waited.
        beside: Heights behind which accounts were changed by hand.
    """

    height: int
    moment: int
    clock: Clock
    waiting: Pool
    beside: tuple[int, ...]


class Scratch:
    """What there is beside the blocks of a ledger in memory.

    Attributes:
        kv: Where the ledger lies.
        begun_s: When it began.
        clock: How far its time is from the time of day.
        impersonated: Addresses that may send without a signature.
        impersonates_all: Whether everybody may.
        beside: Heights behind which accounts were changed by hand, rising; each time made a
            version of the state that no block has.
    """

    def __init__(self, kv: ScratchKV, begun_s: int) -> None:
        self.kv, self.begun_s = kv, begun_s
        self.clock = Clock()
        self.impersonated: set[bytes] = set()
        self.impersonates_all = False
        self.beside: list[int] = []
        self._snapshots: dict[int, Snapshot] = {}
        self._count = 0

    def time_ms(self, now_s: int, last_ms: int) -> int:
        """The time that the next block is to have, in milliseconds since 1970; it may be past."""
        clock = self.clock
        if clock.next_s is not None:
            return clock.next_s * 1000
        if clock.interval_s is not None:
            return last_ms + max(clock.interval_s, 1) * 1000
        return (now_s + clock.offset_s) * 1000

    def pass_block(self, now_s: int) -> None:
        """Let a block have had its time: one that was chosen is chosen for one block."""
        clock = self.clock
        if clock.next_s is not None:
            clock.move_to(now_s, clock.next_s)
            clock.next_s = None

    def choose_time(self, timestamp: int, last_ms: int) -> None:
        """Choose the next block's time, in seconds.

        Raises:
            TimestampError: It is not later than the last block's.
        """
        if timestamp * 1000 <= last_ms:
            last = last_ms // 1000
            raise TimestampError(f"timestamp {timestamp} is not later than the last one, {last}")
        self.clock.next_s = timestamp

    def may_act(self, address: bytes) -> bool:
        """Whether an account may send without a signature."""
        return self.impersonates_all or address in self.impersonated

    def versions_beside(self, height: int) -> int:
        """Versions of the state up to a block that no block made."""
        return bisect_right(self.beside, height)

    def snapshot(self, height: int, waiting: Pool) -> int:
        """Name the present.

        Raises:
            TooManySnapshotsError: There are too many.
        """
        if len(self._snapshots) >= SNAPSHOTS_MAX:
            raise TooManySnapshotsError
        number = self._count
        self._count += 1
        clock = msgspec.structs.replace(self.clock)
        self._snapshots[number] = Snapshot(
            height, self.kv.moment, clock, waiting.copy(), tuple(self.beside)
        )
        return number

    def go_back(self, to: int) -> Snapshot | None:
        """Put everything kept back to a snapshot, which ends it and those after it."""
        kept = self._snapshots.get(to)
        if kept is None:
            return None
        self.kv.rewind(kept.moment)
        self.clock, self.beside = kept.clock, list(kept.beside)
        self._snapshots = {n: each for n, each in self._snapshots.items() if n < to}
        if not self._snapshots:
            self.kv.forget()
        return kept
