"""Bonds on the ledger: evidence takes them once, of the liar alone, and everywhere alike."""

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from numen.base.codec import CodecError, TooLargeError, decode, encode
from numen.base.crypto import SigningKey
from numen.ledger.block import (
    EVIDENCE_BYTES_MAX,
    EVIDENCE_MARK,
    EVIDENCE_MAX,
    Block,
    block_id,
    has_own_body,
    seal,
    transactions_root,
    write_block,
)
from numen.ledger.cell import Account
from numen.ledger.founding import Custodians, Founding, FoundingError, attest
from numen.ledger.handover import Handover, HandoverError, learn
from numen.ledger.ledger import BadBlockError, Ledger
from numen.ledger.messages import NOBODY
from numen.ledger.order import bls
from numen.ledger.order.bls import VotingKey
from numen.ledger.order.certificate import ElectorateError, Member, write_bits
from numen.ledger.order.offence import Offence, SignedVerdict, Verdict, verdict_digest
from numen.ledger.order.slashing import DoubleCertificate, DoubleVote
from numen.ledger.order.verdict import Conviction, VerdictError, convict, is_enough
from numen.ledger.order.vote import SignedVote, Vote, vote_digest
from numen.ledger.past import before
from numen.ledger.penalty import Charge, losses_place, write_charge
from numen.ledger.stakes import NOTICE, REPORTER_PART, Bond, Loss, Pledges, Stakes, write_losses
from numen.ledger.state.diff import AccountChanges, Diff, SlotChange, SlotChanges
from numen.ledger.state.kv import MemoryKV
from numen.ledger.stored import records_of
from numen.ledger.world import World
from tests.ledger.order.verifiers import certify

CHAIN = 7
A, B = b"\xaa" * 32, b"\xbb" * 32
NODES = [SigningKey.from_seed(b"node %d" % i) for i in range(5)]
VOTING = [VotingKey((b"bond %d" % i).ljust(32)) for i in range(5)]
COINS = (1_600, 1_600, 1_600, 1_600, 1_607)
BONDS = tuple(
    Bond(node.address, Member(key.public, coins, key.prove_possession()))
    for node, key, coins in zip(NODES, VOTING, COINS, strict=True)
)
STRANGER = VotingKey(b"stranger".ljust(32))


class Place:
    """A ledger of five who vote, and blocks by any of them."""

    def __init__(self, bonds=BONDS) -> None:
        self.world = World(MemoryKV(), [(NODES[0].address, Account(10))], bonds=bonds)
        self.ledger = Ledger(CHAIN, self.world)

    @property
    def stakes(self) -> Stakes:
        return self.world.stakes()

    def draft(self, *evidence: bytes, maker: int = 0):
        made = self.ledger.draft((), self.ledger.time_ms + 1, 0, NODES[maker], evidence)
        self.ledger.abandon()
        return made

    def block(self, *evidence: bytes, maker: int = 0):
        made = self.ledger.draft((), self.ledger.time_ms + 1, 0, NODES[maker], evidence)
        self.ledger.keep(made)
        return made

    def forced(self, *evidence: bytes, maker: int = 0) -> Block:
        """A block whose maker puts evidence into it that it may not have."""
        header = self.draft(maker=maker).block.header
        root = transactions_root((), evidence)
        return seal(msgspec.structs.replace(header, transactions=root), (), NODES[maker], evidence)

    def coins(self) -> int:
        held = sum(self.world.last(node.address).balance for node in NODES)
        return held + self.stakes.left + self.stakes.burnt


def signed(key: VotingKey, block: bytes, height: int = 3, chain: int = CHAIN) -> SignedVote:
    vote = Vote(chain, height, block)
    return SignedVote(vote, key.public, key.sign(vote_digest(vote)))


def twice(who: int, height: int = 3, chain: int = CHAIN, key: VotingKey | None = None) -> bytes:
    """Evidence that somebody voted twice."""
    key = key or VOTING[who]
    first, second = (signed(key, block, height, chain) for block in (A, B))
    return write_charge(Charge(DoubleVote(first, second)))


