"""Verdicts: what verifiers sign about a lie that only who carries blocks out can see.

    VerdictError    it does not show that enough judged so

Two votes show themselves. A false block shows itself to whoever has the state before it and the
keys of the contracts that it comes to, and a ledger cannot ask all who follow it to keep these. So
each verifier judges it by itself, when it can, and signs what it found; verifiers with more than
two thirds of the stake, the accused's own left out, are a conviction. It is as small as a
certificate, anybody can check it, and the evidence may be as large and as old as it likes.

While less than a third of the stake lies nobody honest is convicted, since somebody honest had to
sign. The third is of all stake: the share of the rest alone would not do where the accused has more
than half of it.
"""

from collections.abc import Iterable
from typing import Annotated

import msgspec
from msgspec import Meta

from numen.ledger.order import bls
from numen.ledger.order.bls import BlsError, BlsSignature
from numen.ledger.order.certificate import (
    MEMBERS_MAX,
    CertificateError,
    Electorate,
    read_bits,
    write_bits,
)
from numen.ledger.order.offence import SignedVerdict, Verdict, verdict_digest


class VerdictError(CertificateError):
    """A verdict that is not its signers', or of too few."""


class Conviction(msgspec.Struct, frozen=True, array_like=True, tag="conviction/1"):
    """A verdict of enough verifiers, in one signature.

    Attributes:
        verdict: What was signed.
        signers: A bit for each member of the electorate of the block that has it, as
            `Certificate.signers`.
        signature: The sum of theirs.
    """

    verdict: Verdict
    signers: Annotated[bytes, Meta(max_length=MEMBERS_MAX // 8)]
    signature: BlsSignature


def check_verdict(signed: SignedVerdict, electorate: Electorate) -> None:
    """Check that a verdict is a member's.

    Raises:
        VerdictError: It is a stranger's, or not signed by its key.

    Cost: that of a signature, 2.4 milliseconds.
    """
    index = electorate.index(signed.key)
    if index is None:
        raise VerdictError("the judge is not of this electorate")
    try:
        bls.verify(electorate.key(index), verdict_digest(signed.verdict), signed.signature)
    except BlsError as error:
        raise VerdictError(f"not the verdict of its key: {error.reason}") from error


def is_enough(keys: Iterable[bytes], guilty: bytes, electorate: Electorate) -> bool:
    """Whether the owners of some keys can convict somebody.

    They have more than two thirds of the stake that is not the accused's, and more than a third of
    all.
    """
    places = {electorate.index(key) for key in keys if key != guilty}
    stake = electorate.stake(index for index in places if index is not None)
    accused = electorate.index(guilty)
    rest = electorate.total - (electorate.stake([accused]) if accused is not None else 0)
    return 3 * stake > 2 * rest and 3 * stake > electorate.total


def convict(verdicts: Iterable[SignedVerdict], electorate: Electorate) -> Conviction:
    """Add verdicts up that say the same, and were checked.

    Raises:
        VerdictError: They are too few.
    """
    known = {each.key: each for each in verdicts if electorate.index(each.key) is not None}
    said = {each.verdict for each in known.values()}
    assert len(said) <= 1, "a conviction is for one lie"
    if not said or not is_enough(known, (verdict := said.pop()).guilty, electorate):
        raise VerdictError("too few judged so")
    chosen = [(index, m.key) for index, m in enumerate(electorate.members) if m.key in known]
    signature = bls.add_signatures([known[key].signature for _, key in chosen])
    bits = write_bits((index for index, _ in chosen), len(electorate.members))
    return Conviction(verdict, bits, signature)


def check_conviction(conviction: Conviction, electorate: Electorate) -> None:
    """Check a conviction from anyone.

    Raises:
        VerdictError: Too few signed, or the signature is not theirs.
        CertificateError: The bits are not those of the electorate.

    Cost: that of a signature, 2.4 milliseconds, and a microsecond for each signer.
    """
    verdict = conviction.verdict
    places = read_bits(conviction.signers, electorate)
    if not is_enough((electorate.members[at].key for at in places), verdict.guilty, electorate):
        raise VerdictError("too few judged so")
    try:
        key = bls.add_keys(electorate.key(index) for index in places)
        bls.verify(key, verdict_digest(verdict), conviction.signature)
    except BlsError as error:
        raise VerdictError(f"not signed by its signers: {error.reason}") from error
