"""The native machine as Python sees it: sources, batches, errors, limits, threads."""

import gc
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from numen.evm.errors import ResourceLimitError
from numen.evm.forks import fork
from numen.evm.halt import Halt
from numen.evm.message import Log, Message
from numen.evm.native import machine as native_machine
from numen.evm.native import rooms
from numen.evm.native.arena import Reservation
from numen.evm.native.layout import WORLD
from numen.evm.native.machine import KEPT_MEMORY_BYTES, NativeMachine
from numen.evm.state import Account, State
from tests.evm.native.programs import call, push

CALLER, TO = b"\x11" * 20, b"\xcc" * 20
PRAGUE = fork("prague")
ADD_UP = bytes.fromhex("5f545f350180805f555f5260205ff3")
"""Adds the first word of its input to slot 0, and returns the sum."""

RETURN_WORD = bytes.fromhex("5f5260205ff3")


def machine(code: bytes, storage: dict[int, int] | None = None) -> NativeMachine:
    accounts = {CALLER: Account(nonce=1, balance=10), TO: Account(code=code, storage=storage or {})}
    made = NativeMachine(PRAGUE, State(accounts), tier="interpreter")
    made.begin()
    return made


def message(data: bytes = b"", gas: int = 10**6, to: bytes | None = TO) -> Message:
    return Message(CALLER, to, data=data, gas=gas)


class Broken(State):
    """A source that breaks after some answers."""

    def __init__(self, answers: int, accounts: dict[bytes, Account]) -> None:
        super().__init__(accounts)
        self.left = answers

    def slot(self, address: bytes, key: int) -> int:
        self.left -= 1
        if self.left < 0:
            raise LookupError("the disk is gone")
        return super().slot(address, key)


def test_a_known_account_is_not_asked_for_again() -> None:
    source = Broken(1, {TO: Account(code=ADD_UP, storage={0: 5})})
    ours = NativeMachine(PRAGUE, source, tier="interpreter")
    ours.begin()

    outputs = [ours.run(message(bytes(31) + b"\x01")).output for _ in range(3)]

    assert [int.from_bytes(output, "big") for output in outputs] == [6, 7, 8]


def test_an_error_of_the_source_comes_out_and_the_message_is_undone() -> None:
    code = call("SSTORE", 7, 1) + call("SLOAD", 8) + b"\x00"
    source = Broken(1, {TO: Account(nonce=1, code=code, storage={3: 4})})
    ours = NativeMachine(PRAGUE, source, tier="interpreter")
    ours.begin()

    with pytest.raises(LookupError, match="the disk is gone"):
        ours.run(message())

    source.left = 9
    assert ours.storage(TO, 7) == 0
    assert ours.run(message()).halt is Halt.STOP
    assert ours.storage(TO, 7) == 1


def test_a_batch_gives_what_single_runs_give() -> None:
    inputs = [n.to_bytes(32, "big") for n in (1, 2**256 - 1, 0, 99)]
    single, batched = machine(ADD_UP, {0: 5}), machine(ADD_UP, {0: 5})

    expected = [single.run(message(data)) for data in inputs]
    results = batched.run_batch([message(data) for data in inputs])

    assert results == expected
    assert batched.take_diff() == single.take_diff()
    assert batched.run_batch([]) == []


def test_a_batch_makes_contracts_and_tells_where() -> None:
    initcode = push(0x42) + RETURN_WORD
    ours = machine(b"")

    (result, other) = ours.run_batch([message(initcode, to=None), message(b"\xfe", to=None)])

    assert result.created is not None
    assert ours.code(result.created) == bytes(31) + b"\x42"
    assert (other.halt.is_failure, other.created) == (True, None)


def test_a_batch_that_is_given_up_undoes_all_of_it() -> None:
    code = call("SSTORE", 7, 1) + bytes.fromhex("5f3554") + b"\x00"
    source = Broken(2, {TO: Account(nonce=1, code=code, storage={3: 4})})
    ours = NativeMachine(PRAGUE, source, tier="interpreter")
    ours.begin()

    with pytest.raises(LookupError, match="the disk is gone"):
        ours.run_batch([message(bytes(31) + bytes([n])) for n in (1, 2, 3)])

    source.left = 9
    assert ours.storage(TO, 7) == 0


def test_more_gas_than_native_code_counts_is_refused() -> None:
    assert machine(b"\x00").run(message(gas=2**63 - 1)).gas_left == 2**63 - 1
    with pytest.raises(ResourceLimitError, match="gas"):
        machine(b"\x00").run(message(gas=2**63))


def test_memory_that_is_paid_for_but_not_there_is_refused_and_undone() -> None:
    code = call("SSTORE", 7, 1) + call("MSTORE8", 2**33, 1) + b"\x00"
    ours = machine(code)

    with pytest.raises(ResourceLimitError):
        ours.run(message(gas=2**62))

    assert ours.storage(TO, 7) == 0
    assert ours.run(message(gas=10**6)).halt is Halt.OUT_OF_GAS


def test_memory_of_a_large_run_is_given_back() -> None:
    size = KEPT_MEMORY_BYTES + 2**20
    ours = machine(call("RETURN", size - 32, 32))

    result = ours.run(message(gas=2**40))

    assert result.output == bytes(32)
    assert WORLD.read(ours._world, "memory_peak") <= ours._rooms.memory.address + KEPT_MEMORY_BYTES


@contextmanager
def shrunk(monkeypatch: pytest.MonkeyPatch, **sizes: int) -> Iterator[None]:
    with monkeypatch.context() as patch:
        for name, size in sizes.items():
            patch.setattr(rooms, name, size)
        yield


