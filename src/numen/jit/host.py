"""The host of a contract that runs natively: its memory, and what it asks of Python."""

import ctypes
import secrets
import struct
from typing import Any, Final

from numen.ir.host import (
    RECORD_HEAD_BYTES,
    RECORDS_BYTES_MAX,
    SLOTS_MAX,
    WORD_BYTES,
    Loads,
    Record,
    Writes,
    recover_signer,
)
from numen.jit.hosting import (
    BEFORE,
    ENTRY_BYTES,
    FAILED,
    FIELDS,
    FLAGS,
    KEY,
    READ,
    SIGNED,
    SIGNED_WORDS,
    VALUE,
    WRITTEN,
)

_ROOM_FIRST: Final = 256
"""Entries that a host begins with; it doubles where a run needs more."""

_ENTRY: Final = struct.Struct("<32s32s32sQ")
_RECORD: Final = struct.Struct("<QQ")
_KEY: Final = struct.Struct("<32s")
_VALUES: Final = struct.Struct("<32s32s")
assert (0, 32, 64, 96, _ENTRY.size) == (KEY, VALUE, BEFORE, FLAGS, ENTRY_BYTES)

_HEAD: Final = struct.Struct(f"<{len(FIELDS)}Q{SIGNED_WORDS * WORD_BYTES}x")
_OF_RUN: Final = struct.Struct("<QQQQ")
assert list(FIELDS)[:4] == ["run", "count", "records_end", "state"]
_RUN_MAX: Final = (1 << 32) - 1
"""Runs before the index is cleared: an index cell has so much room for the number of a run."""


class NativeHost:
    """Memory for one run at a time.

    Attributes:
        address: Of the memory, as native code takes it.
    """

    def __init__(self) -> None:
        # The function that native code calls must not hold the host, which holds the function.
        self._slots: list[Loads] = []
        self._errors: list[BaseException] = []
        self._head = (ctypes.c_char * _HEAD.size)()
        self.address = ctypes.addressof(self._head)
        self._records = (ctypes.c_char * RECORDS_BYTES_MAX)()
        self._records_view = memoryview(self._records).cast("B")
        self._run = self._count = self._records_end = 0
        self._view = memoryview(self._head).cast("B")
        self._recover = _recoverer(self._view[SIGNED:], self._errors)
        self._make_room(_ROOM_FIRST)

    def begin(self, slots: Loads) -> None:
        """Prepare for a run."""
        self._slots[:] = [slots]
        if self._run == _RUN_MAX:
            self._make_room(self._room)
        self._run += 1
        _OF_RUN.pack_into(self._head, 0, self._run, 0, 0, 0)

    def may_repeat(self) -> bool:
        """Whether the run ended for want of room that there is now: it is to be begun again.

        Raises:
            BaseException: What the slots raised when they were asked.
        """
        _, self._count, self._records_end, state = _OF_RUN.unpack_from(self._head)
        if not state:
            return False
        if state == FAILED:
            raise self._errors.pop()
        if self._room >= SLOTS_MAX:
            return False
        self._make_room(min(2 * self._room, SLOTS_MAX))
        return True

    def writes(self) -> Writes:
        """What was changed by the run that ended."""
        found, number = [], int.from_bytes
        entries = self._entries_view[: ENTRY_BYTES * self._count]
        for key, value, before, flags in _ENTRY.iter_unpack(entries):
            if flags & WRITTEN and (value != before or not flags & READ):
                found.append((number(key, "little"), number(value, "little")))
        found.sort()
        return tuple(found)

    def records(self) -> list[Record]:
        """What the run that ended emitted, in order."""
        found, at, end = [], 0, self._records_end
        raw, head_at = self._records_view[:end].tobytes(), _RECORD.unpack_from
        while at < end:
            kind, count = head_at(raw, at)
            start = at + RECORD_HEAD_BYTES
            at = start + count * WORD_BYTES
            found.append((kind, raw[start:at]))
        return found

    def _make_room(self, room: int) -> None:
        self._room = room
        cells = 1 << (2 * room - 1).bit_length()
        self._index = (ctypes.c_uint64 * cells)()
        self._entries = (ctypes.c_char * (room * ENTRY_BYTES))()
        self._entries_view = memoryview(self._entries).cast("B")
        self._run = 0
        self._ask = _asker(self._entries, self._slots, self._errors)
        fields = {
            "room": room,
            "mask": cells - 1,
            "index": ctypes.addressof(self._index),
            "entries": ctypes.addressof(self._entries),
            "records": ctypes.addressof(self._records),
            "records_room": RECORDS_BYTES_MAX,
            "ask": ctypes.cast(self._ask, ctypes.c_void_p).value or 0,
            "seed": secrets.randbits(64),
            "recover": ctypes.cast(self._recover, ctypes.c_void_p).value or 0,
        }
        for name, value in fields.items():
            self._set(name, value)

    def _set(self, name: str, value: int) -> None:
        at = FIELDS[name]
        self._view[at : at + 8] = value.to_bytes(8, "little")


_ASK: Final = ctypes.CFUNCTYPE(ctypes.c_int64, ctypes.c_int64)


def _asker(
    entries: ctypes.Array[ctypes.c_char], slots: list[Loads], errors: list[BaseException]
) -> Any:
    """The function that native code calls with the number of an entry."""
    number_of, key_at, put_at = int.from_bytes, _KEY.unpack_from, _VALUES.pack_into

    def ask(number: int) -> int:
        try:
            at = ENTRY_BYTES * number
            key = number_of(key_at(entries, at)[0], "little")
            raw = slots[0].load(key).to_bytes(WORD_BYTES, "little")
            put_at(entries, at + VALUE, raw, raw)
        except BaseException as error:
            errors.append(error)
            return 1
        return 0

    return _ASK(ask)


def _recoverer(signed: memoryview, errors: list[BaseException]) -> Any:
    """The function that native code calls to ask who signed."""

    def ask(_: int) -> int:
        try:
            words = [
                int.from_bytes(signed[at : at + WORD_BYTES], "little")
                for at in range(0, SIGNED_WORDS * WORD_BYTES, WORD_BYTES)
            ]
            signed[:WORD_BYTES] = recover_signer(*words).to_bytes(WORD_BYTES, "little")
        except BaseException as error:
            errors.append(error)
            return 1
        return 0

    return _ASK(ask)
