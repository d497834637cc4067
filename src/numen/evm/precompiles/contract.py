"""What a precompiled contract is: a price that is known before the work, and the work."""

from collections.abc import Callable

import msgspec

from numen.base.errors import NumenError
from numen.evm.forks import Fork


class RefusedError(NumenError):
    """Bytes that encode no point of a group. It never leaves this package."""

    def __init__(self) -> None:
        super().__init__("not the encoding of a point of the group")


class Contract(msgspec.Struct, frozen=True):
    """A precompiled contract.

    Attributes:
        price: Gas for some input in some fork. Bounded work whatever the input, so that what
            cannot be paid for is never begun.
        answer: The output for an input that was paid for, or None where the contract fails. Where
            the fork matters to more than the price, it is told here too.
    """

    price: Callable[[bytes, Fork], int]
    answer: Callable[[bytes, Fork], bytes | None]


def padded(data: bytes, start: int, size: int) -> bytes:
    """Cut out bytes; what is past the end of the input reads as zeros."""
    return data[start : start + size].ljust(size, b"\0")
