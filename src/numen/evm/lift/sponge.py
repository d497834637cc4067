"""Keccak-256 as functions of the IR: what a KECCAK256 calls.

A function for each known length takes the words of the message and gives the digest; another takes
any part of the byte memory. All share the permutation, a loop of 24 rounds, and the step that takes
a lane in. Nothing depends on the data but the number of blocks, so a circuit can have it.

Source: Keccak reference 3.0, with Keccak's own padding, as Ethereum uses it.
"""

from collections.abc import Iterator, Mapping
from typing import Final

from numen.base.errors import Place
from numen.evm.lift.algebra import Constant, Register, Value, Writer
from numen.evm.lift.cells import WORD_BYTES
from numen.ir.nodes import (
    BasicBlock,
    Branch,
    Edge,
    Function,
    Instr,
    Jump,
    Param,
    Reg,
    Return,
    Terminator,
)
from numen.ir.ops import Op
from numen.ir.types import BOOL, U64, U256, Array, Memory, Word
from numen.kernels.keccak import LANES, RATE_BYTES, ROTATIONS, ROUNDS, round_constants

HASH: Final = "evm$keccak"
"""The function that hashes a part of memory."""

PERMUTE: Final = "evm$keccak_f"
ABSORB: Final = "evm$absorb"
SQUEEZE: Final = "evm$squeeze"
"""The functions that all lengths share."""

STATE: Final = Array(U64, LANES)
"""The state: lane (x, y) is element x + 5 y."""

_TABLE: Final = Array(U64, ROUNDS)
_LANE_BYTES: Final = 8
_RATE: Final = RATE_BYTES // _LANE_BYTES
_SWAPS: Final = ((8, 0x00FF00FF00FF00FF), (16, 0x0000FFFF0000FFFF), (32, 0x00000000FFFFFFFF))
"""Neighbours of so many bits that change places, and a mask of every other one."""


def hash_name(length: int) -> str:
    """Name of the function that hashes so many bytes."""
    return f"evm$keccak{length}"


def hash_functions(lengths: Mapping[int, Place | None]) -> dict[str, Function]:
    """Make the functions that hash messages of some lengths in bytes, each at least 1.

    The parameters of each are the words of the message, the last one filled up with zeros.

    Args:
        lengths: With the places that the functions are at.
    """
    found = {hash_name(length): _hash_function(length, lengths[length]) for length in lengths}
    return found | _shared() if found else found


def memory_hash_functions(memory: Memory, place: Place | None = None) -> dict[str, Function]:
    """Make `HASH`, which hashes a part of a memory, and what it calls."""
    return {HASH: _memory_hash_function(memory, place), **_shared()}


def _shared() -> dict[str, Function]:
    return {fn.name: fn for fn in (_permutation(), _absorption(), _squeezing())}


def _memory_hash_function(memory: Memory, place: Place | None) -> Function:
    """Make the hash of so many bytes of a memory that is kept back to front (`values`).

    ``at`` is the place in the memory's register of a lane at the first byte, all of which are
    inside. Blocks are absorbed while they are whole; the last one is always cut.
    """
    writer = Writer()
    writer.place = place
    count, done = Register("count", U64), Register("done", U64)
    opening = [Instr(Op.ARRAY, ("state",), (), STATE)]
    following = writer.write(Op.WRAPPING_ADD, U64, done, Constant(RATE_BYTES, U64))
    is_last = writer.write(Op.LT, BOOL, count, following, of=U64)
    head = BasicBlock(
        (Param("done", U64),),
        tuple(writer.body),
        Branch(is_last.name, Edge("last"), Edge("whole"), place),
    )

    writer.body = []
    for index in range(_RATE):
        lane = _loaded(writer, Register("at", U64), done, 8 * index)
        args = ("state", _index(writer, index), lane.name)
        writer.body.append(Instr(Op.CALL, (), args, symbol=ABSORB, place=place))
    writer.body.append(Instr(Op.CALL, (), ("state",), symbol=PERMUTE, place=place))
    whole = BasicBlock((), tuple(writer.body), Jump(Edge("head", (following.name,))))

    writer.body = []
    left = writer.write(Op.WRAPPING_SUB, U64, count, done)
    for index in range(_RATE):
        _absorb_cut(writer, index, left, done)
    _mix(writer, _RATE - 1, Constant(0x80 << 56, U64))
    writer.body.append(Instr(Op.CALL, (), ("state",), symbol=PERMUTE, place=place))
    writer.body.append(Instr(Op.CALL, ("digest",), ("state",), symbol=SQUEEZE, place=place))
    last = BasicBlock((), tuple(writer.body), Return(("digest",)))

    params = (Param("memory", memory), Param("at", U64), Param("count", U64))
    first = Jump(Edge("head", (writer.reg(Constant(0, U64)),)))
    start = BasicBlock(params, (*writer.definitions(), *opening), first)
    return Function(HASH, (U256,), {"start": start, "head": head, "whole": whole, "last": last})


