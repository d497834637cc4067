"""The graph has every way that a run can take, whatever the bytes."""

import contextlib
from pathlib import Path
from random import Random

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from numen.evm.forks import fork
from numen.evm.lift.contract import WholeContract
from numen.evm.lift.errors import LiftLimitError, UnresolvedJumpError
from numen.evm.lift.graph import contract_graph, explore
from numen.evm.lift.instructions import disassemble
from numen.evm.lift.limits import CODE_BYTES_MAX
from numen.evm.lift.listing import print_registers
from numen.evm.lift.reading import read_bytecode
from numen.evm.lift.signature import parse_signature
from numen.evm.lift.svg import draw
from tests.evm.lift.called import called
from tests.evm.tier.assembly import assemble
from tests.timing import seconds_at_most

PRAGUE = fork("prague")
CONTRACTS = sorted((Path(__file__).parent / "contracts").glob("pure.*.hex"))

LOOP = "10 again: 1 SWAP1 SUB DUP1 @again JUMPI STOP"
TWICE = """
    @first 5 @double JUMP
    first: @second SWAP1 @double JUMP
    second: 0 MSTORE STOP
    double: DUP1 ADD SWAP1 JUMP
"""


def graph_of(text: str):
    return contract_graph(disassemble(assemble(text), PRAGUE))


def ways(graph):
    """Edges as offsets of blocks, with their kind."""
    return {
        (context.block.start, edge.kind, graph.contexts[edge.to].block.start)
        for context in graph.contexts
        for edge in context.edges
    }


def test_a_loop_comes_together():
    graph = graph_of(LOOP)

    assert ways(graph) == {(0, "fall", 2), (2, "then", 2), (2, "else", 12)}
    assert len(graph.contexts) == 3
    assert graph.contexts[1].state.stack == (None,), "the counter is not followed"


def test_an_inner_function_has_a_context_for_each_caller():
    graph = graph_of(TWICE)
    double = assemble(TWICE).index(bytes.fromhex("5b8001"))

    callers = [context for context in graph.contexts if context.block.start == double]
    assert len(callers) == 2
    assert all(len(context.edges) == 1 for context in callers)
    assert not graph.unresolved


def test_a_branch_that_is_decided_has_one_way():
    graph = graph_of("0 @no JUMPI STOP no: INVALID")

    assert [edge.kind for edge in graph.contexts[0].edges] == ["else"]
    assert len(graph.contexts) == 2


def test_a_jump_to_where_is_not_known_is_named():
    graph = graph_of("1 2 ADD 0 CALLDATALOAD JUMP")

    assert [instr.offset for instr in graph.unresolved] == [8]
    with pytest.raises(UnresolvedJumpError, match="JUMP at 0x0008") as caught:
        graph.require_resolved()
    assert caught.value.offset == 8


@pytest.mark.parametrize(
    ("text", "failure"),
    [
        ("3 JUMP JUMPDEST", ""),
        ("4 JUMP JUMPDEST", "jump to no JUMPDEST"),
        ("4 JUMP PUSH2 0x5b5b", "jump to no JUMPDEST"),
        ("ADD", "stack underflow"),
        ("INVALID", "invalid instruction"),
        ("1 2 3 4 DUP5", "stack underflow"),
    ],
)
def test_a_frame_that_fails_says_why(text, failure):
    assert graph_of(text).contexts[0].failure == failure


TABLE = """
    0 CALLDATALOAD 1 AND 1 SHL @table 2 ADD ADD 2 SWAP1 {at} CODECOPY {between} {word} MLOAD JUMP
    even: STOP odd: INVALID table: PUSH4
"""


def table(at: int = 30, word: int = 0, between: str = "") -> bytes:
    code = assemble(TABLE.format(at=at, word=word, between=between) + " 0")[:-4]
    even = code.index(bytes.fromhex("5b005bfe5b63"))
    return code + even.to_bytes(2, "big") + (even + 2).to_bytes(2, "big")


def test_a_table_of_targets_in_the_code_is_read():
    graph = contract_graph(disassemble(table(), PRAGUE))

    assert not graph.unresolved
    assert {edge.kind for edge in graph.contexts[0].edges} == {"jump"}
    assert len(graph.contexts) == 3
    for bits in (0, 1):
        check_graph(table(), bits.to_bytes(32, "big"))


@pytest.mark.parametrize(
    "between",
    ["9 0 MSTORE", "9 31 MSTORE8", "1 CALLDATASIZE MSTORE", "1 0 2 MCOPY", "1 0 0 CALLDATACOPY",
     "1 2 0 0 0 0 0 CALL POP", "9 40 MSTORE"],
)  # fmt: skip
def test_a_table_that_was_written_over_is_not_trusted(between):
    graph = contract_graph(disassemble(table(between=between), PRAGUE))

    assert len(graph.contexts) == 1
    assert graph.unresolved or graph.contexts[0].failure
    check_graph(table(between=between), (1).to_bytes(32, "big"))


def test_a_byte_that_the_fork_lacks_ends_the_block():
    graph = contract_graph(disassemble(bytes.fromhex("5f5f01"), fork("london")))

    assert graph.contexts[0].failure == "invalid instruction"
    assert len(graph.contexts[0].block.body) == 1


