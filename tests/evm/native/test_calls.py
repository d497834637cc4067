"""Programs of several contracts on the native machine: against the reference, and at the limits."""

import pytest

from numen.base.crypto import keccak256
from numen.evm import rlp
from numen.evm.forks import FORKS, fork
from numen.evm.fuzz.compare import differences
from numen.evm.fuzz.draft import draft
from numen.evm.fuzz.ours import Engine
from numen.evm.halt import Halt
from numen.evm.message import Message, Result
from numen.evm.native.machine import NativeMachine
from numen.evm.state import Account, State
from tests.evm.native.programs import call, push

CALLER, TO, OTHER = b"\x11" * 20, b"\xcc" * 20, b"\xdd" * 20
USUAL = ("frontier", "tangerine_whistle", "spurious_dragon", "istanbul", "prague")
STORE_AND_STOP = call("SSTORE", 0, 1)
OTHER_NUMBER = int.from_bytes(OTHER, "big")


def run(
    name: str, code: bytes, others: dict[bytes, Account] | None = None, gas: int = 10**6
) -> tuple[Result, NativeMachine]:
    accounts = {CALLER: Account(nonce=1, balance=10), TO: Account(nonce=1, balance=5, code=code)}
    machine = NativeMachine(fork(name), State({**accounts, **(others or {})}), tier="interpreter")
    machine.begin()
    return machine.run(Message(CALLER, TO, gas=gas)), machine


def compare_with_reference(name: str, seeds: range) -> None:
    for seed in seeds:
        case = draft(f"native {seed}", name).assembled()
        ours, theirs = (Engine(engine).prepare(case) for engine in ("interpreter", "reference"))
        ours.run()
        theirs.run()
        expected = theirs.outcome({})
        assert not differences(ours.outcome(expected.post), expected), (name, seed)


@pytest.mark.parametrize("name", USUAL)
def test_programs_of_calls_and_creations_are_the_same_as_in_the_reference(name: str) -> None:
    compare_with_reference(name, range(60))


@pytest.mark.slow
@pytest.mark.parametrize("name", FORKS)
def test_many_programs_of_every_fork_are_the_same_as_in_the_reference(name: str) -> None:
    compare_with_reference(name, range(1000, 1250))


def test_a_call_from_the_deepest_frame_gives_its_gas_back() -> None:
    # Each frame adds one to slot 0 and calls itself with all its gas.
    count_up = push(0) + bytes.fromhex("5460010180600055") + push(0) * 5 + bytes.fromhex("305af1")

    result, machine = run("frontier", count_up + b"\x00", gas=2**60)
    assert result.halt is Halt.OUT_OF_GAS

    # With 63 of 64 parts, gas for all 1,025 frames is left.
    result, machine = run("istanbul", count_up + b"\x00", gas=2**60)
    assert result.halt is Halt.STOP
    assert machine.storage(TO, 0) == 1025


def test_a_failure_deep_down_undoes_its_own_writes_only() -> None:
    failing = STORE_AND_STOP + b"\xfe"
    code = call("CALL", 50_000, OTHER_NUMBER, 1, 0, 0, 0, 0) + call("SSTORE", 7, 9) + b"\x00"

    result, machine = run("prague", code, {OTHER: Account(code=failing)})

    assert result.halt is Halt.STOP
    assert machine.storage(OTHER, 0) == 0
    assert machine.storage(TO, 7) == 9
    assert (machine.balance(TO), machine.balance(OTHER)) == (5, 0)


@pytest.mark.parametrize("nonce", [0, 1, 0x7F, 0x80, 0xFF, 0x100, 2**32, 2**64 - 2])
def test_addresses_by_nonce_are_the_hash_of_the_rlp(nonce: int) -> None:
    code = call("CREATE", 0, 0, 0) + bytes.fromhex("60005260206000f3")
    machine = NativeMachine(
        fork("frontier"), State({TO: Account(nonce=nonce, code=code)}), tier="interpreter"
    )

    result = machine.run(Message(CALLER, TO, gas=10**6))

    assert result.output[12:] == keccak256(rlp.encode((TO, nonce)))[12:]
    assert machine.nonce(TO) == nonce + 1


def test_a_creation_at_the_last_nonce_fails_without_cost() -> None:
    code = call("CREATE", 0, 0, 0) + bytes.fromhex("60005260206000f3")
    source = State({TO: Account(nonce=2**64 - 1, code=code)})
    machine = NativeMachine(fork("prague"), source, tier="interpreter")

    result = machine.run(Message(CALLER, TO, gas=10**6))

    assert result.output == bytes(32)
    assert result.gas_left > 900_000
    assert machine.nonce(TO) == 2**64 - 1


@pytest.mark.parametrize(
    "taken", [Account(nonce=1), Account(code=b"\x00"), Account(storage={5: 1})], ids=str
)
def test_a_creation_where_somebody_is_takes_all_its_gas(taken: Account) -> None:
    code = call("CREATE", 0, 0, 0) + bytes.fromhex("60005260206000f3")
    free, _ = run("prague", code)

    result, machine = run("prague", code, {free.output[12:]: taken})

    assert free.gas_left > 900_000
    assert result.output == bytes(32)
    assert result.gas_left < 10**6 // 64
    assert machine.nonce(TO) == 2


def test_a_designator_runs_the_code_it_names_in_its_own_account() -> None:
    designator = b"\xef\x01\x00" + OTHER
    source = State(
        {CALLER: Account(), OTHER: Account(code=STORE_AND_STOP), TO: Account(code=designator)}
    )
    machine = NativeMachine(fork("prague"), source, tier="interpreter")
    machine.begin()

    result = machine.run(Message(CALLER, TO, gas=10**6))

    assert result.halt is Halt.STOP
    assert machine.storage(TO, 0) == 1
    assert machine.storage(OTHER, 0) == 0