def _loaded(writer: Writer, at: Value, done: Value, ahead: int) -> Register:
    """A lane so many bytes behind those that are done."""
    moved = writer.write(Op.WRAPPING_SUB, U64, at, done)
    index = writer.write(Op.WRAPPING_SUB, U64, moved, Constant(ahead, U64))
    return writer.write(Op.LOAD, U64, Register("memory", U64), index)


def _absorb_cut(writer: Writer, index: int, left: Value, done: Value) -> None:
    """Absorb a lane of the last block: bytes of the message, the one that ends it, or nothing."""
    is_beyond = writer.write(Op.LT, BOOL, left, Constant(8 * index, U64), of=U64)
    is_short = writer.write(Op.LT, BOOL, left, Constant(8 * index + 8, U64), of=U64)
    # Nothing is read behind the message, where the memory may end.
    behind = writer.write(Op.WRAPPING_ADD, U64, done, Constant(8 * index, U64))
    near = writer.write(Op.SELECT, U64, is_beyond, Constant(0, U64), behind)
    lane = _loaded(writer, Register("at", U64), near, 0)
    rest = writer.write(Op.WRAPPING_SUB, U64, left, Constant(8 * index, U64))
    is_cut = writer.write(Op.XOR, BOOL, is_short, is_beyond)
    kept = writer.write(Op.SELECT, U64, is_cut, rest, Constant(0, U64))
    bits = writer.write(Op.SHL, U64, kept, Constant(3, U64))
    empty = writer.write(Op.WRAPPING_SUB, U64, Constant(56, U64), bits)
    bytes_ = writer.write(Op.SHR, U64, writer.write(Op.SHR, U64, lane, empty), Constant(8, U64))
    shifted = writer.write(Op.SHL, U64, bytes_, Constant(8, U64))
    ended = writer.write(Op.SHL, U64, writer.write(Op.OR, U64, shifted, Constant(1, U64)), empty)
    part = writer.write(Op.SELECT, U64, is_short, ended, lane)
    value = writer.write(Op.SELECT, U64, is_beyond, Constant(0, U64), part)
    args = ("state", _index(writer, index), value.name)
    writer.body.append(Instr(Op.CALL, (), args, symbol=ABSORB, place=writer.place))


