"""Two transactions where an account has room for one: which of them holds, and how others learn it.

    ConflictProofError    there is no conflict, or it did not end as somebody says

An account numbers its transactions. Two with one number are a contradiction under its own
signature, which cannot happen by accident: the article's ten coins that go to b at one node and to
c at another. The one in a final block holds. The node that took the other one is told so by a
`Rejected`, with everything that it needs in order to check it, and passes it on to its users and to
those who got messages from the transaction.
"""

from typing import Annotated, Final

import msgspec
from msgspec import Meta

from numen.base import merkle
from numen.base.codec import SIZE_MAX_BYTES, decode, digest, encode
from numen.base.crypto import (
    Address,
    BadSignatureError,
    Hash32,
    Signature,
    SigningKey,
    keccak256,
    recover,
)
from numen.ledger.block import Block, Header, block_id, leaves
from numen.ledger.order.certificate import (
    Certificate,
    CertificateError,
    Electors,
    verify,
)
from numen.ledger.order.sequencer import OrderError
from numen.ledger.transactions import (
    TRANSACTION_BYTES_MAX,
    Admitted,
    TransactionError,
    read,
)

_DOMAIN: Final = "numen/rejected/1"

RawTransaction = Annotated[bytes, Meta(max_length=TRANSACTION_BYTES_MAX)]


class ConflictProofError(OrderError):
    """What somebody says about a conflict is not shown."""


class Equivocation(msgspec.Struct, frozen=True, array_like=True):
    """Two transactions of one account with one nonce, as they were signed."""

    first: RawTransaction
    second: RawTransaction


class Settled(msgspec.Struct, frozen=True, array_like=True):
    """Why a transaction is final.

    Attributes:
        header: Of the block that it is in.
        opening: Of its place among the block's transactions.
        certificate: Of the block.
    """

    header: Header
    opening: merkle.Opening
    certificate: Certificate


class Rejected(msgspec.Struct, frozen=True, array_like=True):
    """A transaction will never hold, since another of its account does.

    Attributes:
        transaction: Id of the one that does not hold.
        conflict: Both of them.
        winner: Id of the one that holds.
        settled: Why it does.
        rollback_to: Id of the last final block without either of them.
        node: Who says so.
    """

    transaction: Hash32
    conflict: Equivocation
    winner: Hash32
    settled: Settled
    rollback_to: Hash32
    node: Address


class SignedRejection(msgspec.Struct, frozen=True, array_like=True):
    """A rejection and its node's signature."""

    rejected: Rejected
    signature: Signature


def check_equivocation(conflict: Equivocation, chain: int) -> tuple[Admitted, Admitted]:
    """Check that an account contradicted itself, and give what it signed.

    Two signatures under the same transaction are no contradiction.

    Raises:
        ConflictProofError: It did not.
    """
    try:
        first, second = read(conflict.first, chain), read(conflict.second, chain)
    except TransactionError as error:
        raise ConflictProofError(str(error)) from error
    if first.sender != second.sender:
        raise ConflictProofError("the transactions are of two accounts")
    if first.transaction.nonce != second.transaction.nonce:
        raise ConflictProofError("the transactions have two nonces")
    if first.id == second.id:
        raise ConflictProofError("both are the same transaction")
    return first, second


def settle(block: Block, index: int, certificate: Certificate) -> Settled:
    """Say why a transaction of a block is final."""
    hashed = [keccak256(raw) for raw in leaves(block.transactions, block.evidence)]
    return Settled(block.header, merkle.prove(hashed, index), certificate)


def reject(loser: bytes, winner: bytes, settled: Settled, key: SigningKey) -> SignedRejection:
    """Tell that a transaction does not hold, since another does.

    Args:
        loser: The one that does not, as it was signed.
        winner: The one that does, as it is in its block.
        settled: Why it does.
        key: Of the node that says so.

    Raises:
        ConflictProofError: The two do not contradict each other.
    """
    conflict = Equivocation(loser, winner)
    lost, won = check_equivocation(conflict, settled.header.chain)
    rejected = Rejected(lost.id, conflict, won.id, settled, settled.header.parent, key.address)
    return SignedRejection(rejected, key.sign(digest(_DOMAIN, _write(rejected))))


def check_rejection(signed: SignedRejection, chain: int, electors: Electors) -> None:
    """Check a rejection from anyone.

    Raises:
        ConflictProofError: There is no conflict, it ended otherwise, or another node signed.
    """
    rejected = signed.rejected
    try:
        signer = recover(digest(_DOMAIN, _write(rejected)), signed.signature)
    except BadSignatureError as error:
        raise ConflictProofError(str(error)) from error
    if signer != rejected.node:
        raise ConflictProofError("it is not signed by the node that it names")
    lost, won = check_equivocation(rejected.conflict, chain)
    if (rejected.transaction, rejected.winner) != (lost.id, won.id):
        raise ConflictProofError("the transactions are not those that it names")
    check_settled(rejected.settled, rejected.conflict.second, chain, electors)
    if rejected.rollback_to != rejected.settled.header.parent:
        raise ConflictProofError("the block to go back to is not the one before the winner's")


def check_settled(settled: Settled, raw: bytes, chain: int, electors: Electors) -> None:
    """Check that a transaction is in a final block.

    Args:
        settled: From anyone.
        raw: The transaction.
        chain: Number of the ledger.
        electors: Who votes at which height.

    Raises:
        ConflictProofError: It is not shown to be.
    """
    header, vote = settled.header, settled.certificate.vote
    named = (header.chain, vote.chain, vote.height, vote.block)
    if named != (chain, chain, header.height, block_id(header)):
        raise ConflictProofError("the certificate is of another block")
    try:
        verify(settled.certificate, electors.electorate(header.height))
        merkle.verify(header.transactions, keccak256(raw), settled.opening)
    except (CertificateError, merkle.MerkleError) as error:
        raise ConflictProofError(f"not shown to be final: {error}") from error


def write_rejection(signed: SignedRejection) -> bytes:
    """Write a rejection for others."""
    return encode(signed, size_max=SIZE_MAX_BYTES)


def read_rejection(raw: bytes) -> SignedRejection:
    """Read a rejection from anyone; `check_rejection` says whether it is true.

    Raises:
        CodecError: It is none.
    """
    return decode(SignedRejection, raw, size_max=SIZE_MAX_BYTES)


def _write(rejected: Rejected) -> bytes:
    return encode(rejected, size_max=SIZE_MAX_BYTES)
