"""Words that the frame, the transaction and the block give."""

from typing import Final

from numen.evm.forks import BLOCK_HASHES_MAX, Fork
from numen.evm.native.body import Body, Emitter
from numen.evm.native.layout import ACCOUNT, WORLD
from numen.evm.native.runtime_types import define
from numen.evm.opcodes import BY_NAME
from numen.kernels.llvm import Callee, Module, const

_FIELDS: Final = {
    "ADDRESS": "address",
    "CALLER": "caller",
    "CALLVALUE": "value",
    "ORIGIN": "origin",
    "GASPRICE": "gas_price",
    "COINBASE": "coinbase",
    "TIMESTAMP": "timestamp",
    "NUMBER": "number",
    "PREVRANDAO": "prev_randao",
    "GASLIMIT": "gas_limit",
    "CHAINID": "chain_id",
    "BASEFEE": "base_fee",
    "BLOBBASEFEE": "blob_base_fee",
}
"""Field of the Frame or World that an opcode pushes."""

_ON_BLOCK_HASH: Final = Callee("on_block_hash", "void", ("ptr", "i64", "ptr"))


def _push_field(field: str) -> Emitter:
    return lambda body: body.push(body.field(field))


def selfbalance(body: Body) -> None:
    """SELFBALANCE (EIP-1884)."""
    body.push(ACCOUNT.load(body.f, body.field("account"), "balance"))


def blockhash(body: Body) -> None:
    """BLOCKHASH: of the blocks just before this one, else zero."""
    body.push(body.call("block_hash", body.world(), body.pop()))


def blobhash(body: Body) -> None:
    """BLOBHASH (EIP-4844): zero where there is no such blob."""
    index = body.pop()
    f = body.f
    count = f.zext(body.field("blob_count"), "i256")
    is_there = f.icmp("ult", index, count)
    # The array has an entry more than the count, so one may always be read.
    safe = f.select(is_there, f.trunc(index, "i64"), body.field("blob_count"))
    found = f.load("i256", f.gep("i256", body.field("blob_hashes"), safe), 8)
    body.push(f.select(is_there, found, 0))


EMIT: Final[dict[int, Emitter]] = {
    **{BY_NAME[name].byte: _push_field(field) for name, field in _FIELDS.items()},
    BY_NAME["SELFBALANCE"].byte: selfbalance,
    BY_NAME["BLOCKHASH"].byte: blockhash,
    BY_NAME["BLOBHASH"].byte: blobhash,
}
"""By byte."""


def write_block_hash(module: Module, _fork: Fork) -> None:
    """Define ``block_hash``: checks the range, and asks Python."""
    f = define(module, "block_hash", "world", "number")
    world, number = f.params
    present = WORLD.load(f, world, "number")
    age = f.sub(present, number)
    is_recent = f.and_(f.icmp("ult", number, present), f.icmp("ule", age, BLOCK_HASHES_MAX))
    with f.when(is_recent):
        word = f.alloca("i256")
        f.store(const("i256", 0), word)
        ask = WORLD.load(f, world, "on_block_hash")
        f.call_pointer(ask, _ON_BLOCK_HASH, world, f.trunc(number, "i64"), word)
        f.ret(f.load("i256", word))
    f.ret(const("i256", 0))
