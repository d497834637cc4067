"""What native code has noted, in Python's terms: the changes since the last diff, and the logs."""

import struct
from collections.abc import Callable, Iterator
from typing import Any, Final

from numen.evm.message import Log
from numen.evm.native.arena import Reservation
from numen.evm.native.layout import ACCOUNT, LOG_ENTRY, SLOT, WORLD, Record
from numen.evm.native.rooms import Rooms
from numen.evm.state import AccountDiff, Change, StateDiff


def _reader(record: Record) -> struct.Struct:
    """Reads a record whole: integers of 64 bits as numbers, words as bytes."""
    text, end = "<", 0
    for name, type_, _ in record.rows:
        size = 32 if type_ == "i256" else 8
        gap = record.offset(name) - end
        text += "x" * gap + ("32s" if size == 32 else "Q")
        end = record.offset(name) + size
    return struct.Struct(text)


_ACCOUNT: Final = _reader(ACCOUNT)
_SLOT: Final = _reader(SLOT)
_ACCOUNT_NAMES: Final = tuple(name for name, *_ in ACCOUNT.rows)
_SLOT_NAMES: Final = tuple(name for name, *_ in SLOT.rows)

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
    while place:
        account = dict(
            zip(
                _ACCOUNT_NAMES, _ACCOUNT.unpack_from(arena.view, place - arena.address), strict=True
            )
        )
        diff = _account_diff(arena, account, code_at)
        if not diff.is_nothing:
            found.append(diff)
        ACCOUNT.write(place, "is_dirty", 0)
        ACCOUNT.write(place, "slots", 0)
        place = account["next_dirty"]
    return StateDiff(tuple(sorted(found, key=_address)))


def _address(diff: AccountDiff) -> bytes:
    return diff.address


def _account_diff(arena: Reservation, account: dict[str, Any], code_at: CodeReader) -> AccountDiff:
    existed, exists = bool(account["before_exists"]), bool(account["exists"])
    is_wiped = existed and account["generation"] != account["before_generation"]
    storage = dict(sorted(_storage(arena, account, is_wiped=is_wiped)))
    nonces = account["before_nonce"], account["nonce"]
    balances = _number(account["before_balance"]), _number(account["balance"])
    codes = account["before_code"], account["code"]
    return AccountDiff(
        address=account["address"][19::-1],
        existed=existed,
        exists=exists,
        nonce=nonces if nonces[0] != nonces[1] else None,
        balance=balances if balances[0] != balances[1] else None,
        code=(code_at(codes[0]), code_at(codes[1])) if codes[0] != codes[1] else None,
        storage=storage,
        is_wiped=is_wiped,
    )


def _storage(
    arena: Reservation, account: dict[str, Any], *, is_wiped: bool
) -> Iterator[tuple[int, Change]]:
    place = account["slots"]
    while place:
        slot = dict(
            zip(_SLOT_NAMES, _SLOT.unpack_from(arena.view, place - arena.address), strict=True)
        )
        before = 0 if is_wiped else _number(slot["before"])
        is_there = slot["generation"] == account["generation"]
        after = _number(slot["value"]) if is_there else 0
        if before != after:
            yield _number(slot["key"]), (before, after)
        SLOT.write(place, "is_dirty", 0)
        place = slot["next_dirty"]


def _number(word: bytes) -> int:
    return int.from_bytes(word, "little")


def read_logs(count: int, rooms: Rooms) -> tuple[Log, ...]:
    """The first logs of this transaction."""
    return tuple(_log(rooms, index * LOG_ENTRY.size_bytes) for index in range(count))


def _log(rooms: Rooms, start: int) -> Log:
    place = rooms.logs.address + start
    data, length = LOG_ENTRY.read(place, "data"), LOG_ENTRY.read(place, "data_length")
    first = start + LOG_ENTRY.offset("topics")
    count = LOG_ENTRY.read(place, "topic_count")
    view = rooms.logs.view
    return Log(
        LOG_ENTRY.read(place, "address").to_bytes(20, "big"),
        tuple(bytes(view[at : at + 32])[::-1] for at in range(first, first + 32 * count, 32)),
        bytes(rooms.log_data.view[data : data + length]),
    )
