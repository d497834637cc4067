"""What a node can show of final blocks: the blocks themselves, who held, who did not, who created.

Nothing is indexed for it. Which block took a nonce of an account is found in the versions of the
state, since a block is a version: the one before which the nonce was still to come.
"""

from collections.abc import Iterator
from typing import Final

from numen.base.codec import decode, encode
from numen.base.crypto import Address, SigningKey
from numen.base.errors import NumenError
from numen.ledger import looking
from numen.ledger.block import Block, block_id
from numen.ledger.deliver import Moment
from numen.ledger.ethereum import admit
from numen.ledger.handover import Handover
from numen.ledger.ledger import Ledger
from numen.ledger.order.certificate import Certificate
from numen.ledger.order.conflict import Settled, SignedRejection, reject, settle
from numen.ledger.order.creation import Creation, attest
from numen.ledger.penalty import losses_place
from numen.ledger.receipts import Fate
from numen.ledger.state.account import encode_account
from numen.ledger.state.errors import UnknownVersionError
from numen.ledger.state.kv import Writes
from numen.ledger.stored import about_place, charter_place
from numen.ledger.transactions import Admitted
from numen.ledger.world import World
from numen.node.replica.packet import (
    HANDOVERS_MAX,
    REASON_MAX,
    Created,
    Described,
    Finalized,
    Packet,
    Proposal,
    Seen,
    Shown,
    Taken,
    Unknown,
)
from numen.vm.host import Kind

FINALS_BYTES_MAX: Final = 4 << 20
"""Bytes after which an answer ends, with one block at least."""

APPLIED: Final = b"la"
_CERTIFICATE: Final = b"lc"
_DIFF: Final = b"ld"
"""Names of the node's records beside the ledger's: by height certificates, diffs, and which blocks
were applied and not carried out."""


def records(height: int, raw_diff: bytes, certificate: Certificate) -> Writes:
    """What is kept with a final block."""
    place = height.to_bytes(8, "big")
    return [(_CERTIFICATE + place, encode(certificate)), (_DIFF + place, raw_diff)]


def finals(ledger: Ledger, world: World, start: int, limit: int) -> tuple[Packet, ...]:
    """Up to ``limit`` final blocks from a height on, with all that is needed to apply them."""
    return tuple(_finals(ledger, world, start, limit))


def _finals(ledger: Ledger, world: World, start: int, limit: int) -> Iterator[Packet]:
    size, first = 0, max(start, 1)
    for height in range(first, min(first + limit, ledger.height + 1)):
        block = ledger.raw_block(height)
        diff = world.record(_DIFF + height.to_bytes(8, "big"))
        certificate = certificate_of(world, height)
        if not block or certificate is None:
            return
        yield Finalized(Proposal(block, diff), certificate)
        size += len(block) + len(diff)
        if size >= FINALS_BYTES_MAX:
            return


def end(
    ledger: Ledger, world: World, raw: bytes, admitted: Admitted, key: SigningKey
) -> Settled | SignedRejection | None:
    """Why a transaction holds, or why it does not; None where that is open, or no longer known."""
    height = _taken_at(ledger, world, admitted.sender, admitted.transaction.nonce)
    block = ledger.block(height) if height else None
    certificate = certificate_of(world, height)
    if block is None or certificate is None:
        return None
    index, winner = _of(block, admitted, ledger.chain)
    settled = settle(block, index, certificate)
    return (
        settled
        if winner.id == admitted.id
        else reject(raw, block.transactions[index], settled, key)
    )


def creation(
    ledger: Ledger, world: World, contract: Address, height: int, key: SigningKey
) -> Packet:
    """Attest that a contract was created in a block, if this node carried that block out."""
    is_here = any(
        receipt.message.kind is Kind.CREATE
        and receipt.message.target == contract
        and receipt.fate is Fate.DONE
        for receipt in ledger.receipts(height)
    )
    block = ledger.block(height) if is_here else None
    if block is None:
        return Unknown(contract, height)
    header = block.header
    code = world.last(contract).code
    made = Creation(ledger.chain, contract, code, height, block_id(header), header.state)
    try:
        return Created(attest(made, world.state, _version(ledger, world, height), key))
    except UnknownVersionError:
        return Unknown(contract, height)


