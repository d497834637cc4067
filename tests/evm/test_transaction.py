"""Transactions: their bytes, their signatures, and bytes that are none."""

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from numen.base.crypto import CURVE_ORDER, SigningKey
from numen.evm import rlp
from numen.evm.authority import Authorization, delegate
from numen.evm.forks import fork
from numen.evm.invalid import InvalidTransactionError, Reason
from numen.evm.transaction import Access, Kind, Transaction, decode

KEY = SigningKey.from_seed(b"transactions")
PRAGUE = fork("prague")
WORDS = st.integers(0, 2**256 - 1)
ADDRESSES = st.binary(min_size=20, max_size=20)
HASHES = st.binary(min_size=32, max_size=32)
AUTHORIZATIONS = st.builds(
    Authorization,
    chain_id=WORDS,
    address=ADDRESSES,
    nonce=st.integers(0, 2**64 - 1),
    y_parity=st.integers(0, 255),
    r=WORDS,
    s=WORDS,
)


@st.composite
def transactions(draw: st.DrawFn) -> Transaction:
    """Any transaction of any kind, signed by `KEY`."""
    kind = draw(st.sampled_from(Kind))
    has_one_price = kind in (Kind.LEGACY, Kind.ACCESS_LIST)
    price = draw(st.integers(0, 2**190))
    chain_ids = st.none() | st.integers(1, 2**64) if kind is Kind.LEGACY else st.integers(0, 2**64)
    accesses = st.builds(Access, ADDRESSES, st.lists(WORDS, max_size=3).map(tuple))
    more = {}
    if kind is not Kind.LEGACY:
        more["access_list"] = tuple(draw(st.lists(accesses, max_size=3)))
    if kind is Kind.BLOB:
        more["max_fee_per_blob_gas"] = draw(WORDS)
        more["blob_hashes"] = tuple(draw(st.lists(HASHES, max_size=3)))
    if kind is Kind.SET_CODE:
        more["authorizations"] = tuple(draw(st.lists(AUTHORIZATIONS, max_size=3)))
    unsigned = Transaction(
        kind=kind,
        chain_id=draw(chain_ids),
        nonce=draw(st.integers(0, 2**64 - 1)),
        max_fee=price,
        max_priority_fee=price if has_one_price else draw(st.integers(0, price)),
        gas_limit=draw(st.integers(0, 2**64 - 1)),
        to=draw(st.none() | ADDRESSES),
        value=draw(WORDS),
        data=draw(st.binary(max_size=80)),
        **more,
    )
    return unsigned.sign(KEY)


@given(transactions())
def test_decoding_undoes_encoding_and_finds_the_signer(tx):
    again = decode(tx.encode(), PRAGUE)

    assert again == tx
    chain_id = 1 if again.chain_id is None else again.chain_id
    assert again.sender(PRAGUE, chain_id) == KEY.address


@given(transactions(), st.integers(0, 2**64))
def test_a_transaction_for_one_chain_is_refused_on_another(tx, chain_id):
    if tx.chain_id in (None, chain_id):
        assert tx.sender(PRAGUE, chain_id) == KEY.address
        return

    with pytest.raises(InvalidTransactionError) as caught:
        tx.sender(PRAGUE, chain_id)

    assert caught.value.reason is Reason.INVALID_CHAINID


@given(st.binary(max_size=200))
def test_any_bytes_are_a_transaction_or_refused(raw):
    read_or_refuse(raw)


@settings(max_examples=300)
@given(transactions(), st.data())
def test_a_changed_transaction_is_another_or_refused(tx, data):
    raw = bytearray(tx.encode())
    at = data.draw(st.integers(0, len(raw) - 1))
    raw[at] = data.draw(st.integers(0, 255).filter(lambda byte: byte != raw[at]))

    found = read_or_refuse(bytes(raw))

    assert found != tx


def read_or_refuse(raw: bytes) -> Transaction | None:
    try:
        tx = decode(raw)
    except InvalidTransactionError:
        return None
    assert tx.encode() == raw
    return tx


@pytest.mark.judges
@pytest.mark.parametrize("name", [f.name for f in Kind])
def test_what_eth_account_signs_is_what_we_sign(name):
    account = pytest.importorskip("eth_account", reason="eth-account is the judge").Account
    tx = sample(Kind[name])

    theirs = account.sign_transaction(as_json(tx), KEY._key.secret)

    mine = tx.sign(KEY)
    assert theirs.raw_transaction == mine.encode()
    assert theirs.hash == mine.hash()
    assert account.recover_transaction(mine.encode()).lower() == "0x" + KEY.address.hex()


