"""Carrying a block of the past out again, or a call that is in none, before somebody's eyes.

It begins from the state that the block began from, which versions still have, and comes to what the
block says, or it is not shown.
"""

from collections.abc import Callable, Mapping, Sequence

import msgspec

from numen.ir.host import PRIVATE_FROM
from numen.ledger.block import Block
from numen.ledger.cell import Cell
from numen.ledger.deliver import Handed, Moment, Services, deliver
from numen.ledger.ledger import Ledger, last_header
from numen.ledger.messages import Message
from numen.ledger.receipts import Receipt
from numen.ledger.rounds import Mail
from numen.ledger.state.past import Past
from numen.ledger.transactions import Admitted
from numen.ledger.world import World
from numen.node.ledger.calls import Moment as Seeing
from numen.node.ledger.calls import allowance, request_of
from numen.node.ledger.node import LedgerNode
from numen.node.simulate import Call
from numen.vm.codes import code_id
from numen.vm.host import Address, Delivery, Key, Outcome, Service, Slot, Slots

StandIn = Callable[[Message, bytes], Service | None]
"""Gives what runs a code for a message, of the bytes of the code; None for what always does."""


class Seen(msgspec.Struct, frozen=True):
    """A delivery to a contract.

    Attributes:
        message: What was handed over.
        read: Slots that it looked at, and what they held, but for private ones.
        outcome: What became of it.
    """

    message: Message
    read: Mapping[Key, Slot]
    outcome: Outcome


class Replayed(msgspec.Struct, frozen=True):
    """What was carried out again.

    Attributes:
        receipts: In the order of handing over.
        seen: Those of them that a contract was run for.
        world: What was before, and for a block what is behind it.
    """

    receipts: Sequence[Receipt]
    seen: Sequence[Seen]
    world: World


class _Recorder:
    """Slots that remember what was looked at."""

    def __init__(self, slots: Slots) -> None:
        self._slots = slots
        self.read: dict[Key, Slot] = {}

    @property
    def taken_back(self) -> int:
        return self._slots.taken_back

    def load(self, key: Key) -> Slot:
        found = self.read[key] = self._slots.load(key)
        return found


class _Watched:
    """A service before somebody's eyes."""

    def __init__(self, service: Service, message: Message, seen: list[Seen]) -> None:
        self._service, self._message, self._seen = service, message, seen

    def handle(self, delivery: Delivery, slots: Slots) -> Outcome:
        recorder = _Recorder(slots)
        outcome = self._service.handle(delivery, recorder)
        read = {
            key: value
            for key, value in recorder.read.items()
            if not delivery.has_keys or key < PRIVATE_FROM
        }
        self._seen.append(Seen(self._message, read, outcome))
        return outcome


class _Crew:
    """Hands messages over one after another, and takes down what contracts do."""

    def __init__(
        self,
        cells: Callable[[Address], Cell],
        services: Services,
        seen: list[Seen],
        stand_in: StandIn,
    ) -> None:
        self._cells, self._services = cells, services
        self._seen, self._stand_in = seen, stand_in

    def hand_over(self, mail: Sequence[Mail], moment: Moment) -> list[tuple[int, Handed]]:
        found = []
        for place, message in mail:
            services = self._watching(message)
            handed = deliver(self._cells(message.target), message, moment, services)
            if handed is not None:
                found.append((place, handed))
        return found

    def _watching(self, message: Message) -> Services:
        def services(digest: bytes) -> Service | None:
            found = self._services(digest)
            if found is None:
                return None
            return _Watched(self._stand_in(message, digest) or found, message, self._seen)

        return services

    def credit(self, coins: dict[Address, int]) -> None:
        for address, amount in coins.items():
            self._cells(address).credit(amount)


def _nobody(message: Message, code: bytes) -> None:
    """Let everything run as always."""


def block(node: LedgerNode, height: int, stand_in: StandIn = _nobody) -> Replayed:
    """Carry a block out again.

    Args:
        node: Which has it.
        height: Of the block, from 1 to that of the last.
        stand_in: What runs codes instead.

    Raises:
        BadBlockError: It does not come to what it did.
        UnknownVersionError: What it began with is not kept any more.
    """
    found = node.archive.block(height)
    assert found is not None
    admitted = [node.admit(raw, node.ledger.chain) for raw in found.transactions]
    before = node.archive.block(height - 1) if height > 1 else None
    world = _world(node, node.version_at(height - 1), before)
    ledger, seen = _ledger(node, world, admitted, stand_in)
    return Replayed(ledger.check(found).receipts, seen, world)


def call(node: LedgerNode, asked: Call, seeing: Seeing, stand_in: StandIn = _nobody) -> Replayed:
    """Carry out a call that is in no block, and all that follows from it.

    Args:
        node: Whom it is asked of.
        asked: The call.
        seeing: The block that it sees, and the state.
        stand_in: What runs codes instead.

    Raises:
        NoFundsError: The caller has not what it sends.
        TransactionError: No block would take it.
        UnknownVersionError: The state is not kept any more.
        UnsignedError: Something is private, and the caller is none of the node's accounts.
    """
    node.calls.check_caller(asked)
    height = seeing.height - (1 if seeing.version is None else 0)
    version = node.version_at(height)
    world = _world(node, version, node.archive.block(height) if height else None)
    request = request_of(asked, world.peek(asked.caller), node.ledger.chain, allowance(asked))
    ledger, seen = _ledger(node, world, [request], stand_in)
    return Replayed(ledger.attempt(request, seeing.time_ms).receipts, seen, world)


def _world(node: LedgerNode, version: int, last: Block | None) -> World:
    records = last_header(last.header if last is not None else None)
    past = Past(node.world.kv, node.world.state.tree, version, records)
    return World(past, keys=node.world.keys)


def _ledger(
    node: LedgerNode, world: World, admitted: Sequence[Admitted], stand_in: StandIn
) -> tuple[Ledger, list[Seen]]:
    published = {code_id(code): code for one in admitted for code in one.transaction.codes}
    seen: list[Seen] = []

    def of_code(message: Message, digest: bytes) -> Service | None:
        return stand_in(message, published.get(digest) or world.code(digest))

    def crew(cells: Callable[[Address], Cell], services: Services) -> _Crew:
        return _Crew(cells, services, seen, of_code)

    return Ledger(node.ledger.chain, world, admit=node.admit, hands=crew), seen
