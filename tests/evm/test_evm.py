"""The class EVM, with what vyper, eth-abi and eth-account give."""

import json
from pathlib import Path

import pytest

from numen.evm import abi
from numen.evm.abi import AbiError
from numen.evm.contract import artifact_of
from numen.evm.evm import EVM
from numen.evm.halt import Halt
from numen.evm.invalid import InvalidTransactionError
from numen.evm.requests import RequestError
from numen.evm.results import RevertedError
from numen.evm.revert import decode_revert
from numen.evm.snapshots import UnknownSnapshotError
from numen.evm.state import Account, State

ALICE, BOB = bytes.fromhex("a11ce0" * 6 + "a11c"), bytes.fromhex("b0b0" * 10)
ARTIFACTS = json.loads((Path(__file__).parents[2] / "bench/contracts/artifacts.json").read_text())[
    "contracts"
]

ADDER = bytes.fromhex("5f35602035015f5260205ff3")
"""Returns the sum of two words."""

KEEPER = bytes.fromhex("5f355f55")
"""Stores a word in slot 0."""


@pytest.fixture(params=["interpreter", "reference"])
def evm(request):
    return EVM(engine=request.param)


@pytest.fixture
def token(evm):
    token = evm.deploy(ARTIFACTS["Token"], sender=ALICE)
    token.transact("initialize", "Coin", "COIN", ALICE, 1000, sender=ALICE)
    return token


def test_a_token_is_deployed_called_and_changed(evm, token):
    outcome = token.transact("transfer", BOB, 5, sender=ALICE)

    assert outcome.success
    assert (token.call("balanceOf", ALICE), token.call("balanceOf", BOB)) == (995, 5)
    assert token.events(outcome) == [("Transfer", {"from": ALICE, "to": BOB, "value": 5})]
    assert token.call("name") == "Coin"


def test_a_call_keeps_nothing(evm, token):
    assert token.call("transfer", BOB, 5, sender=ALICE) is True

    assert token.call("balanceOf", BOB) == 0
    assert evm.call(to=token.address, data=b"", sender=BOB).success is False
    assert evm.nonce(ALICE) == 2


def test_a_custom_error_is_decoded_by_the_abi(evm, token):
    outcome = token.transact("transfer", BOB, 5000, sender=ALICE)

    assert not outcome.success
    assert outcome.revert.name == "InsufficientBalance"
    assert outcome.revert.values == (ALICE, 1000, 5000)
    assert "InsufficientBalance" in outcome.reason


def test_a_failed_call_raises_with_its_outcome(evm, token):
    with pytest.raises(RevertedError, match="InsufficientBalance") as caught:
        token.call("transfer", BOB, 5000, sender=ALICE)

    assert caught.value.outcome.halt is Halt.REVERT


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        ("08c379a0" + "20".rjust(64, "0") + "2".rjust(64, "0") + "6e6f".ljust(64, "0"), "no"),
        ("4e487b71" + "11".rjust(64, "0"), "arithmetic overflow (panic code 0x11)"),
        ("4e487b71" + "99".rjust(64, "0"), "panic (panic code 0x99)"),
        ("deadbeef", "0xdeadbeef"),
        ("08c379a0" + "ff" * 64, "0x08c379a0" + "ff" * 64),
        ("", ""),
    ],
)
def test_the_output_of_a_revert_says_why(data, reason):
    assert decode_revert(bytes.fromhex(data)).reason == reason


def test_a_revert_to_a_snapshot_restores_accounts_and_block(evm):
    evm.set_balance(ALICE, 100)
    evm.set_code(BOB, KEEPER)
    evm.set_storage(BOB, 0, 7)
    before = evm.snapshot()

    evm.transact(sender=ALICE, to=BOB, value=5, data=(9).to_bytes(32, "big"))
    evm.mine(3)
    changed = evm.diff(before)
    evm.revert(before)

    assert [change.address for change in changed.accounts] == sorted([ALICE, BOB])
    assert next(c for c in changed.accounts if c.address == BOB).storage == {0: (7, 9)}
    assert (evm.balance(ALICE), evm.storage(BOB, 0), evm.block.number) == (100, 7, 1)
    assert evm.transact(sender=ALICE, to=BOB, data=(8).to_bytes(32, "big")).success
    assert evm.storage(BOB, 0) == 8
    with pytest.raises(UnknownSnapshotError):
        evm.revert(before)