def sample(kind: Kind) -> Transaction:
    more = {}
    if kind is not Kind.LEGACY:
        more["access_list"] = (Access(b"\x11" * 20, (0, 5, 2**256 - 1)),)
    if kind is Kind.BLOB:
        more |= {"max_fee_per_blob_gas": 9, "blob_hashes": (b"\x01" + b"\x22" * 31,)}
    if kind is Kind.SET_CODE:
        more["authorizations"] = (Authorization(1, b"\x33" * 20, 7, 1, 12345, 67890),)
    priority = 5 if kind in (Kind.LEGACY, Kind.ACCESS_LIST) else 3
    return Transaction(
        kind, 1, 4, 5, priority, 60_000, b"\x44" * 20, 2**70, b"\x01\x00\x02", **more
    )


def as_json(tx: Transaction) -> dict:
    found = {
        "nonce": tx.nonce,
        "gas": tx.gas_limit,
        "to": "0x" + tx.to.hex(),
        "value": tx.value,
        "data": tx.data,
        "chainId": tx.chain_id,
    }
    if tx.kind in (Kind.LEGACY, Kind.ACCESS_LIST):
        found["gasPrice"] = tx.max_fee
    else:
        found |= {"maxFeePerGas": tx.max_fee, "maxPriorityFeePerGas": tx.max_priority_fee}
    if tx.kind is not Kind.LEGACY:
        found["type"] = tx.kind.value
        found["accessList"] = [
            {
                "address": "0x" + each.address.hex(),
                "storageKeys": [f"0x{key:064x}" for key in each.keys],
            }
            for each in tx.access_list
        ]
    if tx.kind is Kind.BLOB:
        found["maxFeePerBlobGas"] = tx.max_fee_per_blob_gas
        found["blobVersionedHashes"] = ["0x" + each.hex() for each in tx.blob_hashes]
    if tx.kind is Kind.SET_CODE:
        found["authorizationList"] = [
            {
                "chainId": each.chain_id,
                "address": each.address,
                "nonce": each.nonce,
                "yParity": each.y_parity,
                "r": each.r,
                "s": each.s,
            }
            for each in tx.authorizations
        ]
    return found


def test_a_high_s_signs_before_homestead_only():
    tx = Transaction(gas_limit=21_000, to=bytes(20)).sign(KEY)
    mirrored = msgspec.structs.replace(tx, s=CURVE_ORDER - tx.s, v=27 + 28 - tx.v)

    assert mirrored.sender(fork("frontier"), 1) == KEY.address
    with pytest.raises(InvalidTransactionError) as caught:
        mirrored.sender(fork("homestead"), 1)
    assert caught.value.reason is Reason.INVALID_SIGNATURE_VRS


def test_a_transaction_with_its_blobs_is_refused():
    tx = sample(Kind.BLOB).sign(KEY)
    inner = rlp.decode(tx.encode()[1:])

    with pytest.raises(InvalidTransactionError) as caught:
        decode(b"\x03" + rlp.encode([inner, [], [], []]))

    assert caught.value.reason is Reason.TYPE_3_TX_WITH_FULL_BLOBS


@pytest.mark.parametrize(
    "bad",
    [
        Authorization(2**256, bytes(20), 0),
        Authorization(0, bytes(19), 0),
        Authorization(0, bytes(20), 2**64),
        Authorization(0, bytes(20), 0, 256),
        Authorization(0, bytes(20), 0, 0, 2**256),
        Authorization(0, bytes(20), 0, 0, 0, 2**256),
    ],
)
def test_an_authorization_with_a_number_too_big_is_malformed(bad):
    tx = msgspec.structs.replace(sample(Kind.SET_CODE), authorizations=(bad,))

    with pytest.raises(InvalidTransactionError) as caught:
        decode(tx.encode())

    assert caught.value.reason is Reason.TYPE_4_INVALID_AUTHORIZATION_FORMAT


def test_an_authority_is_found_unless_the_signature_is_malleable():
    item = Authorization(1, b"\x33" * 20, 7)
    raw = KEY.sign(item.digest())
    r, s = int.from_bytes(raw[:32], "big"), int.from_bytes(raw[32:64], "big")
    signed = msgspec.structs.replace(item, y_parity=raw[64] - 27, r=r, s=s)

    assert signed.authority() == KEY.address
    high = msgspec.structs.replace(signed, y_parity=signed.y_parity ^ 1, s=CURVE_ORDER - s)
    assert high.authority() is None
    assert msgspec.structs.replace(signed, r=0).authority() is None


def test_only_a_whole_designator_points_at_a_delegate():
    assert delegate(b"\xef\x01\x00" + b"\x07" * 20) == b"\x07" * 20
    assert delegate(b"\xef\x01\x00" + b"\x07" * 21) is None
    assert delegate(b"\xef\x01\x00" + b"\x07" * 19) is None
    assert delegate(b"\xef\x00\x00" + b"\x07" * 20) is None
    assert delegate(b"") is None
