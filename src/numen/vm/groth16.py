"""A contract that is nothing but a verifying key, and says which proofs are true under it.

It has one message, and no state:

    verify(uint256[8] proof, uint256[N] statement) -> bool

The proof is as `proof.eip197` writes it; the statement is the outputs and public inputs of the
circuit, each below the field's prime. What is not of this form is no true proof, as in the
contracts that `proof.contracts` writes for Ethereum.
"""

from typing import Final

from numen.base.crypto import keccak256
from numen.base.errors import NumenError
from numen.proof.eip197 import PROOF_BYTES, decode_proof
from numen.proof.native_verifier import verify
from numen.proof.verifier import VerifyingKey
from numen.vm.host import Delivery, Failure, Kind, Outcome, Reason, Slots

VERIFY_WORK: Final = 2_000_000
"""Work units of a proof: a product of four pairings."""

VALUE_WORK: Final = 60_000
"""Of each value of the statement: a product of a point with 254 bits."""

_WORD: Final = 32
_TRUE, _FALSE = (1).to_bytes(_WORD, "big"), bytes(_WORD)


class Groth16Service:
    """The verifier of a key; a `Service`. Threads may use it at the same time.

    Args:
        key: Its points are in their groups.
    """

    def __init__(self, key: VerifyingKey) -> None:
        self._key = key
        count = key.statement_count
        self.selector = keccak256(f"verify(uint256[8],uint256[{count}])".encode())[:4]
        self._size = PROOF_BYTES + _WORD * count
        self._work = VERIFY_WORK + VALUE_WORK * count

    def handle(self, delivery: Delivery, _slots: Slots) -> Outcome:
        """Carry out one delivery; see `Service`."""
        if delivery.kind is Kind.CREATE and not delivery.payload and not delivery.value:
            return Outcome()
        body = delivery.payload[4:]
        is_known = delivery.kind in (Kind.REQUEST, Kind.VIEW)
        if not is_known or delivery.payload[:4] != self.selector or len(body) != self._size:
            detail = "a verifying key has one message, and takes no coins to begin with"
            return Outcome(failure=Failure(Reason.ABSENT, detail=detail))
        if delivery.value:
            return Outcome(failure=Failure(Reason.REVERTED, detail="verify takes no coins"))
        if delivery.work < self._work:
            return Outcome(work=delivery.work, failure=Failure(Reason.OUT_OF_WORK))
        return Outcome(_TRUE if self._is_true(body) else _FALSE, work=self._work)

    def _is_true(self, body: bytes) -> bool:
        values = [
            int.from_bytes(body[at : at + _WORD], "big")
            for at in range(PROOF_BYTES, len(body), _WORD)
        ]
        try:
            verify(self._key, decode_proof(body[:PROOF_BYTES]), values)
        except NumenError:
            return False
        return True
