"""All the memory of one machine, and the World as it begins.

What can be in it is bounded by these reservations, whatever a program does: a run that needs more
is given up with a `ResourceLimitError`. Addresses cost nothing; memory is given as it is touched.
"""

import secrets
from collections.abc import Mapping
from typing import Final

from numen.evm.errors import ResourceLimitError
from numen.evm.native.arena import Reservation
from numen.evm.native.journal import SLACK
from numen.evm.native.layout import (
    CALLDATA_PADDING_BYTES,
    CODE,
    DEPTH_LIMIT,
    FRAME,
    FRAME_PLACE,
    JOURNAL_ENTRY,
    LOG_ENTRY,
    MEMO,
    MEMO_ENTRIES,
    MEMO_ENTRIES_FIRST,
    MEMORY_PLACE,
    MESSAGE,
    WINDOW_BYTES,
    WORLD,
)
from numen.evm.native.table import ACCOUNTS, BUCKET_BYTES, CODES, SLOTS

_KIB, _MIB, _GIB = 1 << 10, 1 << 20, 1 << 30

MEMORY_BYTES: Final = 16 * _GIB
"""Memory of all frames of one run together."""

ARENA_BYTES: Final = 8 * _GIB
"""Accounts, slots and codes that a machine has seen: some 20 million slots."""

JOURNAL_ENTRIES: Final = 1 << 24
"""Changes of one transaction that can be undone."""

LOG_ENTRIES: Final = 1 << 22
"""Logs of one transaction."""

BUFFER_BYTES: Final = 1 * _GIB
"""Input of a message; return data; data of all logs of a transaction."""

_TOUCHED_BYTES: Final = 4 * _KIB
_TOUCHED_FRAMES: Final = 3
_TOUCHED_ARENA_BYTES: Final = 64 * _KIB
"""What is asked for at once: what the first call of a usual contract uses, as each page that it
would have to wait for takes as long as a thousand opcodes."""

_HALVINGS_MAX: Final = 9
"""How often all of these may be halved where the system refuses the whole; 60 MiB are left then."""

_EMPTY_HASH: Final = 0xC5D2460186F7233C927E7DB2DCC703C0E500B653CA82273B7BFAD8045D85A470
"""Keccak-256 of no bytes."""

_BUCKETS: Final = ((ACCOUNTS, 256), (SLOTS, 1024), (CODES, 64))
"""Tables and how many buckets they begin with."""

_FRAMES = DEPTH_LIMIT + 2
"""One above the deepest: a call writes into it before it learns that it is too deep."""


