"""What a ledger charges beside a contract's own work, in work units, where somebody waits.

A compiler adds it up, so that what goes on after one wait can pay for the next.
"""

from typing import Final

from numen.ir.ops import SPECS, Op

DELIVERY_WORK: Final = 1_000
"""Of handing a message to a contract; for an answer, set aside beside the continuation's own."""

FRAME_BYTE_WORK: Final = 16
"""Of each byte kept for a continuation; given back when it goes on."""

MEMO_READ_BYTES: Final = 72
"""Of each slot that an isolated method read, in what it keeps while it waits."""

MEMO_ANSWER_BYTES: Final = 96
"""Of each answer, beside its words."""

MEMO_BYTES: Final = 160
"""Of what an isolated method keeps anyway: who asked, with how many coins, how often it ran."""

READ_WORK: Final = SPECS[Op.STATE_LOAD].work
"""Of reading a slot, and of looking whether it has changed."""

_WORD_BYTES: Final = 32


def memo_work(own_work: int, words: int, waits: int) -> int:
    """The most work of what an isolated method keeps for one wait, beside its frame.

    Args:
        own_work: Most work of its own, up to the wait: it bounds how many slots it can have read.
        words: Of its arguments, and of all answers.
        waits: How often it waits.
    """
    size = MEMO_BYTES + MEMO_ANSWER_BYTES * waits + _WORD_BYTES * words
    size += MEMO_READ_BYTES * (own_work // READ_WORK)
    return FRAME_BYTE_WORK * size
