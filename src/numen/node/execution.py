"""Carrying transactions out, one after the other, as the transactions of one block.

EvmError
└── GivenUpError    a transaction that this machine cannot carry out
"""

from collections.abc import Iterable
from typing import Final

from numen.evm import roots, system, transition
from numen.evm.block import Block
from numen.evm.errors import EvmError, ResourceLimitError
from numen.evm.invalid import InvalidTransactionError, Reason
from numen.evm.substate import Substate
from numen.evm.validity import Allowance, allowance
from numen.node.blocks import NO_BLOOM, Included, Signed


class GivenUpError(EvmError):
    """This machine cannot carry out one transaction; what the others did is lost with it.

    Attributes:
        signed: Which one.
    """

    def __init__(self, signed: Signed) -> None:
        super().__init__("a transaction needs more than this machine has")
        self.signed = signed


class Work:
    """A block that is being filled.

    Attributes:
        block: What code sees.
        included: The transactions so far.
    """

    def __init__(self, machine: Substate, block: Block, parent_hash: bytes) -> None:
        """Begin a block: the parent's hash is stored where the fork wants it (EIP-2935)."""
        self._machine = machine
        self.block = block
        self.included: list[Included] = []
        self._left = allowance(block, machine.fork)
        self._logs = 0
        if machine.fork.has_beacon_root:
            system.store_beacon_root(machine, block, bytes(32))
        if machine.fork.has_block_hash_history:
            system.store_parent_hash(machine, block, parent_hash)

    @property
    def gas_left(self) -> int:
        """Gas that the block has for further transactions."""
        return self._left.gas

    def add(self, signed: Signed) -> None:
        """Carry out a transaction.

        Raises:
            InvalidTransactionError: It may not be in the block; nothing has changed.
            GivenUpError: The machine cannot run it, and is of no more use.
        """
        try:
            receipt = transition.apply(
                self._machine,
                self.block,
                signed.tx,
                signed.sender,
                self._left,
                is_impersonated=signed.is_impersonated,
            )
        except ResourceLimitError as error:
            raise GivenUpError(signed) from error
        gas = self.included[-1].gas_after if self.included else 0
        bloom = roots.logs_bloom(receipt.logs) if receipt.logs else NO_BLOOM
        self.included.append(Included(signed, receipt, gas + receipt.gas_used, self._logs, bloom))
        self._logs += len(receipt.logs)
        self._left = Allowance(
            self._left.gas - receipt.gas_used, self._left.blobs - len(signed.tx.blob_hashes)
        )


def fill(work: Work, candidates: Iterable[Signed]) -> dict[bytes, InvalidTransactionError]:
    """Carry out what is possible of some transactions, in order.

    Returns:
        Why transactions were refused, by hash. One that a later block may take is not refused.
    """
    refused = {}
    for signed in candidates:
        if signed.tx.gas_limit > work.gas_left:
            continue
        try:
            work.add(signed)
        except InvalidTransactionError as error:
            if error.reason not in LATER:
                refused[signed.hash] = error
    return refused


LATER: Final = frozenset(
    {
        Reason.NONCE_MISMATCH_TOO_HIGH,
        Reason.INSUFFICIENT_MAX_FEE_PER_GAS,
        Reason.INSUFFICIENT_MAX_FEE_PER_BLOB_GAS,
        Reason.TYPE_3_TX_MAX_BLOB_GAS_ALLOWANCE_EXCEEDED,
        Reason.GAS_ALLOWANCE_EXCEEDED,
    }
)
"""Reasons that another block may not have."""
