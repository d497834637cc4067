"""Receipts: the six signed messages of one seat of a task, as one thing named by its content.

Both parties can keep it, hand it on, and prove with it what was asked, promised, done and
paid. A chain that ends early is a receipt too: of a seat that failed.

    ReceiptError
    ├── BrokenLinkError    a message does not follow from the one before it
    └── BadMessageError    a message is not its author's
"""

from collections.abc import Sequence
from typing import TypeVar

import msgspec

from numen.base.codec import decode, encode
from numen.base.errors import NumenError
from numen.market import quorum
from numen.market.message import (
    Body,
    Execution,
    Match,
    Offer,
    Request,
    Result,
    Signed,
    Verdict,
    check,
    message_id,
)
from numen.market.task import task_id
from numen.proof.statement import commit_output

CHAIN = (Request, Offer, Match, Execution, Result, Verdict)
"""Kinds of the messages of a complete chain, in order."""

SIZE_MAX_BYTES = 1 << 19
"""Longest receipt that is read: an answer, a proof and signals of full size, and room to spare."""

B = TypeVar("B", bound=Body)


class Receipt(msgspec.Struct, frozen=True, array_like=True):
    """The messages of one seat, in order; the last is a verdict.

    Attributes:
        messages: From three to six signed messages; those of kinds that never came are absent.
    """

    messages: tuple[Signed, ...]

    @property
    def identity(self) -> bytes:
        """Name of the receipt; 32 bytes: its verdict's, which names all messages before it."""
        return message_id(self.messages[-1].body)

    @property
    def is_complete(self) -> bool:
        """Whether all six messages are there."""
        return len(self.messages) == len(CHAIN)


class ReceiptError(NumenError):
    """Root of why a receipt proves nothing."""


class BrokenLinkError(ReceiptError):
    """A message does not follow from the one before it.

    Attributes:
        index: Which message, counted from 0.
        reason: What does not fit.
    """

    def __init__(self, index: int, reason: str) -> None:
        super().__init__(f"message {index} of the receipt: {reason}")
        self.index = index
        self.reason = reason


class BadMessageError(ReceiptError):
    """A message is not its author's.

    Attributes:
        index: Which message, counted from 0.
    """

    def __init__(self, index: int, reason: str) -> None:
        super().__init__(f"message {index} of the receipt: {reason}")
        self.index = index


def write(receipt: Receipt) -> bytes:
    """Give the canonical bytes of a receipt, to keep or hand on."""
    return encode(receipt, size_max=SIZE_MAX_BYTES)


def read(raw: bytes) -> Receipt:
    """Read a receipt from bytes of anyone, and verify it.

    Raises:
        CodecError: The bytes are no canonical receipt.
        ReceiptError: The messages are not signed or do not follow from each other.
    """
    receipt = decode(Receipt, raw, size_max=SIZE_MAX_BYTES)
    verify(receipt)
    return receipt


def verify(receipt: Receipt) -> None:
    """Check signatures, order and links of a receipt.

    Raises:
        ReceiptError: Something does not fit.

    Cost: one signature recovery a message.
    """
    for index, signed in enumerate(receipt.messages[: len(CHAIN)]):
        _check_signature(index, signed)
    follow(receipt)


def follow(receipt: Receipt) -> None:
    """Check everything about a receipt but the signatures, for those who have seen them.

    Raises:
        ReceiptError: The messages do not follow from each other.
    """
    messages = receipt.messages
    if not messages or not isinstance(messages[-1].body, Verdict):
        raise BrokenLinkError(len(messages), "a receipt ends with a verdict")
    chain, verdict = messages[:-1], messages[-1].body
    identities = follow_chain(chain)
    if len(chain) < CHAIN.index(Execution):
        raise BrokenLinkError(len(chain), "no seat was given that a verdict could close")
    request, offer, matched = (
        _body(chain, 0, Request),
        _body(chain, 1, Offer),
        _body(chain, 2, Match),
    )
    last = len(chain)
    _require(last, verdict.last == identities[-1], "the verdict is on another message")
    _require(last, verdict.task == task_id(request.task), "the verdict is on another task")
    _require(last, verdict.worker == offer.worker, "the verdict is on another worker")
    _require(last, verdict.verifier == matched.verifier, "another verifier judged")
    _require(last, verdict.paid in (0, matched.price), "the verdict pays another price")
    _require(last, verdict.fined <= offer.pledge, "the fine exceeds the pledge")


