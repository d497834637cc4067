"""Blocks and receipts on disk, and where in them anything is that has an id.

Records of a `KV`, by their first bytes:

    lb height   a block
    lr height   what became of its messages
    li id       where a block, transaction or message is; of a transaction also the ids of the
                requests that it began with
    lf height   the filter of a block's events, if it has any

Heights are 8 bytes. The last two are written with the block where a ledger is told to (`Ledger`).

What happens in a block without a transaction of it - timers, answers that did not come, messages
that had to wait - counts as its *wake*, one more transaction, which nobody signed.
"""

from collections import OrderedDict
from collections.abc import Iterator, Sequence
from collections.abc import Set as AbstractSet
from enum import Enum
from typing import Final

import msgspec

from numen.base.codec import decode
from numen.base.crypto import keccak256
from numen.evm.message import Log
from numen.evm.roots import logs_bloom
from numen.ledger.block import BLOCK_BYTES_MAX, Block, block_id, write_block
from numen.ledger.ethereum import Admit, admit
from numen.ledger.receipts import Receipt
from numen.ledger.state.kv import KV, Get
from numen.ledger.tree import SHOWN_MAX
from numen.ledger.wire import read_receipts, write_receipts

_BLOCK: Final = b"lb"
_RECEIPTS: Final = b"lr"
_PLACE: Final = b"li"
_FILTER: Final = b"lf"
_WAKE: Final = b"\x0cnumen/wake/1"

_ID_BYTES: Final = 32
_HEIGHT_BYTES: Final = 8
_INDEX_BYTES: Final = 4

HEIGHTS_MAX: Final = 16
"""Most heights whose receipts are kept in memory."""


class What(Enum):
    """What has an id; its value is written."""

    BLOCK = b"b"
    TRANSACTION = b"t"
    MESSAGE = b"m"


class Place(msgspec.Struct, frozen=True):
    """Where something is.

    Attributes:
        what: What it is.
        height: Of its block.
        index: Its place among the transactions, or receipts, of the block.
        begun: Ids of the requests of a transaction, in order.
    """

    what: What
    height: int
    index: int
    begun: tuple[bytes, ...] = ()


def kept(block: Block, receipts: tuple[Receipt, ...]) -> Iterator[tuple[bytes, bytes]]:
    """The records of a block."""
    height = block.header.height.to_bytes(_HEIGHT_BYTES, "big")
    yield _BLOCK + height, write_block(block)
    if receipts:
        yield _RECEIPTS + height, write_receipts(receipts)


def places(
    block: Block, receipts: Sequence[Receipt], get: Get, admit: Admit = admit
) -> Iterator[tuple[bytes, bytes]]:
    """The records of where things of a block are.

    Args:
        block: The block.
        receipts: What became of its messages.
        get: Gives what is kept already.
        admit: Reads transactions.

    Cost: that of the signatures of its transactions, unless they were read a moment ago.
    """
    header = block.header
    height = header.height
    yield _PLACE + block_id(header), _write(What.BLOCK, height, 0)
    ids = [admit(raw, header.chain).id for raw in block.transactions]
    begun: dict[bytes, list[bytes]] = {}
    for receipt in receipts:
        message = receipt.message
        if message.cause and message.cause == message.root:
            begun.setdefault(message.cause, []).append(message.id)
    for index, identity in enumerate(ids):
        requests = b"".join(begun.pop(identity, ()))
        yield _PLACE + identity, _write(What.TRANSACTION, height, index) + requests
    for identity, waited in begun.items():
        # Requests that had to wait belong to a transaction of an earlier block.
        earlier = get(_PLACE + identity) or b""
        if earlier[:1] == What.TRANSACTION.value:
            yield _PLACE + identity, earlier + b"".join(waited)
    woken = woken_of(set(ids), receipts)
    if woken:
        of_wake = _write(What.TRANSACTION, height, len(ids)) + b"".join(woken)
        yield _PLACE + wake_id(height), of_wake
    for index, receipt in enumerate(receipts):
        yield _PLACE + receipt.message.id, _write(What.MESSAGE, height, index)
    logs = [log for receipt in receipts for log in logs_of(receipt)]
    if logs:
        yield _FILTER + height.to_bytes(_HEIGHT_BYTES, "big"), logs_bloom(logs)


def wake_id(height: int) -> bytes:
    """By which the wake of a block is known; 32 bytes."""
    return keccak256(_WAKE, height.to_bytes(_HEIGHT_BYTES, "big"))


