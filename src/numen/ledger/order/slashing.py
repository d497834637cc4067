"""Votes that cost a verifier its stake, as evidence that a machine can check.

    EvidenceError    it does not show that anybody contradicted itself

Nobody is accused on a say-so. Two votes of one key for one stage of one view of a height are a
contradiction. So are two such certificates, for everybody who is in both: whoever knows all about a
sum of signatures still cannot put somebody into it who did not sign. How a block takes the stake is
said in `numen.ledger.penalty`.
"""

from typing import TypeAlias

import msgspec

from numen.ledger.order.certificate import (
    Certificate,
    Electorate,
    check_member_vote,
    signers,
    verify_votes,
)
from numen.ledger.order.sequencer import OrderError
from numen.ledger.order.vote import SignedVote, Vote


class EvidenceError(OrderError):
    """Evidence that shows nothing."""


class DoubleVote(msgspec.Struct, frozen=True, array_like=True, tag="double-vote/1"):
    """Two votes of one key for one stage of one view of a height."""

    first: SignedVote
    second: SignedVote


class DoubleCertificate(msgspec.Struct, frozen=True, array_like=True, tag="double-certificate/1"):
    """Two certificates of one electorate for one stage of one view of a height."""

    first: Certificate
    second: Certificate


Contradiction: TypeAlias = DoubleVote | DoubleCertificate


class Evidence(msgspec.Struct, frozen=True, array_like=True):
    """A contradiction as it is written down."""

    contradiction: Contradiction


def judge(evidence: Evidence, electorate: Electorate) -> tuple[bytes, ...]:
    """Find who contradicted itself.

    Returns:
        Keys of members, in order; at least one.

    Raises:
        EvidenceError: The two do not contradict each other, or a voter is a stranger.
        CertificateError: A vote or a certificate is not signed by whom it names.
    """
    case = evidence.contradiction
    if isinstance(case, DoubleVote):
        _check_clash(case.first.vote, case.second.vote)
        return (_judge_votes(case, electorate),)
    _check_clash(case.first.vote, case.second.vote)
    for certificate in (case.first, case.second):
        verify_votes(certificate, electorate)
    both = set(signers(case.first, electorate)) & set(signers(case.second, electorate))
    return tuple(electorate.members[index].key for index in sorted(both))


def _judge_votes(case: DoubleVote, electorate: Electorate) -> bytes:
    if case.first.key != case.second.key:
        raise EvidenceError("the votes are of two keys")
    index = electorate.index(case.first.key)
    if index is None:
        raise EvidenceError("the voter is not of this electorate")
    for signed in (case.first, case.second):
        check_member_vote(electorate, index, signed)
    return electorate.members[index].key


def _check_clash(first: Vote, second: Vote) -> None:
    if (first.chain, first.height) != (second.chain, second.height):
        raise EvidenceError("the votes are for two heights, or two ledgers")
    if (first.view, first.is_commit) != (second.view, second.is_commit):
        raise EvidenceError("the votes are for two views, or two stages of one")
    if first.block == second.block:
        raise EvidenceError("both votes are for one block")
