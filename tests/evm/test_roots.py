"""Roots against those of the Ethereum execution specifications and of py-evm's trie."""

import hashlib

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from numen.base.crypto import keccak256
from numen.evm import rlp
from numen.evm.message import Log
from numen.evm.roots import encode_receipt, encode_withdrawal, logs_bloom, logs_hash, requests_hash
from numen.evm.state import Account, AccountDiff, State, StateDiff

specs = pytest.importorskip("ethereum.forks.prague.state", reason="the specifications are a judge")
from ethereum.forks.prague import blocks, bloom  # noqa: E402
from ethereum.forks.prague.fork_types import Account as SpecAccount  # noqa: E402
from ethereum.forks.prague.fork_types import Address  # noqa: E402
from ethereum_types.bytes import Bytes, Bytes32  # noqa: E402
from ethereum_types.numeric import U64, U256, Uint  # noqa: E402

pytestmark = pytest.mark.judges

ADDRESSES = [bytes([n]) * 20 for n in range(1, 7)]
addresses = st.sampled_from(ADDRESSES)
keys = st.sampled_from([0, 1, 2, 2**255, 2**256 - 1])
words = st.sampled_from([0, 1, 127, 128, 2**255]) | st.integers(0, 2**256 - 1)
storages = st.dictionaries(keys, words, max_size=4)
accounts = st.builds(
    Account,
    nonce=st.sampled_from([0, 1, 2**64 - 1]),
    balance=words,
    code=st.sampled_from([b"", b"\0", b"\x60\x00" * 40]),
    storage=storages,
)
diffs = st.tuples(addresses, st.none() | accounts, st.booleans())
logs = st.builds(
    Log,
    address=addresses,
    topics=st.lists(st.binary(min_size=32, max_size=32), max_size=4).map(tuple),
    data=st.binary(max_size=70),
)


def spec_root(state):
    """The root of the same accounts, put into the specifications' state afresh."""
    theirs = specs.State()
    for address, account in state.accounts.items():
        theirs_account = SpecAccount(Uint(account.nonce), U256(account.balance), account.code)
        specs.set_account(theirs, Address(address), theirs_account)
        for key, word in account.storage.items():
            slot = Bytes32(key.to_bytes(32, "big"))
            specs.set_storage(theirs, Address(address), slot, U256(word))
    return specs.state_root(theirs)


def diff_of(address, after, *, is_wiped):
    """A difference that makes, changes, wipes or deletes an account."""
    if after is None:
        return StateDiff((AccountDiff(address, existed=True, exists=False),))
    return StateDiff(
        (
            AccountDiff(
                address,
                existed=True,
                exists=True,
                nonce=(0, after.nonce),
                balance=(0, after.balance),
                code=(b"", after.code),
                storage={key: (0, word) for key, word in after.storage.items()},
                is_wiped=is_wiped,
            ),
        )
    )


@settings(max_examples=100)
@given(
    start=st.dictionaries(addresses, accounts),
    steps=st.lists(diffs | st.sampled_from(["root", "copy"]), max_size=12),
)
def test_every_root_of_a_changing_state_is_that_of_the_specifications(start, steps):
    state = State(start)
    for step in steps:
        if step == "root":
            assert state.root() == spec_root(state)
        elif step == "copy":
            left_behind, root = state, state.root()
            state = state.copy()
            left_behind.apply(diff_of(ADDRESSES[0], Account(nonce=9), is_wiped=True))
            assert state.root() == root
        else:
            address, after, is_wiped = step
            state.apply(diff_of(address, after, is_wiped=is_wiped))

    assert state.root() == spec_root(state)


def test_a_change_after_a_copy_is_seen_by_one_of_the_two():
    state = State({ADDRESSES[0]: Account(storage={1: 1}), ADDRESSES[1]: Account(balance=1)})
    before = state.root()
    copy = state.copy()
    copy.apply(diff_of(ADDRESSES[0], Account(storage={1: 2, 3: 4}), is_wiped=False))

    assert state.root() == before
    assert copy.root() == spec_root(copy) != before


@given(records=st.lists(logs, max_size=5), gas=words, has_succeeded=st.booleans())
def test_receipts_blooms_and_hashes_of_logs(records, gas, has_succeeded):
    theirs_logs = tuple(
        blocks.Log(Address(r.address), tuple(map(Bytes32, r.topics)), Bytes(r.data))
        for r in records
    )
    theirs_bloom = bloom.logs_bloom(theirs_logs)
    receipt = blocks.Receipt(has_succeeded, Uint(gas), theirs_bloom, theirs_logs)

    assert logs_bloom(records) == theirs_bloom
    assert logs_hash(records) == keccak256(rlp.encode(_plain(theirs_logs)))
    for kind in (0, 1, 2, 3, 4):
        theirs = blocks.encode_receipt(_transaction(kind), receipt)
        plain = theirs if isinstance(theirs, bytes) else rlp.encode(_plain(theirs))
        assert encode_receipt(kind, int(has_succeeded), gas, records) == plain


def _plain(value):
    """Items of a value of the specifications."""
    if isinstance(value, bytes):
        return bytes(value)
    if isinstance(value, (bool, int, Uint, U256)):
        return int(value)
    fields = getattr(value, "__dataclass_fields__", None)
    return [_plain(getattr(value, name)) for name in fields] if fields else list(map(_plain, value))


def _transaction(kind):
    """Any transaction of a type: the encoding of its receipt asks for nothing else."""
    from ethereum.forks.prague import transactions as t

    kinds = (
        t.LegacyTransaction,
        t.AccessListTransaction,
        t.FeeMarketTransaction,
        t.BlobTransaction,
        t.SetCodeTransaction,
    )
    return object.__new__(kinds[kind])


@given(index=st.integers(0, 2**64 - 1), gwei=st.integers(0, 2**64 - 1), address=addresses)
def test_withdrawals(index, gwei, address):
    from ethereum_rlp import rlp as theirs

    withdrawal = blocks.Withdrawal(U64(index), U64(7), Address(address), U256(gwei))

    assert encode_withdrawal(index, 7, address, gwei) == theirs.encode(withdrawal)


def test_requests():
    from ethereum.forks.prague.requests import compute_requests_hash

    requests = [b"\0" + bytes(192), b"\1abc", b"\2x"]

    assert requests_hash(requests) == compute_requests_hash(requests)
    assert requests_hash([*requests, b"\3"]) == compute_requests_hash(requests)
    assert requests_hash([]) == hashlib.sha256().digest()