def test_a_full_journal_ends_the_run(monkeypatch: pytest.MonkeyPatch) -> None:
    # Each round writes slot 0 with a new value.
    code = bytes.fromhex("5b5a5f555f56")
    with shrunk(monkeypatch, JOURNAL_ENTRIES=8192):
        ours = machine(code)

    with pytest.raises(ResourceLimitError, match="room"):
        ours.run(message(gas=10**8))

    assert ours.storage(TO, 0) == 0
    assert ours.run(message(gas=10**5)).halt is Halt.OUT_OF_GAS


def test_a_full_arena_ends_the_run(monkeypatch: pytest.MonkeyPatch) -> None:
    # Each round reads another slot.
    code = bytes.fromhex("5f5b805450600101600156")
    with shrunk(monkeypatch, ARENA_BYTES=4 << 20):
        ours = machine(code)

    with pytest.raises(ResourceLimitError, match="room"):
        ours.run(message(gas=10**9))

    assert ours.run(message(gas=10**4)).halt is Halt.OUT_OF_GAS


def test_too_many_logs_end_the_run(monkeypatch: pytest.MonkeyPatch) -> None:
    code = bytes.fromhex("5b5f5fa05f56")
    with shrunk(monkeypatch, LOG_ENTRIES=256):
        ours = machine(code)

    with pytest.raises(ResourceLimitError, match="room"):
        ours.run(message(gas=10**6))

    assert ours.logs() == ()


def test_addresses_that_the_system_refuses_are_a_clear_error() -> None:
    with pytest.raises(ResourceLimitError, match=r"refuses .* KiB of addresses for a test"):
        Reservation("a test", 1 << 62)


def test_a_machine_makes_do_with_fewer_addresses() -> None:
    script = """
import resource
from numen.evm.forks import fork
from numen.evm.message import Message
from numen.evm.native.machine import NativeMachine
from numen.evm.state import Account, State

engine = NativeMachine(fork("prague"), State(), tier="interpreter")
resource.setrlimit(resource.RLIMIT_AS, (40 << 30, 40 << 30))
source = State({b"\\1" * 20: Account(code=bytes.fromhex("602a60005260206000f3"))})
small = NativeMachine(fork("prague"), source, tier="interpreter")
print(small.run(Message(b"\\2" * 20, b"\\1" * 20, gas=100_000)).output[-1])
resource.setrlimit(resource.RLIMIT_AS, (31 << 30, 31 << 30))
try:
    NativeMachine(fork("prague"), State(), tier="interpreter")
except Exception as error:
    print(type(error).__name__)
"""
    ran = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)

    assert ran.stdout.split() == ["42", "ResourceLimitError"]


def test_many_slots_and_accounts_are_found_again() -> None:
    ours = machine(b"\x00")
    keys = [(n * 2**200 + n) % 2**256 for n in range(3000)]
    for n, key in enumerate(keys):
        ours.set_storage(TO, key, n + 1)
        ours.set_balance(n.to_bytes(20, "big"), n + 7)

    assert [ours.storage(TO, key) for key in keys] == list(range(1, 3001))
    assert [ours.balance(n.to_bytes(20, "big")) for n in range(3000)] == list(range(7, 3007))


def test_a_machine_that_has_seen_much_forgets_and_asks_again(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(native_machine, "KEPT_ARENA_BYTES", 2 << 20)
    source = State({TO: Account(nonce=1, code=ADD_UP, storage={0: 5})})
    ours = NativeMachine(PRAGUE, source, tier="interpreter")
    for round_ in range(4):
        ours.begin()
        for key in range(1, 5000):
            ours.set_storage(TO, key, round_ + 1)
        sum_ = ours.run(message(bytes(31) + b"\x01")).output
        assert int.from_bytes(sum_, "big") == 6 + round_
        ours.finish()
        # A transaction may begin before the diff of the one before it is taken: nothing is lost.
        ours.begin()
        assert ours.storage(TO, 4999) == round_ + 1
        ours.finish()
        source.apply(ours.take_diff())

    assert source.accounts[TO].storage == {0: 9, **dict.fromkeys(range(1, 5000), 4)}
    assert WORLD.read(ours._world, "arena_top") - ours._rooms.arena.address < 8 << 20


def test_machines_hash_their_keys_differently() -> None:
    def places(ours: NativeMachine) -> list[bytes]:
        for n in range(20):
            ours.storage(TO, n)
        start = WORLD.read(ours._world, "slots") - ours._rooms.arena.address
        table = ours._rooms.arena.view[start : start + 1024 * 16]
        return [bytes(table[at : at + 8]) for at in range(0, 1024 * 16, 16)]

    assert places(machine(b"\x00")) != places(machine(b"\x00"))


def test_logs_carry_topics_and_data() -> None:
    code = call("MSTORE", 0, 0xABCD) + call("LOG2", 30, 2, 5, 2**255) + b"\x00"
    ours = machine(code)

    ours.run(message())

    topics = (5).to_bytes(32, "big"), (2**255).to_bytes(32, "big")
    assert ours.logs() == (Log(TO, topics, b"\xab\xcd"),)


def test_two_machines_run_in_two_threads() -> None:
    code = bytes.fromhex("5f5b6001018061fff010600157") + RETURN_WORD
    results: dict[int, bytes] = {}

    def work(number: int) -> None:
        results[number] = machine(code).run(message(gas=10**8)).output

    threads = [threading.Thread(target=work, args=(n,)) for n in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert results[0] == results[1] != b""


def test_a_machine_gives_its_addresses_back() -> None:
    def count() -> int:
        return Path("/proc/self/maps").read_text().count("\n")

    machine(b"\x00")
    gc.collect()
    before = count()
    for _ in range(20):
        machine(b"\x00").run(message())
    assert count() < before + 20
