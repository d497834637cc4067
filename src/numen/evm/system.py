"""Calls that a block makes by itself, before and after its transactions.

Sources: EIP-4788 (beacon roots), EIP-2935 (hashes of blocks), EIP-7002 (withdrawal requests),
EIP-7251 (consolidation requests).

    EvmError
    └── InvalidBlockError    no block can be made of this
"""

from typing import Final

from numen.evm.block import Block, Context
from numen.evm.errors import EvmError
from numen.evm.message import Message
from numen.evm.substate import Substate

BEACON_ROOTS: Final = bytes.fromhex("000f3df6d732807ef1319fb7b8bb8522d0beac02")
"""Keeps the roots of beacon blocks by timestamp (EIP-4788)."""

BLOCK_HASHES: Final = bytes.fromhex("0000f90827f1c53a10cb7a02335b175320002935")
"""Keeps the hashes of blocks by number (EIP-2935)."""

WITHDRAWAL_REQUESTS: Final = bytes.fromhex("00000961ef480eb55e80d19ad83579a64c007002")
"""Collects requests to withdraw (EIP-7002)."""

CONSOLIDATION_REQUESTS: Final = bytes.fromhex("0000bbddc7ce488642fb579f8b00f3a590007251")
"""Collects requests to consolidate (EIP-7251)."""

_CALLER: Final = bytes.fromhex("fffffffffffffffffffffffffffffffffffffffe")
_GAS: Final = 30_000_000
"""Gas of such a call; the block does not count it."""


class InvalidBlockError(EvmError):
    """What was done so far cannot become a block."""


def store_beacon_root(machine: Substate, block: Block, root: bytes) -> None:
    """Tell the chain the root of the parent's beacon block; 32 bytes (EIP-4788)."""
    _call(machine, block, BEACON_ROOTS, root)


def store_parent_hash(machine: Substate, block: Block, parent_hash: bytes) -> None:
    """Tell the chain the hash of the parent; 32 bytes (EIP-2935)."""
    _call(machine, block, BLOCK_HASHES, parent_hash)


def collect(machine: Substate, block: Block, contract: bytes) -> bytes:
    """Take the requests that a contract has collected, joined.

    Raises:
        InvalidBlockError: The contract is not there, or its call fails.
    """
    output = _call(machine, block, contract, b"")
    if output is None:
        raise InvalidBlockError(f"system contract 0x{contract.hex()} is missing or failed")
    return output


def _call(machine: Substate, block: Block, contract: bytes, data: bytes) -> bytes | None:
    """Call a contract as the system; give its output, or None if there is none or it fails."""
    machine.set_block(block)
    machine.set_context(Context(_CALLER, block.base_fee))
    machine.begin()
    if not machine.code(contract):
        machine.finish()
        return None
    result = machine.run(Message(_CALLER, contract, data=data, gas=_GAS))
    machine.finish()
    return result.output if result.success else None
