"""Votes, certificates and what contradicts them: one final block for each height."""

import os
import signal
import subprocess
import sys
from contextlib import suppress
from itertools import combinations
from pathlib import Path

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from numen.base.codec import decode, encode
from numen.ledger.order.certificate import (
    Certificate,
    CertificateError,
    Electorate,
    ElectorateError,
    NotEnoughError,
    Roll,
    Tally,
    signers,
    verify,
)
from numen.ledger.order.sequencer import BrokenLogError, OrderError
from numen.ledger.order.slashing import (
    DoubleCertificate,
    DoubleVote,
    Evidence,
    EvidenceError,
    judge,
)
from numen.ledger.order.vote import (
    AlreadyVotedError,
    Vote,
    VoteBook,
    VoteError,
    Voter,
    check_vote,
)
from tests.ledger.order.verifiers import CHAIN, certify, electorate, key, member, signed

A, B = b"\xaa" * 32, b"\xbb" * 32
VOTER = Path(__file__).with_name("voter.py")


def vote(block: bytes = A, height: int = 5, chain: int = CHAIN) -> Vote:
    return Vote(chain, height, block)


# The book. ---------------------------------------------------------------------------------------


def test_a_voter_repeats_itself_and_never_contradicts_itself(tmp_path):
    voter = Voter.open(key(1), CHAIN, tmp_path / "book")
    first = voter.vote(5, A)
    check_vote(first)
    assert first.vote == vote()
    assert voter.vote(5, A) == first
    with pytest.raises(AlreadyVotedError) as caught:
        voter.vote(5, B)
    assert (caught.value.height, caught.value.block) == (5, A)
    voter.vote(4, B)
    voter.close()

    again = Voter.open(key(1), CHAIN, tmp_path / "book")
    with pytest.raises(AlreadyVotedError):
        again.vote(5, B)
    with pytest.raises(AlreadyVotedError):
        again.vote(4, A)
    again.close()


def test_a_book_has_one_owner_one_key_and_one_ledger(tmp_path):
    voter = Voter.open(key(1), CHAIN, tmp_path / "book")
    with pytest.raises(BrokenLogError, match="another process"):
        Voter.open(key(1), CHAIN, tmp_path / "book")
    voter.close()
    for owner, chain in ((key(2), CHAIN), (key(1), CHAIN + 1)):
        with pytest.raises(BrokenLogError, match="another key"):
            Voter.open(owner, chain, tmp_path / "book")
    Voter.open(key(1), CHAIN, tmp_path / "book").close()


@pytest.mark.parametrize("height", [-1, 0, 1 << 63, 1 << 64])
def test_a_height_that_no_block_has_gets_no_vote(tmp_path, height):
    voter = Voter.open(key(1), CHAIN, tmp_path / "book")
    with pytest.raises(VoteError):
        voter.vote(height, A)
    voter.close()


def test_a_vote_that_cannot_be_written_is_not_given(tmp_path):
    voter = Voter.open(key(1), CHAIN, tmp_path / "book")
    connection = voter._book._connection
    connection.execute("PRAGMA query_only = ON")  # the disk refuses from here on
    with pytest.raises(BrokenLogError, match="written"):
        voter.vote(5, A)
    connection.execute("PRAGMA query_only = OFF")
    assert voter.vote(5, B).vote.block == B
    voter.close()


@pytest.mark.slow
def test_a_killed_voter_remembers_every_vote_that_left_it(tmp_path):
    seen: dict[int, bytes] = {}
    for turn in range(5):
        process = subprocess.Popen(
            [sys.executable, VOTER, tmp_path / "book", str(turn)],
            stdout=subprocess.PIPE,
            env=os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)},
        )
        for count, line in enumerate(process.stdout):
            height, block = line.split()
            assert seen.setdefault(int(height), block) == block
            if count == 30 + 25 * turn:
                process.send_signal(signal.SIGKILL)
        assert process.wait() == -signal.SIGKILL
        process.stdout.close()

    book = VoteBook.open(tmp_path / "book", CHAIN, key(1).public)
    assert len(seen) > 100
    assert all(
        book.entries(height) == [(0, True, bytes.fromhex(block.decode()))]
        for height, block in seen.items()
    )
    book.close()


# Certificates. -----------------------------------------------------------------------------------


def test_more_than_two_thirds_are_a_certificate_and_two_thirds_are_none():
    voters, owners = electorate([1, 1, 1])
    tally = Tally(voters, vote())
    for owner in owners[:2]:
        tally.add(signed(owner, vote()))
        tally.add(signed(owner, vote()))  # said twice, counted once
    assert tally.stake == 2
    with pytest.raises(NotEnoughError, match="2 of 3"):
        tally.certificate()
    tally.add(signed(owners[2], vote()))
    certificate = tally.certificate()
    verify(certificate, voters)
    verify(decode(Certificate, encode(certificate)), voters)
    assert signers(certificate, voters) == (0, 1, 2)


def test_a_tally_counts_no_vote_that_is_not_a_members_own():
    voters, owners = electorate([3, 3, 3])
    tally = Tally(voters, vote())
    stranger = key(99)
    false = msgspec.structs.replace(signed(owners[0], vote()), signature=stranger.sign(A))
    for bad in (
        signed(owners[0], vote(B)),
        signed(owners[0], vote(height=6)),
        signed(stranger, vote()),
        false,
    ):
        with pytest.raises(CertificateError):
            tally.add(bad)
    assert tally.stake == 0


