"""A certificate: more than two thirds of the stake signed one block, in one signature.

    CertificateError        it does not show that
    └── NotEnoughError      too little stake signed
    ElectorateError         no set of verifiers

With less than a third of the stake in the hands of liars there are no two blocks of one height with
certificates of votes to commit, for what the honest sign (`numen.ledger.order.vote`). It does not
matter who ordered the blocks, or how. A certificate of votes to prepare makes nothing final: it
only says that in its view no other block can have one.
"""

from collections import OrderedDict
from collections.abc import Iterable, Mapping
from collections.abc import Set as AbstractSet
from typing import Annotated, Final, Protocol

import msgspec
from msgspec import Meta

from numen.base.codec import U64, digest, encode
from numen.base.crypto import Hash32
from numen.ledger.order import bls
from numen.ledger.order.bls import BlsError, BlsSignature, KeyPoint, PublicKey
from numen.ledger.order.sequencer import OrderError
from numen.ledger.order.vote import SignedVote, Vote, vote_digest

MEMBERS_MAX: Final = 1024
"""Most verifiers of an electorate."""

_VERIFIED_MAX: Final = 64
"""Certificates that an electorate remembers to have verified."""

_ROLL_DOMAIN: Final = "numen/electorate/1"


class ElectorateError(OrderError):
    """No set of verifiers that can vote."""


class CertificateError(OrderError):
    """A certificate, or a vote for one, that does not show what it should."""


class NotEnoughError(CertificateError):
    """Too little stake signed.

    Attributes:
        stake: Of those who signed.
        total: Of all.
    """

    def __init__(self, stake: int, total: int) -> None:
        super().__init__(f"{stake} of {total} coins of stake signed: more than two thirds must")
        self.stake = stake
        self.total = total


class Member(msgspec.Struct, frozen=True, array_like=True):
    """A verifier.

    Attributes:
        key: By which it votes.
        stake: Coins that it loses if it is shown to lie, above 0.
        possession: Proof that it knows the secret of the key.
    """

    key: PublicKey
    stake: U64
    possession: BlsSignature


class Roll(msgspec.Struct, frozen=True, array_like=True):
    """Verifiers as they are written down: ordered by their keys, each once."""

    members: Annotated[tuple[Member, ...], Meta(min_length=1, max_length=MEMBERS_MAX)]


