"""A message call or a creation, and what it comes to."""

import msgspec

from numen.evm.halt import Halt


class Message(msgspec.Struct, frozen=True):
    """A call from outside, or the creation of a contract.

    Attributes:
        caller: 20 bytes.
        to: 20 bytes; None makes a contract, and ``data`` is the code that makes it.
        value: Wei that go from caller to callee, below 2**256.
        data: Input.
        gas: Gas that the whole tree of calls may use.
        is_static: Whether nothing may change (as inside STATICCALL).
    """

    caller: bytes
    to: bytes | None
    value: int = 0
    data: bytes = b""
    gas: int = 0
    is_static: bool = False


class Log(msgspec.Struct, frozen=True):
    """A record that code left.

    Attributes:
        address: 20 bytes, the account that ran.
        topics: Up to four words of 32 bytes.
        data: Anything.
    """

    address: bytes
    topics: tuple[bytes, ...]
    data: bytes


class Result(msgspec.Struct, frozen=True):
    """What a message came to.

    Attributes:
        halt: Why it ended.
        gas_left: Gas not used; refunds are not in it.
        output: What it gave back; the new code, for a creation that succeeded.
        created: Address of the contract that a creation made; None if it failed or was a call.
    """

    halt: Halt
    gas_left: int
    output: bytes
    created: bytes | None = None

    @property
    def success(self) -> bool:
        """Whether its effects stay."""
        return self.halt.is_success
