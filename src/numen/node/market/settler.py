"""The settler: hands what a hall wrote down to the market's contract, in its order and at its time.

    SettleError       the ledger and the record of the hall contradict each other

What the contract is told follows from the record, and the contract counts what it was told. So a
hall that was killed reads its record, asks the ledger how far it is, and goes on from there; and
what arrives twice is refused. Nothing is told before it is on the hall's disk.
"""

import asyncio
import logging
from collections import deque
from pathlib import Path
from typing import Annotated, Final

import msgspec
from msgspec import Meta

from numen.base.crypto import SigningKey
from numen.base.errors import NumenError
from numen.market.coins import wallet
from numen.market.contracts.asks import Ask, asks, funded, granted, require_judgeable
from numen.market.contracts.books import address
from numen.market.events import Event
from numen.market.turn import Market
from numen.node.asking import NoAnswerError
from numen.node.market.clerk import Clerk
from numen.node.market.hall import Hall
from numen.node.market.onledger import Ask as AskNode
from numen.node.market.onledger import OnLedger, create, endow
from numen.node.market.replica import Entry, Granted, Marked, Replica, submission
from numen.proof.files import read_file, write_file

FILE: Final = "settlement.json"
"""Where a hall's folder says which contract is the market's."""

WAITING_MAX: Final = 1 << 16
"""Most messages that may wait for a ledger that is slower than the market, or away."""

RETRY_S: Final = 1.0
"""How long to wait before a ledger that does not answer is asked again."""

_FILE_BYTES_MAX: Final = 1 << 12
_LOG: Final = logging.getLogger("numen.market")


class SettleError(NumenError):
    """The ledger and the record of the hall contradict each other."""


class Settlement(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Where a market is settled.

    Attributes:
        market: Id of the market, hexadecimal.
        contract: Address of its contract, hexadecimal behind 0x.
    """

    market: Annotated[str, Meta(pattern="^[0-9a-f]{64}$")]
    contract: Annotated[str, Meta(pattern="^0x[0-9a-f]{40}$")]


class Waiting(msgspec.Struct, frozen=True):
    """What the contract is to be told.

    Attributes:
        ask: What.
        at_ms: When it happened, in the market's time.
        entry: Number of the entry that it follows from.
    """

    ask: Ask
    at_ms: int
    entry: int


class Settler:
    """Tells a contract what a hall writes down.

    Args:
        ask: Asks a node of the ledger.
        key: The hall's account, which pays for the messages.
        folder: The hall's.

    Attributes:
        contract: The market's contract; None before `open`.
        told: How much the contract was told.
    """

    def __init__(self, ask: AskNode, key: SigningKey, folder: Path) -> None:
        self.contract: OnLedger | None = None
        self.told = 0
        self._ask, self._key, self._folder = ask, key, folder
        self._waiting: deque[Waiting] = deque()

    @property
    def waits(self) -> int:
        """How much is to be told."""
        return len(self._waiting)

    async def open(self, clerk: Clerk) -> None:
        """Find the market's contract, or create it; watch the clerk from here on.

        Raises:
            SettleError: The contract is of another market or hall, or was told what nobody wrote;
                or the record begins with a snapshot, so that nobody knows what it was told.
            NumenError: The ledger cannot be asked.
        """
        genesis = clerk.replica.genesis
        if clerk.first:
            raise SettleError(
                "the record begins with a snapshot", hint="a market is on a ledger from its birth"
            )
        if not genesis.on_ledger:
            raise SettleError("the market was not born on a ledger")
        if genesis.treasury != self._key.address:
            raise SettleError("the treasury is not the hall's")
        self._waiting.append(Waiting(funded(genesis.treasury, genesis.supply), 0, -1))
        replay = Replica(genesis, clerk.replica.checker)
        replay.watch = self._watch
        for raw in clerk.entries:
            replay.read(raw)
        clerk.replica.watch, clerk.allows = self._watch, require_judgeable
        market = clerk.replica.market
        self.contract = await asyncio.to_thread(self._find, market, genesis.born_ms)
        await self._catch_up(market)

    def _watch(
        self, before: Market, entry: Entry, after: Market, happened: tuple[Event, ...]
    ) -> None:
        """Take note of an entry; raises `SettleError` where too much waits."""
        what = entry.what
        if isinstance(what, Marked):
            return
        if isinstance(what, Granted):
            coins = (market.coins.balance(wallet(what.to)) for market in (after, before))
            found = [granted(what.to, next(coins) - next(coins))]
        else:
            found = list(asks(before, after, submission(what), happened))
        self._waiting += [Waiting(ask, entry.at_ms, entry.number) for ask in found]
        if self.contract is not None and len(self._waiting) > WAITING_MAX:
            raise SettleError(f"{WAITING_MAX} messages wait for the ledger")

    def _find(self, market: Market, born_ms: int) -> OnLedger:
        if (self._folder / FILE).is_file():
            return OnLedger(self._ask, address(settlement(self._folder).contract))
        endow(self._ask, self._key.address)
        made = create(self._ask, self._key, market, born_ms)
        kept = Settlement(market.identity.hex(), f"0x{made.address.hex()}")
        write_file(self._folder / FILE, msgspec.json.encode(kept))
        return made

    async def _catch_up(self, market: Market) -> None:
        """Leave out what the contract was told before."""
        assert self.contract is not None
        state = await asyncio.to_thread(self.contract.view, "state")
        hall, identity, handed = address(state[0]), state[1].to_bytes(32, "big"), state[4]
        if (hall, identity) != (self._key.address, market.identity):
            raise SettleError("the contract is of another market, or of another hall")
        if not self.told <= handed <= self.told + len(self._waiting):
            raise SettleError(f"the contract was told {handed} things, which the record has not")
        while self.told < handed:
            self._waiting.popleft()
            self.told += 1

    async def run(self, hall: Hall) -> None:
        """Tell the contract everything, until it is cancelled.

        Raises:
            SettleError: The contract refuses what the record has.
        """

        def is_due() -> bool:
            return bool(self._waiting) and self._waiting[0].entry < hall.clerk.height

        while True:
            async with hall.grown:
                await hall.grown.wait_for(is_due)
            while is_due():
                await self._tell(hall.clerk.replica.market)

    async def _tell(self, market: Market) -> None:
        assert self.contract is not None
        ask, at_ms = self._waiting[0].ask, self._waiting[0].at_ms
        args = (ask.name, self.told, at_ms, *ask.args)
        try:
            await asyncio.to_thread(self.contract.send, self._key, *args, value=ask.value)
        except NoAnswerError as error:
            _LOG.warning("the ledger: %s", error)
            await asyncio.sleep(RETRY_S)
            try:
                await self._catch_up(market)
            except NoAnswerError:
                return  # the next message asks again
        except NumenError as error:
            message = f"message {self.told} ({ask.name}) to the contract: {error.message}"
            raise SettleError(message, hint=error.hint) from error
        else:
            self._waiting.popleft()
            self.told += 1


def settlement(folder: Path) -> Settlement:
    """Where the market of a hall's folder is settled.

    Raises:
        SettleError: The folder does not say.
    """
    raw = read_file(folder / FILE, size_max=_FILE_BYTES_MAX)
    try:
        return msgspec.json.decode(raw, type=Settlement)
    except msgspec.MsgspecError as error:
        raise SettleError(f"{folder / FILE} names no contract: {error}") from error
