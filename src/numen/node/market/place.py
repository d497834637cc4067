"""Where a market is: its hall's address and node key, in one word that people can pass on."""

import msgspec

from numen.base.errors import NumenError

_MARK = "@"


class PlaceError(NumenError):
    """Text that names no hall."""


class Place(msgspec.Struct, frozen=True):
    """A hall.

    Attributes:
        address: Where it listens, such as ``127.0.0.1:7300``.
        node: Its public key on the network, 32 bytes.
    """

    address: str
    node: bytes

    def __str__(self) -> str:
        return f"{self.node.hex()}{_MARK}{self.address}"


def read_place(text: str) -> Place:
    """Read what `Place` prints.

    Raises:
        PlaceError: It is something else.
    """
    node, mark, address = text.partition(_MARK)
    try:
        raw = bytes.fromhex(node)
    except ValueError:
        raw = b""
    if len(raw) != 32 or not mark or not address:
        raise PlaceError(
            f"{text[:80]!r} names no market",
            hint="a market is KEY@HOST:PORT, as `numen market open` prints it",
        )
    return Place(address, raw)
