"""What a ledger charges beside a contract's own work, in work units, where somebody waits.

A compiler adds it up, so that what goes on after one wait can pay for the next.
"""

from typing import Final

DELIVERY_WORK: Final = 1_000
"""Of handing a message to a contract; for an answer, set aside beside the continuation's own."""

FRAME_BYTE_WORK: Final = 16
"""Of each byte kept for a continuation; given back when it goes on."""
