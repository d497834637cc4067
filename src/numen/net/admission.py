"""Who may have a channel, and how many: the same for every transport."""

from collections import Counter

from numen.net.channel import Admit, Bounds

UNWANTED = "this node does not know you"
FULL = "this node has as many channels as it takes"
TWICE = "you have as many channels with this node as one may have"


class Admission:
    """Counts the channels of a listener.

    Args:
        admit: Whether a node is wanted.
        bounds: How many channels there may be.
    """

    def __init__(self, admit: Admit, bounds: Bounds) -> None:
        self._admit = admit
        self._bounds = bounds
        self._open: Counter[bytes] = Counter()

    def enter(self, node: bytes) -> str:
        """Count a channel of a node in, or give the reason why not; empty when it is in."""
        if not self._admit(node):
            return UNWANTED
        if self._open.total() >= self._bounds.peers_max:
            return FULL
        if self._open[node] >= self._bounds.channels_per_peer_max:
            return TWICE
        self._open[node] += 1
        return ""

    def leave(self, node: bytes) -> None:
        """Count a channel out that was counted in."""
        self._open[node] -= 1
        if not self._open[node]:
            del self._open[node]
