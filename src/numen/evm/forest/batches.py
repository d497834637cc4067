"""The functions of native tries that Python calls: many changes at once, and roots."""

import struct
from typing import Final

from numen.evm.forest.changes import write_changes
from numen.evm.forest.nodes import HASHED, NODE, VALUE_BYTES_MAX, node_at
from numen.evm.forest.references import write_refer
from numen.evm.native.keccak import write_sponge
from numen.evm.trie import EMPTY_ROOT
from numen.kernels.llvm import Callee, Function, Module, Value, const

SLOT: Final = struct.Struct("32s32s")
"""A slot's key and word, big-endian; a word that is zero deletes."""

ACCOUNT: Final = struct.Struct("<20s4xqQ32s32s")
"""Address, index of the storage trie's root, nonce, balance (big-endian), hash of the code.

An index of -1 deletes the account.
"""

_STORAGE_AT, _NONCE_AT, _BALANCE_AT, _CODE_AT = 24, 32, 40, 72
assert ACCOUNT.size == _CODE_AT + 32


def forest_text() -> str:
    """A module with every function that Python calls.

    put_slots(pool, root, records, count)      changes a trie of storage; gives its root's index
    put_accounts(pool, root, records, count)   changes the trie of accounts; the same
    commit(pool, root, out)                    writes the root, 32 bytes
    drop(pool, root)                           gives all nodes of a trie back
    """
    module = Module()
    keccak = write_sponge(module)
    put, delete, _ = write_changes(module)
    root_word = _write_root_word(module, keccak)
    _write_put_slots(module, keccak, put, delete)
    _write_put_accounts(module, keccak, put, delete, root_word)
    f = module.function("commit", "void", {"pool": "ptr", "root": "i64", "out": "ptr"})
    pool, root, out = f.params
    f.store(f.byte_swap(f.call(root_word, pool, root)), out, 1)
    f.ret()
    return str(module)


def _write_root_word(module: Module, keccak: Callee) -> Callee:
    """Define ``root_word(pool, root)``: the root as a number."""
    refer = write_refer(module, keccak)
    f = module.function("root_word", "i256", {"pool": "ptr", "root": "i64"}, internal=True)
    pool, root = f.params
    with f.when(f.icmp("eq", root, 0)):
        f.ret(const("i256", int.from_bytes(EMPTY_ROOT, "big")))
    f.call(refer, pool, root, const("i64", 0))
    node = node_at(f, pool, root)
    reference, length = NODE.at(f, node, "reference"), NODE.load(f, node, "reference_length")
    with f.when(f.icmp("eq", length, HASHED)):
        f.ret(_read_word(f, reference, 1))
    # What is shorter than a hash stands for itself below another node, but not as a root.
    f.ret(f.call(keccak, reference, length))
    return f.callee


def _read_word(f: Function, data: Value, offset: int) -> Value:
    return f.byte_swap(f.load("i256", f.gep("i8", data, offset), 1))


def _begin_batch(module: Module, name: str) -> Function:
    params = {"pool": "ptr", "root": "i64", "records": "ptr", "count": "i64"}
    return module.function(name, "i64", params)


def _write_put_slots(module: Module, keccak: Callee, put: Callee, delete: Callee) -> None:
    f = _begin_batch(module, "put_slots")
    pool, root, records, count = f.params
    room = f.alloca("i8", VALUE_BYTES_MAX)
    with f.loop(0, count, carried=[root]) as loop:
        record = f.gep("i8", records, f.mul(loop.index, SLOT.size))
        key = f.call(keccak, record, const("i64", 32))
        word = _read_word(f, record, 32)
        gone, there, after = f.block("gone"), f.block("there"), f.block("after")
        f.cond_br(f.icmp("eq", word, 0), gone, there)
        f.at(gone)
        less = f.call(delete, pool, loop.carried[0], key)
        f.br(after)
        f.at(there)
        length = _distance(f, room, _write_number(f, room, word))
        more = f.call(put, pool, loop.carried[0], key, room, length)
        f.br(after)
        f.at(after)
        loop.advance(f.phi("i64", (less, gone), (more, there)))
    f.ret(loop.carried[0])


def _write_put_accounts(
    module: Module, keccak: Callee, put: Callee, delete: Callee, root_word: Callee
) -> None:
    f = _begin_batch(module, "put_accounts")
    pool, root, records, count = f.params
    room = f.alloca("i8", VALUE_BYTES_MAX + 32)
    with f.loop(0, count, carried=[root]) as loop:
        record = f.gep("i8", records, f.mul(loop.index, ACCOUNT.size))
        key = f.call(keccak, record, const("i64", 20))
        storage = f.load("i64", f.gep("i8", record, _STORAGE_AT), 1)
        gone, there, after = f.block("gone"), f.block("there"), f.block("after")
        f.cond_br(f.icmp("slt", storage, 0), gone, there)
        f.at(gone)
        less = f.call(delete, pool, loop.carried[0], key)
        f.br(after)
        f.at(there)
        length = _write_account(f, room, record, f.call(root_word, pool, storage))
        more = f.call(put, pool, loop.carried[0], key, room, length)
        f.br(after)
        f.at(after)
        loop.advance(f.phi("i64", (less, gone), (more, there)))
    f.ret(loop.carried[0])


def _write_account(f: Function, to: Value, record: Value, storage_root: Value) -> Value:
    """Encode an account, whose list always has from 68 to 108 bytes; give the size."""
    nonce = f.zext(f.load("i64", f.gep("i8", record, _NONCE_AT), 1), "i256")
    payload = f.gep("i8", to, 2)
    end = _write_number(f, payload, nonce)
    end = _write_number(f, end, _read_word(f, record, _BALANCE_AT))
    for word in (storage_root, _read_word(f, record, _CODE_AT)):
        f.store(const("i8", 0xA0), end)
        f.store(f.byte_swap(word), f.gep("i8", end, 1), 1)
        end = f.gep("i8", end, HASHED)
    f.store(const("i8", 0xF8), to)
    f.store(f.trunc(_distance(f, payload, end), "i8"), f.gep("i8", to, 1))
    return _distance(f, to, end)


def _distance(f: Function, begin: Value, end: Value) -> Value:
    return f.sub(f.cast("ptrtoint", end, "i64"), f.cast("ptrtoint", begin, "i64"))


def _write_number(f: Function, to: Value, number: Value) -> Value:
    """Append a number, encoded; give the new end. 33 bytes are written whatever it is."""
    zeros = f.trunc(f.and_(f.leading_zeros(number), ~7), "i64")
    # Zero is encoded as no bytes, like the string that it is.
    size = f.sub(const("i64", 32), f.lshr(zeros, 3))
    shift = f.zext(f.and_(zeros, 255), "i256")
    is_single = f.and_(f.icmp("ult", number, 0x80), f.icmp("ne", number, 0))
    f.store(f.trunc(f.add(size, 0x80), "i8"), to)
    at = f.gep("i8", to, f.zext(f.not_(is_single), "i64"))
    f.store(f.byte_swap(f.shl(number, shift)), at, 1)
    return f.gep("i8", at, size)
