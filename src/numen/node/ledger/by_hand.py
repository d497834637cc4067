"""Changing accounts outside of any block, which makes a version of the state that no block has."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, Final

import msgspec

from numen.ledger.world import World
from numen.vm.codes import code_id, placed_code, placed_slot
from numen.vm.host import Address, Key, Slot

_NOTHING: Final[Mapping[Key, Slot]] = MappingProxyType({})


def put(
    world: World, address: Address, slots: Mapping[Key, Slot] = _NOTHING, **account: Any
) -> bool:
    """Change an account; gives whether that made a version of the state.

    Args:
        world: The state, between two blocks.
        address: Of the account.
        slots: What its slots are to hold.
        account: Fields of its `ledger.cell.Account`.
    """
    before, cell = world.state.tree.version, world.cell(address)
    cell.account = msgspec.structs.replace(cell.account, **account)
    cell.slots.update(slots.items())
    world.settle()
    world.reread(world.keys)  # contracts that ran before do not know of it
    return world.state.tree.version > before


def put_code(world: World, address: Address, code: bytes) -> bool:
    """Put bytecode, or the bytes of a code, at an address; as `put`.

    Raises:
        CodeError: It begins as a code of the ledger and is none.
    """
    raw, slots = placed_code(code) if code else (b"", _NOTHING)
    if raw:
        world.publish(raw)
    return put(world, address, slots, code=code_id(raw) if raw else b"")


def put_word(world: World, address: Address, key: Key, value: Slot) -> bool:
    """Write a word of a contract's storage, by the key that clients know; as `put`."""
    code = world.code(world.peek(address).code)
    return put(world, address, {placed_slot(code, address, key) if code else key: value})