def woken_of(transactions: AbstractSet[bytes], receipts: Sequence[Receipt]) -> tuple[bytes, ...]:
    """Ids of the messages that the wake of a block begins with.

    Args:
        transactions: Ids of those of the block.
        receipts: What became of its messages.
    """
    known = set(transactions)
    woken = []
    for receipt in receipts:
        message = receipt.message
        if message.cause not in known:
            woken.append(message.id)
        known.add(message.id)
    return tuple(woken)


def logs_of(receipt: Receipt) -> tuple[Log, ...]:
    """The events of a delivery as logs of the contract that it was handed to."""
    target = receipt.message.target
    return tuple(Log(target, event.topics, event.data) for event in receipt.events)


def block_at(get: Get, height: int) -> Block | None:
    """A block; None where there is none of this height."""
    raw = raw_block_at(get, height)
    return decode(Block, raw, size_max=BLOCK_BYTES_MAX) if raw else None


def raw_block_at(get: Get, height: int) -> bytes:
    """The bytes of a block; empty where there is none of this height."""
    return get(_BLOCK + height.to_bytes(_HEIGHT_BYTES, "big")) or b""


def receipts_at(get: Get, height: int) -> tuple[Receipt, ...]:
    """What became of the messages of a block; nothing where there is none."""
    raw = get(_RECEIPTS + height.to_bytes(_HEIGHT_BYTES, "big"))
    return read_receipts(raw) if raw else ()


class Archive:
    """What happened on a ledger, by height and by id; also a `tree.Archive`.

    Args:
        kv: Where it lies.
    """

    def __init__(self, kv: KV) -> None:
        self._kv = kv
        self._receipts: OrderedDict[int, tuple[Receipt, ...]] = OrderedDict()

    def block(self, height: int) -> Block | None:
        """A block; None where there is none of this height."""
        return block_at(self._kv.get, height)

    def receipts(self, height: int) -> tuple[Receipt, ...]:
        """What became of the messages of a block; nothing where there is none."""
        found = self._receipts.get(height)
        if found is None:
            found = receipts_at(self._kv.get, height)
            if not found:
                return ()
            self._receipts[height] = found
            if len(self._receipts) > HEIGHTS_MAX:
                self._receipts.popitem(last=False)
        return found

    def place(self, identity: bytes) -> Place | None:
        """Where something is; None where nothing has this id."""
        raw = self._kv.get(_PLACE + identity) if len(identity) == _ID_BYTES else None
        return _read(raw) if raw else None

    def receipt(self, identity: bytes) -> Receipt | None:
        """What became of a message; None if it is not known, or not handed over yet."""
        place = self.place(identity)
        if place is None or place.what is not What.MESSAGE:
            return None
        return self.receipts(place.height)[place.index]

    def begun(self, identity: bytes) -> Sequence[bytes]:
        """Ids of the requests of a transaction, in order; nothing where it is not known."""
        place = self.place(identity)
        return place.begun if place is not None else ()

    def filters(self, first: int, last: int) -> Iterator[tuple[int, int]]:
        """Heights of a range whose blocks have events, and their filters as numbers."""
        after = _FILTER + (max(first, 1) - 1).to_bytes(_HEIGHT_BYTES, "big")
        for key, value in self._kv.scan(_FILTER, after):
            height = int.from_bytes(key[len(_FILTER) :], "big")
            if height > last:
                return
            yield height, int.from_bytes(value, "big")

    def beginning(self, prefix: str) -> Sequence[bytes]:
        """Some ids of messages and transactions whose hexadecimal digits begin like this."""
        whole = bytes.fromhex(prefix[: len(prefix) & ~1])
        found: list[bytes] = []
        for key, value in self._kv.scan(_PLACE + whole):
            identity = key[len(_PLACE) :]
            is_block = value[:1] == What.BLOCK.value
            if identity.hex().startswith(prefix) and not is_block:
                found.append(identity)
                if len(found) > SHOWN_MAX:
                    break
        return found


def _write(what: What, height: int, index: int) -> bytes:
    return what.value + height.to_bytes(_HEIGHT_BYTES, "big") + index.to_bytes(_INDEX_BYTES, "big")


def _read(raw: bytes) -> Place:
    at = 1 + _HEIGHT_BYTES
    behind = at + _INDEX_BYTES
    return Place(
        What(raw[:1]),
        int.from_bytes(raw[1:at], "big"),
        int.from_bytes(raw[at:behind], "big"),
        tuple(raw[i : i + _ID_BYTES] for i in range(behind, len(raw), _ID_BYTES)),
    )