def test_the_diff_is_of_everything_since_the_beginning():
    evm = EVM(state={ALICE: Account(balance=10)}, engine="reference")

    outcome = evm.transact(sender=ALICE, to=BOB, value=3)

    assert evm.diff() == outcome.diff
    assert [(c.address, c.balance) for c in outcome.diff.accounts] == [
        (ALICE, (10, 7)),
        (BOB, (0, 3)),
    ]


def test_a_state_may_be_that_of_a_genesis_file(evm):
    alloc = {"0x" + BOB.hex(): {"balance": "0x5", "code": "0x00", "storage": {"0x1": "0x2"}}}

    found = EVM(state=alloc, engine="reference")

    assert (found.balance(BOB), found.code(BOB), found.storage(BOB, 1)) == (5, b"\0", 2)
    with pytest.raises(RequestError):
        EVM(state={BOB: {"balance": []}})


def test_a_copied_state_is_the_machines_own():
    state = State({ALICE: Account(balance=1)})

    EVM(state=state, engine="reference").set_balance(ALICE, 2)

    assert state.account(ALICE) == (0, 1, b"")


def test_an_estimate_is_the_least_gas_that_is_enough(evm, token):
    data = abi.selector("transfer(address,uint256)") + abi.encode(["address", "uint256"], [BOB, 1])
    fields = {"sender": ALICE, "to": token.address, "data": data}

    gas = evm.estimate_gas(fields)

    moment = evm.snapshot()
    assert evm.transact(fields, gas=gas).success
    evm.revert(moment)
    assert not evm.transact(fields, gas=gas - 1).success


def test_a_trace_has_every_instruction(evm):
    evm.set_code(BOB, ADDER)

    trace = evm.trace(to=BOB, data=(2).to_bytes(32, "big") + (3).to_bytes(32, "big"))

    assert int.from_bytes(trace.outcome.output, "big") == 5
    names = " ".join(line.op_name for line in trace.lines)
    assert names == "PUSH0 CALLDATALOAD PUSH1 CALLDATALOAD ADD PUSH0 MSTORE PUSH1 PUSH0 RETURN"


def test_code_sees_the_block(evm):
    evm.set_code(BOB, bytes.fromhex("435f52426020526001430340604052 60605ff3".replace(" ", "")))
    evm.mine(2, seconds=5)

    number, timestamp, parent = abi.decode(
        ["uint256", "uint256", "bytes32"], evm.call(to=BOB).output
    )

    assert (number, timestamp) == (3, 11)
    assert parent == evm.block.block_hashes[2] != bytes(32)


def test_a_refused_transaction_changes_nothing(evm):
    evm.set_balance(ALICE, 10)

    with pytest.raises(InvalidTransactionError):
        evm.transact(sender=ALICE, to=BOB, value=11)
    with pytest.raises(InvalidTransactionError):
        evm.transact(sender=ALICE, to=BOB, nonce=5)

    assert (evm.balance(ALICE), evm.nonce(ALICE)) == (10, 0)
    assert evm.transact(sender=ALICE, to=BOB, value=10).success


@pytest.mark.parametrize(
    "fields",
    [{"colour": 5}, {"value": -1}, {"gas": "many"}, {"to": "0x12"}, {"data": "0xz"}, {"data": 5}],
)
def test_a_field_that_is_none_is_refused(evm, fields):
    with pytest.raises((RequestError, AbiError)):
        evm.call(fields)


def test_constructors_that_fail_raise(evm):
    with pytest.raises(RevertedError, match="BAD_INSTRUCTION"):
        evm.deploy("0xfe", sender=ALICE)
    with pytest.raises(AbiError, match="library"):
        artifact_of({"bytecode": {"object": "0x60__$a$__"}})
    with pytest.raises(AbiError):
        artifact_of({"abi": []})


