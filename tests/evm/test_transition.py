"""What a transaction costs, whom it pays, what it may not be, and what stays when it fails."""

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from numen.base.crypto import SigningKey
from numen.evm import blobs, engines, fees
from numen.evm.authority import Authorization, delegate
from numen.evm.block import Block
from numen.evm.forks import FORKS, NONCE_MAX, fork
from numen.evm.halt import Halt
from numen.evm.invalid import InvalidTransactionError, Reason
from numen.evm.message import Message
from numen.evm.state import Account, State, StateDiff
from numen.evm.transaction import Access, Kind, Transaction
from numen.evm.transition import apply, call
from numen.evm.validity import Allowance

ALICE, BOB, COINBASE = b"\xa1" * 20, b"\xb0" * 20, b"\xcb" * 20
ETHER = 10**18
BLOCK = Block(number=5, coinbase=COINBASE, gas_limit=30_000_000, base_fee=7, blob_base_fee=3)
PLAIN = Transaction(max_fee=10, max_priority_fee=10, gas_limit=100_000, to=BOB)
MARKET = msgspec.structs.replace(PLAIN, kind=Kind.FEE_MARKET, chain_id=1, max_priority_fee=2)
BLOBS = msgspec.structs.replace(
    MARKET, kind=Kind.BLOB, max_fee_per_blob_gas=5, blob_hashes=(b"\x01" + bytes(31),)
)
SIGNER = SigningKey.from_seed(b"authority")
ENGINES = pytest.mark.parametrize("engine", ["reference", "interpreter"])


def authorization(nonce: int = 0, address: bytes = BOB, chain_id: int = 1) -> Authorization:
    item = Authorization(chain_id, address, nonce)
    raw = SIGNER.sign(item.digest())
    r, s = int.from_bytes(raw[:32], "big"), int.from_bytes(raw[32:64], "big")
    return msgspec.structs.replace(item, y_parity=raw[64] - 27, r=r, s=s)


SET_CODE = msgspec.structs.replace(MARKET, kind=Kind.SET_CODE, authorizations=(authorization(),))


class World:
    """A state, and an engine over it."""

    def __init__(self, engine: str, fork_name: str, code: str = "", **accounts: Account) -> None:
        found = {ALICE: Account(balance=ETHER), BOB: Account(nonce=1, code=bytes.fromhex(code))}
        found |= {bytes.fromhex(address): account for address, account in accounts.items()}
        self.state = State(found)
        self.machine = engines.make(engine, fork(fork_name), self.state)

    def apply(self, tx: Transaction, block: Block = BLOCK, sender: bytes = ALICE):
        receipt = apply(self.machine, block, tx, sender)
        self.state.apply(self.machine.take_diff())
        return receipt

    def balance(self, address: bytes) -> int:
        return (self.state.account(address) or (0, 0, b""))[1]


def change(tx: Transaction, **fields) -> Transaction:
    return msgspec.structs.replace(tx, **fields)


@ENGINES
def test_the_base_fee_is_burnt_and_the_rest_goes_to_the_coinbase(engine):
    world = World(engine, "prague")

    receipt = world.apply(change(MARKET, value=1_000))

    assert (receipt.success, receipt.gas_used, receipt.gas_price) == (True, 21_000, 9)
    assert world.balance(COINBASE) == 21_000 * 2
    assert world.balance(BOB) == 1_000
    assert world.balance(ALICE) == ETHER - 1_000 - 21_000 * 9
    assert world.state.account(ALICE)[0] == 1


@ENGINES
def test_blobs_are_paid_for_at_their_price_and_burnt(engine):
    world = World(engine, "cancun")

    receipt = world.apply(BLOBS)

    assert receipt.blob_gas_used == 2**17
    assert world.balance(ALICE) == ETHER - 21_000 * 9 - 2**17 * 3
    assert world.balance(COINBASE) == 21_000 * 2


@ENGINES
def test_a_failed_transaction_keeps_its_nonce_and_pays_for_all_gas(engine):
    world = World(engine, "prague", code="6001600055fe")

    receipt = world.apply(change(PLAIN, value=5))

    assert (receipt.success, receipt.gas_used, receipt.logs) == (False, 100_000, ())
    assert receipt.halt.is_failure
    assert world.balance(BOB) == 0
    assert world.balance(ALICE) == ETHER - 100_000 * 10
    assert world.state.account(ALICE)[0] == 1
    assert world.state.slot(BOB, 0) == 0


