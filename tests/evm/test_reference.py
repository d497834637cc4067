"""The reference machine: bounds, calls, creations and their rules fork by fork.

That it agrees with others is the state tests' to say, and the judges' at the end of this file.
"""

import json
from importlib import import_module

import pytest

from numen.base.crypto import keccak256
from numen.evm.block import Block, Context
from numen.evm.errors import ResourceLimitError
from numen.evm.forks import FORKS, fork
from numen.evm.fuzz.compare import differences
from numen.evm.fuzz.draft import draft
from numen.evm.fuzz.ours import Engine
from numen.evm.halt import Halt
from numen.evm.message import Message
from numen.evm.opcodes import BY_NAME
from numen.evm.reference import ReferenceMachine
from numen.evm.state import Account, State
from numen.evm.trace import Tracer

SENDER, CODE, OTHER = b"\x11" * 20, b"\xc0" * 20, b"\xc1" * 20
RICH = Account(nonce=1, balance=10**18)


def asm(*parts):
    """Code of mnemonics and numbers; a number is pushed with as many bytes as it needs."""
    code = b""
    for part in parts:
        if isinstance(part, str):
            code += bytes([BY_NAME[part].byte])
        elif isinstance(part, bytes):
            code += part
        else:
            size = max(1, (part.bit_length() + 7) // 8)
            code += bytes([0x5F + size]) + part.to_bytes(size, "big")
    return code


def word(address):
    return int.from_bytes(address, "big")


RETURN_TOP = (0, "MSTORE", 32, 0, "RETURN")


def call_of(target, *, value=0, gas=("GAS",), kind="CALL", output=0):
    has_value = kind in ("CALL", "CALLCODE")
    return (output, 0, 0, 0, *((value,) if has_value else ()), word(target), *gas, kind)


def machine(fork_name="prague", accounts=None, watcher=None):
    made = ReferenceMachine(fork(fork_name), State({SENDER: RICH} | (accounts or {})), watcher)
    made.set_block(Block(number=5))
    made.set_context(Context(SENDER))
    made.begin()
    return made


def run(*code, fork_name="prague", gas=10**6, others=None, value=0):
    accounts = {CODE: Account(nonce=1, code=asm(*code))} | (others or {})
    return machine(fork_name, accounts).run(Message(SENDER, CODE, value, b"", gas))


def number(result):
    assert result.success, result
    return int.from_bytes(result.output, "big")


def test_code_runs_to_its_end():
    result = run(2, 3, "ADD", *RETURN_TOP)

    assert number(result) == 5
    assert result.gas_left == 10**6 - 24


@pytest.mark.parametrize(
    ("code", "halt"),
    [
        (("ADD",), Halt.STACK_UNDERFLOW),
        ((0, "NOT") * 1 + ("DUP1",) * 1024, Halt.STACK_OVERFLOW),
        ((3, "JUMP", 0x5B), Halt.BAD_JUMP),
        ((2**256 - 1, "JUMP"), Halt.BAD_JUMP),
        ((b"\x0c",), Halt.BAD_INSTRUCTION),
        (("INVALID",), Halt.BAD_INSTRUCTION),
        ((1, 0, 0, "RETURNDATACOPY"), Halt.RETURN_DATA_BOUNDS),
        ((0, 1, 2**255, "RETURNDATACOPY"), Halt.RETURN_DATA_BOUNDS),
        ((1, 2**255, "MSTORE"), Halt.OUT_OF_GAS),
        ((2**255, 0, "KECCAK256"), Halt.OUT_OF_GAS),
        ((0, 2**256 - 1, 2**256 - 1, "LOG0"), Halt.OUT_OF_GAS),
        ((49153, 0, 0, "CREATE"), Halt.INITCODE_SIZE),
    ],
)
def test_a_failure_takes_all_gas_and_gives_nothing(code, halt):
    result = run(*code)

    assert (result.halt, result.gas_left, result.output) == (halt, 0, b"")


@pytest.mark.parametrize(
    "code",
    [
        (0, 2**255, 2**255, "MCOPY"),
        (0, 2**255, "KECCAK256"),
        (0, 2**255, "LOG0"),
        (0, 2**255, "RETURN"),
        (0, 2**255, 2**255, "CALLDATACOPY"),
        (0, 2**255, 0, 2**255, word(OTHER), "GAS", "STATICCALL"),
    ],
)
def test_a_range_of_no_length_may_begin_anywhere(code):
    assert run(*code).success


def test_a_jump_into_the_bytes_of_a_push_fails():
    assert run(1, "JUMP").halt is Halt.BAD_JUMP
    assert run(4, "JUMP", b"\x60\x5b").halt is Halt.BAD_JUMP
    assert run(3, "JUMP", "JUMPDEST", 7, *RETURN_TOP).success


def test_a_push_past_the_end_reads_zeros():
    steps = []
    code = bytes([0x7F, 1])
    accounts = {CODE: Account(code=code)}
    made = machine(accounts=accounts, watcher=Tracer(steps.append))
    made.run(Message(SENDER, CODE, 0, b"", 10**5))

    assert json.loads(steps[-1])["stack"] == [hex(1 << 248)]


def test_memory_beyond_the_machines_bound_is_an_error_not_a_result():
    accounts = {CODE: Account(code=asm(0, 2**32, "MSTORE"))}
    made = machine(accounts=accounts)
    moment = made.snapshot()

    with pytest.raises(ResourceLimitError):
        made.run(Message(SENDER, CODE, 1, b"", 10**18))

    made.revert(moment)
    assert made.balance(CODE) == 0
    assert made.run(Message(SENDER, CODE, 0, b"", 10**6)).halt is Halt.OUT_OF_GAS


@pytest.mark.parametrize("fork_name", ["frontier", "prague"])
def test_calls_go_1024_deep_and_no_deeper(fork_name):
    """Each frame adds one to a slot and calls itself with nearly all its gas."""
    code = (0, "SLOAD", 1, "ADD", 0, "SSTORE", *call_of(CODE, gas=(80_000, "GAS", "SUB")), "STOP")
    accounts = {CODE: Account(nonce=1, code=asm(*code))}
    made = machine(fork_name, accounts)

    result = made.run(Message(SENDER, CODE, 0, b"", 10**18))

    assert result.success
    assert made.storage(CODE, 0) == 1025


def test_a_call_keeps_a_64th():
    callee = Account(code=asm("GAS", *RETURN_TOP))
    code = (*call_of(OTHER, gas=(2**256 - 1,), output=32), "POP", 0, "MLOAD", *RETURN_TOP)
    result = run(*code, others={OTHER: callee}, gas=100_000)

    # Four pushes of zero, an address, a word; expansion of a word; a cold account.
    left = 100_000 - 4 * 3 - 3 - 3 - 3 - 100 - 2500 - 3
    assert number(result) == left - left // 64 - 2


def test_before_eip_150_a_call_gets_what_it_asks_for_or_fails():
    code = call_of(OTHER, gas=(99_000,))

    assert run(*code, fork_name="homestead", gas=100_000).halt is Halt.OUT_OF_GAS
    assert run(*code, fork_name="tangerine_whistle", gas=100_000).success


@pytest.mark.parametrize(
    ("fork_name", "target", "value", "extra"),
    [
        ("frontier", OTHER, 0, 25_000),
        ("tangerine_whistle", OTHER, 0, 25_000),
        ("spurious_dragon", OTHER, 0, 0),
        ("spurious_dragon", OTHER, 1, 25_000 + 9_000 - 2_300),
        ("spurious_dragon", SENDER, 1, 9_000 - 2_300),
        ("frontier", SENDER, 1, 9_000 - 2_300),
    ],
)
def test_a_call_pays_for_a_new_account_and_value(fork_name, target, value, extra):
    accounts = {CODE: Account(balance=5, code=asm(*call_of(target, value=value, gas=(0,))))}
    result = machine(fork_name, accounts).run(Message(SENDER, CODE, 0, b"", 10**5))

    base = fork(fork_name).base_gas[BY_NAME["CALL"].byte]
    assert 10**5 - result.gas_left == 7 * 3 + base + extra


def test_without_the_balance_or_depth_a_call_gives_its_gas_back():
    result = run(*call_of(SENDER, value=1), *RETURN_TOP)

    assert number(result) == 0
    assert result.gas_left > 10**6 - 15_000


@pytest.mark.parametrize(
    "code",
    [
        (1, 0, "SSTORE"),
        (1, 0, "TSTORE"),
        (0, 0, "LOG0"),
        (0, 0, 0, "CREATE"),
        (0, 0, 0, 0, "CREATE2"),
        (0, "SELFDESTRUCT"),
        call_of(SENDER, value=1, gas=(0,)),
    ],
)
def test_a_static_call_changes_nothing(code):
    outer = (*call_of(OTHER, kind="STATICCALL", gas=(50_000,)), *RETURN_TOP)
    others = {OTHER: Account(balance=9, code=asm(*code))}

    assert number(run(*outer, others=others)) == 0
    # A call within it is as static.
    middle = b"\xc2" * 20
    others[middle] = Account(code=asm(*call_of(OTHER, gas=(40_000,)), *RETURN_TOP))
    through = (*call_of(middle, kind="STATICCALL", output=32), "POP", 0, "MLOAD", *RETURN_TOP)
    assert number(run(*through, others=others)) == 0


def test_delegatecall_keeps_caller_and_value_callcode_does_not():
    code = ("CALLER", "CALLVALUE", "ADD", *RETURN_TOP)
    others = {OTHER: Account(code=asm(*code))}
    tail = ("POP", 0, "MLOAD", *RETURN_TOP)

    delegated = run(*call_of(OTHER, kind="DELEGATECALL", output=32), *tail, others=others, value=7)
    coded = run(*call_of(OTHER, kind="CALLCODE", value=3, output=32), *tail, others=others, value=7)

    assert number(delegated) == word(SENDER) + 7
    assert number(coded) == word(CODE) + 3


def test_output_fills_only_what_it_reaches():
    returner = Account(code=asm(2**256 - 1, 0, "MSTORE", 4, 0, "RETURN"))
    code = (1, 0, "MSTORE", *call_of(OTHER, output=32), "POP", 0, "MLOAD", *RETURN_TOP)

    assert number(run(*code, others={OTHER: returner})) == (0xFFFFFFFF << 224) + 1


# Creations. --------------------------------------------------------------------------------------


def create(code, *, fork_name="prague", gas=10**6, accounts=None):
    made = machine(fork_name, accounts)
    made.set_nonce(SENDER, 2)
    return made, made.run(Message(SENDER, None, 0, code, gas))


def returns(code):
    """Initcode that lays down a code of up to 32 bytes."""
    padded = word(code.ljust(32, b"\0"))
    return asm(padded, 0, "MSTORE", len(code), 0, "RETURN")


def test_a_contract_is_made_where_its_creators_nonce_says():
    made, result = create(returns(b"\x01\x02"))

    # rlp([sender, 1])
    place = keccak256(b"\xd6\x94" + SENDER + b"\x01")[12:]
    assert result.created == place
    assert (made.code(place), made.nonce(place)) == (b"\x01\x02", 1)
    assert result.output == b"\x01\x02"


@pytest.mark.parametrize(("fork_name", "nonce"), [("tangerine_whistle", 0), ("spurious_dragon", 1)])
def test_a_contracts_first_nonce(fork_name, nonce):
    made, result = create(returns(b"\x01"), fork_name=fork_name)

    assert made.nonce(result.created) == nonce


@pytest.mark.parametrize(
    ("fork_name", "code", "halt"),
    [
        ("berlin", returns(b"\xef\x00"), Halt.RETURN),
        ("london", returns(b"\xef\x00"), Halt.CODE_PREFIX),
        ("london", returns(b"\xee\xef"), Halt.RETURN),
        ("tangerine_whistle", asm(0x6001, 0, "RETURN"), Halt.RETURN),
        ("spurious_dragon", asm(0x6001, 0, "RETURN"), Halt.CODE_SIZE),
        ("spurious_dragon", asm(0x6000, 0, "RETURN"), Halt.RETURN),
    ],
)
def test_what_code_may_be_laid_down(fork_name, code, halt):
    _, result = create(code, fork_name=fork_name, gas=10**7)

    assert result.halt is halt
    assert result.gas_left == 0 or halt is Halt.RETURN


def test_code_that_cannot_be_paid_for():
    cost_of_running = 3 * 4 + 3 + 3
    made, frontier = create(returns(b"\x01" * 32), fork_name="frontier", gas=cost_of_running + 6399)
    _, homestead = create(returns(b"\x01" * 32), fork_name="homestead", gas=cost_of_running + 6399)
    _, paid = create(returns(b"\x01" * 32), fork_name="homestead", gas=cost_of_running + 6400)

    assert (frontier.success, frontier.gas_left, frontier.output) == (True, 6399, b"")
    assert made.exists(frontier.created)
    assert made.code(frontier.created) == b""
    assert homestead.halt is Halt.OUT_OF_GAS
    assert (paid.success, paid.gas_left) == (True, 0)


@pytest.mark.parametrize(
    "account", [Account(nonce=1), Account(code=b"\0"), Account(storage={1: 1})]
)
def test_an_address_that_is_taken_takes_the_gas(account):
    place = keccak256(b"\xd6\x94" + SENDER + b"\x01")[12:]
    _, result = create(returns(b"\x01"), accounts={place: account})

    assert (result.halt, result.gas_left) == (Halt.COLLISION, 0)


def test_create2_goes_where_eip_1014_says():
    """The last example of the EIP: initcode 0x00 from the zero address is another; this is ours."""
    code = (0xAB, 0, 0, 0, "CREATE2", *RETURN_TOP)
    place = keccak256(b"\xff" + CODE + (0xAB).to_bytes(32, "big") + keccak256())[12:]

    assert number(run(*code)) == word(place)


def test_a_failed_creation_counts_the_nonce_but_one_that_cannot_begin_does_not():
    fails = asm(0xFE << 248, 0, "MSTORE", 1, 0, 0, "CREATE")
    poor = asm(0, 0, 1, "CREATE")
    for code, nonce in ((fails, 2), (poor, 1)):
        made = machine(accounts={CODE: Account(nonce=1, code=code)})
        made.run(Message(SENDER, CODE, 0, b"", 10**6))

        assert made.nonce(CODE) == nonce


def test_return_data_of_a_creation_is_only_that_of_a_revert():
    reverts = asm(0x60016000FD << 216, 0, "MSTORE", 5, 0, 0, "CREATE", "POP")
    works = asm(0x60016000F3 << 216, 0, "MSTORE", 5, 0, 0, "CREATE", "POP")

    assert number(run(reverts, "RETURNDATASIZE", *RETURN_TOP)) == 1
    assert number(run(works, "RETURNDATASIZE", *RETURN_TOP)) == 0


# Self-destruction and delegation. ----------------------------------------------------------------


@pytest.mark.parametrize(("fork_name", "is_there"), [("shanghai", False), ("cancun", True)])
def test_selfdestruct_deletes_what_is_older_than_the_transaction(fork_name, is_there):
    code = asm(word(OTHER), "SELFDESTRUCT")
    made = machine(fork_name, {CODE: Account(nonce=1, balance=5, code=code, storage={1: 1})})
    made.run(Message(SENDER, CODE, 0, b"", 10**6))
    made.finish()

    assert made.exists(CODE) is is_there
    assert made.storage(CODE, 1) == int(is_there)
    assert (made.balance(CODE), made.balance(OTHER)) == (0, 5)


@pytest.mark.parametrize(("fork_name", "left"), [("shanghai", 0), ("cancun", 5)])
def test_a_contract_that_is_its_own_heir(fork_name, left):
    made = machine(fork_name, {CODE: Account(balance=5, code=asm("ADDRESS", "SELFDESTRUCT"))})
    made.run(Message(SENDER, CODE, 0, b"", 10**6))
    made.finish()

    assert made.balance(CODE) == left


def test_a_contract_that_destroys_itself_where_it_is_made_is_gone():
    made, result = create(asm("ADDRESS", "SELFDESTRUCT"))
    there = made.exists(result.created)
    made.finish()

    assert there
    assert not made.exists(result.created)


def delegation(to):
    return Account(nonce=1, code=b"\xef\x01\x00" + to)


def test_a_delegation_runs_anothers_code_on_its_own_storage():
    runner = b"\xc3" * 20
    others = {runner: Account(code=asm("ADDRESS", *RETURN_TOP)), OTHER: delegation(runner)}
    code = (*call_of(OTHER, output=32), "POP", 0, "MLOAD", *RETURN_TOP)

    assert number(run(*code, others=others)) == word(OTHER)
    assert number(run(word(OTHER), "EXTCODESIZE", *RETURN_TOP, others=others)) == 23


@pytest.mark.parametrize("depth", [0, 1])
@pytest.mark.parametrize(
    ("to", "is_success"),
    [((2).to_bytes(20, "big"), True), (OTHER, False), (b"\xc4" * 20, False), (b"\xc5" * 20, True)],
)
def test_a_delegation_goes_one_step_and_never_to_a_precompile(depth, to, is_success):
    """To SHA-256 and to nobody it is empty code; to a delegation it is that one's bytes."""
    accounts = {OTHER: delegation(to), b"\xc4" * 20: delegation(SENDER)}
    if depth == 0:
        result = machine(accounts=accounts).run(Message(SENDER, OTHER, 0, b"", 10**6))
        assert (result.success, result.output) == (is_success, b"")
    else:
        assert number(run(*call_of(OTHER, gas=(9999,)), *RETURN_TOP, others=accounts)) == is_success


def test_before_prague_a_delegation_is_bytes_like_others():
    code = (*call_of(OTHER, gas=(9999,)), *RETURN_TOP)

    assert number(run(*code, fork_name="cancun", others={OTHER: delegation(SENDER)})) == 0


# Storage. ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("code", "original", "gas", "refund"),
    [
        ("60006000556000600055", 0, 1612, 0),
        ("60006000556001600055", 0, 20812, 0),
        ("60016000556000600055", 0, 20812, 19200),
        ("60016000556002600055", 0, 20812, 0),
        ("60016000556001600055", 0, 20812, 0),
        ("60006000556000600055", 1, 5812, 15000),
        ("60006000556001600055", 1, 5812, 4200),
        ("60006000556002600055", 1, 5812, 0),
        ("60026000556000600055", 1, 5812, 15000),
        ("60026000556003600055", 1, 5812, 0),
        ("60026000556001600055", 1, 5812, 4200),
        ("60026000556002600055", 1, 5812, 0),
        ("60016000556000600055", 1, 5812, 15000),
        ("60016000556002600055", 1, 5812, 0),
        ("60016000556001600055", 1, 1612, 0),
        ("600160005560006000556001600055", 0, 40818, 19200),
        ("600060005560016000556000600055", 1, 10818, 19200),
    ],
)
def test_net_metered_storage_costs_the_table_of_eip_2200(code, original, gas, refund):
    made = machine("istanbul", {CODE: Account(code=bytes.fromhex(code), storage={0: original})})

    result = made.run(Message(SENDER, CODE, 0, b"", 10**6))

    assert (10**6 - result.gas_left, made.refund()) == (gas, refund)