# With the libraries of others. --------------------------------------------------------------------


@pytest.mark.judges
def test_vyper_output_is_taken_as_it_comes(evm):
    vyper = pytest.importorskip("vyper", reason="vyper is not installed")
    source = """
# pragma version ~=0.4.0
struct Pair:
    a: uint8
    b: String[10]
total: public(uint256)
@deploy
def __init__(start: uint256, pairs: DynArray[Pair, 4]):
    self.total = start + len(pairs)
@external
def add(n: uint256) -> (uint256, Pair):
    assert n < 10, "too big"
    self.total += n
    return self.total, Pair(a=7, b="seven")
"""
    made = vyper.compile_code(source, output_formats=["abi", "bytecode"])

    contract = evm.deploy(made, 5, [(1, "one"), (2, "two")])

    assert contract.call("total") == 7
    assert contract.call("add", 3) == (10, (7, "seven"))
    with pytest.raises(RevertedError, match="too big"):
        contract.call("add", 10)


@pytest.mark.judges
def test_transactions_that_eth_account_signed(evm):
    accounts = pytest.importorskip("eth_account", reason="eth-account is not installed")
    key = accounts.Account.from_key(b"\1" * 32)
    evm.set_balance(key, 10**18)
    evm.set_block(base_fee=7)
    plain = {"to": BOB, "value": 5, "gas": 21000, "chainId": 1}

    first = key.sign_transaction(plain | {"gasPrice": 10, "nonce": 0})
    second = key.sign_transaction(
        plain | {"maxFeePerGas": 10, "maxPriorityFeePerGas": 1, "nonce": 1, "type": 2}
    )

    assert evm.transact(first).gas_price == 10
    assert evm.transact(second.raw_transaction).gas_price == 8
    assert (evm.balance(BOB), evm.nonce(key)) == (10, 2)


@pytest.mark.judges
def test_the_abi_codec_agrees_with_eth_abi():
    theirs = pytest.importorskip("eth_abi.abi", reason="eth-abi is not installed")
    types = [
        "(uint8,bytes)[]",
        "int16[2]",
        "string",
        "bytes3",
        "(bool,(address,string)[2])",
        "bool[]",
    ]
    values = [
        [(1, b"x" * 40), (255, b"")],
        [-1, 300],
        "héllo",
        b"abc",
        (True, [(BOB, "a"), (ALICE, "b" * 33)]),
        [True, False],
    ]

    data = abi.encode(types, values)

    assert data == theirs.encode(
        types,
        [*values[:4], (True, [("0x" + BOB.hex(), "a"), ("0x" + ALICE.hex(), "b" * 33)]), values[5]],
    )
    assert theirs.encode(types, theirs.decode(types, data)) == data
    assert abi.encode(types, abi.decode(types, data)) == data


@pytest.mark.parametrize(
    ("types", "data"),
    [
        (["uint8"], (256).to_bytes(32, "big")),
        (["uint256"], b"short"),
        (["bytes"], (32).to_bytes(32, "big") + (2**255).to_bytes(32, "big")),
        (["()[]"], (32).to_bytes(32, "big") + (2**40).to_bytes(32, "big")),
        (["uint256[][][]"], (32).to_bytes(32, "big") * 2),
        (["bool"], (2).to_bytes(32, "big")),
        (["uint257"], b""),
        (["(" * 40 + ")" * 40], b""),
        (["fixed128x18"], bytes(32)),
    ],
)
def test_bytes_that_fit_no_type_are_refused(types, data):
    with pytest.raises(AbiError):
        abi.decode(types, data)


def test_an_address_is_written_with_the_capitals_of_eip_55():
    # The first example of EIP-55.
    raw = bytes.fromhex("5aaeb6053f3e94c9b9a09f33669435e7ef1beaed")

    assert abi.checksummed(raw) == "0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed"
