"""The overlay: whom a node talks to, and how it finds others when most of them are gone.

A node has a small *active view*, the links it uses, and a larger *passive view* of others it has
heard of. Who joins is walked at random through the network and taken in where the walk ends; views
are shuffled with each other; a link that fails is replaced from the passive view. This is HyParView
(Leitão, Pereira, Rodrigues, DSN 2007). A static graph that stays connected when 90 % of a thousand
nodes vanish needs 64 to 80 links a node; with repair 10 are enough.

Links are mutual. The machine is pure: `Overlay` takes messages and failures, and gives what to
send; chance comes as an argument.
"""

from collections.abc import Callable, Iterable
from typing import Annotated, Final

import msgspec
from msgspec import Meta

from numen.trust.attestation import Index

ACTIVE_MAX: Final = 10
PASSIVE_MAX: Final = 60

ACTIVE_WALK: Final = 6
"""Steps after which a newcomer's walk ends in an active view."""

PASSIVE_WALK: Final = 3
"""Steps left when a newcomer is remembered on the way."""

SHUFFLE_ACTIVE: Final = 3
SHUFFLE_PASSIVE: Final = 9
SHUFFLE_MAX: Final = SHUFFLE_ACTIVE + SHUFFLE_PASSIVE + 1

Draw = Callable[[int], int]
"""Gives a number below its argument by chance."""

Nodes = Annotated[tuple[Index, ...], Meta(max_length=SHUFFLE_MAX)]
Hops = Annotated[int, Meta(ge=0, le=ACTIVE_WALK)]


class Join(msgspec.Struct, frozen=True, array_like=True, tag="join"):
    """The sender is new, and knows the receiver alone."""


class Walk(msgspec.Struct, frozen=True, array_like=True, tag="walk"):
    """Somebody is new: pass it on.

    Attributes:
        newcomer: Who.
        hops: Steps that are left.
    """

    newcomer: Index
    hops: Hops


class Link(msgspec.Struct, frozen=True, array_like=True, tag="link"):
    """Ask for a link.

    Attributes:
        is_urgent: The sender has no link left: not to be refused.
    """

    is_urgent: bool


class Linked(msgspec.Struct, frozen=True, array_like=True, tag="linked"):
    """Answer to `Link`.

    Attributes:
        is_granted: Whether there is a link now.
    """

    is_granted: bool


class Unlink(msgspec.Struct, frozen=True, array_like=True, tag="unlink"):
    """The sender gives the link up, and stays alive."""


class Shuffle(msgspec.Struct, frozen=True, array_like=True, tag="shuffle"):
    """Some nodes that somebody knows, to be answered with as many others.

    Attributes:
        origin: Who asks.
        nodes: Whom it knows.
        hops: Steps that are left.
    """

    origin: Index
    nodes: Nodes
    hops: Hops


class Shuffled(msgspec.Struct, frozen=True, array_like=True, tag="shuffled"):
    """Answer to `Shuffle`, straight to who asked."""

    nodes: Nodes


Message = Join | Walk | Link | Linked | Unlink | Shuffle | Shuffled
Out = list[tuple[int, Message]]
"""What to send to whom."""


