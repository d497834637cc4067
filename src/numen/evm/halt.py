"""How a frame ends."""

from enum import IntEnum


class Halt(IntEnum):
    """Why a frame stopped. Native code uses the numbers.

    Engines may name different failures where one instruction has several: which is found first is
    no part of what the EVM means. Whether it is a success, a revert or a failure is.
    """

    STOP = 0
    RETURN = 1
    REVERT = 2
    SELFDESTRUCT = 3
    OUT_OF_GAS = 4
    STACK_UNDERFLOW = 5
    STACK_OVERFLOW = 6
    BAD_JUMP = 7
    """To something that is not a JUMPDEST."""
    BAD_INSTRUCTION = 8
    STATIC_WRITE = 9
    """A change inside STATICCALL."""
    RETURN_DATA_BOUNDS = 10
    """RETURNDATACOPY past the end."""
    CALL_DEPTH = 11
    """A frame would be the 1,025th below the first."""
    BALANCE = 12
    """The caller has less than it sends."""
    NONCE_OVERFLOW = 13
    """The creator's nonce is 2**64 - 1 (EIP-2681)."""
    COLLISION = 14
    """The address of a new contract is taken (EIP-684, EIP-7610)."""
    CODE_SIZE = 15
    """New code is longer than the fork allows (EIP-170)."""
    CODE_PREFIX = 16
    """New code begins with 0xEF (EIP-3541)."""
    INITCODE_SIZE = 17
    """Code that would make a contract is longer than the fork allows (EIP-3860)."""
    PRECOMPILE_FAILURE = 18
    RESOURCE_LIMIT = 19
    """This machine cannot go on. Never a result: engines raise `ResourceLimitError`."""

    @property
    def is_success(self) -> bool:
        """Whether the frame's effects stay."""
        return self in _SUCCESSES

    @property
    def is_failure(self) -> bool:
        """Whether the frame's effects and all its gas are gone."""
        return self not in _SUCCESSES and self is not Halt.REVERT


_SUCCESSES = (Halt.STOP, Halt.RETURN, Halt.SELFDESTRUCT)
