"""Whom a node looks at and talks to about trust: everybody where they are few, else an overlay.

With more than `ACTIVE_MAX` others the links are those of `numen.trust.overlay`: a small world that
mends itself. It begins with the next node of the roster, a few ahead at growing distances, as on a
ring with shortcuts, and the others as hearsay; who does not answer is replaced.
"""

from typing import Final

from numen.base.crypto import hmac_sha256
from numen.trust.overlay import ACTIVE_MAX, SHUFFLE_MAX, Message, Out, Overlay, Shuffled

LOST_STEPS: Final = 3
"""Questions in a row without an answer, after which a node is taken for gone."""

SHUFFLE_STEPS: Final = 4
"""Steps between two exchanges of views."""


class Dice:
    """Chance that nobody else can foresee, from a secret.

    Args:
        secret: Of the node.
        salt: Another one for every life of the node.
    """

    def __init__(self, secret: bytes, salt: bytes) -> None:
        self._secret, self._salt, self._count = secret, salt, 0

    def bytes(self) -> bytes:
        """32 bytes."""
        self._count += 1
        return hmac_sha256(self._secret, self._salt + self._count.to_bytes(8, "big"))

    def below(self, end: int) -> int:
        """A number from 0 to less than ``end``."""
        return int.from_bytes(self.bytes(), "big") % end


class Circle:
    """A node's links.

    Args:
        me: Its number.
        count: Of all nodes.
        dice: Chance.
    """

    def __init__(self, me: int, count: int, dice: Dice) -> None:
        self._me, self._count, self._dice = me, count, dice
        self._overlay = Overlay(me, dice.below) if count - 1 > ACTIVE_MAX else None
        self._silent: dict[int, int] = {}

    @property
    def is_whole(self) -> bool:
        """Whether it is simply everybody."""
        return self._overlay is None

    @property
    def active(self) -> tuple[int, ...]:
        """Whom the node looks at, ascending."""
        if self._overlay is None:
            return tuple(at for at in range(self._count) if at != self._me)
        return tuple(sorted(self._overlay.active))

    @property
    def passive(self) -> tuple[int, ...]:
        """Whom it has heard of besides, ascending."""
        return () if self._overlay is None else tuple(sorted(self._overlay.passive))

    def begin(self) -> Out:
        """Enter the network."""
        if self._overlay is None:
            return []
        self._hear_of_some()
        out, step = [], 1
        while step < self._count:
            out += self._overlay.join((self._me + step) % self._count)
            step *= 4
        return out

    def receive(self, sender: int, message: Message) -> Out:
        """Take a message about links."""
        return [] if self._overlay is None else self._overlay.receive(sender, message)

    def heard(self, node: int) -> None:
        """A node has said something."""
        self._silent.pop(node, None)

    def silent(self, node: int) -> Out:
        """A node has not answered a question; with too many of them another takes its place."""
        self._silent[node] = self._silent.get(node, 0) + 1
        if self._overlay is None or self._silent[node] < LOST_STEPS:
            return []
        del self._silent[node]
        return self._overlay.lost(node)

    def is_silent(self, node: int) -> bool:
        """Whether a node's last question stayed without an answer."""
        return node in self._silent

    def mend(self, step: int) -> Out:
        """What is done once in a while: exchange views, and hear of others."""
        if self._overlay is None or step % SHUFFLE_STEPS:
            return []
        if len(self._overlay.active) + len(self._overlay.passive) < ACTIVE_MAX:
            self._hear_of_some()
        return self._overlay.shuffle()

    def _hear_of_some(self) -> None:
        """The roster is known to all: nobody is ever cut off for good."""
        assert self._overlay is not None
        nodes = {self._dice.below(self._count) for _ in range(SHUFFLE_MAX)} - {self._me}
        self._overlay.receive(self._me, Shuffled(tuple(sorted(nodes))))
