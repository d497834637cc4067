"""Questions that only who keeps the ledger can answer: a keyed hash of a final block.

    proof = keccak256(domain ‖ nonce ‖ the answerer's address ‖ block id ‖ its transactions)

Who asks has the block, and computes the same. The nonce keeps answers from being made beforehand,
the address from being passed on. A block's transactions follow from its header, so that there is
one right answer, whoever sent the block to whom.
"""

from typing import Final

from numen.base.crypto import Address, keccak256
from numen.ledger.block import NO_BLOCK, block_id
from numen.ledger.ledger import Ledger
from numen.node.trust.speech import Question

_DOMAIN: Final = b"\x0fnumen/holding/1"


def proof(ledger: Ledger, question: Question, answerer: Address) -> bytes:
    """The answer to a question, 32 bytes; empty where the ledger has no such block.

    Cost: linear in the block.
    """
    identity: bytes = NO_BLOCK
    transactions: tuple[bytes, ...] = ()
    if question.height:
        block = ledger.block(question.height) if question.height <= ledger.height else None
        if block is None:
            return b""
        identity, transactions = block_id(block.header), block.transactions
    return keccak256(_DOMAIN, question.nonce, answerer, identity, *transactions)
