"""Votes in views: what a voter may sign, and that no two blocks of a height become final."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from numen.ledger.order.bls import VotingKey
from numen.ledger.order.certificate import (
    CertificateError,
    Electorate,
    Member,
    gather,
    verify,
    verify_votes,
)
from numen.ledger.order.slashing import (
    DoubleCertificate,
    DoubleVote,
    Evidence,
    EvidenceError,
    judge,
)
from numen.ledger.order.vote import (
    AlreadyVotedError,
    Entry,
    LockedError,
    PastViewError,
    SignedVote,
    Vote,
    VoteError,
    Voter,
    follows,
    lock_of,
    vote_digest,
)

A, B = b"a" * 32, b"b" * 32
KEYS = [VotingKey((b"voter of views %d" % i).ljust(32)) for i in range(4)]
ELECTORATE = Electorate.of(Member(key.public, 1, key.prove_possession()) for key in KEYS)


def signed(key, block, view=0, *, is_commit=True):
    vote = Vote(7, 5, block, view, is_commit)
    return SignedVote(vote, key.public, key.sign(vote_digest(vote)))


# One voter. ---


@pytest.fixture
def voter(tmp_path):
    made = Voter.open(KEYS[0], 7, tmp_path / "book")
    yield made
    made.close()


def test_a_stage_of_a_view_has_one_vote_and_the_past_has_none(voter):
    voter.vote(5, A, 1, is_commit=False)
    with pytest.raises(AlreadyVotedError):
        voter.vote(5, B, 1, is_commit=False)
    with pytest.raises(PastViewError):
        voter.vote(5, A, 0)
    voter.vote(5, B, 2, is_commit=False)  # nothing was committed, so nothing is locked
    assert voter.vote(5, A, 1, is_commit=False).vote.block == A  # and it may repeat itself
    with pytest.raises(VoteError):
        voter.vote(5, A, 1 << 40)


def test_a_lock_is_kept_over_a_restart_and_given_up_for_what_was_prepared_behind_it(
    voter, tmp_path
):
    voter.vote(5, A, 3)
    voter.close()
    again = Voter.open(KEYS[0], 7, tmp_path / "book")
    assert lock_of(again.entries(5)) == Entry(3, True, A)
    for since in (-1, 2, 3):
        with pytest.raises(LockedError, match="since view 3"):
            again.vote(5, B, 6, is_commit=False, since=since)
    again.vote(5, A, 5, is_commit=False)
    again.vote(5, B, 6, is_commit=False, since=4)
    again.vote(6, B, 0, is_commit=False)  # another height has locks of its own
    again.close()


# All together. ---

VIEWS, BLOCKS, LIAR, NEEDED = 6, (A, B), 3, 3
ACTIONS = st.lists(
    st.tuples(
        st.integers(0, 3), st.integers(0, VIEWS - 1), st.sampled_from(BLOCKS), st.booleans(),
        st.booleans(),
    ),
    max_size=80,
)  # fmt: skip


class Height:
    """Four voters of one height, of whom the last signs anything."""

    def __init__(self, is_free=False):
        self.books = [[] for _ in range(4)]
        self.is_free = is_free

    def has(self, view, block, *, is_commit):
        votes = sum(Entry(view, is_commit, block) in book for book in self.books[:LIAR])
        return votes + 1 >= NEEDED  # the liar's vote is there for everything

    def since(self, view, block):
        prepared = [v for v in range(view + 1) if self.has(v, block, is_commit=False)]
        return max(prepared, default=-1)

    def vote(self, who, view, block, is_commit, knows):
        """An honest voter signs what its book lets it, and commits only what is prepared."""
        if who == LIAR or (is_commit and not self.has(view, block, is_commit=False)):
            return
        since = VIEWS if self.is_free else self.since(view, block) if knows else -1
        vote = Vote(7, 5, block, view, is_commit)
        try:
            if follows(self.books[who], vote, since):
                self.books[who].append(Entry(view, is_commit, block))
        except VoteError:
            pass

    def final(self):
        return {b for b in BLOCKS for v in range(VIEWS) if self.has(v, b, is_commit=True)}


@settings(max_examples=200)
@given(ACTIONS)
def test_no_two_blocks_of_a_height_become_final(actions):
    height = Height()
    for action in actions:
        height.vote(*action)
        assert len(height.final()) <= 1


SPLIT = [
    *[(who, 0, A, False, True) for who in (0, 1)],
    *[(who, 0, A, True, True) for who in (0, 1)],
    *[(who, 1, B, False, True) for who in (2, 0)],
    *[(who, 1, B, True, True) for who in (2, 0)],
]


def test_without_locks_two_would(monkeypatch):
    for is_free, count in ((False, 1), (True, 2)):
        height = Height(is_free)
        for action in SPLIT:
            height.vote(*action)
        assert len(height.final()) == count


def test_after_any_votes_some_block_can_still_become_final():
    """Who knows the last block that is prepared, and proposes it, is followed by all."""
    height = Height()
    for action in SPLIT[:3]:  # one committed A, and the others do not know
        height.vote(*action)
    for who in (0, 1, 2):
        height.vote(who, 1, B, False, False)
    assert height.final() == set()
    for who in (0, 1, 2):
        height.vote(who, 2, A, False, True)
        height.vote(who, 2, A, True, True)
    for who in (0, 1, 2):
        height.vote(who, 2, A, True, True)
    assert height.final() == {A}


# Certificates and evidence. ---


def test_votes_to_prepare_make_nothing_final():
    found, _ = gather([signed(key, A, 2, is_commit=False) for key in KEYS], ELECTORATE)
    verify_votes(found, ELECTORATE)
    with pytest.raises(CertificateError, match="do not make it final"):
        verify(found, ELECTORATE)
    final, _ = gather([signed(key, A, 2) for key in KEYS], ELECTORATE)
    verify(final, ELECTORATE)


def test_only_votes_of_one_stage_of_one_view_contradict_each_other():
    first = signed(KEYS[0], A, 1)
    for other in (signed(KEYS[0], B, 2), signed(KEYS[0], B, 1, is_commit=False)):
        with pytest.raises(EvidenceError, match="two views"):
            judge(Evidence(DoubleVote(first, other)), ELECTORATE)
    for stage in (True, False):
        pair = [signed(KEYS[0], block, 1, is_commit=stage) for block in (A, B)]
        assert judge(Evidence(DoubleVote(*pair)), ELECTORATE) == (KEYS[0].public,)
    certificates = [
        gather([signed(key, block, view) for key in KEYS[:3]], ELECTORATE)[0]
        for block, view in ((A, 1), (B, 1), (B, 2))
    ]
    assert len(judge(Evidence(DoubleCertificate(*certificates[:2])), ELECTORATE)) == 3
    with pytest.raises(EvidenceError, match="two views"):
        judge(Evidence(DoubleCertificate(certificates[0], certificates[2])), ELECTORATE)
