"""What native code has noted, in Python's terms: the changes since the last diff, and the logs."""

import struct
from collections.abc import Callable
from typing import Any, Final

from numen.evm.message import Log
from numen.evm.native.arena import Reservation
from numen.evm.native.layout import ACCOUNT, LOG_ENTRY, SLOT, WORLD, Record
from numen.evm.native.rooms import Rooms
from numen.evm.state import AccountDiff, Change, StateDiff


def _reader(record: Record, *names: str) -> struct.Struct:
    """Reads some fields of a record, in their order: words as bytes, all else as numbers."""
    text, end = "<", 0
    for name in names:
        gap = record.offset(name) - end
        assert gap >= 0, f"{name} comes earlier"
        is_word = record.type(name) == "i256"
        text += "x" * gap + ("32s" if is_word else "Q")
        end = record.offset(name) + (32 if is_word else 8)
    return struct.Struct(text)


_ACCOUNT: Final = _reader(
    ACCOUNT,
    *("address", "balance", "nonce", "exists", "code", "generation", "next_dirty", "slots"),
    *("before_balance", "before_nonce", "before_exists", "before_code", "before_generation"),
)
_SLOT: Final = _reader(SLOT, "key", "value", "generation", "before", "next_dirty")

_ACCOUNT_IS_DIRTY: Final = ACCOUNT.offset("is_dirty")
_SLOT_IS_DIRTY: Final = SLOT.offset("is_dirty")
_LISTED: Final = bytes(24)
"""``is_dirty``, ``next_dirty`` and ``slots`` of an account that is on no list."""

assert ACCOUNT.offset("slots") == _ACCOUNT_IS_DIRTY + 16

CodeReader = Callable[[int], bytes]
"""Gives the bytes of a Code by its address."""


def take_diff(world: int, arena: Reservation, code_at: CodeReader) -> StateDiff:
    """Everything that changed since the last time, which is forgotten then.

    Args:
        world: Address of the World.
        arena: Where accounts and slots lie.
        code_at: Reads a code.

    Cost: some microseconds for each account and slot that changed.
    """
    found = []
    place = WORLD.read(world, "dirty_accounts")
    WORLD.write(world, "dirty_accounts", 0)
    view, base = arena.view, arena.address
    while place:
        fields = _ACCOUNT.unpack_from(view, place - base)
        diff = _account_diff(arena, fields, code_at)
        if not diff.is_nothing:
            found.append(diff)
        start = place - base + _ACCOUNT_IS_DIRTY
        view[start : start + len(_LISTED)] = _LISTED
        place = fields[6]
    return StateDiff(tuple(sorted(found, key=_address)))


def _address(diff: AccountDiff) -> bytes:
    return diff.address


def _account_diff(arena: Reservation, fields: Any, code_at: CodeReader) -> AccountDiff:
    address, wei, nonce, exists, code, generation, _, slots, *before = fields
    wei_before, nonce_before, existed, code_before, generation_before = before
    is_wiped = bool(existed) and generation != generation_before
    balances = None if wei == wei_before else (_number(wei_before), _number(wei))
    storage = _storage(arena, slots, generation, is_wiped=is_wiped) if slots else {}
    return AccountDiff(
        address=address[19::-1],
        existed=bool(existed),
        exists=bool(exists),
        nonce=None if nonce == nonce_before else (nonce_before, nonce),
        balance=balances,
        code=None if code == code_before else (code_at(code_before), code_at(code)),
        storage=storage,
        is_wiped=is_wiped,
    )


def _storage(
    arena: Reservation, place: int, generation: int, *, is_wiped: bool
) -> dict[int, Change]:
    view, base = arena.view, arena.address
    found = []
    while place:
        start = place - base
        key, value, of, before, following = _SLOT.unpack_from(view, start)
        change = 0 if is_wiped else _number(before), _number(value) if of == generation else 0
        if change[0] != change[1]:
            found.append((_number(key), change))
        view[start + _SLOT_IS_DIRTY] = 0
        place = following
    return dict(sorted(found))


def _number(word: bytes) -> int:
    return int.from_bytes(word, "little")


def read_logs(count: int, rooms: Rooms) -> tuple[Log, ...]:
    """The first logs of this transaction."""
    return tuple([_log(rooms, index * LOG_ENTRY.size_bytes) for index in range(count)])


def _log(rooms: Rooms, start: int) -> Log:
    address, count, data, length, *topics = _LOG.unpack_from(rooms.logs.view, start)
    return Log(
        address[19::-1],
        tuple([topic[::-1] for topic in topics[:count]]),
        bytes(rooms.log_data.view[data : data + length]),
    )


_LOG_HEAD: Final = _reader(LOG_ENTRY, "address", "topic_count", "data", "data_length")
_LOG_GAP: Final = LOG_ENTRY.offset("topics") - _LOG_HEAD.size
_LOG: Final = struct.Struct(f"{_LOG_HEAD.format}{_LOG_GAP}x" + 4 * "32s")
"""Reads a whole LogEntry, with the topics that are not there."""
