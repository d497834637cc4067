"""What a block asks of the beacon chain (EIP-7685): deposits, withdrawals, consolidations."""

from collections.abc import Iterable
from typing import Final

from numen.base.crypto import keccak256
from numen.evm import system
from numen.evm.block import Block
from numen.evm.message import Log
from numen.evm.substate import Substate
from numen.evm.system import InvalidBlockError

DEPOSIT_CONTRACT: Final = bytes.fromhex("00000000219ab540356cbb839cbe05303d7705fa")
"""Where stake is deposited (EIP-6110)."""

_DEPOSIT_EVENT: Final = keccak256(b"DepositEvent(bytes,bytes,bytes,bytes,bytes)")
_DEPOSIT_SIZES: Final = (48, 32, 8, 96, 8)
"""Bytes of public key, withdrawal credentials, amount, signature and index."""

_DEPOSIT, _WITHDRAWAL, _CONSOLIDATION = b"\x00", b"\x01", b"\x02"


def requests(machine: Substate, block: Block, logs: Iterable[Log]) -> list[bytes]:
    """Find a block's requests, after all of its transactions.

    Args:
        machine: Whose system contracts are asked.
        block: The block.
        logs: Of all its transactions, in order.

    Returns:
        For each type that has any, the type's byte and the requests, joined.

    Raises:
        InvalidBlockError: A deposit is not as it should be, or a system contract fails.
    """
    found = [
        _DEPOSIT + deposits(logs),
        _WITHDRAWAL + system.collect(machine, block, system.WITHDRAWAL_REQUESTS),
        _CONSOLIDATION + system.collect(machine, block, system.CONSOLIDATION_REQUESTS),
    ]
    return [each for each in found if len(each) > 1]


def deposits(logs: Iterable[Log]) -> bytes:
    """Join the deposits that the deposit contract has logged (EIP-6110).

    Raises:
        InvalidBlockError: An event does not have the layout that it must have.
    """
    return b"".join(
        _deposit(log.data)
        for log in logs
        if log.address == DEPOSIT_CONTRACT and log.topics[:1] == (_DEPOSIT_EVENT,)
    )


def _deposit(data: bytes) -> bytes:
    parts, at = [], 32 * len(_DEPOSIT_SIZES)
    for index, size in enumerate(_DEPOSIT_SIZES):
        start, length = _word(data, 32 * index), _word(data, at)
        if (start, length) != (at, size):
            raise InvalidBlockError("a deposit's event has an invalid layout")
        parts.append(data[at + 32 : at + 32 + size])
        at += 32 + (size + 31) // 32 * 32
    if len(data) != at:
        raise InvalidBlockError("a deposit's event has an invalid length")
    return b"".join(parts)


def _word(data: bytes, at: int) -> int:
    return int.from_bytes(data[at : at + 32], "big")