def holding(ledger: Ledger, world: World, address: Address) -> Packet:
    """What an address has after the last final block, and why."""
    account, opening = world.state.open_account(address)
    block = ledger.block(ledger.height)
    header = block.header if block is not None else None
    certificate = certificate_of(world, ledger.height)
    return Shown(address, encode_account(account) or b"", opening, header, certificate)


def taken(ledger: Ledger, world: World, known: int) -> tuple[Packet, ...]:
    """Which bonds were taken behind so many that somebody knows, as far as one packet shows it."""
    stakes = world.stakes()
    losses = stakes.losses[known:] if stakes is not None else ()
    heights = [*dict.fromkeys(loss.height for loss in losses), ledger.height][:HANDOVERS_MAX]
    try:
        shown = [_handover(ledger, world, height) for height in dict.fromkeys(heights)]
    except UnknownVersionError:
        shown = []
    return (Taken(tuple(each for each in shown if each is not None)),)


def _handover(ledger: Ledger, world: World, height: int) -> Handover | None:
    block, certificate = ledger.block(height), certificate_of(world, height)
    if block is None or certificate is None:
        return None
    version = _version(ledger, world, height)
    raw, opening = world.state.open_slot(*losses_place(), version)
    return Handover(raw, opening, block.header, certificate)


def description(ledger: Ledger, world: World, contract: Address) -> Packet:
    """What a contract is after the last final block, for which key it is asked, and why."""
    about, about_opening = world.state.open_slot(*about_place(contract))
    charter, charter_opening = world.state.open_slot(*charter_place(contract))
    block = ledger.block(ledger.height)
    header = block.header if block is not None else None
    code = world.code(world.last(contract).code)
    return Described(
        contract, code, about, about_opening, charter, charter_opening, header,
        certificate_of(world, ledger.height),
    )  # fmt: skip


def seen(ledger: Ledger, world: World, contract: Address, question: bytes, fresh: bytes) -> Packet:
    """Answer a signed view call, of the last final block.

    Args:
        ledger: The ledger.
        world: Its state, and the keys that there are.
        contract: Who is asked.
        question: As `numen.ledger.looking.ask` gives it.
        fresh: 32 bytes of randomness.
    """
    moment = Moment(ledger.height, ledger.time_ms, 0)
    try:
        return Seen(
            contract, looking.answer(question, contract, looking.Settled(world), moment, fresh), ""
        )
    except NumenError as error:
        return Seen(contract, b"", error.message[:REASON_MAX])


def _taken_at(ledger: Ledger, world: World, sender: Address, nonce: int) -> int:
    """Height of the block with a transaction of an account; 0 where it has none, or is pruned."""
    if world.last(sender).nonce <= nonce:
        return 0

    def is_taken_after(height: int) -> bool:
        return world.state.account(sender, _version(ledger, world, height)).nonce > nonce

    low, high = 1, ledger.height
    try:
        if not is_taken_after(high - 1):  # mostly it was just taken
            return high
        if is_taken_after(0):
            return 0
        while low < high:
            middle = (low + high) // 2
            low, high = (low, middle) if is_taken_after(middle) else (middle + 1, high)
    except UnknownVersionError:
        return 0
    return high


def _version(ledger: Ledger, world: World, height: int) -> int:
    """Number of the state's version after a block."""
    return world.state.tree.version - (ledger.height - height)


def _of(block: Block, admitted: Admitted, chain: int) -> tuple[int, Admitted]:
    """A block's transaction of the same account with the same nonce, and its place."""
    for index, raw in enumerate(block.transactions):
        found = admit(raw, chain)
        place = (found.sender, found.transaction.nonce)
        if place == (admitted.sender, admitted.transaction.nonce):
            return index, found
    msg = "a nonce rises by a transaction"
    raise AssertionError(msg)


def certificate_of(world: World, height: int) -> Certificate | None:
    """Why a block is final; None where it is not here."""
    raw = world.record(_CERTIFICATE + height.to_bytes(8, "big"))
    return decode(Certificate, raw) if raw else None
