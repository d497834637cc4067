"""Transactions as Ethereum signs them are requests to the ledger, and nothing else is."""

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from numen.base.crypto import keccak256
from numen.evm import abi, rlp
from numen.evm.authority import Authorization
from numen.evm.roots import logs_bloom
from numen.evm.transaction import Access, Transaction
from numen.evm.transaction import Kind as Form
from numen.ledger import tariff
from numen.ledger.archive import Archive, What, logs_of, wake_id
from numen.ledger.ethereum import admit
from numen.ledger.ledger import Ledger
from numen.ledger.receipts import Fate
from numen.ledger.state.kv import MemoryKV
from numen.ledger.transactions import BadTransactionError
from numen.ledger.tree import AmbiguousIdError, UnknownIdError, find, tree
from numen.ledger.world import World
from numen.testing import build
from numen.vm.codes import Code, CodeError, code_id, split_creation, write_code
from numen.vm.contract import write_contract
from numen.vm.host import Kind
from tests.ledger import scripts
from tests.ledger.scripts import Ask, Script
from tests.ledger.town import CHAIN, COINS, CONTRACTS, MAKER, PEOPLE, Town
from tests.markdown import ROOT

ANN = PEOPLE[0]
SAY = scripts.write(Script(((1, 1),)))
PLAIN = Transaction(
    Form.FEE_MARKET, CHAIN, max_fee=100, max_priority_fee=3, gas_limit=10**6, to=CONTRACTS[0],
    value=5, data=SAY,
)  # fmt: skip

KINDS = {
    "legacy": {"kind": Form.LEGACY, "max_priority_fee": 100},
    "access list": {
        "kind": Form.ACCESS_LIST,
        "max_priority_fee": 100,
        "access_list": (Access(CONTRACTS[0], (1, 2)),),
    },
    "fee market": {},
}


def signed(**fields) -> bytes:
    return msgspec.structs.replace(PLAIN, **fields).sign(ANN).encode()


@pytest.mark.parametrize("kind", KINDS)
def test_a_transaction_of_ethereum_is_carried_out(kind):
    town = Town(price=10)
    raw = signed(**KINDS[kind])
    made = town.block(raw)

    (receipt,) = made.receipts
    assert receipt.fate is Fate.DONE
    message = receipt.message
    assert (message.source, message.target, message.value) == (ANN.address, CONTRACTS[0], 5)
    assert message.payload == SAY
    assert message.cause == message.root == admit(raw, CHAIN).id == keccak256(raw)
    pays = 13 if kind == "fee market" else 100
    assert message.price == pays
    assert town.balance(ANN.address) == COINS - 5 - pays * receipt.work
    assert town.balance(MAKER.address) == pays * receipt.work


def test_the_price_is_never_more_than_the_most_that_is_offered():
    town = Town(price=99)

    assert town.block(signed()).receipts[0].message.price == 100


def test_both_forms_count_one_nonce_and_others_check_the_block():
    town, other = Town(), Town()
    own = town.call(CONTRACTS[1], Script())
    made = town.block(own, signed(nonce=1), signed(nonce=1))

    assert [refusal.index for refusal in made.refused] == [2]
    assert other.ledger.take(made.block).receipts == made.receipts
    assert other.world.state.root == town.world.state.root


REFUSED = {
    "another chain": ({"chain_id": CHAIN + 1}, "for chain 8"),
    "every chain": ({"kind": Form.LEGACY, "chain_id": None, "max_priority_fee": 100}, "EIP-155"),
    "a blob": ({"kind": Form.BLOB, "blob_hashes": (bytes(32),)}, "type 3"),
    "a delegation": (
        {"kind": Form.SET_CODE, "authorizations": (Authorization(1, bytes(20), 0, 0, 1, 1),)},
        "type 4",
    ),
    "a tip above the price": ({"max_priority_fee": 101}, "tip higher"),
    "a price of more than 64 bits": ({"max_fee": 1 << 64}, "too high"),
    "more coins than there can be": ({"value": 1 << 128}, "more coins"),
    "a long input": ({"data": bytes(1 << 16) + b"1"}, "an input of more"),
    "a creation whose gas does not pay for the code": (
        {"to": None, "data": bytes(10_000), "gas_limit": 10**6},
        "to publish the code takes",
    ),
    "a code that is none": ({"to": None, "data": b"\x92\xa3abc\xc4\0"}, "not a contract"),
    "a code that is cut off": (
        {"to": None, "data": write_code(Code("evm", bytes(9)))[:-1]},
        "not a contract",
    ),
}


