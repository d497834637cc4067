"""One program, one encoding, one id; and bytes of anyone are a program or a typed error."""

import msgspec
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from numen.ir import codec, codes, interp, limits
from numen.ir.check import check
from numen.ir.codec import DecodeError, EncodeError, decode, encode, seal, split
from numen.ir.nodes import BasicBlock, Branch, Function, Module, Stop
from numen.ir.parse import parse_module
from numen.ir.text import print_module
from numen.ir.trap import Reason
from tests.strategies.ir import modules, runs

SAMPLE = parse_module(
    """
program main(private a: felt, b: list[u64, 4], p: struct Point(x: u64, y: i256)) -> u64

func half -> (u64)
start(a: u64):
    two = const.u64 2
    h = div.u64 a, two @ "lib.py":3:12
    return h

func main -> (u64)
start(a: felt, b: [4 x u64], x: u64, y: i256):
    low = const.i256 -123456789012345678901234567890
    fine = lt.i256 low, y @ "job.py":7:5
    require fine, "too low" @ "job.py":7:5
    at = const.u64 3
    v = get.[4 x u64] b, at @ "job.py":8:9
    m = memory.memory[40]
    zero = const.u64 0
    store.felt m, zero, a
    part = slice.[4 x u64].[2 x u64] b, zero
    q = call half(v)
    jump loop(zero, q)
loop(i: u64, sum: u64):
    more = lt.u64 i, at
    branch more, body(i), end(sum) @ "job.py":9:1
body(j: u64):
    e = get.[2 x u64] part, j @ "job.py":10:3
    s = add.u64 sum, e @ "lib.py":10:9
    one = const.u64 1
    k = wrapping_add.u64 j, one
    jump loop(k, s)
end(r: u64):
    big = lt.u64 at, r
    branch big, fail(), give()
fail():
    stop "overflow", "sum is too large" @ "job.py":11:2
give():
    return r
"""
)


def renamed(module: Module) -> Module:
    """Give every function another name and list them in another order."""
    functions = {
        f"{name}_": msgspec.structs.replace(
            fn,
            name=f"{name}_",
            blocks={label: _renamed_block(block) for label, block in fn.blocks.items()},
        )
        for name, fn in reversed(module.functions.items())
    }
    return msgspec.structs.replace(module, functions=functions, entry=f"{module.entry}_")


def _renamed_block(block: BasicBlock) -> BasicBlock:
    body = [
        msgspec.structs.replace(i, symbol=f"{i.symbol}_") if i.op.value == "call" else i
        for i in block.body
    ]
    return msgspec.structs.replace(block, body=tuple(body))


def unplaced(module: Module) -> Module:
    """Take the places away."""

    def bare(block: BasicBlock) -> BasicBlock:
        body = tuple(msgspec.structs.replace(instr, place=None) for instr in block.body)
        end = block.end
        if isinstance(end, Branch | Stop):
            end = msgspec.structs.replace(end, place=None)
        return BasicBlock(block.params, body, end)

    functions = {
        name: msgspec.structs.replace(fn, blocks={k: bare(b) for k, b in fn.blocks.items()})
        for name, fn in module.functions.items()
    }
    return msgspec.structs.replace(module, functions=functions)


def program_id(module: Module) -> bytes:
    return split(encode(module)).id


def resealed(code: bytes, debug: bytes = b"") -> Module | None:
    """Load a code section that someone wrote with a checksum that fits."""
    try:
        return decode(seal(code, debug))
    except DecodeError:
        return None


def test_the_sample_has_these_bytes_and_this_id():
    assert program_id(SAMPLE).hex() == (
        "b6fa82db86600d2f0df2e0b4d25742457d950668900cfd0a8706e64fbe588ef8"
    )
    assert encode(SAMPLE).hex() == (
        "006e6d6e01bd01030161010a0162003004040170003105506f696e74020178040179090402010401"
        "010401040216040001f202010406040a20040404090204040104010400000109a3abf8e3c9bbf0f3"
        "86dbff90dd6331090803400907746f6f206c6f7701040351200404010a5821280104005a0a0c0d00"
        "53200404200402010d41000bf0010d0f3104040af11002040305512004020e061004051101040113"
        "040613f001141231040a07f1150405f3001073756d20697320746f6f206c61726765f2073f02066c"
        "69622e7079066a6f622e7079020468616c66046d61696e0001060c00020805020005000202090000"
        "0000000002020102020301000900000000020202b7981cf5fc0273b7"
    )


@given(module=modules())
def test_encoding_round_trips(module):
    raw = encode(module)
    loaded = decode(raw)

    check(loaded)
    assert encode(loaded) == raw
    assert loaded.interface == module.interface


@given(run=runs())
def test_a_loaded_program_does_what_the_written_one_did(run):
    module, args = run

    loaded = decode(encode(module))

    assert interp.run(loaded, args, work_limit=1) == interp.run(module, args, work_limit=1)


