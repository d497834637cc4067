"""The article's example: ten coins for b at one node, and the same ten for c at another."""

import msgspec
import pytest

from numen.base.codec import U256, MalformedError, digest, encode
from numen.base.crypto import SigningKey
from numen.ledger.block import block_id, seal
from numen.ledger.order.conflict import (
    ConflictProofError,
    Equivocation,
    check_equivocation,
    check_rejection,
    read_rejection,
    reject,
    settle,
    write_rejection,
)
from numen.ledger.order.vote import Vote
from numen.ledger.transactions import Call, Transaction, sign
from tests.ledger.order.verifiers import certify, electorate
from tests.ledger.town import CHAIN, MAKER, PEOPLE, Town

NODE = SigningKey.from_seed(b"the node that knows")
B, C = b"\x0b" * 20, b"\x0c" * 20


def pay(to: bytes, who: SigningKey = PEOPLE[0], nonce: int = 0, chain: int = CHAIN) -> bytes:
    call = Call(to, U256(10), b"", 1000)
    return sign(Transaction(chain, nonce, 1, 100, (call,)), who)


@pytest.fixture(scope="module")
def story():
    """A final block with the payment to b, and the one to c that came too late."""
    town = Town()
    town.block(pay(B, PEOPLE[1]))
    won = pay(B)
    block = town.block(pay(C, PEOPLE[1], nonce=1), won).block
    voters, owners = electorate([1, 1, 1])
    vote = Vote(CHAIN, block.header.height, block_id(block.header))
    certificate = certify(voters, owners, vote)
    lost = pay(C)
    return block, won, lost, voters, certificate, owners


def test_the_losing_node_is_told_and_can_check_it(story):
    block, won, lost, voters, certificate, _ = story
    signed = reject(lost, won, settle(block, 1, certificate), NODE)
    told = read_rejection(write_rejection(signed))
    check_rejection(told, CHAIN, voters)

    assert told == signed
    assert told.rejected.rollback_to == block.header.parent
    assert told.rejected.node == NODE.address


def test_who_asks_to_take_the_winner_back_shows_nothing(story):
    block, won, lost, voters, certificate, _ = story
    signed = reject(won, lost, settle(block, 1, certificate), NODE)
    with pytest.raises(ConflictProofError, match="final"):
        check_rejection(signed, CHAIN, voters)


def resigned(signed, **changes):
    rejected = msgspec.structs.replace(signed.rejected, **changes)
    signature = NODE.sign(digest("numen/rejected/1", encode(rejected)))
    return msgspec.structs.replace(signed, rejected=rejected, signature=signature)


def test_a_rejection_with_a_lie_is_refused(story):
    block, won, lost, voters, certificate, owners = story
    settled = settle(block, 1, certificate)
    true = reject(lost, won, settled, NODE)
    other = msgspec.structs.replace(block.header, maker=NODE.address)
    forged = seal(other, block.transactions, NODE)
    third = pay(B, PEOPLE[2])
    few = msgspec.structs.replace(certificate, signers=b"\x03")
    another = certify(voters, owners, Vote(CHAIN, block.header.height, bytes(32)))
    opening = settle(block, 0, certificate)
    lies = [
        resigned(true, transaction=bytes(32)),
        resigned(true, winner=true.rejected.transaction),
        resigned(true, rollback_to=bytes(32)),
        resigned(true, node=MAKER.address),
        resigned(true, conflict=Equivocation(third, won)),
        resigned(true, conflict=Equivocation(won, won)),
        resigned(true, settled=settle(forged, 1, certificate)),
        resigned(true, settled=opening),
        resigned(true, settled=msgspec.structs.replace(settled, certificate=few)),
        resigned(true, settled=msgspec.structs.replace(settled, certificate=another)),
        msgspec.structs.replace(true, signature=MAKER.sign(bytes(32))),
        msgspec.structs.replace(true, signature=bytes(65)),
    ]
    check_rejection(resigned(true), CHAIN, voters)
    for lie in lies:
        with pytest.raises(ConflictProofError):
            check_rejection(lie, CHAIN, voters)
    with pytest.raises(ConflictProofError):
        check_rejection(true, CHAIN + 1, voters)
    with pytest.raises(ConflictProofError):
        check_rejection(true, CHAIN, electorate([1, 1, 2])[0])


def test_only_an_account_itself_can_contradict_itself():
    first, second = check_equivocation(Equivocation(pay(B), pay(C)), CHAIN)
    assert first.sender == second.sender == PEOPLE[0].address
    for pair in (
        (pay(B), pay(B)),
        (pay(B), pay(C, nonce=1)),
        (pay(B), pay(C, PEOPLE[1])),
        (pay(B), pay(C, chain=CHAIN + 1)),
        (pay(B), b"\x00"),
    ):
        with pytest.raises(ConflictProofError):
            check_equivocation(Equivocation(*pair), CHAIN)


def test_bytes_that_are_no_rejection_are_refused(story):
    block, won, lost, _, certificate, _ = story
    raw = write_rejection(reject(lost, won, settle(block, 1, certificate), NODE))
    for bad in (b"", raw[:-1], raw + b"\0", b"\xff" * 100):
        with pytest.raises(MalformedError):
            read_rejection(bad)
