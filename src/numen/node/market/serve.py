"""A hall as a process: its folder, its clock and its socket."""

import secrets
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final

from numen.base.crypto import SigningKey
from numen.base.eip712 import Domain
from numen.market import log
from numen.market.events import Event
from numen.net.channel import Transport, everybody
from numen.node.market.goods import Shelf
from numen.node.market.hall import Hall
from numen.node.market.place import Place
from numen.node.market.record import NoProofs, Record
from numen.node.market.replica import Genesis

SUPPLY: Final = 10**15
"""Coins of a new market."""

EVENTS: Final = "events.jsonl"
"""What happened, for `numen why --log`: a copy, which the record can always give again."""


def new_genesis(hall: bytes, grant: int, chain_id: int) -> Genesis:
    """What a new market begins with, the hall's account being its treasury."""
    contract = secrets.token_bytes(20)
    born_ms = time.time_ns() // 1_000_000
    return Genesis(Domain("Numen", "1", chain_id, contract), hall, hall, SUPPLY, grant, born_ms)


async def serve(
    folder: Path,
    key: SigningKey,
    transport: Transport,
    address: str,
    grant: int,
    chain_id: int,
    ready: Callable[[Place, Genesis], None],
    heard: Callable[[Sequence[Event]], None],
) -> None:
    """Open a hall and serve until it is cancelled.

    Args:
        folder: Where its record is; made if it is missing.
        key: Its account.
        transport: Its node.
        address: Where to listen.
        grant: Coins for each newcomer, where the market is new.
        chain_id: Of its tickets, where the market is new.
        ready: Told where members find it.
        heard: Told of everything that happens.

    Raises:
        RecordError: The folder has another hall's record.
        BrokenLogError: Another process has it.
        AddressError: Nobody can listen there.
    """
    folder.mkdir(parents=True, exist_ok=True)
    genesis = new_genesis(key.address, grant, chain_id)
    record, happened = await Record.open(folder / "record", genesis, NoProofs())
    try:
        with (folder / EVENTS).open("wb") as events:
            events.writelines(log.lines(0, {}, happened))
            events.flush()

            def note(new: Sequence[Event]) -> None:
                events.writelines(list(log.lines(0, {}, new))[1:])
                events.flush()
                heard(new)

            hall = Hall(record, Shelf(folder / "goods"), transport.node, key, note)
            listener = await transport.listen(address, everybody)
            try:
                ready(Place(listener.address, transport.node), record.clerk.replica.genesis)
                await hall.run(listener)
            finally:
                await listener.close()
    finally:
        await record.close()