def check_chain(chain: Sequence[Signed]) -> None:
    """Check the messages before the verdict: signatures, order, links, prices, opening.

    Args:
        chain: One to five messages, from the request on.

    Raises:
        ReceiptError: Something does not fit.
    """
    follow_chain(chain)
    for index, signed in enumerate(chain):
        _check_signature(index, signed)


def follow_chain(chain: Sequence[Signed]) -> list[bytes]:
    """Check everything about a chain but the signatures, and give the ids of its messages.

    Args:
        chain: One to five messages, from the request on.

    Raises:
        ReceiptError: The messages do not follow from each other.
    """
    if not 1 <= len(chain) < len(CHAIN):
        raise BrokenLinkError(len(chain), "a chain has one to five messages and a verdict")
    for i, (signed, kind) in enumerate(zip(chain, CHAIN, strict=False)):
        _require(i, isinstance(signed.body, kind), f"a {kind.__name__.lower()} should stand here")
    identities = [message_id(signed.body) for signed in chain]
    for link in _LINKS[: len(chain) - 1]:
        link(chain, identities)
    return identities


def _link_offer(chain: Sequence[Signed], identities: Sequence[bytes]) -> None:
    request, offer = _body(chain, 0, Request), _body(chain, 1, Offer)
    _require(1, offer.request == identities[0], "the offer is on another request")
    _require(1, offer.pledge >= request.task.pledge, "the offer pledges too little")


def _link_match(chain: Sequence[Signed], identities: Sequence[bytes]) -> None:
    request, offer, matched = (
        _body(chain, 0, Request),
        _body(chain, 1, Offer),
        _body(chain, 2, Match),
    )
    _require(2, matched.offer == identities[1], "the match is of another offer")
    _require(2, matched.verifier == request.task.verifier, "another verifier matched")
    _require(2, matched.price >= offer.ask, "the price is less than the worker asked")
    _require(2, matched.price <= request.task.price_max, "the price is over the task's limit")
    _require(2, matched.commit_by_ms <= matched.reveal_by_ms, "the deadlines are reversed")


def _link_execution(chain: Sequence[Signed], identities: Sequence[bytes]) -> None:
    offer, execution = _body(chain, 1, Offer), _body(chain, 3, Execution)
    _require(3, execution.match == identities[2], "the execution is of another match")
    _require(3, execution.worker == offer.worker, "another worker executed")


def _link_result(chain: Sequence[Signed], identities: Sequence[bytes]) -> None:
    request, execution = _body(chain, 0, Request), _body(chain, 3, Execution)
    result, task = _body(chain, 4, Result), _body(chain, 0, Request).task
    _require(4, result.execution == identities[3], "the result is of another execution")
    _require(4, result.worker == execution.worker, "another worker opened")
    opened = quorum.commit(task_id(request.task), result.worker, result.claim, result.salt)
    _require(4, opened == execution.commitment, "the commitment opens to something else")
    _require(4, result.claim.program == task.program, "the claim is about another program")
    _require(4, result.claim.inputs == task.inputs, "the claim is about other inputs")
    _require(4, result.claim.work <= task.work_limit, "the claim exceeds the work limit")
    _require(
        4, commit_output(result.answer) == result.claim.output, "the answer is not the claim's"
    )


_LINKS = (_link_offer, _link_match, _link_execution, _link_result)


def _check_signature(index: int, signed: Signed) -> None:
    try:
        check(signed)
    except NumenError as error:
        raise BadMessageError(index, str(error)) from error


def _body(chain: Sequence[Signed], index: int, kind: type[B]) -> B:
    body = chain[index].body
    assert isinstance(body, kind)
    return body


def _require(index: int, holds: bool, reason: str) -> None:
    if not holds:
        raise BrokenLinkError(index, reason)
