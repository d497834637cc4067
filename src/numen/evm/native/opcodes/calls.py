"""CALL, CALLCODE, DELEGATECALL, STATICCALL: prices and gas given; `starts` does the rest."""

from typing import Final

import msgspec

from numen.evm.halt import Halt
from numen.evm.native import accounts, convention
from numen.evm.native.body import Body, Emitter
from numen.evm.native.layout import ACCOUNT, FRAME
from numen.evm.native.opcodes.accounts import account_of, charge_access
from numen.evm.native.starts import START_CALL, frame_above
from numen.evm.opcodes import BY_NAME
from numen.kernels.llvm import NULL, Value, const


class Kind(msgspec.Struct, frozen=True):
    """How one of the four differs.

    Attributes:
        takes_value: A value is among its operands.
        visits: The callee's own storage is used; else the caller's.
        keeps_message: Caller and value are those of the calling frame (EIP-7).
        is_static: The callee may write nothing (EIP-214).
    """

    takes_value: bool = False
    visits: bool = False
    keeps_message: bool = False
    is_static: bool = False


_KINDS: Final = {
    "CALL": Kind(takes_value=True, visits=True),
    "CALLCODE": Kind(takes_value=True),
    "DELEGATECALL": Kind(keeps_message=True),
    "STATICCALL": Kind(visits=True, is_static=True),
}


def _call(kind: Kind) -> Emitter:
    def emit(body: Body) -> None:
        f = body.f
        wanted, address = body.pop(), body.pop()
        value = body.pop() if kind.takes_value else const("i256", 0)
        data, data_length, result, result_length = (body.pop() for _ in range(4))
        data_at, data_size = body.memory(data, data_length)
        _, result_size = body.memory(result, result_length)

        lender = account_of(body, address)
        charge_access(body, lender)
        _charge_delegate(body, lender)
        sends = f.icmp("ne", value, 0)
        if kind.takes_value:
            body.charge(_value_price(body, kind, sends, lender))
            if kind.visits and body.fork.has("STATICCALL"):
                is_static = f.icmp("ne", body.field("is_static"), 0)
                body.fail_if(f.and_(is_static, sends), Halt.STATIC_WRITE)
        given = _give_gas(body, wanted)
        if kind.takes_value:
            stipend = f.select(sends, const("i64", body.fork.gas.call_stipend), 0)
            given = f.add(given, stipend)

        above = frame_above(f, body.frame)
        own = body.field("account")
        places = {
            "gas": given,
            "calldata": data_at,
            "calldata_length": data_size,
            "result_offset": f.trunc(result, "i64"),
            "result_length": result_size,
            "value": body.field("value") if kind.keeps_message else value,
            "caller": body.field("caller") if kind.keeps_message else body.field("address"),
            "is_static": const("i64", 1) if kind.is_static else body.field("is_static"),
        }
        for name, each in places.items():
            FRAME.store(f, above, name, each)
        can_pay = const("i1", 1)
        if kind.takes_value:
            can_pay = f.icmp("ule", value, ACCOUNT.load(f, own, "balance"))
        _leave(body, lender, lender if kind.visits else own, own if kind.visits else NULL, can_pay)

    return emit


def _leave(body: Body, lender: Value, account: Value, payer: Value, can_pay: Value) -> None:
    """Emit sleeping, and going on with the callee, or after a call that needed no frame."""
    f, registers = body.f, body.registers()
    convention.save(f, registers)
    following = f.call(START_CALL, body.frame, account, lender, payer, can_pay)
    body.fail_if(f.icmp("eq", following, NULL), Halt.RESOURCE_LIMIT)
    convention.enter(f, "resume", following, registers.table)


def _charge_delegate(body: Body, lender: Value) -> None:
    """Emit the price of the code that the account's stands for (EIP-7702)."""
    if not body.fork.has_delegations:
        return
    price = body.call("access_delegate", body.world(), lender)
    body.fail_if(body.f.icmp("slt", price, 0), Halt.RESOURCE_LIMIT)
    body.charge(price)


def _value_price(body: Body, kind: Kind, sends: Value, callee: Value) -> Value:
    """Emit what sending wei costs, and bringing the callee to life."""
    f, gas = body.f, body.fork.gas
    price = f.select(sends, const("i64", gas.call_value), 0)
    if not kind.visits:
        return price
    if body.fork.deletes_empty_accounts:
        is_new = f.and_(sends, accounts.is_empty(f, callee))
    else:
        is_new = f.icmp("eq", ACCOUNT.load(f, callee, "exists"), 0)
    return f.add(price, f.select(is_new, const("i64", gas.new_account), 0))


def _give_gas(body: Body, wanted: Value) -> Value:
    """Emit taking what the callee gets: what is wanted, or all but one 64th (EIP-150)."""
    f, left = body.f, body.gas()
    most = f.sub(left, f.lshr(left, 6)) if body.fork.keeps_one_64th else left
    is_more = f.icmp("ugt", wanted, f.zext(most, "i256"))
    if not body.fork.keeps_one_64th:
        body.fail_if(is_more, Halt.OUT_OF_GAS)
    given = f.select(is_more, most, f.trunc(wanted, "i64"))
    body.charge(given)
    return given


EMIT: Final[dict[int, Emitter]] = {BY_NAME[n].byte: _call(kind) for n, kind in _KINDS.items()}
"""By byte."""
