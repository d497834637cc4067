"""Foundings: what the nodes of a ledger sign before a contract with private state is created.

Who wants the contract deals shares of a secret to the nodes. A node that has put the secret
together signs that it has the keys, and the signatures travel with the creation, in a call to the
contract that comes before it and says nothing to anybody but the ledger. A creation without the
signatures of more than two thirds of the stake is refused, by those who have the keys and by those
who have none alike: so nobody can bring a contract into a block that too few could carry out.

FoundingError    too few have the keys, or nobody says so; a `TransactionError`
"""

from collections.abc import Mapping
from collections.abc import Set as AbstractSet
from typing import Annotated, Final

import msgspec
from msgspec import Meta

from numen.base.codec import U64, CodecError, decode, digest, encode
from numen.base.crypto import (
    Address,
    BadSignatureError,
    Signature,
    SigningKey,
    recover,
)
from numen.ledger.sealed.charter import FOUNDING, Commitments
from numen.ledger.sealed.shares import NODES_MAX
from numen.ledger.transactions import Admitted, TransactionError

_DOMAIN: Final = "numen/founding/1"


class FoundingError(TransactionError):
    """A private contract is to be created whose keys too few nodes say they have."""


class _Told(msgspec.Struct, frozen=True, array_like=True):
    chain: U64
    contract: Address
    commitments: Commitments


class Founding(msgspec.Struct, frozen=True, array_like=True):
    """Who has the keys of a contract that is about to be.

    Attributes:
        commitments: To the shares of its secret; as many are needed.
        signatures: Of nodes, over the ledger's number, the contract and the commitments.
    """

    commitments: Commitments
    signatures: Annotated[tuple[Signature, ...], Meta(max_length=NODES_MAX)]


class Custodians(msgspec.Struct, frozen=True):
    """The nodes of a ledger that can have keys of contracts.

    Attributes:
        chain: Number of the ledger.
        stakes: What each that votes has at stake; who makes and checks blocks.
    """

    chain: int
    stakes: Mapping[Address, int]

    def check(
        self, founding: Founding, contract: Address, outcasts: AbstractSet[Address] = frozenset()
    ) -> None:
        """See that more than two thirds of the stake have the keys.

        Args:
            founding: From anyone.
            contract: That is about to be.
            outcasts: Nodes whose bonds were taken: their word counts no more.

        Raises:
            FoundingError: They have not.

        Cost: a signature recovery for each.
        """
        if len(founding.signatures) > len(self.stakes):
            raise FoundingError("more signatures than nodes")
        told = _digest(self.chain, contract, founding.commitments)
        signers: set[bytes] = set()
        for signature in founding.signatures:
            try:
                signers.add(recover(told, signature))
            except BadSignatureError as error:
                raise FoundingError(f"a node did not sign that it has the keys: {error}") from error
        stake = sum(self.stakes.get(signer, 0) for signer in signers - outcasts)
        total = sum(coins for node, coins in self.stakes.items() if node not in outcasts)
        if 3 * stake <= 2 * total:
            raise FoundingError(
                f"nodes with {stake} of {total} coins of stake have the keys of "
                f"0x{contract.hex()}, and more than two thirds are needed"
            )


def attest(
    chain: int, contract: Address, commitments: tuple[bytes, ...], key: SigningKey
) -> Signature:
    """Sign that one has the keys of a contract that is about to be."""
    return key.sign(_digest(chain, contract, commitments))


def is_attested(
    chain: int, contract: Address, commitments: tuple[bytes, ...], node: Address, signature: bytes
) -> bool:
    """Whether a node signed that it has the keys of a contract that is about to be."""
    try:
        return recover(_digest(chain, contract, commitments), signature) == node
    except BadSignatureError:
        return False


def write_founding(founding: Founding) -> bytes:
    """Write a founding as the payload of a call."""
    return FOUNDING + encode(founding)


def founding_of(admitted: Admitted, contract: Address) -> Founding:
    """Read the founding of a contract from the transaction that creates it.

    Raises:
        FoundingError: There is none.
    """
    for call in admitted.transaction.calls:
        if call.to == contract and call.payload.startswith(FOUNDING):
            try:
                return decode(Founding, call.payload[len(FOUNDING) :])
            except CodecError as error:
                raise FoundingError(f"it founds nothing: {error}") from error
    raise FoundingError(
        "a contract with private state is created when its nodes have the keys",
        hint="numen ledger create deals them",
    )


def _digest(chain: int, contract: Address, commitments: tuple[bytes, ...]) -> bytes:
    return digest(_DOMAIN, _Told(chain, contract, commitments))