@pytest.mark.parametrize("what", REFUSED)
def test_what_cannot_be_on_a_ledger_is_refused(what):
    fields, words = REFUSED[what]

    with pytest.raises(BadTransactionError, match=words):
        admit(signed(**fields), CHAIN)


@given(st.binary(max_size=200) | st.builds(bytes.__add__, st.sampled_from(
    [b"\x92", b"\x01", b"\x02", b"\x03", b"\xf8"]), st.binary(max_size=300)))  # fmt: skip
def test_any_bytes_are_a_transaction_or_refused(raw):
    with pytest.raises(BadTransactionError):
        admit(raw, CHAIN)


@given(st.integers(0, 150), st.integers(0, 7))
def test_a_changed_bit_changes_who_asks_or_is_refused(at, bit):
    raw = bytearray(signed())
    raw[at % len(raw)] ^= 1 << bit
    try:
        found = admit(bytes(raw), CHAIN)
    except BadTransactionError:
        return
    assert found.sender != ANN.address


def test_codes_and_arguments_are_told_apart():
    for mode, body in (("evm", bytes(300)), ("atomic", b""), ("numen", bytes(70_000))):
        raw = write_code(Code(mode, body))
        assert split_creation(raw + b"rest") == (raw, b"rest")
    assert split_creation(b"\x60\x00") == (write_code(Code("evm", b"\x60\x00")), b"")
    assert split_creation(b"") == (write_code(Code("evm", b"")), b"")
    for broken in (b"\x92", b"\x92\xa3", b"\x92\xa3evm", b"\x92\xa3evm\xc6\xff\xff\xff\xff"):
        with pytest.raises(CodeError):
            split_creation(broken)


def test_a_creation_publishes_a_code_and_lives_where_ethereum_puts_it():
    town = Town(price=1)
    token = build((ROOT / "examples/contracts/erc20.py").read_text())
    code = write_code(Code("numen", write_contract(token)))
    raw = signed(to=None, value=0, data=code + abi.encode(["uint128"], [40]), gas_limit=10**7)
    made = town.block(raw)

    (receipt,) = made.receipts
    assert receipt.fate is Fate.DONE, receipt.failure
    address = receipt.message.target
    assert address == keccak256(rlp.encode([ANN.address, 0]))[12:]
    assert town.world.peek(address).code == code_id(code)
    published = tariff.CODE_BYTE_WORK * len(code)
    assert receipt.message.work == 10**7 - published
    assert town.balance(ANN.address) == COINS - 4 * (receipt.work + published)


def test_an_attempt_leaves_nothing_behind():
    town, other = Town(), Town()
    asked = admit(signed(), CHAIN)
    ran = town.ledger.attempt(asked, 5)

    (receipt,) = ran.receipts
    assert (receipt.fate, receipt.message.price) == (Fate.DONE, 3)
    assert town.block(signed()).block == other.block(signed()).block


# What is kept of where things are. ---


plans = st.lists(st.lists(st.integers(0, 2), max_size=3), max_size=3)


@given(plans)
def test_everything_is_found_by_its_id_after_a_restart(plan):
    town = Town()
    town.ledger = Ledger(CHAIN, town.world, is_indexed=True)
    asks = Script(asks=(Ask(CONTRACTS[1], 0, Script(), Script()),), waits=True)
    made = [town.block(*(town.call(CONTRACTS[0], asks, who=who) for who in some)) for some in plan]
    kv = town.world.kv
    assert isinstance(kv, MemoryKV)
    archive = Archive(kv)

    for height, one in enumerate(made, 1):
        place = archive.place(Ledger(CHAIN, World(kv)).head if height == len(made) else
                              made[height].block.header.parent)  # fmt: skip
        assert (place.what, place.height) == (What.BLOCK, height)
        assert archive.block(height) == one.block
        for receipt in one.receipts:
            assert archive.receipt(receipt.message.id) == receipt
            assert find(archive, receipt.message.id.hex()[:20]) == receipt.message.id
        for index, raw in enumerate(one.block.transactions):
            place = archive.place(admit(raw, CHAIN).id)
            assert (place.what, place.height, place.index) == (What.TRANSACTION, height, index)
            assert len(list(tree(archive, admit(raw, CHAIN).id))) == 3