LIES = {
    "another block": lambda c: msgspec.structs.replace(c, vote=vote(B)),
    "another height": lambda c: msgspec.structs.replace(c, vote=vote(height=6)),
    "another ledger": lambda c: msgspec.structs.replace(c, vote=vote(chain=8)),
    "a signer too many": lambda c: msgspec.structs.replace(c, signers=b"\x1f"),
    "a signer too few": lambda c: msgspec.structs.replace(c, signers=b"\x07"),
    "nobody": lambda c: msgspec.structs.replace(c, signers=b"\x00"),
    "bits of nobody": lambda c: msgspec.structs.replace(c, signers=b"\x2f"),
    "bits missing": lambda c: msgspec.structs.replace(c, signers=b""),
    "bits too many": lambda c: msgspec.structs.replace(c, signers=b"\x0f\x00"),
    "another electorate": lambda c: msgspec.structs.replace(c, electorate=bytes(32)),
    "another signature": lambda c: msgspec.structs.replace(c, signature=key(3).sign(A)),
    "no signature": lambda c: msgspec.structs.replace(c, signature=bytes([0xC0]) + bytes(95)),
}


@pytest.mark.parametrize("lie", LIES.values(), ids=LIES)
def test_a_certificate_with_a_lie_is_refused(lie):
    voters, owners = electorate([1, 1, 1, 1, 1])
    certificate = certify(voters, owners[:4], vote())
    verify(certificate, voters)

    with pytest.raises(CertificateError):
        verify(lie(certificate), voters)


def test_an_electorate_is_in_order_and_owns_its_keys():
    a, b = sorted([member(key(1), 1), member(key(2), 1)], key=lambda m: m.key)
    Electorate(Roll((a, b)))
    for members in (
        (b, a),
        (a, a),
        (a, msgspec.structs.replace(b, stake=0)),
        (a, msgspec.structs.replace(b, possession=a.possession)),
        (a, msgspec.structs.replace(b, key=bytes([0xC0]) + bytes(47))),
    ):
        with pytest.raises(ElectorateError):
            Electorate(Roll(members))


@settings(max_examples=12, deadline=None)
@given(data=st.data(), stakes=st.lists(st.integers(1, 50), min_size=1, max_size=6))
def test_less_than_a_third_of_liars_make_no_second_certificate(tmp_path_factory, data, stakes):
    """Liars sign everything, the honest by their books, in whatever order they are asked."""
    voters, owners = electorate(stakes)
    liars = data.draw(st.sets(st.integers(0, len(stakes) - 1)), "liars")
    while 3 * voters.stake(liars) >= voters.total:
        liars.pop()
    room = tmp_path_factory.mktemp("books")
    books = {
        i: Voter.open(owners[i], CHAIN, room / str(i)) for i in range(len(stakes)) if i not in liars
    }
    tallies = {block: Tally(voters, vote(block)) for block in (A, B)}
    asked = st.tuples(st.sampled_from(sorted(books)), st.sampled_from([A, B]))
    for who, block in data.draw(st.lists(asked, max_size=14), "asked"):
        with suppress(AlreadyVotedError):
            tallies[block].add(books[who].vote(5, block))
    for block, tally in tallies.items():
        for liar in liars:
            tally.add(signed(owners[liar], vote(block)))
    for book in books.values():
        book.close()

    assert sum(tally.is_enough for tally in tallies.values()) <= 1


# Evidence. ---------------------------------------------------------------------------------------


def test_two_votes_for_one_height_cost_the_stake():
    voters, owners = electorate([1, 2, 3])
    evidence = Evidence(DoubleVote(signed(owners[1], vote(A)), signed(owners[1], vote(B))))

    assert judge(decode(Evidence, encode(evidence)), voters) == (owners[1].public,)


def test_two_certificates_for_one_height_cost_those_who_are_in_both():
    voters, owners = electorate([1, 1, 1, 1])
    pair = DoubleCertificate(
        certify(voters, owners[:3], vote(A)), certify(voters, owners[1:], vote(B))
    )

    assert judge(Evidence(pair), voters) == tuple(owner.public for owner in owners[1:3])


def test_what_is_no_contradiction_costs_nobody():
    voters, owners = electorate([1, 1, 1])
    one = signed(owners[0], vote(A))
    forged = msgspec.structs.replace(one, vote=vote(B))
    stranger = key(99)
    full = certify(voters, owners, vote(A))
    innocent = [
        DoubleVote(one, one),
        DoubleVote(one, signed(owners[0], vote(B, height=6))),
        DoubleVote(one, signed(owners[0], vote(B, chain=8))),
        DoubleVote(one, signed(owners[1], vote(B))),
        DoubleVote(one, forged),
        DoubleVote(signed(stranger, vote(A)), signed(stranger, vote(B))),
        DoubleCertificate(full, full),
        DoubleCertificate(full, certify(voters, owners, vote(A, height=6))),
        DoubleCertificate(full, msgspec.structs.replace(full, vote=vote(B))),
    ]
    for case in innocent:
        with pytest.raises((EvidenceError, CertificateError)):
            judge(Evidence(case), voters)


@settings(max_examples=8, deadline=None)
@given(st.integers(0, 3), st.integers(0, 3))
def test_the_honest_are_in_no_evidence(liar, other):
    """Whatever liars make of the votes that they have, it names no one who voted once."""
    voters, owners = electorate([1, 1, 1, 1])
    votes = [signed(owner, vote(A)) for owner in owners] + [signed(owners[liar], vote(B))]
    votes.append(msgspec.structs.replace(votes[other], vote=vote(B)))
    votes.append(msgspec.structs.replace(votes[4], key=owners[other].public))
    accused = set()
    for first, second in combinations(votes, 2):
        try:
            accused.update(judge(Evidence(DoubleVote(first, second)), voters))
        except OrderError:
            continue

    assert accused == {owners[liar].public}
