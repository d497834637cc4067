"""Pace: how much a node may ask of us, whatever it opens.

Two token buckets, of messages and of bytes. Who is over its pace is not cut off: it is not read
for as long as it takes, and TCP makes it wait.
"""

from collections import OrderedDict
from typing import Final

import msgspec

PEERS_MAX: Final = 4096
"""Nodes whose pace is remembered; of more, those not heard for longest are forgotten."""


class Pace(msgspec.Struct, frozen=True):
    """How much may come of one node.

    Attributes:
        messages_per_s: In the long run.
        messages_burst: At once, after silence.
        bytes_per_s: In the long run.
        bytes_burst: At once, after silence.
    """

    messages_per_s: float = 500.0
    messages_burst: float = 1000.0
    bytes_per_s: float = float(4 << 20)
    bytes_burst: float = float(16 << 20)


class Meter:
    """What one node has left.

    Args:
        pace: What it may do.
        now_s: A clock's time, as in every call.
    """

    def __init__(self, pace: Pace, now_s: float) -> None:
        self._pace = pace
        self._messages = pace.messages_burst
        self._bytes = pace.bytes_burst
        self._at_s = now_s

    def spend(self, size: int, now_s: float) -> None:
        """Count a message of so many bytes; it came, so it may be more than was left."""
        self._refill(now_s)
        self._messages -= 1
        self._bytes -= size

    def wait_s(self, now_s: float) -> float:
        """How long the node should not be heard; 0 when it is within its pace."""
        self._refill(now_s)
        pace = self._pace
        return max(0.0, -self._messages / pace.messages_per_s, -self._bytes / pace.bytes_per_s)

    def _refill(self, now_s: float) -> None:
        pace, passed_s = self._pace, max(0.0, now_s - self._at_s)
        self._at_s = now_s
        self._messages = min(pace.messages_burst, self._messages + passed_s * pace.messages_per_s)
        self._bytes = min(pace.bytes_burst, self._bytes + passed_s * pace.bytes_per_s)


class Meters:
    """The meters of all nodes: a node that dials again has the one that it had.

    Args:
        pace: What each may do.
        peers_max: How many are remembered.
    """

    def __init__(self, pace: Pace | None = None, peers_max: int = PEERS_MAX) -> None:
        self._pace = pace or Pace()
        self._peers_max = peers_max
        self._meters: OrderedDict[bytes, Meter] = OrderedDict()

    def of(self, node: bytes, now_s: float) -> Meter:
        """The meter of a node."""
        meter = self._meters.get(node)
        if meter is None:
            meter = self._meters[node] = Meter(self._pace, now_s)
        self._meters.move_to_end(node)
        if len(self._meters) > self._peers_max:
            self._meters.popitem(last=False)
        return meter
