"""The routines that handlers and regions call, by name, with their types.

A routine has C's convention and comes back, unlike the functions of `convention`. The interpreter
defines all of them, in the module of the handlers; a compiled region gets them as imports.
"""

from typing import Final

from numen.kernels.llvm import Callee, Function, Module

_ROUTINES = (
    # Hashing, memory, arithmetic, code.
    Callee("keccak", "i256", ("ptr", "i64")),
    Callee("keccak_memo", "i256", ("ptr", "ptr", "i64")),
    Callee("expand", "i64", ("ptr", "i64", "i64", "i64")),
    Callee("power", "i256", ("i256", "i256")),
    Callee("copy_padded", "void", ("ptr", "i64", "ptr", "i64", "i256")),
    Callee("map_jumps", "void", ("ptr", "i64", "ptr")),
    Callee("block_hash", "i256", ("ptr", "i256")),
    # The World's: accounts, slots, logs, calls
    Callee("account_at", "ptr", ("ptr", "i256")),
    Callee("warm_account", "void", ("ptr", "ptr")),
    Callee("slot_at", "ptr", ("ptr", "ptr", "i256")),
    Callee("warm_slot", "void", ("ptr", "ptr")),
    Callee("store_slot", "void", ("ptr", "ptr", "i256")),
    Callee("transient_at", "ptr", ("ptr", "ptr", "i256")),
    Callee("store_transient", "void", ("ptr", "ptr", "i256")),
    Callee("new_log", "ptr", ("ptr", "ptr", "i64")),
    Callee("access_delegate", "i64", ("ptr", "ptr")),
    Callee("code_hash", "i256", ("ptr",)),
)

ROUTINES: Final[dict[str, Callee]] = {routine.name: routine for routine in _ROUTINES}
"""By name. What each does stands where it is defined.

    keccak(data, length)                  Keccak-256 as a word
    keccak_memo(world, data, length)      the same; remembers digests of 32 and 64 bytes
    expand(frame, end, gas, msize)        memory of ``end`` bytes: charges and zeroes; gas left, or
                                          negative. msize is then ``end`` rounded up to 32.
    power(base, exponent)                 modulo 2**256
    copy_padded(to, n, source, size, at)  n bytes of source from ``at`` on, zeros past its size
    map_jumps(code, length, map)          fills a jump map
    block_hash(world, number)             of a recent block, else 0
    account_at(world, address)            the Account; null: the run is to be given up
    warm_account(world, account)          makes it warm, in a way that a revert undoes
    slot_at(world, account, key)          the Slot with its value; null as above
    warm_slot(world, slot)                makes it warm, in a way that a revert undoes
    store_slot(world, slot, value)        changes its value
    transient_at(world, account, key)     the Slot with its transient word; null as above
    store_transient(world, slot, value)   changes its transient word
    new_log(frame, data, length)          a LogEntry, all but its topics; null as above
    access_delegate(world, account)       gas to pay for the code that the account's stands for
                                          (EIP-7702), which is then warm; negative as null above
    code_hash(code)                       Keccak-256 of a Code
"""


def routine(module: Module, name: str) -> Callee:
    """A routine, wherever it is defined."""
    callee = ROUTINES[name]
    return module.declare(name, callee.result, callee.params)


def define(
    module: Module, name: str, *params: str, attributes: str = "nounwind noinline"
) -> Function:
    """Begin a routine.

    Args:
        module: The interpreter's.
        name: In `ROUTINES`.
        *params: Names of its parameters.
        attributes: Of the function.
    """
    callee = ROUTINES[name]
    types = dict(zip(params, callee.params, strict=True))
    return module.function(name, callee.result, types, attributes=attributes)
