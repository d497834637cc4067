"""What a ledger charges a contract for beside the instructions that it runs, in work units.

A compiler adds these up where a contract waits, so that what goes on finds its work kept back.
"""

from typing import Final

DELIVERY_WORK: Final = 1_000
"""Of handing a message to a contract."""

BYTE_WORK: Final = 4
"""Of each byte of a payload that is sent, an event or a result."""

WRITE_WORK: Final = 2_000
"""Of each slot that changes: the trees above it are hashed again."""

FRAME_BYTE_WORK: Final = 16
"""Of each byte kept for a continuation; given back when it goes on."""

TIMER_WORK: Final = 4_000
"""Of setting a schedule, or forgetting one."""