class Overlay:
    """The views of one node.

    Args:
        index: The node.
        draw: Chance.

    Attributes:
        active: Its links.
        passive: Others it has heard of; never in `active`, never itself.
    """

    def __init__(self, index: int, draw: Draw) -> None:
        self.index = index
        self.active: list[int] = []
        self.passive: list[int] = []
        self._draw = draw
        self._asked: set[int] = set()

    def join(self, contact: int) -> Out:
        """Enter the network through a node that is known."""
        return [*self._link(contact), (contact, Join())]

    def receive(self, sender: int, message: Message) -> Out:
        """Take a message of another node; what it says of third ones is only hearsay."""
        match message:
            case Join():
                others = [node for node in self.active if node != sender]
                return [
                    *self._link(sender),
                    *((node, Walk(sender, ACTIVE_WALK)) for node in others),
                ]
            case Walk():
                return self._walk(sender, message)
            case Link():
                if message.is_urgent or len(self.active) < ACTIVE_MAX or sender in self.active:
                    return [*self._link(sender), (sender, Linked(True))]
                return [(sender, Linked(False))]
            case Linked():
                return self._linked(sender, message)
            case Unlink():
                if sender in self.active:
                    self.active.remove(sender)
                    self._remember(sender)
                return self.repair()
            case Shuffle():
                return self._shuffle(sender, message)
            case Shuffled():
                self._remember_all(message.nodes)
                return []

    def lost(self, node: int) -> Out:
        """A node does not answer any more: forget it, and find another in its place."""
        for view in (self.active, self.passive):
            if node in view:
                view.remove(node)
        self._asked.discard(node)
        return self.repair()

    def repair(self) -> Out:
        """Ask nodes of the passive view for links, while there are too few."""
        missing = ACTIVE_MAX // 2 - len(self.active) - len(self._asked)
        waiting = [node for node in self.passive if node not in self._asked]
        chosen = self._sample(waiting, max(0, missing))
        self._asked.update(chosen)
        return [(node, Link(not self.active)) for node in chosen]

    def shuffle(self) -> Out:
        """Begin an exchange of views, as every node does once in a while."""
        if not self.active:
            return self.repair()
        first = self.active[self._draw(len(self.active))]
        nodes = (
            self.index,
            *self._sample(self.active, SHUFFLE_ACTIVE),
            *self._sample(self.passive, SHUFFLE_PASSIVE),
        )
        return [(first, Shuffle(self.index, nodes, PASSIVE_WALK)), *self.repair()]

    def _walk(self, sender: int, walk: Walk) -> Out:
        if walk.newcomer == self.index:
            return []
        others = [node for node in self.active if node not in (sender, walk.newcomer)]
        if walk.hops == 0 or not others:
            if walk.newcomer in self.active:
                return []
            return [*self._link(walk.newcomer), (walk.newcomer, Linked(True))]
        if walk.hops == PASSIVE_WALK:
            self._remember(walk.newcomer)
        after = others[self._draw(len(others))]
        return [(after, Walk(walk.newcomer, walk.hops - 1))]

    def _linked(self, sender: int, answer: Linked) -> Out:
        self._asked.discard(sender)
        if answer.is_granted:
            return self._link(sender)
        # It lives, and is full. Others are asked with the next shuffle, not at once: where all are
        # full, refusals would follow each other for ever.
        return []

    def _shuffle(self, sender: int, shuffle: Shuffle) -> Out:
        others = [node for node in self.active if node not in (sender, shuffle.origin)]
        if shuffle.hops and others:
            after = others[self._draw(len(others))]
            return [(after, msgspec.structs.replace(shuffle, hops=shuffle.hops - 1))]
        given = self._sample(self.passive, len(shuffle.nodes))
        self._remember_all(shuffle.nodes)
        return [] if shuffle.origin == self.index else [(shuffle.origin, Shuffled(tuple(given)))]

    def _link(self, node: int) -> Out:
        """Take a node into the active view; who has to leave is told, and remembered."""
        if node == self.index or node in self.active:
            return []
        if node in self.passive:
            self.passive.remove(node)
        out: Out = []
        if len(self.active) == ACTIVE_MAX:
            gone = self.active.pop(self._draw(ACTIVE_MAX))
            self._remember(gone)
            out = [(gone, Unlink())]
        self.active.append(node)
        return out

    def _remember_all(self, nodes: Iterable[int]) -> None:
        for node in nodes:
            self._remember(node)

    def _remember(self, node: int) -> None:
        if node == self.index or node in self.active or node in self.passive:
            return
        if len(self.passive) == PASSIVE_MAX:
            self.passive.pop(self._draw(PASSIVE_MAX))
        self.passive.append(node)

    def _sample(self, nodes: list[int], count: int) -> list[int]:
        rest = list(nodes)
        return [rest.pop(self._draw(len(rest))) for _ in range(min(count, len(rest)))]
