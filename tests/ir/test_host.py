"""Instructions that speak to a host: their text and bytes, the interpreter, native code."""

import threading

import pytest

from numen.base.crypto import CURVE_ORDER, SigningKey, keccak256
from numen.ir import codec, interp
from numen.ir.check import CheckError, check
from numen.ir.host import RECORDS_BYTES_MAX, SLOTS_MAX, Journal, hash_words
from numen.ir.parse import parse_module
from numen.ir.program import Program, program_from_module
from numen.ir.text import print_module
from numen.ir.trap import Reason
from numen.jit import engine
from numen.jit.host import NativeHost
from numen.jit.native import Run, new_memory
from numen.proof.circuit import compile_circuit
from numen.proof.circuit_errors import UnsupportedError
from numen.proof.machine.errors import ContractError
from numen.proof.machine.lower import lower
from numen.vm.machine import HostError, run

WORK = 10**10

WALK = """
program main(rounds: u64) -> u256

func main -> (u256)
start(n: u64):
    zero = const.u64 0
    one = const.u64 1
    seed = const.u256 5
    words = array.[4 x u256]
    jump loop(zero, seed)
loop(i: u64, before: u256):
    more = lt.u64 i, n
    branch more, body(), after()
body():
    wide = cast.u64.u256 i
    key = hash wide, before
    held = state_load key
    next = wrapping_add.u256 key, held
    state_store wide, next
    state_store key, held
    set.[4 x u256] words, one, next
    two = const.u64 2
    emit.[4 x u256] i, words, two
    up = wrapping_add.u64 i, one
    jump loop(up, next)
after():
    return before
"""

COUNTED = """
program main(count: u64) -> bool

func main -> (bool)
start(count: u64):
    words = array.[4 x u256]
    emit.[4 x u256] count, words, count
    yes = const.bool 1
    return yes
"""


class Slots:
    """Every slot holds something that depends on its key."""

    def load(self, key: int) -> int:
        return key % 1000


def program(text: str) -> Program:
    return program_from_module(parse_module(text))


def natively(made: Program, args: list[int], slots: object, host: NativeHost | None = None):
    native = engine.compile_program(made)
    host = host or NativeHost()
    seat = Run(native, new_memory(native.layout))
    while True:
        host.begin(slots)
        seat.prepare(args)
        seat.execute(work_limit=WORK, host=host)
        if not host.may_repeat():
            return seat.outcome(), host.writes(), host.records()


def read(made: Program, args: list[int], slots: object):
    journal = Journal(slots)
    outcome = interp.run(made.metered, args, work_limit=WORK, host=journal)
    return outcome, journal.writes(), journal.records


def test_the_hash_of_two_words_is_keccak_of_their_bytes():
    for first, second in ((0, 0), (1, 2**256 - 1), (2**255, 7)):
        data = first.to_bytes(32, "big") + second.to_bytes(32, "big")
        assert hash_words(first, second) == int.from_bytes(keccak256(data), "big")


def test_text_and_bytes_keep_them():
    module = parse_module(WALK)
    check(module)
    assert parse_module(print_module(module)) == module
    decoded = codec.decode(codec.encode(module))
    assert codec.encode(decoded) == codec.encode(module)


@pytest.mark.parametrize("rounds", [0, 1, 3, 600])
def test_engines_agree_on_slots_and_records(rounds):
    made = program(WALK)
    host = NativeHost()
    for _ in range(2):
        native = natively(made, [rounds], Slots(), host)
        assert native == read(made, [rounds], Slots())
    assert len(native[2]) == rounds


def test_writing_what_was_there_is_no_change():
    _, writes, _ = read(program(WALK), [3], Slots())
    assert [key for key, _ in writes] == [0, 1, 2]


@pytest.mark.parametrize("count", [0, 1, 4, 5, 2**64 - 1])
def test_a_record_has_no_more_words_than_its_array(count):
    made = program(COUNTED)
    native = natively(made, [count], Slots())
    assert native == read(made, [count], Slots())
    assert (native[0].trap is not None) == (count > 4)


def test_there_is_a_most_of_slots():
    rounds = SLOTS_MAX // 2 + 1
    outcome, _, _ = natively(program(WALK), [rounds], Slots())
    assert outcome.trap is not None
    assert outcome.trap.reason is Reason.HOST


def test_there_is_a_most_of_records():
    text = WALK.replace("const.u64 2", "const.u64 4").replace("state_store wide, next", "")
    rounds = RECORDS_BYTES_MAX // (16 + 4 * 32) + 1
    made = program(text)
    native = natively(made, [rounds], Slots())
    assert native == read(made, [rounds], Slots())
    assert native[0].trap is not None
    assert native[0].trap.reason is Reason.HOST


