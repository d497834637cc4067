"""Verifiers for tests: keys, stakes and an electorate."""

from numen.ledger.order.bls import VotingKey
from numen.ledger.order.certificate import Certificate, Electorate, Member, Tally
from numen.ledger.order.vote import SignedVote, Vote, vote_digest

CHAIN = 7


def key(number: int) -> VotingKey:
    return VotingKey(number.to_bytes(32, "big"))


def member(owner: VotingKey, stake: int) -> Member:
    return Member(owner.public, stake, owner.prove_possession())


def electorate(stakes: list[int]) -> tuple[Electorate, list[VotingKey]]:
    """An electorate with these stakes, and its keys in its order."""
    owners = sorted((key(i) for i in range(len(stakes))), key=lambda owner: owner.public)
    members = [member(owner, stake) for owner, stake in zip(owners, stakes, strict=True)]
    return Electorate.of(members), owners


def signed(owner: VotingKey, vote: Vote) -> SignedVote:
    """A vote without a book, as only a liar or a test gives it."""
    return SignedVote(vote, owner.public, owner.sign(vote_digest(vote)))


def certify(voters: Electorate, owners: list[VotingKey], vote: Vote) -> Certificate:
    tally = Tally(voters, vote)
    for owner in owners:
        tally.add(signed(owner, vote))
    return tally.certificate()
