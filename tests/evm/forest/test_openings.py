"""Openings of native tries lead from the root to the key, by the rules of the trie alone."""

from hypothesis import given
from hypothesis import strategies as st

from numen.base.crypto import keccak256
from numen.evm import rlp
from numen.evm.state import Account, State
from numen.evm.trie import EMPTY_ROOT

ADDRESSES = st.integers(1, 400).map(lambda n: n.to_bytes(20, "big"))
SLOTS = st.dictionaries(st.integers(0, 300), st.integers(1, 2**256 - 1), max_size=40)
ACCOUNTS = st.dictionaries(
    ADDRESSES,
    st.builds(Account, nonce=st.integers(0, 9), balance=st.integers(0, 2**99), storage=SLOTS),
    max_size=40,
)


def follow(root: bytes, key: bytes, nodes: list[bytes]) -> bytes:
    """Check an opening by hashing, as the yellow paper has it; give the value, empty for none."""
    digits, wanted = keccak256(key).hex(), root
    nodes = list(nodes)
    if not nodes:
        assert root == EMPTY_ROOT
        return b""
    node = None
    while True:
        if node is None:
            raw = nodes.pop(0)
            assert keccak256(raw) == wanted
            node = rlp.decode(raw)
        if len(node) == 17:
            child, digits = node[int(digits[0], 16)], digits[1:]
        else:
            packed = node[0].hex()
            path = packed[1:] if int(packed[0], 16) & 1 else packed[2:]
            if not digits.startswith(path):
                child = b""
            elif int(packed[0], 16) & 2:
                assert not nodes
                return node[1] if digits == path else b""
            else:
                child, digits = node[1], digits[len(path) :]
        if child == b"":
            assert not nodes
            return b""
        node, wanted = (child, None) if isinstance(child, list) else (None, child)


@given(ACCOUNTS, st.lists(ADDRESSES, max_size=5))
def test_an_opening_shows_what_is_there_and_what_is_not(accounts, others):
    state = State(accounts)
    root = state.root()

    for address in [*accounts, *others]:
        account = accounts.get(address, Account())
        keys = [*account.storage, 1000]
        opening = state.open(address, keys)
        found = follow(root, address, opening.account)
        assert bool(found) == (address in accounts)
        if found:
            nonce, balance, storage_root, _ = rlp.decode(found)
            assert int.from_bytes(nonce, "big") == account.nonce
            assert int.from_bytes(balance, "big") == account.balance
            assert storage_root == opening.storage_root
        for key, nodes in zip(keys, opening.slots, strict=True):
            word = follow(opening.storage_root, key.to_bytes(32, "big"), nodes)
            value = int.from_bytes(rlp.decode(word), "big") if word else 0
            assert value == account.storage.get(key, 0)


def test_an_opening_follows_changes():
    state = State({bytes([n]) * 20: Account(balance=n) for n in range(1, 50)})
    first = state.root()
    before = state.open(bytes([7]) * 20, ()).account

    other = state.copy()

    assert follow(first, bytes([7]) * 20, before)
    assert other.open(bytes([7]) * 20, ()).account == before