def test_an_id_that_nothing_has_is_not_found():
    town = Town()
    town.ledger = Ledger(CHAIN, town.world, is_indexed=True)
    town.block(town.call(CONTRACTS[0], Script()))
    archive = Archive(town.world.kv)

    assert archive.place(bytes(32)) is None
    assert archive.receipt(bytes(32)) is None
    assert archive.begun(bytes(3)) == ()
    assert archive.receipts(9) == ()
    with pytest.raises(UnknownIdError, match="hexadecimal"):
        find(archive, "zzzzzz")
    with pytest.raises(UnknownIdError, match="begins with"):
        find(archive, "00000000")
    for at in range(2):
        town.world.kv.commit([(b"li" + bytes(31) + bytes([at]), b"t" + bytes(12))])
    with pytest.raises(AmbiguousIdError, match="several"):
        find(archive, "0x00000")


def test_what_no_transaction_of_a_block_began_is_its_wake():
    town = Town(price=0)
    town.ledger = Ledger(CHAIN, town.world, is_indexed=True)
    first = town.block(town.call(CONTRACTS[0], Script(timers=((5, 2, 0),))))
    second = town.block(town.call(CONTRACTS[1], Script(), who=1))
    archive = Archive(town.world.kv)

    assert archive.place(wake_id(1)) is None
    timer = next(r for r in second.receipts if r.message.kind is Kind.TIMER)
    place = archive.place(wake_id(2))
    assert (place.what, place.index, place.begun) == (What.TRANSACTION, 1, (timer.message.id,))
    assert [branch.receipt for branch in tree(archive, wake_id(2))] == [timer]
    assert len(first.receipts) == 1


def test_blocks_with_events_are_found_by_their_filters():
    town = Town()
    town.ledger = Ledger(CHAIN, town.world, is_indexed=True)
    for at in range(4):
        town.block(*([town.call(CONTRACTS[at], Script())] if at % 2 else []))
    archive = Archive(town.world.kv)

    assert [height for height, _ in archive.filters(0, 9)] == [2, 4]
    assert [height for height, _ in archive.filters(3, 4)] == [4]
    assert list(archive.filters(3, 3)) == []
    for height, bloom in archive.filters(1, 4):
        logs = [log for receipt in archive.receipts(height) for log in logs_of(receipt)]
        assert bloom == int.from_bytes(logs_bloom(logs), "big")


def test_older_versions_can_be_looked_at():
    town = Town()
    for _ in range(3):
        town.block(town.call(CONTRACTS[0], Script(((9, 1),)), value=2))
    newest = town.world.state.tree.version

    for back in range(4):
        seen = town.world.look(CONTRACTS[0], newest - back)
        assert (seen.load(9), seen.account().balance) == (3 - back, 1006 - 2 * back)
    assert town.world.look(CONTRACTS[0]).load(9) == 3


def test_requests_that_had_to_wait_are_in_the_tree_of_their_transaction(monkeypatch):
    monkeypatch.setattr(tariff, "DELIVERIES_MAX", 2)
    town = Town()
    town.ledger = Ledger(CHAIN, town.world, is_indexed=True)
    raw = town.calls([(CONTRACTS[at], scripts.write(Script()), 0, 10**5) for at in range(4)])
    town.block(raw)
    archive = Archive(town.world.kv)
    name = admit(raw, CHAIN).id

    assert len(archive.begun(name)) == 2
    town.block()
    assert [branch.receipt.message.target for branch in tree(archive, name)] == CONTRACTS
    assert archive.place(wake_id(2)).begun == archive.begun(name)[2:]