# Traces. -----------------------------------------------------------------------------------------


def test_a_trace_is_written_as_geth_does():
    lines = []
    code = asm(1, 0, "MSTORE", *call_of(OTHER, gas=(100,)))
    others = {CODE: Account(code=code), OTHER: Account(code=asm("ADD"))}
    tracer = Tracer(lines.append)
    made = machine(accounts=others, watcher=tracer)
    tracer.end(made.run(Message(SENDER, CODE, 0, b"", 10**5)), 77)

    assert lines[2] == (
        '{"pc":4,"op":82,"gas":"0x1869a","gasCost":"0x6","memSize":0,"stack":["0x1","0x0"],'
        '"depth":1,"refund":0,"opName":"MSTORE"}'
    )
    inner = json.loads(lines[-3])
    assert (inner["depth"], inner["gas"], inner["gasCost"]) == (2, "0x64", "0x3")
    assert inner["error"] == "stack underflow"
    assert json.loads(lines[-4])["gasCost"] == hex(100 + 2500 + 100)
    assert lines[-1] == '{"output":"","gasUsed":"0x4d"}'


# Judges. -----------------------------------------------------------------------------------------

WRITTEN = 12
"""Programs that each fork's engines are compared on; the fuzzer runs millions."""


@pytest.mark.judges
@pytest.mark.parametrize("fork_name", [name for name in FORKS if name != "constantinople"])
def test_the_specification_comes_to_the_same(fork_name):
    pytest.importorskip("ethereum", reason="the specification is installed by `make judges`")

    compare(fork_name, import_module("numen.evm.fuzz.judges.eels").EelsJudge())


@pytest.mark.judges
@pytest.mark.parametrize("fork_name", ["frontier", "byzantium", "constantinople", "petersburg"])
def test_py_evm_comes_to_the_same(fork_name):
    pytest.importorskip("eth", reason="py-evm is installed by `make judges`")

    compare(fork_name, import_module("numen.evm.fuzz.judges.pyevm").PyEvmJudge())


def compare(fork_name, judge):
    for seed in range(WRITTEN):
        case = draft(f"reference-{seed}", fork_name).assembled()
        ours, theirs = Engine("reference").prepare(case), judge.prepare(case)
        ours.run()
        theirs.run()
        outcome = ours.outcome({})

        assert not differences(outcome, theirs.outcome(outcome.post)), case.name