@ENGINES
@pytest.mark.parametrize(
    ("fork_name", "quotient", "refund"), [("berlin", 2, 15_000), ("london", 5, 4_800)]
)
def test_a_refund_is_no_more_than_a_part_of_the_gas_used(engine, fork_name, quotient, refund):
    clears = World(engine, fork_name, code="600060005500" + "00")
    account = Account(nonce=1, code=bytes.fromhex("6000600055"), storage={0: 1})
    clears.state = State({ALICE: Account(balance=ETHER), BOB: account})
    clears.machine = engines.make(engine, fork(fork_name), clears.state)

    receipt = clears.apply(PLAIN)

    before = receipt.gas_used + receipt.refunded
    assert receipt.refunded == min(refund, before // quotient) > 0


@ENGINES
def test_the_coinbase_is_made_by_no_fee_only_where_empty_accounts_are_kept(engine):
    free = change(PLAIN, max_fee=0, max_priority_fee=0)
    block = msgspec.structs.replace(BLOCK, base_fee=0)
    kept, gone = World(engine, "homestead"), World(engine, "spurious_dragon")

    kept.apply(free, block)
    gone.apply(free, block)

    assert kept.state.account(COINBASE) == (0, 0, b"")
    assert gone.state.account(COINBASE) is None


@ENGINES
def test_an_empty_coinbase_is_swept_away_when_it_is_touched(engine):
    world = World(engine, "berlin", **{COINBASE.hex(): Account()})
    block = msgspec.structs.replace(BLOCK, base_fee=0)

    world.apply(change(PLAIN, max_fee=0, max_priority_fee=0), block)

    assert world.state.account(COINBASE) is None


@ENGINES
def test_a_contract_is_made_at_the_address_of_the_nonce(engine):
    world = World(engine, "prague")

    receipt = world.apply(change(PLAIN, to=None, data=bytes.fromhex("60006000f3"), value=9))

    assert receipt.success
    assert receipt.created is not None
    assert world.state.account(receipt.created) == (1, 9, b"")


@ENGINES
def test_input_costs_at_least_its_floor(engine):
    world = World(engine, "prague")
    data = b"\x01" * 1_000 + bytes(100)

    receipt = world.apply(change(PLAIN, data=data))

    assert receipt.gas_used == 21_000 + 10 * (4 * 1_000 + 100)
    assert fees.intrinsic_gas(change(PLAIN, data=data), fork("prague"))[0] < receipt.gas_used


@ENGINES
def test_a_delegation_stays_when_the_transaction_fails(engine):
    world = World(engine, "prague", code="fe")

    receipt = world.apply(change(SET_CODE, to=SIGNER.address))

    assert not receipt.success
    nonce, _, code = world.state.account(SIGNER.address)
    assert (nonce, delegate(code)) == (1, BOB)


@ENGINES
def test_a_delegate_is_warm_and_its_code_acts_for_the_account(engine):
    stores = World(engine, "prague", code="30" + "600055")

    receipt = stores.apply(change(SET_CODE, to=SIGNER.address, gas_limit=200_000))

    assert receipt.success
    assert stores.state.slot(SIGNER.address, 0) == int.from_bytes(SIGNER.address, "big")
    # Intrinsic gas, a write to a cold slot, and nothing for the delegate, which is warm.
    assert receipt.gas_used == 21_000 + 25_000 + 2 + 3 + 22_100


@ENGINES
@pytest.mark.parametrize(
    "bad",
    [
        authorization(nonce=1),
        authorization(chain_id=2),
        change(authorization(), r=1),
        change(authorization(), s=2**256 - 1),
        authorization(nonce=NONCE_MAX),
    ],
)
def test_an_authorization_that_does_not_fit_is_passed_over(engine, bad):
    world = World(engine, "prague")

    receipt = world.apply(change(SET_CODE, authorizations=(bad,)))

    assert receipt.success
    assert world.state.account(SIGNER.address) is None
    assert receipt.gas_used == 46_000


@ENGINES
def test_an_authorization_of_an_account_that_exists_gives_gas_back(engine):
    there = World(engine, "prague", **{SIGNER.address.hex(): Account(balance=1)})

    receipt = there.apply(SET_CODE)

    assert receipt.gas_used == 46_000 - min(12_500, 46_000 // 5)
    ended = there.apply(change(SET_CODE, nonce=1, authorizations=(authorization(1, bytes(20)),)))
    assert ended.success
    assert there.state.account(SIGNER.address) == (2, 1, b"")


LONG = change(PLAIN, to=None, data=bytes(49_153), gas_limit=10_000_000)
REFUSED = {
    "type 1 before Berlin": (
        "istanbul",
        change(PLAIN, kind=Kind.ACCESS_LIST),
        Reason.TYPE_1_TX_PRE_FORK,
    ),
    "type 2 before London": ("berlin", MARKET, Reason.TYPE_2_TX_PRE_FORK),
    "type 3 before Cancun": ("shanghai", BLOBS, Reason.TYPE_3_TX_PRE_FORK),
    "type 4 before Prague": ("cancun", SET_CODE, Reason.TYPE_4_TX_PRE_FORK),
    "nonce below": ("prague", PLAIN, Reason.NONCE_MISMATCH_TOO_LOW),
    "nonce above": ("prague", change(PLAIN, nonce=2), Reason.NONCE_MISMATCH_TOO_HIGH),
    "nonce at its end": ("prague", change(PLAIN, nonce=NONCE_MAX), Reason.NONCE_TOO_BIG),
    "little gas": (
        "prague",
        change(PLAIN, nonce=1, gas_limit=20_999),
        Reason.INTRINSIC_GAS_TOO_LOW,
    ),
    "below the floor": (
        "prague",
        change(PLAIN, nonce=1, data=b"\1" * 100, gas_limit=22_700),
        Reason.INTRINSIC_GAS_BELOW_FLOOR_GAS_COST,
    ),
    "much gas": (
        "osaka",
        change(PLAIN, nonce=1, gas_limit=2**24 + 1),
        Reason.GAS_LIMIT_EXCEEDS_MAXIMUM,
    ),
    "more gas than the block": (
        "prague",
        change(PLAIN, nonce=1, gas_limit=30_000_001),
        Reason.GAS_ALLOWANCE_EXCEEDED,
    ),
    "long initcode": ("shanghai", change(LONG, nonce=1), Reason.INITCODE_SIZE_EXCEEDED),
    "below the base fee": (
        "london",
        change(PLAIN, nonce=1, max_fee=6, max_priority_fee=6),
        Reason.INSUFFICIENT_MAX_FEE_PER_GAS,
    ),
    "priority above all": (
        "london",
        change(MARKET, nonce=1, max_priority_fee=11),
        Reason.PRIORITY_GREATER_THAN_MAX_FEE_PER_GAS,
    ),
    "poor": ("frontier", change(PLAIN, nonce=1, value=ETHER), Reason.INSUFFICIENT_ACCOUNT_FUNDS),
    "a price beyond words": (
        "prague",
        change(PLAIN, nonce=1, max_fee=2**255),
        Reason.GASLIMIT_PRICE_PRODUCT_OVERFLOW,
    ),
    "a value beyond words": ("prague", change(PLAIN, nonce=1, value=2**256), Reason.VALUE_OVERFLOW),
    "blobs to nobody": (
        "cancun",
        change(BLOBS, nonce=1, to=None),
        Reason.TYPE_3_TX_CONTRACT_CREATION,
    ),
    "no blobs": ("cancun", change(BLOBS, nonce=1, blob_hashes=()), Reason.TYPE_3_TX_ZERO_BLOBS),
    "too many blobs": (
        "cancun",
        change(BLOBS, nonce=1, blob_hashes=BLOBS.blob_hashes * 7),
        Reason.TYPE_3_TX_BLOB_COUNT_EXCEEDED,
    ),
    "strange blobs": (
        "cancun",
        change(BLOBS, nonce=1, blob_hashes=(bytes(32),)),
        Reason.TYPE_3_TX_INVALID_BLOB_VERSIONED_HASH,
    ),
    "cheap blobs": (
        "cancun",
        change(BLOBS, nonce=1, max_fee_per_blob_gas=2),
        Reason.INSUFFICIENT_MAX_FEE_PER_BLOB_GAS,
    ),
    "delegations to nobody": (
        "prague",
        change(SET_CODE, nonce=1, to=None),
        Reason.TYPE_4_TX_CONTRACT_CREATION,
    ),
    "no delegations": (
        "prague",
        change(SET_CODE, nonce=1, authorizations=()),
        Reason.TYPE_4_EMPTY_AUTHORIZATION_LIST,
    ),
}


@ENGINES
@pytest.mark.parametrize("name", REFUSED)
def test_a_refused_transaction_changes_nothing(engine, name):
    fork_name, tx, reason = REFUSED[name]
    world = World(engine, fork_name, **{ALICE.hex(): Account(nonce=1, balance=ETHER)})

    with pytest.raises(InvalidTransactionError) as caught:
        world.apply(tx)

    assert caught.value.reason is reason
    assert world.machine.take_diff() == StateDiff()


@ENGINES
def test_a_contract_sends_nothing_but_one_that_delegates_may(engine):
    delegates = Account(balance=ETHER, code=b"\xef\x01\x00" + BOB)
    world = World(engine, "prague", **{ALICE.hex(): Account(balance=ETHER, code=b"\x00")})
    other = World(engine, "prague", **{ALICE.hex(): delegates})

    with pytest.raises(InvalidTransactionError) as caught:
        world.apply(PLAIN)

    assert caught.value.reason is Reason.SENDER_NOT_EOA
    assert other.apply(PLAIN).success


@ENGINES
def test_a_block_has_room_for_so_many_blobs(engine):
    world = World(engine, "cancun")

    with pytest.raises(InvalidTransactionError) as caught:
        apply(world.machine, BLOCK, BLOBS, ALICE, Allowance(gas=10**6, blobs=0))

    assert caught.value.reason is Reason.TYPE_3_TX_MAX_BLOB_GAS_ALLOWANCE_EXCEEDED


@ENGINES
def test_an_access_list_makes_what_it_names_warm(engine):
    reads = "6000545000"  # SLOAD of slot 0
    cold, warm = World(engine, "berlin", code=reads), World(engine, "berlin", code=reads)
    listed = change(PLAIN, kind=Kind.ACCESS_LIST, chain_id=1, access_list=(Access(BOB, (0,)),))
    block = msgspec.structs.replace(BLOCK, base_fee=0)

    without, with_list = cold.apply(PLAIN, block), warm.apply(listed, block)

    assert without.gas_used == 21_000 + 3 + 2_100 + 2
    assert with_list.gas_used == 21_000 + 2_400 + 1_900 + 3 + 100 + 2


@ENGINES
def test_a_call_from_outside_charges_nobody(engine):
    world = World(engine, "prague", code="60006000f3")

    result = call(world.machine, BLOCK, Message(ALICE, BOB, gas=100))
    world.machine.finish()

    assert (result.halt, result.gas_left) == (Halt.RETURN, 94)
    assert world.machine.take_diff() == StateDiff()


# Prices. -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("factor", "numerator", "denominator", "expected"),
    [
        (1, 0, 1, 1),
        (38_493, 0, 1_000, 38_493),
        (0, 1_234, 2_345, 0),
        (1, 2, 1, 6),  # e ** 2, rounded down at every step
        (1, 6, 2, 18),
        (1, 4, 1, 49),
        (10, 8, 2, 542),
        (1, 5, 2, 11),
        (1, 50_000_000, 2_225_652, 5_709_098_764),
    ],
)
def test_the_price_of_blobs_grows_as_the_eip_says(factor, numerator, denominator, expected):
    assert blobs.fake_exponential(factor, numerator, denominator) == expected


def test_a_price_of_blobs_that_nobody_can_pay_is_found_soon():
    assert blobs.blob_base_fee(2**64 - 1, fork("cancun")) == 2**256 - 1


@pytest.mark.parametrize(
    ("base_fee", "used", "limit", "expected"),
    [
        (1_000, 10_000_000, 20_000_000, 1_000),
        (1_000, 20_000_000, 20_000_000, 1_125),
        (1_000, 0, 20_000_000, 875),
        (7, 10_000_001, 20_000_000, 8),
        (7, 0, 20_000_000, 7),
    ],
)
def test_the_base_fee_moves_by_an_eighth_at_most(base_fee, used, limit, expected):
    assert fees.next_base_fee(base_fee, used, limit) == expected


@given(st.sampled_from(list(FORKS.values())), st.binary(max_size=300), st.booleans())
def test_input_never_costs_less_for_being_longer(rules, data, makes):
    tx = change(PLAIN, to=None if makes else BOB, data=data)

    shorter, longer = (
        fees.intrinsic_gas(tx, rules),
        fees.intrinsic_gas(change(tx, data=data + b"\0"), rules),
    )

    assert longer[0] > shorter[0]
    assert longer[1] >= shorter[1]


@ENGINES
def test_a_caller_at_the_end_of_its_nonce_makes_nothing(engine):
    world = World(engine, "prague", **{ALICE.hex(): Account(nonce=NONCE_MAX, balance=ETHER)})

    result = call(world.machine, BLOCK, Message(ALICE, None, data=b"", gas=100_000))

    assert (result.halt, result.gas_left) == (Halt.NONCE_OVERFLOW, 100_000)
    assert world.machine.nonce(ALICE) == NONCE_MAX
