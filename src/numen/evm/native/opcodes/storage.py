"""Storage, and transient storage (EIP-1153)."""

from typing import Final

from numen.evm.forks import Fork
from numen.evm.halt import Halt
from numen.evm.native import slots
from numen.evm.native.body import Body, Emitter
from numen.evm.native.layout import SLOT, WORLD
from numen.evm.native.runtime_types import routine
from numen.evm.opcodes import BY_NAME
from numen.kernels.llvm import NULL, Function, Value, const


def sload(body: Body) -> None:
    """SLOAD."""
    slot = _slot(body, body.pop())
    _charge_access(body, slot, body.fork.gas.sload_cold)
    body.push(SLOT.load(body.f, slot, "value"))


def sstore(body: Body) -> None:
    """SSTORE: each fork's price and refund (EIP-1283, 2200, 2929, 3529)."""
    f, fork = body.f, body.fork
    key, new = body.pop(), body.pop()
    _refuse_static(body)
    if fork.gas.sstore_sentry:
        body.fail_if(f.icmp("sle", body.gas(), fork.gas.sstore_sentry), Halt.OUT_OF_GAS)
    slot = _slot(body, key)
    _charge_access(body, slot, fork.gas.sstore_cold)
    current = SLOT.load(f, slot, "value")
    world = body.world()
    if fork.is_sstore_net_metered:
        original = slots.original(f, world, slot)
        body.charge(_net_price(f, fork, original, current, new))
        refund = _net_refund(f, fork, original, current, new)
    else:
        was_zero, is_zero = f.icmp("eq", current, 0), f.icmp("eq", new, 0)
        sets = f.and_(was_zero, f.not_(is_zero))
        body.charge(_choose(f, sets, fork.gas.sstore_set, fork.gas.sstore_reset))
        clears = f.and_(is_zero, f.not_(was_zero))
        refund = _choose(f, clears, fork.gas.sstore_clear_refund, 0)
    with f.when(f.icmp("ne", refund, 0), likely=False):
        WORLD.store(f, world, "refund", f.add(WORLD.load(f, world, "refund"), refund))
    with f.when(f.icmp("ne", current, new)):
        f.call(routine(f.module, "store_slot"), world, slot, new)
    _check_room(body)


def tload(body: Body) -> None:
    """TLOAD."""
    body.push(SLOT.load(body.f, _transient(body, body.pop()), "transient"))


def tstore(body: Body) -> None:
    """TSTORE."""
    key, new = body.pop(), body.pop()
    _refuse_static(body)
    slot = _transient(body, key)
    body.call("store_transient", body.world(), slot, new)
    _check_room(body)


def _slot(body: Body, key: Value) -> Value:
    slot = body.call("slot_at", body.world(), body.field("account"), key)
    body.fail_if(body.f.icmp("eq", slot, NULL), Halt.RESOURCE_LIMIT)
    return slot


def _transient(body: Body, key: Value) -> Value:
    slot = body.call("transient_at", body.world(), body.field("account"), key)
    body.fail_if(body.f.icmp("eq", slot, NULL), Halt.RESOURCE_LIMIT)
    return slot


def _refuse_static(body: Body) -> None:
    if body.fork.has("STATICCALL"):
        body.fail_if(body.f.icmp("ne", body.field("is_static"), 0), Halt.STATIC_WRITE)


def _check_room(body: Body) -> None:
    """Emit giving up where the journal is full: a loop may never come to a halt."""
    error = WORLD.load(body.f, body.world(), "error")
    body.fail_if(body.f.icmp("ne", error, 0), Halt.RESOURCE_LIMIT)


def _charge_access(body: Body, slot: Value, cold_price: int) -> None:
    """Emit the price of a first access, and making the slot warm (EIP-2929)."""
    if not body.fork.has_access_lists:
        return
    f, world = body.f, body.world()
    is_cold = slots.is_cold(f, world, slot)
    body.charge(_choose(f, is_cold, cold_price, 0))
    with f.when(is_cold, likely=False):
        f.call(routine(f.module, "warm_slot"), world, slot)


def _choose(f: Function, cond: Value, then: int, other: int) -> Value:
    return f.select(cond, const("i64", then), other)


def _net_price(f: Function, fork: Fork, original: Value, current: Value, new: Value) -> Value:
    changes_first = f.and_(f.icmp("eq", original, current), f.icmp("ne", current, new))
    first = _choose(f, f.icmp("eq", original, 0), fork.gas.sstore_set, fork.gas.sstore_reset)
    return f.select(changes_first, first, fork.gas.sstore_noop)


def _net_refund(f: Function, fork: Fork, original: Value, current: Value, new: Value) -> Value:
    gas = fork.gas
    was_zero, is_zero = f.icmp("eq", current, 0), f.icmp("eq", new, 0)
    began_zero = f.icmp("eq", original, 0)
    clear = gas.sstore_clear_refund
    # Cleared: refund. Filled again after it was cleared in this transaction: take it back.
    given = _choose(f, f.and_(is_zero, f.not_(was_zero)), clear, 0)
    taken = _choose(f, was_zero, -clear, 0)
    refund = f.select(began_zero, const("i64", 0), f.add(given, taken))
    # Back to what it was: what is paid for changing it comes back, but for a look.
    returned = _choose(
        f, began_zero, gas.sstore_set - gas.sstore_noop, gas.sstore_reset - gas.sstore_noop
    )
    refund = f.add(refund, f.select(f.icmp("eq", original, new), returned, 0))
    return f.select(f.icmp("eq", current, new), const("i64", 0), refund)


EMIT: Final[dict[int, Emitter]] = {
    BY_NAME[name].byte: emit
    for name, emit in {"SLOAD": sload, "SSTORE": sstore, "TLOAD": tload, "TSTORE": tstore}.items()
}
"""By byte."""
