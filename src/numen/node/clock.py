"""Timestamps of blocks: the time of day, moved as tests want it."""

import msgspec


class Clock(msgspec.Struct):
    """How far the chain's time is from the time of day, and what the next block is to have.

    Attributes:
        offset_s: Seconds that the chain is ahead.
        next_s: The timestamp of the next block, if it was chosen.
        interval_s: Seconds from each block to the next, if they were chosen.
    """

    offset_s: int = 0
    next_s: int | None = None
    interval_s: int | None = None

    def peek(self, now_s: int, parent_s: int) -> int:
        """The timestamp that a block would have; later than its parent's."""
        if self.next_s is not None:
            return self.next_s
        if self.interval_s is not None:
            return parent_s + max(self.interval_s, 1)
        return max(now_s + self.offset_s, parent_s + 1)

    def take(self, now_s: int, parent_s: int) -> int:
        """The same, for a block that is made: a chosen time is chosen for one block.

        Where blocks come faster than seconds the chain is ahead from then on, so that moving its
        time moves it from the last block.
        """
        timestamp = self.peek(now_s, parent_s)
        if self.interval_s is None or self.next_s is not None:
            self.offset_s = timestamp - now_s
        self.next_s = None
        return timestamp

    def move_to(self, now_s: int, timestamp: int) -> None:
        """Set the chain's time."""
        self.offset_s = timestamp - now_s
