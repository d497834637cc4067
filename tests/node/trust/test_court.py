"""Votes that are brought to a court, of heights that it has not come to."""

from numen.ledger.order.certificate import Certificate
from numen.ledger.order.slashing import DoubleCertificate, DoubleVote, Evidence
from numen.ledger.order.vote import SignedVote, Vote, vote_digest
from numen.node.trust.evidence import Lie, TwoVotes
from numen.sim.town import CHAIN
from tests.node.trust.neighbours import Neighbours

FAR = 10**6


def two_votes(near, index, signer=None):
    """Two votes of a node for a height that nobody has come to, signed by another or by itself."""
    voting = near.cast.voting[index]
    key = voting if signer is None else near.cast.voting[signer]
    votes = [Vote(CHAIN, FAR, bytes([byte]) * 32) for byte in (1, 2)]
    signed = [SignedVote(v, voting.public, key.sign(vote_digest(v))) for v in votes]
    return Lie(TwoVotes(Evidence(DoubleVote(*signed))))


def test_votes_for_a_height_to_come_are_judged_at_once_and_forged_ones_do_not_wait():
    near = Neighbours()
    docket = near.watch(1).docket
    forged = two_votes(near, 2, signer=0)
    assert docket.judge(forged).is_slander
    assert not docket._waiting
    assert docket.judge(two_votes(near, 2)).fresh == (near.number(2),)


def test_certificates_of_who_votes_in_days_to_come_do_not_wait_and_are_no_slander():
    near = Neighbours()
    docket = near.watch(1).docket
    certificates = [
        Certificate(Vote(CHAIN, FAR, bytes([byte]) * 32), bytes(32), b"\x07", bytes(96))
        for byte in (1, 2)
    ]
    trial = docket.judge(Lie(TwoVotes(Evidence(DoubleCertificate(*certificates)))))
    assert trial.verdict is None
    assert not trial.is_slander
    assert not docket._waiting
    assert docket.is_known(trial.lie)
