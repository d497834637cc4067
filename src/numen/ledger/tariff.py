"""What the ledger itself charges for, in work units, and what it bounds.

What a contract does, writes and emits is charged by the machine that runs it; this is the rest.
These are costs to the nodes, not prices: what a unit costs is agreed between who asks for work and
who does it.
"""

from typing import Final

from numen.ir.tariff import DELIVERY_WORK, FRAME_BYTE_WORK
from numen.vm.host import Continuation

__all__ = [
    "AWAITS_MAX",
    "CODE_BYTE_WORK",
    "DEADLINE_BLOCKS",
    "DEADLINE_BLOCKS_MAX",
    "DELIVERIES_MAX",
    "DELIVERY_WORK",
    "DUE_MAX",
    "FRAME_BYTE_WORK",
    "RESEAL_WORK",
    "TIMERS_MAX",
    "work_of",
]

CODE_BYTE_WORK: Final = 200
"""Of each byte of code that is published, and kept for good."""

RESEAL_WORK: Final = 50_000
"""Of each private slot of a contract that gets new keys."""

DEADLINE_BLOCKS: Final = 256
"""Blocks after which a request is too late, where its sender says nothing."""

DEADLINE_BLOCKS_MAX: Final = 1 << 20
"""Furthest deadline, in blocks from now."""

TIMERS_MAX: Final = 256
"""Most schedules of one contract."""

AWAITS_MAX: Final = 1 << 16
"""Most answers that one contract waits for."""

DUE_MAX: Final = 4_096
"""Most timers and timeouts that one block carries out; the others follow in order."""

DELIVERIES_MAX: Final = 1 << 20
"""Most deliveries of one block; messages beyond wait for the next."""


def work_of(continuation: Continuation) -> int:
    """Work units that are set aside for an answer: of the contract, the ledger and the frame."""
    return continuation.work + DELIVERY_WORK + FRAME_BYTE_WORK * len(continuation.frame)
