"""How messages, contracts and openings are written for a client."""

from collections.abc import Sequence

import msgspec

from numen.evm.revert import decode_revert
from numen.lang.contracts.description import Description
from numen.ledger.messages import Message
from numen.ledger.receipts import Receipt
from numen.ledger.sealed.charter import Charter
from numen.ledger.state.opening import Opening
from numen.node.ledger.names import Names
from numen.node.rpc.shapes import Hex
from numen.node.rpc.values import data, word
from numen.vm.host import Failure


class FailureShape(msgspec.Struct, rename="camel"):
    """Why a message was not carried out: a reason, the contract's error, and both for people."""

    reason: str
    data: Hex
    error: str
    detail: str


class EventShape(msgspec.Struct, rename="camel"):
    """What a contract told the world."""

    topics: list[Hex]
    data: Hex


class MessageShape(msgspec.Struct, rename="camel", kw_only=True):
    """A message, and what became of it; `state` is `queued` before it is handed over."""

    id: Hex
    kind: str
    sender: Hex = msgspec.field(name="from")
    to: Hex
    to_name: str
    sequence: Hex
    call: str
    payload: Hex
    value: Hex
    work: Hex
    price: Hex
    payer: Hex
    cause: Hex | None
    root: Hex | None
    subject: Hex | None
    deadline: Hex
    is_awaited: bool
    state: str
    block_number: Hex | None = None
    work_used: Hex | None = None
    result: Hex | None = None
    failure: FailureShape | None = None
    events: list[EventShape] = []
    sent: list[Hex] = []


class BranchShape(msgspec.Struct, rename="camel"):
    """A message in its tree: how many are above it, and a sentence about it."""

    depth: int
    said: str
    message: MessageShape


class TreeShape(msgspec.Struct, rename="camel"):
    """A tree of messages, causes first; whether that is all of it."""

    id: Hex
    branches: list[BranchShape]
    is_whole: bool


class EntryShape(msgspec.Struct, rename="camel"):
    """A way into a contract; a selector where it has one."""

    name: str
    role: str
    signature: str
    selector: Hex | None
    is_payable: bool
    is_async: bool
    takes_private: bool
    gives_private: bool


class CharterShape(msgspec.Struct, rename="camel"):
    """The keys of a private contract as anybody may know them: requests are sealed for `key`."""

    epoch: int
    key: Hex
    salt: Hex
    commitments: list[Hex]


class VariableShape(msgspec.Struct, rename="camel"):
    """A state variable, and its first slot."""

    name: str
    type: str
    slot: Hex


class WaitShape(msgspec.Struct, rename="camel"):
    """A place where a method waits, and the most work that goes on behind it; 0 for no bound."""

    method: str
    asks: str
    line: int
    work: int


class ContractShape(msgspec.Struct, rename="camel", kw_only=True):
    """A contract: which machine runs it, and what its compiler says of it."""

    address: Hex
    mode: str
    code_id: Hex
    balance: Hex
    timers: int
    awaits: int
    name: str = ""
    program_id: Hex | None = None
    entries: list[EntryShape] = []
    waits: list[WaitShape] = []
    storage: list[VariableShape] = []
    charter: CharterShape | None = None


class TurnShape(msgspec.Struct):
    """A node on a way: by which bit of the key it parts, and its other half."""

    bit: int
    other: Hex


class NeighbourShape(msgspec.Struct, rename="camel"):
    """The leaf where the way of an absent key ends."""

    key: Hex
    value_hash: Hex


class OpeningShape(msgspec.Struct):
    """A way through the tree of the state."""

    turns: list[TurnShape]
    neighbour: NeighbourShape | None


class SlotOpeningShape(msgspec.Struct):
    """A slot of a contract, and what shows it."""

    key: Hex
    value: Hex
    opening: OpeningShape


class StateProofShape(msgspec.Struct, rename="camel", kw_only=True):
    """What an address has under a root, and what shows it."""

    address: Hex
    state_root: Hex
    balance: Hex
    nonce: Hex
    sequence: Hex
    code_hash: Hex
    opening: OpeningShape
    slots: list[SlotOpeningShape]


def message(names: Names, found: Message) -> MessageShape:
    """Write a message that was not handed over yet."""
    return MessageShape(
        id=data(found.id),
        kind=found.kind.value,
        sender=data(found.source),
        to=data(found.target),
        to_name=names.name(found.target),
        sequence=hex(found.sequence),
        call=names.call(found),
        payload=data(found.payload),
        value=hex(found.value),
        work=hex(found.work),
        price=hex(found.price),
        payer=data(found.payer),
        cause=data(found.cause) if found.cause else None,
        root=data(found.root) if found.root else None,
        subject=data(found.subject) if found.subject else None,
        deadline=hex(found.deadline),
        is_awaited=found.is_awaited,
        state="queued",
    )


def receipt(names: Names, found: Receipt) -> MessageShape:
    """Write a message and what became of it."""
    shape = message(names, found.message)
    shape.state = found.fate.value
    shape.block_number = hex(found.height)
    shape.work_used = hex(found.work)
    shape.result = data(found.result)
    shape.failure = _failure(found.failure) if found.failure is not None else None
    shape.events = [
        EventShape([data(topic) for topic in event.topics], data(event.data))
        for event in found.events
    ]
    shape.sent = [data(each) for each in found.sent]
    return shape


def _failure(failure: Failure) -> FailureShape:
    said = decode_revert(failure.data).reason if failure.data else ""
    return FailureShape(failure.reason.value, data(failure.data), said, failure.detail)


def entries(description: Description) -> list[EntryShape]:
    """Write the ways into a contract."""
    return [
        EntryShape(
            entry.name,
            entry.role,
            entry.signature,
            data(entry.number.to_bytes(4, "big")) if entry.number >> 32 == 0 else None,
            entry.is_payable,
            entry.is_async,
            entry.takes_private,
            entry.gives_private,
        )
        for entry in description.entries
    ]


def charter(found: Charter) -> CharterShape:
    """Write a charter."""
    points = [data(point) for point in found.commitments]
    return CharterShape(found.epoch, data(found.mail), data(found.salt), points)


def variables(description: Description) -> list[VariableShape]:
    """Write the state variables of a contract."""
    return [VariableShape(each.name, each.type, word(each.slot)) for each in description.storage]


def waits(description: Description) -> list[WaitShape]:
    """Write where a contract waits."""
    kept = description.continuations
    return [WaitShape(each.method, each.asks, each.line, each.work) for each in kept]


def opening(found: Opening) -> OpeningShape:
    """Write an opening."""
    turns = [TurnShape(turn.bit, data(turn.other)) for turn in found.turns]
    near = found.neighbour
    shape = NeighbourShape(data(near.key), data(near.value_hash)) if near is not None else None
    return OpeningShape(turns, shape)


def slots(proved: Sequence[tuple[int, bytes, Opening]]) -> list[SlotOpeningShape]:
    """Write slots and their openings."""
    return [
        SlotOpeningShape(word(key), data(value), opening(shown)) for key, value, shown in proved
    ]
