"""What members and the hall of a market say to each other.

    member                         hall
    (both show their accounts: numen.net.possession)
    Follow(from which entry)  →
                              ←    Welcome(genesis, time)
                              ←    Entries…                    as they are written
                              ←    Restart(seal), Piece…       instead of entries long gone
    Hand(whats)               →                                are written, or refused in words:
                              ←    Declined(why)
    Parcel(to, what)          →    Parcel(from, what)          to another member, if it is there
    Offer(goods), Part(bytes) →                                a program, or the inputs of a task
    Want(digest, from)        →
                              ←    Part(bytes), or Absent
                              ←    Superseded                  by who came later with its key

Frames have bounds, so that goods come in parts.
"""

from typing import Annotated, Final

import msgspec
from msgspec import Meta

from numen.base.codec import U64
from numen.base.crypto import Address, Hash32
from numen.market.ticket import NONCES_MAX, Quote, SignedTicket
from numen.net.channel import FRAME_BYTES_MAX
from numen.net.language import Kind, Language
from numen.net.possession import KINDS
from numen.node.market.replica import Genesis, Handed
from numen.node.market.snapshot import Seal

ENTRIES_MAX: Final = 256
"""Most entries in one message."""

HANDED_MAX: Final = 64
"""Most things that are handed in with one message."""

MESSAGE_BYTES_MAX: Final = FRAME_BYTES_MAX - 1024

HANDED_BYTES_MAX: Final = MESSAGE_BYTES_MAX - (64 << 10)
"""Longest thing that is handed in: as an entry, it fits a message."""

PART_BYTES_MAX: Final = 1 << 19
"""Most bytes of goods in one message."""

GOODS_BYTES_MAX: Final = 16 << 20
"""Longest program, or inputs of a task."""


class Follow(msgspec.Struct, frozen=True, array_like=True, tag="follow/1"):
    """Tell me what is written from here on.

    Attributes:
        start: Number of the first entry that is wanted.
        stays: Whether it plays its part until it is stopped: of those who do there is one at a time
            with one account, the last that came.
    """

    start: U64
    stays: bool = False


class Superseded(msgspec.Struct, frozen=True, array_like=True, tag="superseded/1"):
    """Another process with the same account has come to stay; this visit ends."""


class Welcome(msgspec.Struct, frozen=True, array_like=True, tag="welcome/1"):
    """Answer to `Follow`.

    Attributes:
        genesis: What the market began with.
        height: How many entries there are.
        now_ms: The hall's time.
    """

    genesis: Genesis
    height: U64
    now_ms: U64


class Entries(msgspec.Struct, frozen=True, array_like=True, tag="entries/1"):
    """What was written, in order: canonical bytes of `numen.node.market.replica.Entry`."""

    entries: Annotated[tuple[bytes, ...], Meta(min_length=1, max_length=ENTRIES_MAX)]


class Restart(msgspec.Struct, frozen=True, array_like=True, tag="restart/1"):
    """The market as it was a while ago follows in pieces, and then the entries after that."""

    seal: Seal


class Piece(msgspec.Struct, frozen=True, array_like=True, tag="piece/1"):
    """A piece of a snapshot; they come in order."""

    data: Annotated[bytes, Meta(min_length=1, max_length=PART_BYTES_MAX)]


class Hand(msgspec.Struct, frozen=True, array_like=True, tag="hand/1"):
    """Write these down, in this order; each by itself."""

    whats: Annotated[tuple[Handed, ...], Meta(min_length=1, max_length=HANDED_MAX)]


class Declined(msgspec.Struct, frozen=True, array_like=True, tag="declined/1"):
    """What was asked is not done.

    Attributes:
        reason: Why, in words.
    """

    reason: Annotated[str, Meta(max_length=256)]


class Bill(msgspec.Struct, frozen=True, array_like=True, tag="bill/1"):
    """As `numen.market.actor.Bill`."""

    task: Hash32
    worker: Address
    price: U64
    quote: Quote


class Payment(msgspec.Struct, frozen=True, array_like=True, tag="payment/1"):
    """As `numen.market.actor.Payment`."""

    task: Hash32
    worker: Address
    tickets: Annotated[tuple[SignedTicket, ...], Meta(max_length=NONCES_MAX)]


class Parcel(msgspec.Struct, frozen=True, array_like=True, tag="parcel/1"):
    """Something between two members, which is written nowhere.

    Attributes:
        other: To whom, on the way to the hall; from whom, on the way from it.
        what: What.
    """

    other: Address
    what: Bill | Payment


class Part(msgspec.Struct, frozen=True, array_like=True, tag="part/1"):
    """A part of goods.

    Attributes:
        digest: Their name.
        start: Where the part begins.
        total: How long they are.
        data: The part.
    """

    digest: Hash32
    start: U64
    total: Annotated[int, Meta(ge=1, le=GOODS_BYTES_MAX)]
    data: Annotated[bytes, Meta(min_length=1, max_length=PART_BYTES_MAX)]


class Want(msgspec.Struct, frozen=True, array_like=True, tag="want/1"):
    """Send a part of goods.

    Attributes:
        digest: Their name.
        start: From which byte on.
    """

    digest: Hash32
    start: U64


class Absent(msgspec.Struct, frozen=True, array_like=True, tag="absent/1"):
    """Nobody has brought these goods."""

    digest: Hash32


SPEECH: Final = Language(
    {
        1: (
            *KINDS,
            Kind(Follow, 64),
            Kind(Superseded, 32),
            Kind(Welcome, 1024),
            Kind(Entries, MESSAGE_BYTES_MAX),
            Kind(Restart, 512),
            Kind(Piece, PART_BYTES_MAX + 64),
            Kind(Hand, MESSAGE_BYTES_MAX),
            Kind(Declined, 512),
            Kind(Parcel, MESSAGE_BYTES_MAX),
            Kind(Part, PART_BYTES_MAX + 256),
            Kind(Want, 128),
            Kind(Absent, 64),
        )
    }
)
"""Version 1."""
