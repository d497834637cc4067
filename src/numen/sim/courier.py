"""A contract of the simulation: it passes letters on along their route, and counts what it got.

A letter names the stops that are left, one byte each, and goes to the next with what coins it has.
A courier that gets letters from another checks that none of them is missing or comes twice: their
numbers follow each other.
"""

from typing import Final

from numen.vm.host import Address, Delivery, Effect, Failure, Outcome, Reason, Send, Slots

CODE: Final = b"numen/sim/courier/1".ljust(32, b"\0")
"""The digest by which nodes know this service."""

COURIERS: Final[tuple[Address, ...]] = tuple(bytes([0xC0 + i]) * 20 for i in range(4))
"""Where they live."""

STOPS_MAX: Final = 6
"""Longest route."""

WORK: Final = 60_000
"""Work units that a letter needs for each stop it has."""

_SENT: Final = 1 << 200
_GOT: Final = 1 << 201
"""Slots from here on count letters to and from each courier."""


def letter(stops: bytes) -> bytes:
    """A letter that nobody has passed on yet; a stop is the index of a courier."""
    return b"\0" * 8 + stops


class Courier:
    """A service; see `numen.vm.host.Service`."""

    def handle(self, delivery: Delivery, slots: Slots) -> Outcome:
        """Take a letter, and pass it on if it has a stop left."""
        number, stops = delivery.payload[:8], delivery.payload[8:]
        if len(number) != 8 or len(stops) > STOPS_MAX or any(s >= len(COURIERS) for s in stops):
            return Outcome(work=10, failure=Failure(Reason.REVERTED, b"no letter"))
        writes = {0: slots.load(0) + 1}
        if delivery.sender in COURIERS:
            got = _GOT + COURIERS.index(delivery.sender)
            if slots.load(got) != int.from_bytes(number, "big"):
                return Outcome(work=10, failure=Failure(Reason.REVERTED, b"out of order"))
            writes[got] = slots.load(got) + 1
        effects: tuple[Effect, ...] = ()
        if stops:
            sent = _SENT + stops[0]
            count = slots.load(sent)
            writes[sent] = count + 1
            payload = count.to_bytes(8, "big") + stops[1:]
            to, work = COURIERS[stops[0]], WORK * len(stops)
            effects = (Send(to, delivery.value, payload, work),)
        return Outcome(writes=tuple(sorted(writes.items())), effects=effects, work=10)
