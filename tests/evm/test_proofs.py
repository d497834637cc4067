"""Proofs of accounts and slots: against py-trie's, and against whoever lies."""

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from numen.base.crypto import keccak256
from numen.evm import proofs, rlp
from numen.evm.proofs import ProvenAccount, TrieProofError
from numen.evm.roots import EMPTY_CODE_HASH
from numen.evm.state import Account, State
from numen.evm.trie import EMPTY_ROOT, Trie

KEYS = st.binary(max_size=3) | st.binary(min_size=32, max_size=32)
PAIRS = st.dictionaries(KEYS, st.binary(min_size=1, max_size=40), max_size=40)


@given(pairs=PAIRS, asked=st.lists(KEYS, max_size=5))
def test_what_is_there_and_what_is_not_is_proven(pairs, asked):
    trie = Trie(is_secure=False)
    for key, value in pairs.items():
        trie.put(key, value)

    for key in [*asked, *pairs]:
        assert proofs.verify_value(trie.root(), key, trie.prove(key)) == pairs.get(key, b"")


@pytest.mark.judges
@given(pairs=PAIRS, asked=st.lists(KEYS, max_size=5))
def test_a_proof_is_that_of_py_trie(pairs, asked):
    judge = pytest.importorskip("trie", reason="py-trie is a judge; `make judges` installs it")
    ours, theirs = Trie(is_secure=False), judge.HexaryTrie({})
    for key, value in pairs.items():
        ours.put(key, value)
        theirs[key] = value

    for key in [*asked, *pairs]:
        encoded = [
            rlp.encode(list(node.raw) if hasattr(node, "raw") else node)
            for node in theirs.get_proof(key)
            if node
        ]
        # Theirs also lists nodes that lie in the one before.
        hashed = [node for i, node in enumerate(encoded) if not i or len(node) >= 32]
        assert ours.prove(key) == hashed


@given(pairs=PAIRS.filter(bool), data=st.data())
def test_an_altered_proof_proves_nothing_else(pairs, data):
    trie = Trie(is_secure=False)
    for key, value in pairs.items():
        trie.put(key, value)
    key = data.draw(KEYS | st.sampled_from(sorted(pairs)))
    nodes = trie.prove(key)
    i = data.draw(st.integers(0, len(nodes) - 1))
    change = data.draw(st.sampled_from(["flip", "drop", "repeat", "foreign"]))
    altered = {
        "flip": [*nodes[:i], bytes([nodes[i][0] ^ 1]) + nodes[i][1:], *nodes[i + 1 :]],
        "drop": nodes[:i] + nodes[i + 1 :],
        "repeat": [*nodes, nodes[i]],
        "foreign": [*nodes[:i], b"\xc2\x20\x80", *nodes[i + 1 :]],
    }[change]

    with pytest.raises(TrieProofError):
        proofs.verify_value(trie.root(), key, altered)


def state() -> State:
    rng = random.Random(1)
    accounts = {
        rng.randbytes(20): Account(
            rng.randrange(9), rng.getrandbits(90), rng.randbytes(3), {k: k + 1 for k in range(9)}
        )
        for _ in range(20)
    }
    return State(accounts)


def test_accounts_and_slots_are_proven_under_the_root_of_the_state():
    made = state()
    root = made.root()
    address, account = next(iter(made.accounts.items()))
    proof = made.open(address, [3, 99])

    found = proofs.verify_account(root, address, proof.account)

    assert (found.nonce, found.balance) == (account.nonce, account.balance)
    assert found.code_hash == keccak256(account.code)
    assert proofs.verify_slot(found.storage_root, 3, proof.slots[0]) == 4
    assert proofs.verify_slot(found.storage_root, 99, proof.slots[1]) == 0
    with pytest.raises(TrieProofError):
        proofs.verify_slot(found.storage_root, 4, proof.slots[0])


def test_an_absent_account_has_nothing():
    made = state()
    proof = made.open(bytes(20), [1])

    assert proofs.verify_account(made.root(), bytes(20), proof.account) == ProvenAccount()
    assert ProvenAccount().code_hash == EMPTY_CODE_HASH
    assert proofs.verify_slot(EMPTY_ROOT, 1, proof.slots[0]) == 0


def test_a_header_is_believed_by_its_hash():
    header = rlp.encode([bytes(32), bytes(32), bytes(20), b"\7" * 32, bytes(32)])

    assert proofs.state_root(header, keccak256(header)) == b"\7" * 32
    with pytest.raises(TrieProofError, match="another hash"):
        proofs.state_root(header, bytes(32))
    for bad in (b"\x80", rlp.encode([b"a"]), rlp.encode([b"", b"", b"", [b""]]), b"\xff"):
        with pytest.raises(TrieProofError):
            proofs.state_root(bad, keccak256(bad))


@given(nodes=st.lists(st.binary(max_size=40), min_size=1, max_size=4))
def test_bytes_of_strangers_are_refused_by_name(nodes):
    with pytest.raises(TrieProofError):
        proofs.verify_account(keccak256(nodes[0])[::-1], bytes(20), nodes)
    for first in (b"\xc2\x20\x80", b"\xc2\x00\x80", b"\xc2\x40\x80", b"\xc1\x80", b"\xc2\xc0\x80"):
        with pytest.raises(TrieProofError):
            proofs.verify_account(keccak256(first), bytes(20), [first, *nodes])


def test_too_many_nodes_are_refused():
    with pytest.raises(TrieProofError, match="67 nodes"):
        proofs.verify_value(bytes(32), bytes(32), [b""] * 67)