def test_what_the_slots_raise_is_raised_behind_native_code():
    class Broken:
        def load(self, key: int) -> int:
            raise OSError("the disk is gone")

    host = NativeHost()
    with pytest.raises(OSError, match="disk"):
        natively(program(WALK), [3], Broken(), host)
    assert natively(program(WALK), [3], Slots(), host) == read(program(WALK), [3], Slots())


def test_threads_run_beside_each_other():
    made = program(WALK)
    expected = read(made, [200], Slots())
    found = []
    threads = [
        threading.Thread(target=lambda: found.append(natively(made, [200], Slots())))
        for _ in range(4)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == [expected] * 4


def test_a_record_is_of_words_of_256_bits():
    with pytest.raises(CheckError, match="u256"):
        check(parse_module(COUNTED.replace("4 x u256", "4 x u64")))


def test_a_contract_is_not_run_with_arguments():
    made = program(WALK)
    assert made.needs_host
    with pytest.raises(HostError):
        run(made, [3])


def test_provers_refuse_what_they_cannot_prove():
    module = program(WALK).module
    with pytest.raises(UnsupportedError, match="hash"):
        compile_circuit(module)
    with pytest.raises(ContractError, match="hash"):
        lower(module)


HASHING = """
program main(size: u64) -> u256

func main -> (u256)
start(size: u64):
    words = array.[10 x u256]
    zero = const.u64 0
    one = const.u64 1
    ten = const.u64 10
    jump fill(zero)
fill(i: u64):
    more = lt.u64 i, ten
    branch more, body(), after()
body():
    wide = cast.u64.u256 i
    word = hash wide, wide
    set.[10 x u256] words, i, word
    up = wrapping_add.u64 i, one
    jump fill(up)
after():
    found = hash_bytes.[10 x u256] words, size
    return found
"""

RECOVERING = """
program main(digest: u256, r: u256, s: u256, v: u256) -> u256

func main -> (u256)
start(digest: u256, r: u256, s: u256, v: u256):
    found = recover digest, r, s, v
    return found
"""


def test_the_hash_of_bytes_is_keccak_of_so_many_of_the_first():
    made = program(HASHING)
    data = b"".join(hash_words(i, i).to_bytes(32, "big") for i in range(10))
    for size in (*range(42), 63, 64, 127, 128, 135, 136, 137, 143, 144, 271, 272, 273, 319, 320):
        outcome, _, _ = read(made, [size], Slots())
        assert outcome.results == (int.from_bytes(keccak256(data[:size]), "big"),)
        assert natively(made, [size], Slots())[0] == outcome


@pytest.mark.parametrize("size", [321, 2**64 - 1])
def test_no_more_bytes_are_hashed_than_there_are(size):
    made = program(HASHING)
    outcome, _, _ = read(made, [size], Slots())
    assert outcome.trap is not None
    assert outcome.trap.reason is Reason.INDEX
    assert natively(made, [size], Slots())[0] == outcome


def test_only_words_of_256_bits_are_hashed():
    with pytest.raises(CheckError, match="u256"):
        check(parse_module(HASHING.replace("hash_bytes.[10 x u256]", "hash_bytes.[10 x u64]")))


def test_who_signed_is_found_and_nobody_where_it_is_no_signature():
    key = SigningKey.from_seed(b"signer")
    digest = keccak256(b"message")
    raw = key.sign(digest)
    r, s, v = (int.from_bytes(part, "big") for part in (raw[:32], raw[32:64], raw[64:]))
    number, signer = int.from_bytes(digest, "big"), int.from_bytes(key.address, "big")
    field = 2**256 - 2**32 - 977
    pointless = next(x for x in range(1, 99) if pow(x**3 + 7, field // 2, field) != 1)
    made = program(RECOVERING)
    host = NativeHost()
    for args, expected in (
        ([number, r, s, v], signer),
        ([number, r, CURVE_ORDER - s, 55 - v], 0),
        ([number, 0, s, v], 0),
        ([number, r, 0, v], 0),
        ([number, CURVE_ORDER, s, v], 0),
        ([number, r, CURVE_ORDER, v], 0),
        ([number, r, s, v - 27], 0),
        ([number, r, s, 29], 0),
        ([number, r, s, v + 256], 0),
        ([number, pointless, s, v], 0),
        ([number, r, s, 55 - v], None),
        ([number ^ 1, r, s, v], None),
    ):
        outcome, _, _ = read(made, args, Slots())
        assert natively(made, args, Slots(), host)[0] == outcome
        assert outcome.results is not None
        (found,) = outcome.results
        assert found == expected if expected is not None else found not in (0, signer)
    assert made.needs_host


def test_provers_refuse_what_hosts_recover_and_hash():
    for text in (HASHING.replace("hash wide, wide", "xor.u256 wide, wide"), RECOVERING):
        with pytest.raises(UnsupportedError, match=r"hash_bytes|recover"):
            compile_circuit(program(text).module)
        with pytest.raises(ContractError, match=r"hash_bytes|recover"):
            lower(program(text).module)