def _hash_function(length: int, place: Place | None) -> Function:
    """Absorb the words of a message and its padding, and squeeze."""
    writer = Writer()
    writer.place = place
    count = -(-length // WORD_BYTES)
    words = [Register(f"word{index}", U256) for index in range(count)]
    lanes = dict(_lanes(words))
    blocks = length // RATE_BYTES + 1
    # A message ends with a one, and its last block with another.
    ends = ((length, 1), (blocks * RATE_BYTES - 1, 0x80))
    body = [Instr(Op.ARRAY, ("state",), (), STATE)]
    for block in range(blocks):
        for index in range(_RATE):
            number = block * _RATE + index
            writer.body, parts = [], lanes.pop(number, None)
            if parts is not None and number * _LANE_BYTES < length:
                args = ("state", _index(writer, index), _lane(writer, *parts))
                writer.body.append(Instr(Op.CALL, (), args, symbol=ABSORB, place=place))
            for at, byte in ends:
                if at // _LANE_BYTES == number:
                    _mix(writer, index, Constant(byte << 8 * (at % _LANE_BYTES), U64))
            body += writer.body
        body.append(Instr(Op.CALL, (), ("state",), symbol=PERMUTE, place=place))
    body.append(Instr(Op.CALL, ("digest",), ("state",), symbol=SQUEEZE, place=place))
    params = tuple(Param(word.name, U256) for word in words)
    return _function(hash_name(length), params, writer, body, Return(("digest",)), U256)


def _lanes(words: list[Register]) -> Iterator[tuple[int, tuple[Register, int]]]:
    """For each lane of the message the word that holds it, and how far it is to be shifted."""
    for index, word in enumerate(words):
        for lane in range(WORD_BYTES // _LANE_BYTES):
            yield 4 * index + lane, (word, 64 * (3 - lane))


def _lane(writer: Writer, word: Register, count: int) -> Reg:
    """A lane of a word, its greatest byte the first of the message."""
    moved = writer.write(Op.SHR, U256, word, Constant(count, U256)) if count else word
    return writer.write(Op.TRUNCATE, U64, moved, of=U256, to=U64).name


def _mix(writer: Writer, index: int, value: Value) -> None:
    """Write ``state[index] ^= value``."""
    at, dest = _index(writer, index), writer.fresh()
    writer.body.append(Instr(Op.GET, (dest,), ("state", at), STATE))
    mixed = writer.write(Op.XOR, U64, Register(dest, U64), value)
    writer.body.append(Instr(Op.SET, (), ("state", at, mixed.name), STATE))


def _absorption() -> Function:
    """Make ``state[at] ^= lane`` with the bytes of the lane turned around."""
    writer = Writer()
    writer.body.append(Instr(Op.GET, ("old",), ("state", "at"), STATE))
    turned = _turned(writer, Register("lane", U64))
    mixed = writer.write(Op.XOR, U64, Register("old", U64), turned)
    writer.body.append(Instr(Op.SET, (), ("state", "at", mixed.name), STATE))
    params = (Param("state", STATE), Param("at", U64), Param("lane", U64))
    return _function(ABSORB, params, writer, writer.body, Return(()))


def _squeezing() -> Function:
    """Make the word of the first four lanes."""
    writer = Writer()
    word: Value = Constant(0, U256)
    for index in range(4):
        dest = writer.fresh()
        args = ("state", _index(writer, index))
        writer.body.append(Instr(Op.GET, (dest,), args, STATE))
        turned = _turned(writer, Register(dest, U64))
        lane = writer.write(Op.TRUNCATE, U256, turned, of=U64, to=U256)
        moved = writer.write(Op.SHL, U256, lane, Constant(192 - 64 * index, U256))
        word = writer.write(Op.OR, U256, word, moved)
    return _function(
        SQUEEZE, (Param("state", STATE),), writer, writer.body, Return((writer.reg(word),)), U256
    )


def _turned(writer: Writer, lane: Register) -> Register:
    """A lane with its bytes in the other order."""
    for count, mask in _SWAPS:
        every, by = Constant(mask, U64), Constant(count, U64)
        low = writer.write(Op.SHL, U64, writer.write(Op.AND, U64, lane, every), by)
        high = writer.write(Op.AND, U64, writer.write(Op.SHR, U64, lane, by), every)
        lane = writer.write(Op.OR, U64, low, high)
    return lane


def _permutation() -> Function:
    """Make Keccak-f[1600] on a state in place."""
    writer = Writer()
    writer.body.append(Instr(Op.ARRAY, ("constants",), (), _TABLE, data=tuple(round_constants())))
    lanes = [Register(f"lane{index}", U64) for index in range(LANES)]
    for index, lane in enumerate(lanes):
        at = _index(writer, index)
        writer.body.append(Instr(Op.GET, (f"{lane.name}_0",), ("state", at), STATE))
    firsts = [f"{lane.name}_0" for lane in lanes]
    opening = writer.body

    writer.body, turn = [], Register("turn", U64)
    is_over = writer.write(Op.EQ, BOOL, turn, Constant(ROUNDS, U64), of=U64)
    params = (Param("turn", U64), *(Param(lane.name, U64) for lane in lanes))
    head = BasicBlock(params, tuple(writer.body), Branch(is_over.name, Edge("done"), Edge("round")))

    writer.body = [Instr(Op.GET, ("constant",), ("constants", "turn"), _TABLE)]
    moved = _round(writer, lanes, Register("constant", U64))
    following = writer.write(Op.WRAPPING_ADD, U64, turn, Constant(1, U64))
    args = (following.name, *(lane.name for lane in moved))
    turned = BasicBlock((), tuple(writer.body), Jump(Edge("head", args)))

    writer.body = []
    for index, lane in enumerate(lanes):
        at = _index(writer, index)
        writer.body.append(Instr(Op.SET, (), ("state", at, lane.name), STATE))
    done = BasicBlock((), tuple(writer.body), Return(()))
    entry = Jump(Edge("head", (writer.reg(Constant(0, U64)), *firsts)))
    start = BasicBlock((Param("state", STATE),), (*writer.definitions(), *opening), entry)
    return Function(PERMUTE, (), {"start": start, "head": head, "round": turned, "done": done})


def _round(writer: Writer, a: list[Register], constant: Register) -> list[Register]:
    """Theta, rho, pi, chi and iota; lane (x, y) is element x + 5 y."""

    def xor(x: Value, y: Value) -> Register:
        return writer.write(Op.XOR, U64, x, y)

    columns = []
    for x in range(5):
        parity = a[x]
        for y in range(1, 5):
            parity = xor(parity, a[x + 5 * y])
        columns.append(parity)
    moved = list(a)
    for x in range(5):
        change = xor(columns[(x + 4) % 5], _rotated(writer, columns[(x + 1) % 5], 1))
        for y in range(5):
            lane = _rotated(writer, xor(a[x + 5 * y], change), ROTATIONS[x][y])
            moved[y + 5 * ((2 * x + 3 * y) % 5)] = lane
    result = []
    for y in range(5):
        row = moved[5 * y : 5 * y + 5]
        for x in range(5):
            other = writer.write(Op.NOT, U64, row[(x + 1) % 5])
            result.append(xor(row[x], writer.write(Op.AND, U64, other, row[(x + 2) % 5])))
    result[0] = xor(result[0], constant)
    return result


def _rotated(writer: Writer, lane: Register, count: int) -> Register:
    if not count:
        return lane
    left = writer.write(Op.SHL, U64, lane, Constant(count, U64))
    right = writer.write(Op.SHR, U64, lane, Constant(64 - count, U64))
    return writer.write(Op.OR, U64, left, right)


def _index(writer: Writer, index: int) -> Reg:
    return writer.reg(Constant(index, U64))


def _function(
    name: str,
    params: tuple[Param, ...],
    writer: Writer,
    body: list[Instr],
    end: Terminator,
    *results: Word,
) -> Function:
    """A function of one block."""
    block = BasicBlock(params, (*writer.definitions(), *body), end)
    return Function(name, results, {"start": block})