@given(module=modules())
def test_names_and_places_are_no_part_of_the_id(module):
    bare = encode(unplaced(renamed(module)), with_debug=False)

    assert split(bare).id == program_id(module)
    assert encode(decode(bare), with_debug=False) == bare


def test_a_function_that_nothing_calls_is_no_part_of_the_program():
    extra = parse_module(print_module(SAMPLE) + "\nfunc unused -> ()\nstart():\n    return\n")

    assert encode(extra) == encode(SAMPLE)


def test_debug_names_come_back():
    loaded = decode(encode(SAMPLE))

    places = [
        i.place for fn in loaded.functions.values() for b in fn.blocks.values() for i in b.body
    ]
    assert list(loaded.functions) == ["half", "main"]
    assert {str(place) for place in places if place} == {
        "lib.py:3:12", "job.py:7:5", "job.py:8:9", "job.py:10:3", "lib.py:10:9",
    }  # fmt: skip


def test_every_flipped_bit_is_refused():
    raw = encode(SAMPLE)
    for bit in range(len(raw) * 8):
        with pytest.raises(DecodeError):
            decode(flip(raw, bit))


def test_every_flipped_bit_of_resealed_code_is_refused_or_another_program():
    sections = split(encode(SAMPLE))
    accepted = 0
    for bit in range(len(sections.code) * 8):
        module = resealed(flip(sections.code, bit), sections.debug)
        if module is not None:
            accepted += 1
            assert split(encode(module)).code == flip(sections.code, bit)
            assert program_id(module) != sections.id
    assert accepted > 0, "some flips are programs: those of constants at least"


def test_every_flipped_bit_of_resealed_names_is_refused_or_other_names():
    sections = split(encode(SAMPLE))
    for bit in range(len(sections.debug) * 8):
        module = resealed(sections.code, flip(sections.debug, bit))
        if module is not None:
            assert encode(module) == seal(sections.code, flip(sections.debug, bit))
            assert program_id(module) == sections.id