def verdicts(guilty: bytes, judges, chain: int = CHAIN, lie: bytes = A) -> list[SignedVerdict]:
    verdict = Verdict(chain, guilty, Offence.FALSE_BLOCK, lie)
    keys = [VOTING[i] for i in judges]
    return [SignedVerdict(verdict, key.public, key.sign(verdict_digest(verdict))) for key in keys]


def conviction(place: Place, guilty: int, judges, **said) -> bytes:
    electorate = place.stakes.electorate(place.ledger.height + 1)
    found = convict(verdicts(VOTING[guilty].public, judges, **said), electorate)
    return write_charge(Charge(found))


# What is taken. ----------------------------------------------------------------------------------


@pytest.mark.parametrize("who", [1, 4])
def test_two_votes_cost_the_bond_and_a_sixteenth_is_the_makers(who):
    place = Place()
    before_all = place.coins()
    made = place.block(twice(who), maker=0)
    (loss,) = place.stakes.losses
    reward = COINS[who] // REPORTER_PART
    assert (loss.key, loss.height, loss.offence) == (VOTING[who].public, 1, Offence.TWO_VOTES)
    assert (loss.reporter, loss.rewarded) == (NODES[0].address, reward)
    assert loss.burnt == COINS[who] - reward
    assert place.world.last(NODES[0].address).balance == 10 + reward
    assert (place.stakes.bond(loss.key), place.coins()) == (0, before_all)
    assert place.stakes.outcasts == {NODES[who].address}
    other = Place()
    other.ledger.take(made.block)  # who carries it out comes to the same
    assert other.world.state.root == place.world.state.root
    third = Place()
    third.ledger.keep(third.ledger.adopt(made.block, made.diff))  # and so does who applies it
    assert third.stakes.losses == place.stakes.losses


def test_a_conviction_costs_the_bond_by_its_own_lie():
    place = Place()
    place.block(conviction(place, 2, [0, 1, 3, 4], lie=B))
    (loss,) = place.stakes.losses
    assert (loss.key, loss.lie, loss.offence) == (VOTING[2].public, B, Offence.FALSE_BLOCK)


def test_two_certificates_cost_everybody_who_is_in_both():
    place = Place()
    voters = place.stakes.electorate(1)
    owners = sorted(VOTING, key=lambda key: key.public)
    first, second = (Vote(CHAIN, 5, block) for block in (A, B))
    pair = DoubleCertificate(
        certify(voters, owners[:4], first), certify(voters, owners[1:], second)
    )
    maker = next(i for i, key in enumerate(VOTING) if key is owners[0])
    place.block(write_charge(Charge(pair)), maker=maker)
    assert {loss.key for loss in place.stakes.losses} == {key.public for key in owners[1:4]}


# Lies. -------------------------------------------------------------------------------------------


def changed(raw: bytes) -> bytes:
    """Evidence of which one signature is another's."""
    case = decode(Charge, raw).case
    forged = msgspec.structs.replace(case.second, signature=VOTING[4].sign(A))
    return encode(Charge(msgspec.structs.replace(case, second=forged)))


def few(place: Place) -> bytes:
    """A conviction with a signer less than it takes, by its bits and its sum."""
    electorate = place.stakes.electorate(1)
    whole = convict(verdicts(VOTING[2].public, [0, 1, 3, 4]), electorate)
    some = verdicts(VOTING[2].public, [0, 1])
    bits = write_bits((electorate.index(each.key) for each in some), 5)
    total = bls.add_signatures([each.signature for each in some])
    return encode(Charge(msgspec.structs.replace(whole, signers=bits, signature=total)))


def twisted(place: Place, **changes) -> bytes:
    electorate = place.stakes.electorate(1)
    whole = convict(verdicts(VOTING[2].public, [0, 1, 3, 4]), electorate)
    return encode(Charge(msgspec.structs.replace(whole, **changes)))


