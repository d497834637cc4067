"""The record of a market on disk: its genesis, then its entries, each synced before it is told.

    RecordError       what is on disk is no record of a market

Kept in the embedded log of the ledger (`numen.ledger.order.embedded`), so a power cut takes nothing
that anybody was told of, and one process has it at a time.
"""

import asyncio
from pathlib import Path
from typing import Final

from numen.base.codec import CodecError, decode, encode
from numen.base.errors import NumenError
from numen.ledger.order.embedded import Embedded
from numen.ledger.order.sequencer import READ_MAX
from numen.ledger.order.sequencer import Entry as Written
from numen.market.events import Event
from numen.market.turn import Checker
from numen.node.market.clerk import Clerk
from numen.node.market.replica import Genesis, ReplicaError

_GENESIS: Final = "genesis"
_ENTRY: Final = "entry"


class RecordError(NumenError):
    """What is on disk is no record of a market."""


class Record:
    """A market on disk. Use `Record.open`.

    Attributes:
        clerk: Who orders it, with everything that is on the disk.
    """

    def __init__(self, log: Embedded, clerk: Clerk) -> None:
        self._log = log
        self._turn = asyncio.Lock()
        self.clerk = clerk

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
                        record = cls(log, Clerk(decode(Genesis, found.body), checker))
                    else:
                        happened += record.clerk.restore(found.body)
                except (CodecError, ReplicaError) as error:
                    raise RecordError(f"entry {found.position} of the record: {error}") from error
            position = records[-1].position + 1
        assert record is not None
        if record.clerk.replica.genesis.hall != hall:
            raise RecordError(
                "the record is of another hall",
                hint="open it with the key that began it, or name another folder",
            )
        return record, happened

    async def write(self) -> tuple[Event, ...]:
        """Put on the disk what the clerk wrote since, all of it; say what came of it.

        Raises:
            OrderError: The disk refuses; nothing was told to anybody.
        """
        async with self._turn:
            waiting = tuple(self.clerk.unwritten)
            if not waiting:
                return ()
            # Queued in order, and synced together.
            await asyncio.gather(*(self._log.append([Written(_ENTRY, raw)], {}) for raw in waiting))
            return self.clerk.written(len(waiting))

    async def close(self) -> None:
        """Close the file."""
        await self._log.close()


class NoProofs:
    """A `Checker` for markets that sell quorums only."""

    def check(self, task: object, claim: object, evidence: object) -> None:  # noqa: ARG002
        """Refuse every proof.

        Raises:
            RecordError: Always.
        """
        raise RecordError("this market takes no proofs")