class Rooms:
    """The reservations of one machine.

    Attributes:
        control: The World, and behind it one Message.
        world: Address of the World.
        message: Address of the Message; `MESSAGE_OFFSET` in ``control``.
        arena: Accounts, slots, codes, tables.
        memory: Of frames.
        input: Input of the message that runs.
        output: Return data.
        logs: Entries of logs.
        log_data: Their bytes.
        empty_code: Address of the Code of no bytes.
    """

    MESSAGE_OFFSET: Final = -(-WORLD.size_bytes // 64) * 64

    def __init__(self) -> None:
        """Reserve everything; where the system refuses that, a part of it that leaves room.

        Raises:
            ResourceLimitError: The system refuses even a small part.
        """
        for halvings in range(_HALVINGS_MAX + 1):
            try:
                self._reserve(halvings)
                break
            except ResourceLimitError:
                if halvings == _HALVINGS_MAX:
                    raise
        if 0 < halvings < _HALVINGS_MAX:
            # What just fits leaves nothing for the rest of the process.
            self._reserve(halvings + 1)
        self.world = self.control.address
        self.message = self.world + self.MESSAGE_OFFSET
        self._arena_top = 0
        self.empty_code = 0
        self._in_arena = self._begin_arena()

    def _reserve(self, halvings: int) -> None:
        # Whatever an attempt before this one got goes first.
        self.__dict__.clear()
        self.control = Reservation("the World", 8 * _KIB)
        self._frames = Reservation("frames", (_FRAMES + 1) * FRAME.size_bytes)
        self._stacks = Reservation("stacks", (_FRAMES + 1) * WINDOW_BYTES)
        self.memory = Reservation("memory", MEMORY_BYTES >> halvings)
        self.arena = Reservation("accounts and storage", ARENA_BYTES >> halvings)
        journal_bytes = JOURNAL_ENTRIES * JOURNAL_ENTRY.size_bytes
        self._journal = Reservation("the journal", journal_bytes >> halvings)
        self.input, self.output, self.log_data = (
            Reservation(what, BUFFER_BYTES >> halvings)
            for what in ("input", "return data", "data of logs")
        )
        self.logs = Reservation("logs", LOG_ENTRIES * LOG_ENTRY.size_bytes >> halvings)

    def _take(self, size_bytes: int) -> int:
        """Zeroed bytes of the arena, before native code takes over."""
        found = self._arena_top
        self._arena_top += -(-size_bytes // 64) * 64
        return found

    def begin(self, others: Mapping[str, int]) -> None:
        """Write the World.

        Args:
            others: Fields that are not about memory.
        """
        fields = {
            **others,
            "frames": self._frames.address + FRAME_PLACE,
            "epoch": 1,
            "return_data": self.output.address,
            "return_capacity": self.output.size_bytes - CALLDATA_PADDING_BYTES,
            "memory": self.memory.address + MEMORY_PLACE,
            # Room behind it for the code of a contract that is being made, and for padding.
            "memory_limit": self.memory.address + self.memory.size_bytes - _MIB,
            "memory_peak": self.memory.address,
            "secret": secrets.randbits(768),
            "journal": self._journal.address,
            "journal_limit": self._journal.size_bytes // JOURNAL_ENTRY.size_bytes - SLACK,
            "logs": self.logs.address,
            "log_limit": self.logs.size_bytes // LOG_ENTRY.size_bytes,
            "log_data": self.log_data.address,
            "log_data_limit": self.log_data.size_bytes,
            **self._in_arena,
        }
        self.control.view[: WORLD.size_bytes] = _image(fields)
        first = self._frames.address + FRAME_PLACE
        stack = -(-self._stacks.address // WINDOW_BYTES) * WINDOW_BYTES
        self._touch(stack - self._stacks.address)
        FRAME.write(first, "world", self.world)
        FRAME.write(first, "stack", stack)

    def _touch(self, stack: int) -> None:
        """Ask for what the first call of a usual contract uses; its stack begins at an offset."""
        self._frames.touch(0, _TOUCHED_FRAMES * FRAME.size_bytes)
        self._stacks.touch(stack, _TOUCHED_BYTES)
        self.memory.touch(MEMORY_PLACE, _TOUCHED_BYTES)
        for room in (self.input, self.logs, self.log_data):
            room.touch(0, 1)
        memo = self._in_arena["memo"] - self.arena.address
        self.arena.touch(memo, MEMO_ENTRIES_FIRST * MEMO.size_bytes)
        # The tables of accounts, slots and codes, and what comes behind them.
        tables = self._in_arena[ACCOUNTS.buckets] - self.arena.address
        behind = self._in_arena["arena_top"] - self.arena.address - tables
        self.arena.touch(tables, behind + _TOUCHED_ARENA_BYTES)

    def clear_arena(self) -> None:
        """Forget every account, slot and code; nobody may hold the address of one."""
        self.arena.forget()
        for name, value in self._begin_arena().items():
            WORLD.write(self.world, name, value)

    def _begin_arena(self) -> dict[str, int]:
        """Take what an arena begins with: the World's fields that are about it."""
        self._arena_top = self.arena.address
        self.empty_code = self._empty_code()
        fields = {
            "empty_code": self.empty_code,
            "memo": self._take(MEMO_ENTRIES * MEMO.size_bytes),
            "memo_mask": MEMO_ENTRIES_FIRST - 1,
            "memo_count": 0,
        }
        for table, buckets in _BUCKETS:
            fields[table.buckets] = self._take(buckets * BUCKET_BYTES)
            fields[table.mask] = buckets - 1
            fields[table.count] = 0
        fields["arena_top"] = self._arena_top
        fields["arena_limit"] = self.arena.address + self.arena.size_bytes
        return fields

    def _empty_code(self) -> int:
        entry = self._take(CODE.size_bytes)
        zeros = self._take(64)
        for name, value in (("bytes", zeros), ("jumps", zeros), ("hash", _EMPTY_HASH)):
            CODE.write(entry, name, value)
        return entry


def _image(fields: Mapping[str, int]) -> bytearray:
    """A World with these fields, the others zero."""
    image = bytearray(WORLD.size_bytes)
    for name, value in fields.items():
        start, size = WORLD.offset(name), 96 if name == "secret" else 8
        image[start : start + size] = value.to_bytes(size, "little")
    return image


assert Rooms.MESSAGE_OFFSET + MESSAGE.size_bytes <= 8 * _KIB