FALSE = {
    "forged": (lambda place: changed(twice(1)), "shows nothing"),
    "one vote": (
        lambda place: encode(Charge(DoubleVote(*[signed(VOTING[1], A)] * 2))), "one block"
    ),
    "a stranger": (lambda place: twice(0, key=STRANGER), "not of this electorate"),
    "another ledger": (lambda place: twice(1, chain=8), "of ledger 8 here"),
    "before the first block": (lambda place: twice(1, height=0), "votes for block 0"),
    "against the maker": (lambda place: twice(0), "who made the block"),
    "junk": (lambda place: b"\x91\xc0", "no evidence"),
    "nothing": (lambda place: b"", "no evidence"),
    "of too few": (few, "too few"),
    "of a member too many": (lambda place: twisted(place, signers=b"\x3f"), "bits"),
    "of bits that are missing": (lambda place: twisted(place, signers=b""), "bits"),
    "of other signers": (lambda place: twisted(place, signers=b"\x1f"), "not signed"),
    "with no signature": (
        lambda place: twisted(place, signature=b"\xc0" + bytes(95)), "not signed"
    ),
    "of another lie": (
        lambda place: twisted(place, verdict=verdicts(VOTING[2].public, [0], lie=B)[0].verdict),
        "not signed",
    ),
    "a conviction elsewhere": (
        lambda place: conviction(place, 2, [0, 1, 3, 4], chain=8), "of ledger 8"
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", FALSE)
def test_evidence_that_shows_nothing_is_in_no_block(name):
    make, reason = FALSE[name]
    place = Place()
    raw = make(place)
    assert place.draft(raw).block.evidence == ()
    root = place.world.state.root
    with pytest.raises(BadBlockError, match=reason):
        place.ledger.check(place.forced(raw))
    with pytest.raises(BadBlockError, match=reason):  # and nobody applies it unseen
        place.ledger.adopt(place.forced(raw), place.draft().diff)
    assert (place.world.state.root, place.stakes.losses) == (root, ())


def test_a_lie_is_punished_once():
    place = Place()
    raw = twice(1)
    made = place.block(raw, raw, twice(1, height=6))
    assert made.block.evidence == (raw,)
    for again in (raw, twice(1, height=4), conviction(place, 1, [0, 2, 3, 4])):
        assert place.draft(again).block.evidence == ()
        with pytest.raises(BadBlockError, match="no bond is left"):
            place.ledger.check(place.forced(again))


def test_evidence_that_is_too_long_or_too_much_is_no_blocks():
    place = Place()
    long = bytes(EVIDENCE_BYTES_MAX + 1)
    block = place.draft().block
    for wrong in ((long,), (b"",) * (EVIDENCE_MAX + 1)):
        with pytest.raises(CodecError):
            decode(Block, write_block(msgspec.structs.replace(block, evidence=wrong)))
    many = msgspec.structs.replace(
        convict(verdicts(VOTING[2].public, [0, 1, 3, 4]), place.stakes.electorate(1)),
        signers=bytes(128),
    )
    write_charge(Charge(many))  # of as many members as there can be
    vast = DoubleVote(*(msgspec.structs.replace(signed(VOTING[1], A), key=long),) * 2)
    with pytest.raises((TooLargeError, CodecError)):
        write_charge(Charge(vast))


def test_a_body_has_one_reading():
    """What one signed as evidence nobody can show as a transaction, nor the other way round."""
    place = Place()
    block = place.draft(twice(1)).block
    assert has_own_body(block)
    moved = Block(block.header, block.signature, (EVIDENCE_MARK + block.evidence[0],))
    assert not has_own_body(moved)
    with pytest.raises(BadBlockError):
        place.ledger.check(moved)
    assert not has_own_body(msgspec.structs.replace(block, evidence=()))


def test_a_diff_moves_no_bonds_without_evidence():
    place = Place()
    made, empty = place.draft(twice(1)), place.draft()
    forged = Diff(empty.diff.pre_root, made.diff.post_root, 1, made.diff.accounts)
    header = msgspec.structs.replace(empty.block.header, state=made.diff.post_root)
    with pytest.raises(BadBlockError, match="other bonds"):
        place.ledger.adopt(seal(header, (), NODES[0]), forged)
    header = msgspec.structs.replace(made.block.header, state=empty.diff.post_root)
    with pytest.raises(BadBlockError, match="other bonds"):
        place.ledger.adopt(seal(header, (), NODES[0], made.block.evidence), empty.diff)
    slot = SlotChanges(losses_place()[1], (SlotChange(0, b""),))
    nothing = AccountChanges(records_of(NOBODY), (slot,))
    cleared = Diff(empty.diff.pre_root, empty.diff.post_root, 1, (nothing,))
    with pytest.raises(BadBlockError, match="other bonds"):
        place.ledger.adopt(empty.block, cleared)


def test_a_ledger_without_bonds_takes_no_evidence():
    place = Place(bonds=())
    with pytest.raises(BadBlockError, match="nobody has a bond"):
        place.ledger.check(place.forced(twice(1)))
    assert place.stakes is None


# Who votes. --------------------------------------------------------------------------------------


def test_a_loss_counts_after_the_notice_and_never_before():
    place = Place()
    first = place.stakes.electorate(1).id
    place.block()
    place.block(twice(1))
    for height in range(1, 2 + NOTICE):
        assert place.stakes.electorate(height).id == first
    left = place.stakes.electorate(2 + NOTICE)
    assert left.index(VOTING[1].public) is None
    assert left.total == sum(COINS) - COINS[1]
    assert place.stakes.electorate(10**9).id == left.id


def test_who_remains_goes_on_by_its_own_two_thirds():
    place = Place()
    place.block(twice(1), twice(2), twice(3))  # three fifths of the stake
    left = place.stakes.electorate(1 + NOTICE)
    assert left.total == COINS[0] + COINS[4]
    assert not left.is_enough(COINS[4])
    assert left.is_enough(left.total)


def test_the_last_bond_stays():
    place = Place()
    made = place.block(*map(twice, (1, 2, 3, 4)), maker=0)
    assert len(made.block.evidence) == 4
    with pytest.raises(BadBlockError, match="nobody would be left"):
        place.ledger.check(place.forced(twice(0), maker=1))
    with pytest.raises(ElectorateError):
        Pledges(BONDS).without(frozenset(bond.member.key for bond in BONDS))


def test_the_past_has_the_bonds_of_then():
    place = Place()
    place.block()
    place.block(twice(1))
    place.block()
    past = before(place.ledger, place.world, 2)
    assert past is not None
    past.check(place.ledger.block(2))  # the evidence takes something again
    with pytest.raises(BadBlockError, match="no bond is left"):
        place.ledger.check(place.forced(twice(1)))


def test_a_conviction_counts_who_votes_for_its_block():
    place = Place()
    place.block(twice(0), maker=4)
    early = verdicts(VOTING[2].public, [0, 1, 3])
    electorate = place.stakes.electorate(2)
    assert is_enough([each.key for each in early], VOTING[2].public, electorate)
    for _ in range(NOTICE):
        place.block(maker=4)
    later = place.stakes.electorate(place.ledger.height + 1)
    with pytest.raises(VerdictError):
        convict(early, later)  # who has no bond is heard no more
    place.block(
        write_charge(Charge(convict(verdicts(VOTING[2].public, [1, 3, 4]), later))), maker=4
    )
    assert len(place.stakes.losses) == 2


@pytest.mark.parametrize(
    ("stakes", "guilty", "judges", "enough"),
    [
        ((1, 1, 1, 1), 0, (1, 2, 3), True),
        ((1, 1, 1, 1), 0, (1, 2), False),  # two thirds are not more
        ((1, 1, 1, 1), 0, (0, 1, 2), False),  # its own word does not count
        ((60, 20, 20), 0, (1, 2), True),
        ((70, 15, 15), 0, (1, 2), False),  # less than a third of all may be liars alone
        ((40, 50, 10), 0, (1,), True),
    ],
)
def test_whoever_convicts_has_somebody_honest_among_them(stakes, guilty, judges, enough):
    bonds = [
        Bond(node.address, Member(key.public, coins, key.prove_possession()))
        for node, key, coins in zip(NODES, VOTING, stakes, strict=False)
    ]
    electorate = Pledges(bonds).first
    keys = [VOTING[at].public for at in judges]
    assert is_enough(keys, VOTING[guilty].public, electorate) == enough
    assert is_enough([*keys, STRANGER.public], VOTING[guilty].public, electorate) == enough


TRUE = [twice(who) for who in range(5)]
JUNK = [changed(TRUE[1]), b"\x91", twice(0, key=STRANGER)]


@settings(max_examples=25, deadline=None)
@given(
    st.lists(
        st.tuples(st.integers(0, 4), st.lists(st.sampled_from([*TRUE, *JUNK]), max_size=4)),
        max_size=5,
    )
)
def test_whatever_is_brought_coins_stay_and_only_liars_lose(history):
    place, follower = Place(), Place()
    brought: set[bytes] = set()
    for maker, evidence in history:
        made = place.block(*evidence, maker=maker)
        follower.ledger.take(made.block)
        brought |= {raw for raw in evidence if raw in TRUE and raw != TRUE[maker]}
    lost = [loss.key for loss in place.stakes.losses]
    assert len(lost) == len(set(lost)) == min(len(brought), 4)
    assert set(lost) <= {VOTING[TRUE.index(raw)].public for raw in brought}
    assert place.coins() == 10 + sum(COINS)
    assert follower.world.state.root == place.world.state.root
    assert follower.stakes == Stakes(follower.stakes.pledges, place.stakes.losses)


def test_the_word_of_who_has_no_bond_counts_for_no_private_contract():
    contract, commitments = bytes(20), (b"\x02" + bytes(32),)
    custodians = Custodians(CHAIN, {node.address: 1 for node in NODES[:3]})

    def said(*signers):
        signatures = tuple(attest(CHAIN, contract, commitments, NODES[at]) for at in signers)
        return Founding(commitments, signatures)

    gone = {NODES[2].address}
    custodians.check(said(0, 1, 2), contract)
    custodians.check(said(0, 1), contract, gone)
    for founding, outcasts in ((said(0, 1), ()), (said(0, 2), gone), (said(2), gone)):
        with pytest.raises(FoundingError):
            custodians.check(founding, contract, frozenset(outcasts))


# Shown to others. --------------------------------------------------------------------------------


def final(place: Place, height: int) -> Handover:
    """What shows what was taken up to a block, signed by who voted for it."""
    header = place.ledger.block(height).header
    electorate = place.stakes.electorate(height)
    owners = [key for key in VOTING if electorate.index(key.public) is not None]
    certificate = certify(electorate, owners, Vote(CHAIN, height, block_id(header)))
    version = place.world.state.tree.version - (place.ledger.height - height)
    raw, opening = place.world.state.open_slot(*losses_place(), version)
    return Handover(raw, opening, header, certificate)


def history() -> Place:
    place = Place()
    place.block(twice(1))
    for _ in range(NOTICE):
        place.block()
    place.block(twice(2))
    for _ in range(NOTICE):
        place.block()
    return place


def test_who_knows_the_first_electorate_comes_to_the_last():
    place = history()
    known = Stakes(Pledges(BONDS))
    for height in (1, NOTICE + 2, place.ledger.height):
        known = learn(known, final(place, height), CHAIN)
    assert known.losses == place.stakes.losses
    assert learn(known, final(place, 1), CHAIN) == known  # what is older changes nothing


def test_a_step_that_is_left_out_or_forged_is_not_believed():
    place = history()
    known = Stakes(Pledges(BONDS))
    first, last = final(place, 1), final(place, place.ledger.height)
    stolen = Loss(VOTING[3].public, 1, Offence.TWO_VOTES, A, A[:20], 1, 1)
    more = (*place.stakes.losses[:1], stolen)
    lies = [
        last,  # of who votes later
        msgspec.structs.replace(first, losses=b""),
        msgspec.structs.replace(first, losses=write_losses(more)),
        msgspec.structs.replace(first, header=last.header),
        msgspec.structs.replace(first, opening=last.opening),
        msgspec.structs.replace(first, certificate=last.certificate),
    ]
    for lie in lies:
        with pytest.raises(HandoverError):
            learn(known, lie, CHAIN)
    with pytest.raises(HandoverError):
        learn(known, first, CHAIN + 1)
    other = msgspec.structs.replace(known, losses=more[1:])
    with pytest.raises(HandoverError, match="another"):
        learn(other, first, CHAIN)


def test_a_conviction_is_read_as_it_was_written():
    place = Place()
    raw = conviction(place, 2, [0, 1, 3, 4])
    assert isinstance(decode(Charge, raw).case, Conviction)
    assert encode(decode(Charge, raw)) == raw