def flip(raw: bytes, bit: int) -> bytes:
    changed = bytearray(raw)
    changed[bit // 8] ^= 1 << bit % 8
    return bytes(changed)


def test_every_truncation_is_refused():
    raw = encode(SAMPLE)
    code = split(raw).code
    for size in range(len(raw)):
        with pytest.raises(DecodeError):
            decode(raw[:size])
    assert all(resealed(code[:size]) is None for size in range(len(code)))


@given(raw=st.binary(max_size=300))
@example(b"")
@example(codec.MAGIC)
@example(codec.MAGIC + bytes([codec.VERSION]))
def test_random_bytes_are_refused(raw):
    with pytest.raises(DecodeError):
        decode(raw)


@given(code=st.binary(max_size=200), debug=st.binary(max_size=60))
def test_random_sections_are_refused_or_round_trip(code, debug):
    module = resealed(code, debug)

    assert module is None or encode(module, with_debug=bool(debug)) == seal(code, debug)


@settings(max_examples=150)
@given(module=modules(), data=st.data())
def test_mutated_programs_are_refused_or_round_trip(module, data):
    sections = split(encode(module))
    code = bytearray(sections.code)
    for _ in range(data.draw(st.integers(1, 3))):
        at = data.draw(st.integers(0, len(code) - 1))
        keep = data.draw(st.integers(0, 3))
        code[at : at + keep] = data.draw(st.binary(max_size=4))

    loaded = resealed(bytes(code))

    assert loaded is None or encode(loaded, with_debug=False) == seal(bytes(code), b"")


def code_of(text: str) -> bytes:
    return split(encode(parse_module(text), with_debug=False)).code


UNIT = code_of("program f() -> tuple[]\n\nfunc f -> ()\nstart():\n    return\n")


def refusal(code: bytes, debug: bytes = b"") -> DecodeError:
    with pytest.raises(DecodeError) as caught:
        decode(seal(code, debug))
    return caught.value


def test_the_smallest_program_is_eight_bytes():
    #                   inputs result      functions results blocks params return
    assert bytes([0, 0x32, 0, 1, 0, 1, 0, 0xF2]) == UNIT


CASES = {
    "a number longer than it needs to be": ([0, 0x32, 0, 0x81, 0], 3),
    "a count beyond the bytes that remain": ([0, 0x32, 0, 0xFF, 0x0F], 3),
    "no function": ([0, 0x32, 0, 0], 3),
    "a function without blocks": ([0, 0x32, 0, 1, 0, 0, 0], 5),
    "an opcode that nothing has": ([0, 0x32, 0, 1, 0, 1, 0, 0x7F], 7),
    "a register that nothing defines": ([0, 0x32, 0, 1, 0, 1, 0, 0x40, 0, 0, 0xF2], 8),
    "a block that is not there": ([0, 0x32, 0, 1, 0, 1, 0, 0xF0, 1], 8),
    "a call of the function itself": ([0, 0x32, 0, 1, 0, 1, 0, 0x41, 0, 0xF2], 8),
    "a function that nothing calls": ([0, 0x32, 0, 2, 0, 1, 0, 0xF2, 0, 1, 0, 0xF2], 3),
    "bytes after the last function": ([0, 0x32, 0, 1, 0, 1, 0, 0xF2, 0], 8),
    "a constant out of range": ([0, 0x32, 0, 1, 0, 1, 0, 0x01, 0, 2, 0xF2], 9),
    "a constant that is an array": ([0, 0x32, 0, 1, 0, 1, 0, 0x01, 0x20, 0, 1, 0, 0xF2], 11),
    "an array of nothing": ([0, 0x32, 0, 1, 0, 1, 0, 0x50, 0x20, 0, 0, 0xF2], 8),
    "a message that is not UTF-8": ([0, 0x32, 0, 1, 0, 1, 0, 0xF3, 0, 1, 0xFF], 9),
    "a stop that says what only the meter may": ([0, 0x32, 0, 1, 0, 1, 0, 0xF3, 7, 0], 8),
    "an edge to the entry": ([0, 0x32, 0, 1, 0, 1, 0, 0xF0, 0], 7),
    "a block that no way leads to": ([0, 0x32, 0, 1, 0, 2, 0, 0, 0xF2, 0xF2], 9),
    "two parameters of one name": ([2, 1, 97, 0, 0, 1, 97, 0, 0, 0x32, 0, 0], 0),
    "a parameter without a name": ([1, 0, 0, 0, 0x32, 0, 1, 0, 1, 1, 0, 0xF2], 1),
    "a shape deeper than allowed": ([0, *[0x30, 1] * 18, 0], 35),
    "a list of more values than allowed": ([0, *[0x30, 0xFF, 0x7F] * 4, 0x32, 0, 0], 1),
}  # fmt: skip


@pytest.mark.parametrize(("code", "offset"), CASES.values(), ids=CASES)
def test_refused(code, offset):
    head = len(codec.MAGIC) + 2

    error = refusal(bytes(code))

    assert error.offset == offset + head


def test_an_entry_that_is_not_the_interfaces_is_refused():
    error = refusal(bytes([0, 0, 1, 0, 1, 0, 0xF2]))

    assert "interface" in error.reason


def test_a_meter_cannot_be_written_in_bytecode():
    meters = [byte for byte in range(256) if byte not in {*codec_bytes()}]

    for byte in meters:
        assert refusal(bytes([0, 0x32, 0, 1, 0, 1, 0, byte, 0xF2])).offset
    assert len(meters) == 256 - 40 - 4


def codec_bytes() -> set[int]:
    return {*codes.OPCODES.values(), codes.JUMP, codes.BRANCH, codes.RETURN, codes.STOP}


def test_another_version_is_refused_by_name():
    raw = bytearray(encode(SAMPLE))
    raw[len(codec.MAGIC)] = 2

    with pytest.raises(DecodeError, match="version 2"):
        decode(bytes(raw))


def test_too_many_bytes_are_refused_unread():
    with pytest.raises(DecodeError, match="are allowed"):
        decode(bytes(limits.CODE_BYTES_MAX + 1))


def test_a_call_that_would_write_too_many_registers_is_refused():
    """Few bytes of calls to a function of many results: a bomb of registers."""
    many = 60_000
    callee = [*number(many), *[0] * many, 1, 0, 0x01, 0, 0, 0xF2, *[0] * many]
    caller = [0, 1, 0, *[0x41, 0] * 100, 0xF2]

    error = refusal(bytes([0, 0x32, 0, 2, *callee, *caller]))

    assert "registers" in error.reason


def number(value: int) -> list[int]:
    out = []
    while value > 0x7F:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    return [*out, value]


@pytest.mark.parametrize("name", ["", "a b", "1", "é b", "x" * 300])
def test_a_name_that_is_none_is_not_written(name):
    field = msgspec.structs.replace(SAMPLE.interface.inputs[0], name=name)
    interface = msgspec.structs.replace(
        SAMPLE.interface, inputs=(field, *SAMPLE.interface.inputs[1:])
    )

    with pytest.raises(EncodeError):
        encode(msgspec.structs.replace(SAMPLE, interface=interface))


def test_a_message_without_utf8_is_not_written():
    stop = Stop(Reason.OVERFLOW, "\ud800")
    fn = Function("f", (), {"start": BasicBlock((), (), stop)})
    module = msgspec.structs.replace(
        parse_module("program f() -> tuple[]\n\nfunc f -> ()\nstart():\n    return\n"),
        functions={"f": fn},
    )

    with pytest.raises(EncodeError):
        encode(module)
