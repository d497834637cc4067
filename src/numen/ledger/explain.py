"""Why messages went as they did, in sentences: the rule, the numbers, and the way out."""

from collections.abc import Callable, Iterator
from typing import Final

from numen.ledger import tariff
from numen.ledger.failures import FailureError, decode_failure
from numen.ledger.messages import NOBODY, Message
from numen.ledger.receipts import Fate, Receipt
from numen.ledger.tree import Archive, causes, tree
from numen.vm.host import Failure, Kind, Reason

_SHORT: Final = 8

_WAYS_OUT: Final = {
    Reason.REVERTED: "the contract refused; its error says why",
    Reason.TRAPPED: "a check of the program failed; run it with these arguments to see where",
    Reason.OUT_OF_WORK: "send it with more work",
    Reason.ABSENT: "see whether the address and the message are right",
    Reason.LATE: "give it a later deadline, or send it when fewer messages wait",
    Reason.UNPAID: "send less, or send coins along",
    Reason.TOO_LARGE: "do it in several messages",
    Reason.CONFLICT: "send it again, when fewer others change the same",
}

Namer = Callable[[bytes], str]
"""Gives the name that people call an address by."""

Caller = Callable[[Message], str]
"""Gives a request as a person would write it, such as ``transfer(0xab…, 5)``."""


def short(identity: bytes) -> str:
    """The beginning of an id or address, for people."""
    return f"0x{identity.hex()[:_SHORT]}"


def payload(message: Message) -> str:
    """What a message carries, where nobody knows better."""
    if message.kind in (Kind.REPLY, Kind.BOUNCE):
        return f"about {short(message.subject)}"
    return f"0x{message.payload[:4].hex()}" if message.payload else "coins"


def explain(
    record: Archive, identity: bytes, name: Namer = short, call: Caller = payload
) -> Iterator[str]:
    """Draw the tree of a message or transaction, a line each.

    Args:
        record: What happened.
        identity: Of the message or transaction.
        name: How addresses are called.
        call: How payloads are shown.
    """
    for branch in tree(record, identity):
        yield f"{'  ' * branch.depth}{sentence(branch.receipt, name, call)}"


def why(
    record: Archive, identity: bytes, name: Namer = short, call: Caller = payload
) -> Iterator[str]:
    """Say how it came to a message, what became of it, and what to do about it."""
    chain = causes(record, identity)
    for depth, receipt in enumerate(chain):
        yield f"{'  ' * depth}{sentence(receipt, name, call)}"
    if chain:
        yield from _numbers(chain[-1])


def sentence(receipt: Receipt, name: Namer = short, call: Caller = payload) -> str:
    """What became of a message, in a line."""
    message = receipt.message
    source = "the ledger" if message.source == NOBODY else name(message.source)
    coins = f" with {message.value} coins" if message.value else ""
    return (
        f"{short(message.id)} {message.kind.value} {source} -> {name(message.target)} "
        f"{call(message)}{coins}: {_end(receipt)}"
    )


def _end(receipt: Receipt) -> str:
    work = f"{receipt.work} units of work"
    match receipt.fate:
        case Fate.DONE:
            return f"done, {work}"
        case Fate.WAITS:
            return f"waits for an answer, {work}"
        case Fate.STALE:
            return "came when nobody waited any more"
        case Fate.FAILED:
            assert receipt.failure is not None
            return f"failed, {_failure(receipt.failure)}, {work}"


def _failure(failure: Failure) -> str:
    return f"{failure.reason.value} ({failure.detail})" if failure.detail else failure.reason.value


def _numbers(receipt: Receipt) -> Iterator[str]:
    message = receipt.message
    yield (
        f"handed over in block {receipt.height}, message {message.sequence} of its pair, "
        f"{message.work} units of work at {message.price} coins came with it"
    )
    if message.kind is Kind.BOUNCE:
        yield f"it bounced: {_bounced(message)}"
    if receipt.fate is Fate.STALE:
        yield "an answer after the deadline of its request is dropped; the waiting ended before"
    if receipt.failure is not None:
        if receipt.failure.reason is Reason.OUT_OF_WORK:
            yield f"handing over alone takes {tariff.DELIVERY_WORK} units"
        if receipt.failure.reason is Reason.LATE:
            yield f"its deadline was block {message.deadline}"
        yield f"what to do: {_WAYS_OUT[receipt.failure.reason]}"


def _bounced(message: Message) -> str:
    try:
        return _failure(decode_failure(message.payload))
    except FailureError as error:
        return str(error)