class Certificate(msgspec.Struct, frozen=True, array_like=True):
    """Why a block is final.

    Attributes:
        vote: What was signed.
        electorate: Id of the electorate.
        signers: A bit for each member, the first in the lowest bit of the first byte.
        signature: The sum of the signers' signatures.
    """

    vote: Vote
    electorate: Hash32
    signers: Annotated[bytes, Meta(max_length=MEMBERS_MAX // 8)]
    signature: BlsSignature


class Electorate:
    """Verifiers whose keys are known to be theirs.

    Args:
        roll: From anyone.

    Attributes:
        members: The verifiers in order.
        total: Coins of stake of all.
        id: Digest of the roll, 32 bytes.

    Raises:
        ElectorateError: The roll is not in order, or somebody has no stake or no possession.

    Cost: 2.4 milliseconds a member, once.
    """

    def __init__(self, roll: Roll) -> None:
        keys = [member.key for member in roll.members]
        if keys != sorted(set(keys)):
            raise ElectorateError("the members are not ordered by their keys, each once")
        points = [_admit(index, member) for index, member in enumerate(roll.members)]
        self._fill(roll.members, points)

    def _fill(self, members: tuple[Member, ...], points: list[KeyPoint]) -> None:
        self.members = members
        self.id: bytes = digest(_ROLL_DOMAIN, encode(Roll(members)))
        self.total = sum(member.stake for member in members)
        self._keys = points
        self._index = {member.key: index for index, member in enumerate(members)}
        self._verified: OrderedDict[Certificate, None] = OrderedDict()

    @classmethod
    def of(cls, members: Iterable[Member]) -> "Electorate":
        """An electorate of members in any order; as the constructor otherwise."""
        return cls(Roll(tuple(sorted(members, key=lambda member: member.key))))

    def without(self, keys: AbstractSet[bytes]) -> "Electorate":
        """Those members whose keys are not among some; what is known of the rest is known.

        Raises:
            ElectorateError: Nobody is left.

        Cost: a digest.
        """
        left = [index for index, member in enumerate(self.members) if member.key not in keys]
        if not left:
            raise ElectorateError("nobody is left who votes")
        found = Electorate.__new__(Electorate)
        points = [self._keys[index] for index in left]
        found._fill(tuple(self.members[index] for index in left), points)  # noqa: SLF001
        return found

    def electorate(self, height: int) -> "Electorate":  # noqa: ARG002
        """Itself: as `Electors` where nobody loses a bond."""
        return self

    def index(self, key: bytes) -> int | None:
        """The place of a key's owner, or None."""
        return self._index.get(key)

    def stake(self, signers: Iterable[int]) -> int:
        """Coins of stake of some members together."""
        return sum(self.members[index].stake for index in signers)

    def is_enough(self, stake: int) -> bool:
        """Whether it is more than two thirds."""
        return 3 * stake > 2 * self.total

    def has_verified(self, certificate: Certificate) -> bool:
        """Whether this very certificate was verified lately: many things rest on one."""
        return certificate in self._verified

    def note_verified(self, certificate: Certificate) -> None:
        """Remember that a certificate was verified."""
        self._verified[certificate] = None
        if len(self._verified) > _VERIFIED_MAX:
            self._verified.popitem(last=False)

    def key(self, index: int) -> KeyPoint:
        """The key of a member, to verify with."""
        return self._keys[index]


class Electors(Protocol):
    """Knows who votes at which height, as `numen.ledger.stakes` does."""

    def electorate(self, height: int) -> Electorate:
        """Who votes for the block of a height."""
        ...


class Tally:
    """Gathers votes for one block until they are a certificate."""

    def __init__(self, electorate: Electorate, vote: Vote) -> None:
        self._electorate = electorate
        self._vote = vote
        self._signatures: dict[int, bytes] = {}

    @property
    def stake(self) -> int:
        """Coins of stake that have voted so far."""
        return self._electorate.stake(self._signatures)

    @property
    def is_enough(self) -> bool:
        """Whether there is a certificate."""
        return self._electorate.is_enough(self.stake)

    def add(self, signed: SignedVote) -> None:
        """Count a vote; one that is there already changes nothing.

        Raises:
            CertificateError: It is for something else, by a stranger, or not signed by its key.
        """
        if signed.vote != self._vote:
            raise CertificateError("the vote is for something else")
        index = self._electorate.index(signed.key)
        if index is None:
            raise CertificateError("the voter is not of this electorate")
        if index in self._signatures:
            return
        check_member_vote(self._electorate, index, signed)
        self._signatures[index] = signed.signature

    def certificate(self) -> Certificate:
        """Add the votes up.

        Raises:
            NotEnoughError: More votes are needed.
        """
        if not self.is_enough:
            raise NotEnoughError(self.stake, self._electorate.total)
        signature = bls.add_signatures([self._signatures[i] for i in sorted(self._signatures)])
        bits = write_bits(self._signatures, len(self._electorate.members))
        return Certificate(self._vote, self._electorate.id, bits, signature)


def gather(
    votes: Iterable[SignedVote], electorate: Electorate
) -> tuple[Certificate | None, tuple[SignedVote, ...]]:
    """Make a certificate of votes for one block that nobody has checked yet.

    Their sum is checked at once, and each of them only where the sum is none.

    Returns:
        The certificate, None where too little stake signed, and the votes that are not signed by
        the members that they name.

    Cost: as `verify`, and as much again for each vote where one of them is false.
    """
    listed = list(votes)
    assert len({signed.vote for signed in listed}) <= 1, "a certificate is for one block"
    known = {signed.key: signed for signed in listed if electorate.index(signed.key) is not None}
    certificate = _sum(known, electorate)
    if certificate is None:
        return None, ()
    try:
        verify_votes(certificate, electorate)
    except CertificateError:
        false = tuple(each for each in known.values() if not _is_true(electorate, each))
        for signed in false:
            del known[signed.key]
        return _sum(known, electorate), false
    return certificate, ()


def _sum(votes: Mapping[bytes, SignedVote], electorate: Electorate) -> Certificate | None:
    """Add votes up as they are, if they are enough."""
    indices = sorted(index for key in votes if (index := electorate.index(key)) is not None)
    if not indices or not electorate.is_enough(electorate.stake(indices)):
        return None
    chosen = [votes[electorate.members[index].key] for index in indices]
    try:
        signature = bls.add_signatures([signed.signature for signed in chosen])
    except BlsError:
        signature = bytes(bls.SIGNATURE_BYTES)  # no signature of anybody: each vote is looked at
    bits = write_bits(indices, len(electorate.members))
    return Certificate(chosen[0].vote, electorate.id, bits, signature)


def _is_true(electorate: Electorate, signed: SignedVote) -> bool:
    index = electorate.index(signed.key)
    try:
        check_member_vote(electorate, index if index is not None else -1, signed)
    except CertificateError:
        return False
    return True


def verify(certificate: Certificate, electorate: Electorate) -> None:
    """Check a certificate from anyone, which makes a block final.

    Raises:
        NotEnoughError: Too little stake signed.
        CertificateError: It is of votes to prepare, of another electorate, malformed, or the
            signature is not theirs.

    Cost: 2.4 milliseconds and a microsecond for each signer; nothing for one of the last few.
    """
    if not certificate.vote.is_commit:
        raise CertificateError("votes to prepare a block do not make it final")
    verify_votes(certificate, electorate)


def verify_votes(certificate: Certificate, electorate: Electorate) -> None:
    """Check a certificate of votes to prepare or to commit; as `verify` otherwise."""
    if electorate.has_verified(certificate):
        return
    if certificate.electorate != electorate.id:
        raise CertificateError("the certificate is of another electorate")
    indices = signers(certificate, electorate)
    stake = electorate.stake(indices)
    if not electorate.is_enough(stake):
        raise NotEnoughError(stake, electorate.total)
    try:
        key = bls.add_keys(electorate.key(index) for index in indices)
        bls.verify(key, vote_digest(certificate.vote), certificate.signature)
    except BlsError as error:
        raise CertificateError(f"not signed by its signers: {error.reason}") from error
    electorate.note_verified(certificate)


def signers(certificate: Certificate, electorate: Electorate) -> tuple[int, ...]:
    """The places of those whom a certificate names.

    Raises:
        CertificateError: The bits do not fit the electorate.
    """
    return read_bits(certificate.signers, electorate)


def read_bits(raw: bytes, electorate: Electorate) -> tuple[int, ...]:
    """The places of members whose bits are set, as `Certificate.signers` has them.

    Raises:
        CertificateError: The bits do not fit the electorate.
    """
    count = len(electorate.members)
    bits = int.from_bytes(raw, "little")
    if len(raw) != (count + 7) // 8 or bits >> count:
        raise CertificateError(f"the bits of the signers are not those of {count} members")
    return tuple(index for index in range(count) if bits >> index & 1)


def check_member_vote(electorate: Electorate, index: int, signed: SignedVote) -> None:
    """Check that a vote is a member's.

    Raises:
        CertificateError: It is not.
    """
    try:
        bls.verify(electorate.key(index), vote_digest(signed.vote), signed.signature)
    except BlsError as error:
        raise CertificateError(f"not the vote of its key: {error.reason}") from error


def write_bits(indices: Iterable[int], count: int) -> bytes:
    """Write the places of members of so many, a bit for each."""
    bits = sum(1 << index for index in indices)
    return bits.to_bytes((count + 7) // 8, "little")


def _admit(index: int, member: Member) -> KeyPoint:
    if member.stake == 0:
        raise ElectorateError(f"member {index} has no stake")
    try:
        return bls.check_possession(member.key, member.possession)
    except BlsError as error:
        raise ElectorateError(f"member {index}: {error.reason}") from error
