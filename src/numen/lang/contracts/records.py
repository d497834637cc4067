"""What a contract emits, and how a run is told why it runs: shared by compiler and machine.

Every record is words of 32 bytes. `NO_SELECTOR` stands where a request has no payload.
"""

from typing import Final

RETURN: Final = 1
"""The words of the result."""

REVERT: Final = 2
"""The selector of an error, and its words."""

SEND: Final = 3
"""To, value, work, deadline, selector, arguments: nobody waits."""

CALL: Final = 4
"""The same, and after the deadline the work of the continuation, 0 where its own bound serves. A
`FRAME` follows."""

FRAME: Final = 5
"""Which continuation, and the words that it needs."""

EVENT: Final = 6
"""How many topics, the topics, the data."""

SCHEDULE: Final = 7
"""At, period, work, key, selector, arguments."""

CANCEL: Final = 8
"""The key."""

ROTATE: Final = 9
"""Nothing."""

NO_SELECTOR: Final = 1 << 32

CREATE_ENTRY: Final = 1 << 32
RECEIVE_ENTRY: Final = CREATE_ENTRY + 1
BOUNCE_ENTRY: Final = CREATE_ENTRY + 2
CONTINUATIONS: Final = 1 << 33
"""Continuation k runs by the number `CONTINUATIONS` + 2k where the answer came, one more where the
request bounced. No message has such a number: selectors have 32 bits."""

TIMERS: Final = 1 << 34
"""A timer runs by this and its selector."""

A_SHARE: Final = 0
"""What stands for the work of a request that says nothing of it: the ledger gives it a share of
what is left."""

LEAST_WORK: Final = 200_000
"""Work units that a continuation keeps back for each request that says nothing of it."""

TIMER_WORK: Final = 1_000_000
"""Work units of a run of a schedule that says nothing of them."""

COINS_WORK: Final = 50_000
"""Work units that go with coins alone, for what their receiver does when they come."""
