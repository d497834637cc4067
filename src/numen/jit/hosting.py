"""What a contract speaks to, in native code: a table of slots and a list of records.

A block of memory is shared between native code and Python; `FIELDS` says what stands at its
beginning. Slots that a run touches stand in ``entries`` in the order of their first touch, and
``index`` finds them by hashing, with linear probing. An index cell holds the number of the run it
belongs to in its upper half, so a table needs no clearing between runs. Python is called once for
each slot that is read for the first time.
"""

from collections.abc import Callable
from typing import Final

from numen.ir.host import RECORD_HEAD_BYTES, SLOTS_MAX, WORD_BYTES
from numen.kernels.keccak import LANES, RATE_BYTES
from numen.kernels.keccak_code import FIRST_PADDING, LAST_PADDING, write_permutation
from numen.kernels.llvm import NULL, Callee, Function, Module, Value, const

FIELDS: Final = {
    name: 8 * number
    for number, name in enumerate(
        (
            "run", "count", "records_end", "state",
            "room", "mask", "index", "entries", "records", "records_room", "ask", "seed",
            "recover",
        )
    )
}  # fmt: skip
"""Offsets in bytes of the fields, 8 bytes each. Set for every run: its number; how many entries
there are; how many bytes of records; why the run was left. Set once: how many entries there may be;
the size of the index, less one; where index, entries and records lie; how many bytes of records
there may be; the function to ask for a slot; a secret that keeps others from choosing keys that
lie in one place of the index; and the function to ask who signed."""

SIGNED: Final = 8 * len(FIELDS)
"""Where, behind the fields, digest, r, s and v stand; the account then replaces the first."""

SIGNED_WORDS: Final = 4

KEY, VALUE, BEFORE, FLAGS, ENTRY_BYTES = 0, 32, 64, 96, 104
"""Offsets in an entry, and its size: key, value now, value before, and flags."""

READ, WRITTEN = 1, 2
"""Flags of an entry: its value before is known; it was written."""

FULL, FAILED = 1, 2
"""Why a run was left: there is no room for an entry; Python could not tell what it was asked."""

ASK: Final = Callee("", "i64", ("i64",))
"""The form of the function that Python gives: the number of an entry, whose value it fills in;
zero where it could."""

_ODD = (0x9E3779B97F4A7C15, 0xC2B2AE3D27D4EB4F, 0x165667B19E3779F9, 0xD6E8FEB86659FD93)
_ALIGN = 8
assert SLOTS_MAX < 1 << 32, "an index cell does not hold the number of an entry"


class Routines:
    """The routines of one module, written when first asked for."""

    def __init__(self, module: Module) -> None:
        self._module = module
        self._made: dict[str, Callee] = {}

    def hash(self) -> Callee:
        """Get ``i256 hash_words(i256 first, i256 second)``."""
        return self._get("hash_words", lambda: _write_hash(self._module, self._permute()))

    def hash_bytes(self) -> Callee:
        """Get the hash ``i256 (ptr words, i64 size)`` of bytes that are all there."""
        return self._get("hash_bytes", lambda: _write_hash_bytes(self._module, self._permute()))

    def recover(self) -> Callee:
        """Get the signer ``{i256, i1} (ptr host, i256, i256, i256, i256)``: of digest, r, s, v."""
        return self._get("recover", lambda: _write_recover(self._module))

    def load(self) -> Callee:
        """Get ``{i256, i1} state_load(ptr host, i256 key)``: the value, and if there is one."""
        return self._get("state_load", lambda: _write_load(self._module, self._entry()))

    def store(self) -> Callee:
        """Get ``i1 state_store(ptr host, i256 key, i256 value)``: whether there was room."""
        return self._get("state_store", lambda: _write_store(self._module, self._entry()))

    def emit(self) -> Callee:
        """Get ``i1 emit_record(ptr host, i64 kind, ptr words, i64 count)``: if there was room."""
        return self._get("emit_record", lambda: _write_emit(self._module))

    def _permute(self) -> Callee:
        return self._get("keccak_f", lambda: write_permutation(self._module))

    def _entry(self) -> Callee:
        return self._get("entry_of", lambda: _write_entry(self._module))

    def _get(self, name: str, write: Callable[[], Callee]) -> Callee:
        if name not in self._made:
            self._made[name] = write()
        return self._made[name]


