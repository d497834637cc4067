"""The record of a market on disk: its genesis, then its entries, each synced before it is told.

    RecordError       what is on disk is no record of a market

Kept in the embedded log of the ledger (`numen.ledger.order.embedded`), so a power cut takes nothing
that anybody was told of, and one process has it at a time.
"""

from pathlib import Path
from typing import Final

from numen.base.codec import CodecError, decode, encode
from numen.base.errors import NumenError
from numen.ledger.order.embedded import Embedded
from numen.ledger.order.sequencer import READ_MAX
from numen.ledger.order.sequencer import Entry as Written
from numen.market.events import Event
from numen.market.turn import Checker
from numen.node.market.replica import Entry, Genesis, Replica, ReplicaError
from numen.node.market.speech import MESSAGE_BYTES_MAX

_GENESIS: Final = "genesis"
_ENTRY: Final = "entry"


class RecordError(NumenError):
    """What is on disk is no record of a market."""


class Record:
    """A market on disk. Use `Record.open`.

    Attributes:
        replica: The market as it is.
        entries: Its entries, in order, as they are written on the wire.
    """

    def __init__(self, log: Embedded, replica: Replica) -> None:
        self._log = log
        self.replica = replica
        self.entries: list[bytes] = []

    @classmethod
    async def open(
        cls, path: Path, genesis: Genesis, checker: Checker
    ) -> "tuple[Record, list[Event]]":
        """Open a record, or begin one; all that happened so far is given too.

        Args:
            path: Of the file.
            genesis: What to begin with, if there is no record.
            checker: Checks proofs.

        Raises:
            RecordError: It is no record of a market, or of another hall's.
            BrokenLogError: Another process has it.
        """
        log = await Embedded.open(path)
        try:
            if await log.head() == 0:
                await log.append([Written(_GENESIS, encode(genesis))], {_GENESIS: 0})
            return await cls._read(log, genesis.hall, checker)
        except BaseException:
            await log.close()
            raise

    @classmethod
    async def _read(
        cls, log: Embedded, hall: bytes, checker: Checker
    ) -> "tuple[Record, list[Event]]":
        record: Record | None = None
        happened: list[Event] = []
        position = 1
        while records := await log.read(position, READ_MAX):
            for found in records:
                try:
                    if record is None:
                        record = cls(log, Replica(decode(Genesis, found.body), checker))
                    else:
                        happened += record._take(found.body)
                except (CodecError, ReplicaError) as error:
                    raise RecordError(f"entry {found.position} of the record: {error}") from error
            position = records[-1].position + 1
        assert record is not None
        if record.replica.genesis.hall != hall:
            raise RecordError(
                "the record is of another hall",
                hint="open it with the key that began it, or name another folder",
            )
        return record, happened

    async def write(self, entry: Entry) -> tuple[Event, ...]:
        """Write the next entry, and apply it once it is on disk.

        Raises:
            ReplicaError: It does not follow.
            OrderError: The disk refuses; nothing was told to anybody.
        """
        raw = encode(entry, size_max=MESSAGE_BYTES_MAX)
        await self._log.append([Written(_ENTRY, raw)], {})
        return self._take(raw)

    def batch(self, start: int, count_max: int, bytes_max: int) -> tuple[bytes, ...]:
        """Entries from some number on: one at least, and no more than fit."""
        size = 0
        taken: list[bytes] = []
        for raw in self.entries[start : start + count_max]:
            size += len(raw)
            if taken and size > bytes_max:
                break
            taken.append(raw)
        return tuple(taken)

    async def close(self) -> None:
        """Close the file."""
        await self._log.close()

    def _take(self, raw: bytes) -> tuple[Event, ...]:
        happened = self.replica.apply(decode(Entry, raw, size_max=MESSAGE_BYTES_MAX))
        self.entries.append(raw)
        return happened
