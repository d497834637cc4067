"""What code can ask about other accounts."""

from typing import Final

from numen.evm.halt import Halt
from numen.evm.native import accounts
from numen.evm.native.addresses import ADDRESS_MASK
from numen.evm.native.body import Body, Emitter
from numen.evm.native.layout import ACCOUNT, CODE
from numen.evm.native.runtime_types import routine
from numen.evm.opcodes import BY_NAME
from numen.kernels.llvm import NULL, Value, const


def balance(body: Body) -> None:
    """BALANCE."""
    account = account_of(body, body.pop())
    charge_access(body, account)
    body.push(ACCOUNT.load(body.f, account, "balance"))


def extcodesize(body: Body) -> None:
    """EXTCODESIZE."""
    account = account_of(body, body.pop())
    charge_access(body, account)
    code = ACCOUNT.load(body.f, account, "code")
    body.push(CODE.load(body.f, code, "length"))


def extcodehash(body: Body) -> None:
    """EXTCODEHASH (EIP-1052): 0 for an account that is empty or not there."""
    f = body.f
    account = account_of(body, body.pop())
    charge_access(body, account)
    code_hash = body.call("code_hash", ACCOUNT.load(f, account, "code"))
    body.push(f.select(accounts.is_empty(f, account), const("i256", 0), code_hash))


def extcodecopy(body: Body) -> None:
    """EXTCODECOPY: bytes past the end of the code are zero."""
    f = body.f
    address, to, at, length = (body.pop() for _ in range(4))
    place, size = body.memory(to, length)
    words = f.lshr(f.add(size, 31), 5)
    body.charge(f.mul(words, body.fork.gas.copy_word))
    account = account_of(body, address)
    charge_access(body, account)
    code = ACCOUNT.load(f, account, "code")
    source, code_size = CODE.load(f, code, "bytes"), CODE.load(f, code, "length")
    body.call("copy_padded", place, size, source, code_size, at)


def account_of(body: Body, address: Value) -> Value:
    """Emit finding an account by the low 160 bits of a word."""
    masked = body.f.and_(address, ADDRESS_MASK)
    account = body.call("account_at", body.world(), masked)
    body.fail_if(body.f.icmp("eq", account, NULL), Halt.RESOURCE_LIMIT)
    return account


def charge_access(body: Body, account: Value, price: int | None = None) -> None:
    """Emit the price of a first access, and making the account warm (EIP-2929).

    Args:
        body: Where.
        account: The account.
        price: What the first access costs, if not `Gas.account_cold`.
    """
    if not body.fork.has_access_lists:
        return
    f, world = body.f, body.world()
    is_cold = accounts.is_cold(f, world, account)
    cold_price = body.fork.gas.account_cold if price is None else price
    body.charge(f.select(is_cold, const("i64", cold_price), 0))
    with f.when(is_cold, likely=False):
        f.call(routine(f.module, "warm_account"), world, account)


EMIT: Final[dict[int, Emitter]] = {
    BY_NAME[name].byte: emit
    for name, emit in {
        "BALANCE": balance,
        "EXTCODESIZE": extcodesize,
        "EXTCODEHASH": extcodehash,
        "EXTCODECOPY": extcodecopy,
    }.items()
}
"""By byte."""
