"""What a call or a transaction on an `EVM` came to.

EvmError
└── RevertedError    a run that its caller wanted to succeed, and that did not
"""

import msgspec

from numen.evm.errors import EvmError
from numen.evm.halt import Halt
from numen.evm.message import Log
from numen.evm.revert import Revert
from numen.evm.state import StateDiff


class RevertedError(EvmError):
    """A run failed whose success was asked for.

    Attributes:
        outcome: What it came to.
    """

    def __init__(self, outcome: "Outcome") -> None:
        super().__init__(outcome.reason or f"failed: {outcome.halt.name}")
        self.outcome = outcome


class Outcome(msgspec.Struct, frozen=True):
    """What a run came to.

    Attributes:
        success: Whether its effects stayed, or would have.
        output: What it gave back; the new code, for a creation that succeeded.
        gas_used: Gas paid for by a transaction, refunds taken off; gas of the message alone, for a
            call.
        logs: What code recorded, in order; none if it failed.
        created: Address of the contract that it made, 20 bytes, or None.
        halt: How the outermost frame ended.
        revert: What the output of a revert says; None if it did not revert.
        refunded: Gas given back for clearing state.
        gas_price: Wei paid for a unit of gas.
        diff: What changed; nothing for a call.
    """

    success: bool
    output: bytes
    gas_used: int
    logs: tuple[Log, ...] = ()
    created: bytes | None = None
    halt: Halt = Halt.STOP
    revert: Revert | None = None
    refunded: int = 0
    gas_price: int = 0
    diff: StateDiff = StateDiff()

    @property
    def reason(self) -> str:
        """Why it reverted, for people; empty if it did not, or gave no reason."""
        return "" if self.revert is None else self.revert.reason

    def unwrap(self) -> bytes:
        """Give the output of a success.

        Raises:
            RevertedError: It was none.
        """
        if not self.success:
            raise RevertedError(self)
        return self.output
