"""Roots on another chain: the contract, and proofs from a header alone."""

import json

import msgspec
import pytest

from numen.base.crypto import keccak256
from numen.evm import EVM, rlp
from numen.evm.proofs import TrieProofError
from numen.evm.results import RevertedError
from numen.ledger.state.kv import MemoryKV
from numen.ledger.stores import anchor
from numen.ledger.stores.anchor import Anchored
from numen.ledger.stores.embedded import EmbeddedShelf
from numen.ledger.stores.store import Store

PUBLISHER, STRANGER = b"\x0a" * 20, b"\x0b" * 20

CONTENT = Store(EmbeddedShelf(MemoryKV())).put(b"the bytes of a state")


def anchored(height: int) -> Anchored:
    return Anchored(height, keccak256(b"root %d" % height), CONTENT)


@pytest.fixture(scope="module")
def chain():
    evm = EVM(state={PUBLISHER: {"balance": "0xffffffff"}, STRANGER: {"balance": "0xffffff"}})
    contract = evm.deploy(anchor.artifact(), sender=PUBLISHER)
    for height in (1, 2, 7):
        what = anchored(height)
        sent = contract.transact("anchor", height, what.root, bytes(CONTENT), sender=PUBLISHER)
        assert sent.success
    return evm, contract


def header(evm: EVM) -> bytes:
    """The header of a block that ends with this state; the rest of it is of no matter here."""
    fields = [bytes(32), bytes(32), bytes(20), evm.state.root(), bytes(32), bytes(32)]
    return rlp.encode([*fields, bytes(256), 0, 1, 30_000_000, 0, 1, b"", bytes(32), bytes(8), 7])


def test_what_is_anchored_is_shown_from_a_header(chain):
    evm, contract = chain
    head = header(evm)
    for height in (1, 2, 7):
        proof = anchor.prove(evm.state, head, contract.address, height)

        anchor.verify(keccak256(head), contract.address, anchored(height), proof)


def test_nothing_else_is_shown(chain):
    evm, contract = chain
    head = header(evm)
    proof = anchor.prove(evm.state, head, contract.address, 2)
    true, block_hash = anchored(2), keccak256(head)
    other_way = anchor.prove(evm.state, head, contract.address, 9).slot
    other_root = msgspec.structs.replace(anchored(1), height=2)

    for reason, hash_, claim, slot in (
        ("something else is anchored at height 2", block_hash, other_root, proof.slot),
        ("nodes|another hash", block_hash, true, other_way),
        ("the header has another hash", bytes(32), true, proof.slot),
    ):
        told = msgspec.structs.replace(proof, slot=slot)
        with pytest.raises(TrieProofError, match=reason):
            anchor.verify(hash_, contract.address, claim, told)
    with pytest.raises(TrieProofError):
        anchor.verify(block_hash, STRANGER, true, proof)
    absent = anchor.prove(evm.state, head, contract.address, 9)
    with pytest.raises(TrieProofError, match="or nothing"):
        anchor.verify(block_hash, contract.address, anchored(9), absent)


def test_only_the_publisher_anchors_and_heights_only_grow(chain):
    _, contract = chain
    root, name = bytes(32), bytes(CONTENT)

    for sender, height, content, reason in (
        (STRANGER, 8, name, "only the publisher"),
        (PUBLISHER, 7, name, "heights only grow"),
        (PUBLISHER, 8, name[:-1], "36 bytes"),
    ):
        with pytest.raises(RevertedError, match=reason):
            contract.call("anchor", height, root, content, sender=sender)
    assert contract.call("height") == 7
    assert contract.call("anchors", 7) == anchored(7).digest


@pytest.mark.judges
def test_the_code_is_what_vyper_makes_of_the_source():
    vyper = pytest.importorskip("vyper", reason="vyper is not installed")
    source = anchor.ARTIFACT.with_suffix(".vy").read_text()

    made = vyper.compile_code(source, output_formats=["abi", "bytecode"])

    assert json.loads(anchor.ARTIFACT.read_text()) == {
        "abi": made["abi"],
        "bytecode": made["bytecode"],
    }
