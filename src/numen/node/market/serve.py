"""A hall as a process: its folder, its clock and its socket."""

import asyncio
import contextlib
import os
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
from numen.node.market.notary import Notary
from numen.node.market.onledger import asker
from numen.node.market.place import Place
from numen.node.market.record import Record
from numen.node.market.replica import Genesis
from numen.node.market.settler import Settler

SUPPLY: Final = 10**15
"""Coins of a new market."""

EVENTS: Final = "events.jsonl"
"""What happened, for `numen why --log`: a copy, which the record can always give again."""


class _Events:
    """The file of events: cut to what a snapshot stands for, and written on from there."""

    def __init__(self, path: Path, told: int, heard: Callable[[Sequence[Event]], None]) -> None:
        self._heard = heard
        self._file = path.open("r+b" if path.exists() else "w+b")
        self._file.seek(0, os.SEEK_END)
        # Shorter than it was, it can only have been changed by hand: events are a copy.
        self._file.truncate(min(told, self._file.tell()))
        self._file.seek(0, os.SEEK_END)
        if self._file.tell() == 0:
            self._file.writelines(log.lines(0, {}, ()))

    def note(self, happened: Sequence[Event]) -> None:
        if happened:
            self._file.writelines(list(log.lines(0, {}, happened))[1:])
            self._file.flush()

    def add(self, happened: tuple[Event, ...]) -> None:
        self.note(happened)
        self._heard(happened)

    def sync(self) -> int:
        """See to it that all of it is on the disk; its bytes."""
        self._file.flush()
        os.fsync(self._file.fileno())
        return self._file.tell()

    def close(self) -> None:
        self._file.close()


def new_genesis(hall: bytes, grant: int, chain_id: int, *, on_ledger: bool) -> Genesis:
    """What a new market begins with, the hall's account being its treasury."""
    domain = Domain("Numen", "1", chain_id, secrets.token_bytes(20))
    born_ms = time.time_ns() // 1_000_000
    return Genesis(domain, hall, hall, SUPPLY, grant, born_ms, on_ledger)


async def serve(  # noqa: PLR0913, PLR0917 - what a person says to `numen market open`
    folder: Path,
    key: SigningKey,
    transport: Transport,
    address: str,
    grant: int,
    chain_id: int,
    ready: Callable[[Place, Hall], None],
    heard: Callable[[Sequence[Event]], None],
    ledger: str = "",
    *,
    is_closed: bool = False,
) -> None:
    """Open a hall and serve until it is cancelled.

    Args:
        folder: Where its record is; made if it is missing.
        key: Its account.
        transport: Its node.
        address: Where to listen.
        grant: Coins for each newcomer, where the market is new.
        chain_id: Of its tickets, where the market is new.
        ready: Told where members find it, once what happened before is in the file of events.
        heard: Told of everything that happens.
        ledger: A node of the ledger on which the market is settled; on none where it is empty.
        is_closed: Whether only nodes that are registered in the market have a channel.

    Raises:
        RecordError: The folder has another hall's record.
        BrokenLogError: Another process has it.
        AddressError: Nobody can listen there.
        SettleError: The ledger and the record contradict each other.
    """
    folder.mkdir(parents=True, exist_ok=True)
    genesis = new_genesis(key.address, grant, chain_id, on_ledger=bool(ledger))
    shelf = Shelf(folder / "goods")
    notary = Notary(shelf.get)
    record, happened = await Record.open(folder / "record", genesis, notary)
    try:
        with contextlib.closing(_Events(folder / EVENTS, record.told, heard)) as events:
            events.note(happened)
            settler = None
            if ledger:
                settler = Settler(asker(ledger), key, folder)
                await settler.open(record.clerk)
            kept = bool(settler)
            hall = Hall(record, shelf, notary, transport.node, key, events, keeps_all=kept)
            listener = await transport.listen(address, hall.knows if is_closed else everybody)
            try:
                ready(Place(listener.address, transport.node), hall)
                async with asyncio.TaskGroup() as group:
                    group.create_task(hall.run(listener))
                    if settler is not None:
                        group.create_task(settler.run(hall))
            finally:
                await listener.close()
    finally:
        await record.close()