def _write_hash(module: Module, permute: Callee) -> Callee:
    params = {"first": "i256", "second": "i256"}
    f = module.function("hash_words", "i256", params, internal=True)
    state = f.alloca("i64", LANES)
    f.fill(state, 0, const("i64", 8 * LANES))
    for number, word in enumerate(f.params):
        f.store(f.byte_swap(word), f.gep("i8", state, WORD_BYTES * number), _ALIGN)
    f.store(const("i8", 0x01), f.gep("i8", state, 2 * WORD_BYTES))
    f.store(const("i8", 0x80), f.gep("i8", state, RATE_BYTES - 1))
    f.call(permute, state)
    f.ret(f.byte_swap(f.load("i256", state, _ALIGN)))
    return f.callee


def _write_hash_bytes(module: Module, permute: Callee) -> Callee:
    """A lane of a message is a limb of a word, whose bytes stand the other way round."""
    f = module.function("hash_bytes", "i256", {"words": "ptr", "size": "i64"}, internal=True)
    words, size = f.params
    state = f.alloca("i64", LANES)
    f.fill(state, 0, const("i64", 8 * LANES))
    full = f.lshr(size, 3)
    with f.loop(0, full) as lane:
        place = f.urem(lane.index, RATE_BYTES // 8)
        _xor(f, f.gep("i64", state, place), f.byte_swap(f.load("i64", _limb(f, words, lane.index))))
        with f.when(f.icmp("eq", place, RATE_BYTES // 8 - 1)):
            f.call(permute, state)
    end = f.gep("i64", state, f.urem(full, RATE_BYTES // 8))
    rest = f.shl(f.and_(size, 7), 3)
    with f.when(f.icmp("ne", rest, 0)):
        kept = f.sub(f.shl(const("i64", 1), rest), 1)
        _xor(f, end, f.and_(f.byte_swap(f.load("i64", _limb(f, words, full))), kept))
    _xor(f, end, f.shl(const("i64", FIRST_PADDING), rest))
    _xor(f, f.gep("i64", state, RATE_BYTES // 8 - 1), const("i64", LAST_PADDING << 56))
    f.call(permute, state)
    f.ret(f.byte_swap(f.load("i256", state, _ALIGN)))
    return f.callee


def _limb(f: Function, words: Value, lane: Value) -> Value:
    """Where a lane of a message lies: words are little-endian in memory, and texts are not."""
    return f.gep("i64", words, f.xor(lane, 3))


def _xor(f: Function, place: Value, value: Value) -> None:
    f.store(f.xor(f.load("i64", place), value), place)


def _write_recover(module: Module) -> Callee:
    params = {"host": "ptr"} | dict.fromkeys(("digest", "r", "s", "v"), "i256")
    f = module.function("recover", "{i256, i1}", params, internal=True)
    host, *given = f.params
    for number, word in enumerate(given):
        f.store(word, f.gep("i8", host, SIGNED + WORD_BYTES * number), _ALIGN)
    with f.when(
        f.icmp("ne", f.call_pointer(_pointer(f, host, "recover"), ASK, const("i64", 0)), 0)
    ):
        _set_field(f, host, "state", const("i64", FAILED))
        f.ret(Value("{i256, i1}", "zeroinitializer"))
    signer = f.load("i256", f.gep("i8", host, SIGNED), _ALIGN)
    pair = f.insert(Value("{i256, i1}", "poison"), signer, 0)
    f.ret(f.insert(pair, const("i1", 1), 1))
    return f.callee


def _write_entry(module: Module) -> Callee:
    """``ptr entry_of(ptr host, i256 key)``: the entry, made where there is none, or null."""
    f = module.function("entry_of", "ptr", {"host": "ptr", "key": "i256"}, internal=True)
    host, key = f.params
    run, mask = _field(f, host, "run"), _field(f, host, "mask")
    index, entries = _pointer(f, host, "index"), _pointer(f, host, "entries")
    start, probe, taken, free = f.current, f.block("probe"), f.block("taken"), f.block("free")
    first = f.and_(_mix(f, key, _field(f, host, "seed")), mask)
    f.br(probe)
    f.at(probe)
    at = f.phi("i64", (first, start))
    cell = f.gep("i64", index, at)
    found = f.load("i64", cell)
    f.cond_br(f.icmp("eq", f.lshr(found, 32), run), taken, free)
    f.at(taken)
    entry = f.gep("i8", entries, f.mul(f.and_(found, (1 << 32) - 1), ENTRY_BYTES))
    with f.when(f.icmp("eq", f.load("i256", entry, _ALIGN), key)):
        f.ret(entry)
    f.incoming(at, f.and_(f.add(at, 1), mask), f.current)
    f.br(probe)
    f.at(free)
    count = _field(f, host, "count")
    with f.when(f.icmp("uge", count, _field(f, host, "room")), likely=False):
        _set_field(f, host, "state", const("i64", FULL))
        f.ret(NULL)
    made = f.gep("i8", entries, f.mul(count, ENTRY_BYTES))
    f.store(key, made, _ALIGN)
    f.store(const("i64", 0), f.gep("i8", made, FLAGS))
    f.store(f.or_(f.shl(run, 32), count), cell)
    _set_field(f, host, "count", f.add(count, 1))
    f.ret(made)
    return f.callee


def _write_load(module: Module, entry_of: Callee) -> Callee:
    params = {"host": "ptr", "key": "i256"}
    f = module.function("state_load", "{i256, i1}", params, internal=True)
    host, key = f.params
    entry = f.call(entry_of, host, key)
    with f.when(f.icmp("eq", entry, NULL), likely=False):
        f.ret(Value("{i256, i1}", "zeroinitializer"))
    flags = f.gep("i8", entry, FLAGS)
    with f.when(f.icmp("eq", f.load("i64", flags), 0)):
        ask = _pointer(f, host, "ask")
        number = f.sub(_field(f, host, "count"), 1)
        with f.when(f.icmp("ne", f.call_pointer(ask, ASK, number), 0), likely=False):
            _set_field(f, host, "state", const("i64", FAILED))
            f.ret(Value("{i256, i1}", "zeroinitializer"))
        f.store(const("i64", READ), flags)
    value = f.load("i256", f.gep("i8", entry, VALUE), _ALIGN)
    pair = f.insert(Value("{i256, i1}", "poison"), value, 0)
    f.ret(f.insert(pair, const("i1", 1), 1))
    return f.callee


def _write_store(module: Module, entry_of: Callee) -> Callee:
    params = {"host": "ptr", "key": "i256", "value": "i256"}
    f = module.function("state_store", "i1", params, internal=True)
    host, key, value = f.params
    entry = f.call(entry_of, host, key)
    with f.when(f.icmp("eq", entry, NULL), likely=False):
        f.ret(const("i1", 0))
    f.store(value, f.gep("i8", entry, VALUE), _ALIGN)
    flags = f.gep("i8", entry, FLAGS)
    f.store(f.or_(f.load("i64", flags), WRITTEN), flags)
    f.ret(const("i1", 1))
    return f.callee


def _write_emit(module: Module) -> Callee:
    params = {"host": "ptr", "kind": "i64", "words": "ptr", "count": "i64"}
    f = module.function("emit_record", "i1", params, internal=True)
    host, kind, words, count = f.params
    start = _field(f, host, "records_end")
    end = f.add(f.add(start, RECORD_HEAD_BYTES), f.mul(count, WORD_BYTES))
    with f.when(f.icmp("ugt", end, _field(f, host, "records_room")), likely=False):
        f.ret(const("i1", 0))
    head = f.gep("i8", _pointer(f, host, "records"), start)
    f.store(kind, head)
    f.store(count, f.gep("i8", head, 8))
    body = f.gep("i8", head, RECORD_HEAD_BYTES)
    with f.loop(0, count) as loop:
        offset = f.mul(loop.index, WORD_BYTES)
        word = f.load("i256", f.gep("i8", words, offset), _ALIGN)
        f.store(f.byte_swap(word), f.gep("i8", body, offset), _ALIGN)
    _set_field(f, host, "records_end", end)
    f.ret(const("i1", 1))
    return f.callee


def _field(f: Function, host: Value, name: str) -> Value:
    return f.load("i64", f.gep("i8", host, FIELDS[name]))


def _pointer(f: Function, host: Value, name: str) -> Value:
    return f.cast("inttoptr", _field(f, host, name), "ptr")


def _set_field(f: Function, host: Value, name: str, value: Value) -> None:
    f.store(value, f.gep("i8", host, FIELDS[name]))


def _mix(f: Function, key: Value, seed: Value) -> Value:
    """Spread a word over 64 bits: limbs mixed with a secret, times odd numbers, folded."""
    total = const("i64", 0)
    for number, odd in enumerate(_ODD):
        limb = f.trunc(f.lshr(key, 64 * number), "i64")
        total = f.mul(f.xor(f.add(total, limb), seed), odd)
        total = f.xor(total, f.lshr(total, 29))
    return total
