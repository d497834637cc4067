"""Openings of native tries are the proofs that the readable trie gives, and verify."""

from hypothesis import given
from hypothesis import strategies as st

from numen.base.crypto import keccak256
from numen.evm import proofs, rlp
from numen.evm.state import Account, State
from numen.evm.trie import Trie

ADDRESSES = st.integers(1, 400).map(lambda n: n.to_bytes(20, "big"))
SLOTS = st.dictionaries(st.integers(0, 300), st.integers(1, 2**256 - 1), max_size=40)
ACCOUNTS = st.dictionaries(
    ADDRESSES,
    st.builds(Account, nonce=st.integers(0, 9), balance=st.integers(0, 2**99), storage=SLOTS),
    max_size=40,
)


def readable(state: State, address: bytes, keys: list[int]) -> tuple[list[bytes], list]:
    """The same nodes, of the account and of each slot, from tries that are built anew."""
    accounts, wanted = Trie(), Trie()
    for each, account in state.accounts.items():
        slots = Trie()
        for key, word in account.storage.items():
            slots.put(key.to_bytes(32, "big"), rlp.encode(word))
        code_hash = keccak256(account.code)
        accounts.put(each, rlp.encode([account.nonce, account.balance, slots.root(), code_hash]))
        if each == address:
            wanted = slots
    return accounts.prove(address), [wanted.prove(key.to_bytes(32, "big")) for key in keys]


@given(ACCOUNTS, st.lists(ADDRESSES, max_size=5))
def test_an_opening_is_the_proof_of_what_is_there_and_what_is_not(accounts, others):
    state = State(accounts)
    root = state.root()

    for address in [*accounts, *others]:
        account = accounts.get(address, Account())
        keys = [*account.storage, 1000]
        opening = state.open(address, keys)

        assert (opening.account, opening.slots) == readable(state, address, keys)
        proven = proofs.verify_account(root, address, opening.account)
        assert (proven.nonce, proven.balance) == (account.nonce, account.balance)
        assert proven.storage_root == opening.storage_root
        for key, nodes in zip(keys, opening.slots, strict=True):
            word = proofs.verify_slot(opening.storage_root, key, nodes)
            assert word == account.storage.get(key, 0)


def test_an_opening_follows_changes():
    state = State({bytes([n]) * 20: Account(balance=n) for n in range(1, 50)})
    first = state.root()
    before = state.open(bytes([7]) * 20, ()).account

    other = state.copy()

    assert proofs.verify_account(first, bytes([7]) * 20, before).balance == 7
    assert other.open(bytes([7]) * 20, ()).account == before
