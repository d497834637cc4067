"""CREATE and CREATE2: prices and gas given; `starts` does the rest."""

from typing import Final

from numen.evm.halt import Halt
from numen.evm.native import convention
from numen.evm.native.addresses import BY_NONCE, BY_SALT
from numen.evm.native.body import Body, Emitter
from numen.evm.native.layout import ACCOUNT, FRAME
from numen.evm.native.starts import START_CREATE, frame_above
from numen.evm.opcodes import BY_NAME
from numen.kernels.llvm import NULL, Value, const


def create(body: Body) -> None:
    """CREATE: the address follows from the creator's nonce."""
    value, offset, length = (body.pop() for _ in range(3))
    data, size = _pay(body, offset, length, is_salted=False)
    f = body.f
    nonce = ACCOUNT.load(f, body.field("account"), "nonce")
    address = f.call(BY_NONCE, body.field("address"), nonce)
    _leave(body, value, data, size, address)


def create2(body: Body) -> None:
    """CREATE2 (EIP-1014): the address follows from a salt and the code."""
    value, offset, length, salt = (body.pop() for _ in range(4))
    data, size = _pay(body, offset, length, is_salted=True)
    address = body.f.call(BY_SALT, body.field("address"), salt, data, size)
    _leave(body, value, data, size, address)


def _pay(body: Body, offset: Value, length: Value, *, is_salted: bool) -> tuple[Value, Value]:
    """Emit everything that is charged, but for the gas the new frame gets."""
    f, fork = body.f, body.fork
    if fork.has("STATICCALL"):
        body.fail_if(f.icmp("ne", body.field("is_static"), 0), Halt.STATIC_WRITE)
    if fork.initcode_size_max:
        body.fail_if(f.icmp("ugt", length, fork.initcode_size_max), Halt.INITCODE_SIZE)
    data, size = body.memory(offset, length)
    price = fork.gas.create_word + (fork.gas.create2_word if is_salted else 0)
    if price:
        body.charge(f.mul(f.lshr(f.add(size, 31), 5), price))
    return data, size


def _leave(body: Body, value: Value, data: Value, size: Value, address: Value) -> None:
    """Emit giving gas, sleeping, and going on in the frame of the new contract."""
    f, left = body.f, body.gas()
    given = f.sub(left, f.lshr(left, 6)) if body.fork.keeps_one_64th else left
    body.charge(given)
    above = frame_above(f, body.frame)
    places = {
        "gas": given,
        "calldata": data,
        "calldata_length": size,
        "value": value,
        "caller": body.field("address"),
        "is_static": const("i64", 0),
    }
    for name, each in places.items():
        FRAME.store(f, above, name, each)
    registers = body.registers()
    convention.save(f, registers)
    following = f.call(START_CREATE, body.frame, address)
    body.fail_if(f.icmp("eq", following, NULL), Halt.RESOURCE_LIMIT)
    convention.enter(f, "resume", following, registers.table)


EMIT: Final[dict[int, Emitter]] = {
    BY_NAME["CREATE"].byte: create,
    BY_NAME["CREATE2"].byte: create2,
}
"""By byte."""
