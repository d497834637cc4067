"""A channel: frames of bytes, in order, between two nodes that know each other's keys.

Whoever speaks on the network is written against `Transport`, `Listener` and `Channel`. They are
`net/tls.py` and `net/iroh.py` between machines, which `net/networks.py` chooses from, and
`net/memory.py` within a process; one suite of tests holds all to what is said here.
"""

from collections.abc import Callable
from typing import Annotated, Final, Protocol

import msgspec
from msgspec import Meta

from numen.base.codec import digest
from numen.base.crypto import Hash32
from numen.net.identity import NodeId

FRAME_BYTES_MAX: Final = 1 << 20
"""Longest frame that anybody may ask for, in bytes."""

Admit = Callable[[bytes], bool]
"""Whether a node is wanted: asked at each connection, so a registry may change meanwhile."""


def everybody(_node: bytes) -> bool:
    """An `Admit` for who serves strangers."""
    return True


class Bounds(msgspec.Struct, frozen=True, kw_only=True):
    """What a node puts up with from others.

    Attributes:
        frame_bytes_max: Longest frame to receive.
        inbox_bytes_max: What waits unread of one channel before the other side has to wait; one
            frame and one chunk of the network (256 KiB; over QUIC 1.25 MB) may come on top.
        outbox_bytes_max: What waits unsent of one channel before `Channel.send` waits.
        peers_max: Channels that a listener has open.
        channels_per_peer_max: The same, of one node.
        handshakes_max: Connections that are not channels yet.
        handshakes_per_host_max: The same, from one address.
        handshake_s: Seconds to become a channel.
        idle_s: Seconds of silence, after which the other side is taken for gone. Channels that
            nobody uses say every third of it that they are alive.
        send_s: Seconds in which the other side has to take something that waits to be sent.
        close_s: Seconds for parting in peace.
    """

    frame_bytes_max: Annotated[int, Meta(ge=1, le=FRAME_BYTES_MAX)] = FRAME_BYTES_MAX
    inbox_bytes_max: int = 1 << 18
    outbox_bytes_max: int = 1 << 18
    peers_max: int = 256
    channels_per_peer_max: int = 2
    handshakes_max: int = 64
    handshakes_per_host_max: int = 16
    handshake_s: float = 10.0
    idle_s: float = 60.0
    send_s: float = 30.0
    close_s: float = 2.0


class Channel(Protocol):
    """One of the two ends of a channel.

    Several tasks may send; one at a time may receive.
    """

    @property
    def peer(self) -> bytes:
        """The node at the other end: its public key, which it has shown to be its own."""

    @property
    def binding(self) -> bytes:
        """32 bytes that both ends have alike and no other channel has, for proofs about it."""

    async def send(self, frame: bytes) -> None:
        """Send a frame; wait while too much waits to be sent.

        Frames go in the order in which the calls return, and a call that is cancelled has sent
        nothing. A frame that was sent when the channel ends may or may not have arrived.

        Args:
            frame: 1 to as many bytes as the other side said it takes.

        Raises:
            FrameError: Another number of bytes. The channel goes on.
            TimedOutError: The other side took nothing for `Bounds.send_s`. The channel has ended.
            ClosedError: The channel has ended.
        """

    async def receive(self) -> bytes:
        """Take the next frame; wait for it. Frames that came before the end are given first.

        Raises:
            FrameError: The other side sent a longer one than we take. The channel has ended.
            TimedOutError: It was silent for `Bounds.idle_s`. The channel has ended.
            ClosedError: The channel has ended.
        """

    async def close(self) -> None:
        """End the channel, after what was sent. Once more does nothing."""


class Listener(Protocol):
    """Where others dial."""

    @property
    def address(self) -> str:
        """What to give to `Transport.dial`."""

    async def accept(self) -> Channel:
        """Take the next channel; wait for it.

        Raises:
            ClosedError: The listener was closed.
        """

    async def close(self) -> None:
        """Stop listening. Channels that were accepted go on, others end."""


class Transport(Protocol):
    """How one node reaches others."""

    @property
    def node(self) -> bytes:
        """Our own public key."""

    async def dial(self, address: str, peer: bytes) -> Channel:
        """Make a channel to a node.

        Args:
            address: Where it listens.
            peer: Its public key, from a registry or from whoever named it.

        Raises:
            AddressError: Text that is no address.
            UnreachableError: Nobody answers there, or not as a node does.
            WrongPeerError: Another node does.
            RefusedError: It does not want us.
            TimedOutError: It is too slow.
        """

    async def listen(self, address: str, admit: Admit) -> Listener:
        """Let others dial us.

        Args:
            address: Where.
            admit: Whether a node, by its public key, is wanted.

        Raises:
            AddressError: Nobody can listen there.
        """


class _Ends(msgspec.Struct, frozen=True, array_like=True):
    """What a binding is the digest of."""

    dialler: NodeId
    listener: NodeId
    dialler_nonce: Hash32
    listener_nonce: Hash32


def binding_of(
    dialler: bytes, listener: bytes, dialler_nonce: bytes, listener_nonce: bytes
) -> bytes:
    """Name a channel by its ends and what each drew for it; 32 bytes."""
    return digest("numen/channel/1", _Ends(dialler, listener, dialler_nonce, listener_nonce))


class Hello(msgspec.Struct, frozen=True, array_like=True):
    """The first frame of each side.

    Attributes:
        refusal: Why there will be no channel, or empty.
        frame_bytes_max: Longest frame that the sender takes.
        nonce: Drawn for this channel.
    """

    refusal: Annotated[str, Meta(max_length=64)]
    frame_bytes_max: Annotated[int, Meta(ge=1, le=FRAME_BYTES_MAX)]
    nonce: Hash32


HELLO_BYTES_MAX: Final = 128
"""Longest canonical `Hello`."""