def test_a_stack_that_only_grows_ends_where_it_overflows():
    graph = graph_of("again: 1 @again JUMP")

    assert len(graph.contexts) == 1024
    assert graph.contexts[-1].failure == "stack overflow"


def test_code_is_as_long_as_the_bound_and_no_longer():
    assert len(contract_graph(disassemble(b"\0" * CODE_BYTES_MAX, PRAGUE)).contexts) == 1
    with pytest.raises(LiftLimitError, match="65537 bytes"):
        disassemble(b"\0" * (CODE_BYTES_MAX + 1), PRAGUE)


def test_steps_are_bounded():
    bytecode = disassemble(assemble(LOOP), PRAGUE)

    explore(bytecode, WholeContract(bytecode), 3, steps_max=100)
    with pytest.raises(LiftLimitError, match="more than 10 steps"):
        explore(bytecode, WholeContract(bytecode), 3, steps_max=10)


class Passed:
    """Remembers where a run passes, and how high the stack is there."""

    def __init__(self):
        self.places = set()

    def before(self, frame, _byte):
        if frame.scope.address == b"\xcc" * 20:
            self.places.add((frame.pc, len(frame.stack)))

    def after(self, frame, failure):
        pass

    def enter(self, frame):
        pass

    def leave(self, frame):
        pass


def check_graph(code: bytes, calldata: bytes) -> None:
    """Every block that a run enters is a context of the graph, if all its jumps are resolved."""
    try:
        graph = contract_graph(disassemble(code, PRAGUE))
    except LiftLimitError:
        return
    contexts = {(context.block.start, len(context.state.stack)) for context in graph.contexts}
    for context in graph.contexts:
        assert all(0 <= edge.to < len(graph.contexts) for edge in context.edges)
    passed = Passed()
    called(code, calldata, gas=30_000, watcher=passed)
    starts = graph.bytecode.blocks
    entered = {(pc, height) for pc, height in passed.places if pc in starts}
    if not graph.unresolved:
        assert entered <= contexts
    assert print_registers(graph)
    assert draw(graph).endswith("</svg>\n")


@given(code=st.binary(max_size=200), calldata=st.binary(max_size=70))
@example(code=b"", calldata=b"")
@example(code=bytes.fromhex("5b600056"), calldata=b"")
def test_any_bytes_have_a_graph_that_runs_keep_to(code, calldata):
    check_graph(code, calldata)


JUMPY = [0x56, 0x57, 0x5B, 0x5B, 0x5B, 0x60, 0x80, 0x81, 0x90, 0x91, 0x50, 0x35, 0x01, 0x15, 0x58]
JUMPY += [0x39, 0x52, 0x51, 0x16, 0x06, 0x53]


@given(
    code=st.lists(st.sampled_from(JUMPY) | st.integers(0, 40), max_size=120).map(bytes),
    calldata=st.binary(max_size=40),
)
@example(code=bytes.fromhex("60055b5b80565b5b"), calldata=b"")
def test_bytes_that_jump_have_a_graph_that_runs_keep_to(code, calldata):
    check_graph(code, calldata)


@pytest.mark.parametrize("path", CONTRACTS, ids=lambda path: path.name)
def test_every_jump_of_a_compiled_contract_is_resolved(path):
    graph = contract_graph(disassemble(read_bytecode(path.read_bytes()), PRAGUE))

    assert not graph.unresolved
    assert len(graph.contexts) > 60


@pytest.mark.parametrize("path", CONTRACTS, ids=lambda path: path.name)
def test_runs_of_a_compiled_contract_keep_to_its_graph(path):
    code = read_bytecode(path.read_bytes())
    for text in ("add(uint256,uint256)", "gcd(uint256,uint256)", "guarded(uint256)"):
        selector = parse_signature(text).selector.to_bytes(4, "big")
        check_graph(code, selector + (48).to_bytes(32, "big") + (36).to_bytes(32, "big"))


BOMBS = {
    "random": lambda: Random(7).randbytes(24_576),
    "all JUMPDESTs": lambda: b"\x5b" * 24_576,
    "JUMPDESTs and branches": lambda: bytes.fromhex("5b805757") * 6_144,
    "jumps with many targets": lambda: (b"\x5b" * 200 + b"\x60\x10\x60\x20\x34\x57") * 100,
    "pushes": lambda: b"\x5f" * 24_576,
    "a stack that is passed on": lambda: b"\x5f" * 1000 + b"\x5b" * 23_576,
    "computed jumps": lambda: bytes.fromhex("5b58600201345756") * 3_072,
    "calls that nest": lambda: bytes.fromhex("5b5861000a0180610005565b") * 2_048,
}


@pytest.mark.parametrize("bomb", BOMBS)
def test_the_longest_contract_is_explored_or_refused_in_two_seconds(bomb):
    code = BOMBS[bomb]()[:24_576]
    with seconds_at_most(2), contextlib.suppress(LiftLimitError):
        contract_graph(disassemble(code, PRAGUE))
