"""A node of a ledger on one machine: transactions come in, blocks are made and kept.

It is pure but for what it keeps in a `KV`: every request gives the time of day, and what it causes
for others is left as events. A transaction is on disk when `LedgerNode.submit` returns: in a block,
or among those that wait.

    EvmError
    └── WrongLedgerError    what is kept is another ledger
"""

from collections.abc import Callable, Iterable, Iterator
from typing import Any, Final

from numen.base.crypto import keccak256
from numen.base.errors import NumenError
from numen.evm.block import Block
from numen.evm.errors import EvmError
from numen.evm.header import Header
from numen.evm.invalid import InvalidTransactionError, Reason
from numen.evm.transaction import Transaction, decode
from numen.ledger import queue, unsigned
from numen.ledger.archive import Archive
from numen.ledger.block import TRANSACTIONS_MAX
from numen.ledger.block import Block as LedgerBlock
from numen.ledger.cell import Account
from numen.ledger.ethereum import FORK, Admit, admit
from numen.ledger.ledger import Ledger, Made
from numen.ledger.messages import NOBODY, Message
from numen.ledger.sealed.errors import MissingKeysError
from numen.ledger.state.kv import KV
from numen.ledger.state.scratch import ScratchKV
from numen.ledger.transactions import (
    MARK,
    BadTransactionError,
    RefusedError,
    TransactionError,
    cost,
)
from numen.ledger.world import World
from numen.node.blocks import Sealed, Signed
from numen.node.clock import Clock
from numen.node.filters import Filters, Kind
from numen.node.ledger import by_hand
from numen.node.ledger.calls import Calls, Moment
from numen.node.ledger.chain import WORK_MAX, LedgerChain, shown
from numen.node.ledger.names import Names
from numen.node.ledger.scratch import DurableError, Scratch
from numen.node.ledger.settings import Settings
from numen.node.pool import KnownError, Pool
from numen.node.simulate import Call
from numen.node.surface import Event, NoKeyError, SealedEvent, WaitingEvent

EVENTS_MAX: Final = 65_536
"""Most events that wait to be taken; with more, the oldest are lost."""

_CHAIN: Final = b"lc"
_WAITING: Final = b"lp"
"""Names of the node's records: the ledger's number, and transactions that wait, by id."""


class WrongLedgerError(EvmError):
    """What is kept is another ledger."""


class LedgerNode:
    """A ledger and everything around it; a `surface.Node`.

    Attributes:
        world: The state.
        ledger: What makes blocks of transactions.
        archive: What happened.
        chain: The blocks, as Ethereum's clients know them.
        calls: Calls that leave nothing behind.
        names: What people call contracts.
        admit: Reads transactions; in memory also those that nobody signed.
        pool: Transactions that wait.
        filters: What clients ask for piece by piece.
        keys: Keys by address.
        now_s: The time of day, as the present request gave it.
    """

    def __init__(self, kv: KV, settings: Settings, now_s: int) -> None:
        """Open a ledger, or begin one where nothing is kept.

        Raises:
            WrongLedgerError: Another ledger is kept there.
            StrongboxError: Keys of contracts are kept there that cannot be opened.
        """
        self.settings = settings
        self.keys = {key.address: key for key in settings.keys}
        self.filters = Filters()
        self._events: list[Event] = []
        self._open(kv, now_s)

    def _open(self, kv: KV, now_s: int) -> None:
        settings = self.settings
        self._kv, self.now_s = kv, now_s
        self._scratch = Scratch(kv, now_s) if isinstance(kv, ScratchKV) else None
        self.admit: Admit = unsigned.admit if self._scratch is not None else admit
        self._automine, self._interval_s = settings.automine, settings.interval_s
        self._check_chain()
        coins = ((address, Account(amount)) for address, amount in settings.accounts.items())
        self.world = World(kv, coins, keys=settings.keyring(kv), custodians=settings.custodians)
        self.ledger = Ledger(
            settings.chain_id, self.world, settings.lanes, is_indexed=True, admit=self.admit
        )
        self._older = self.world.state.tree.version - self.ledger.height
        self.names, self.pool = Names(self.world), Pool()
        self._show()
        self._fetch_waiting()

    def _show(self) -> None:
        """Show what is kept now, and remember nothing of it."""
        genesis = self.world.state.tree.at(self._older).root
        self.archive = Archive(self._kv)
        begun_s = self._scratch.begun_s if self._scratch is not None else 0
        self.chain = LedgerChain(
            self.ledger, self.archive, genesis, self.settings.price, self.admit, begun_s
        )
        self.calls = Calls(self.world, self.ledger, self.keys)

    def _check_chain(self) -> None:
        name = self.settings.chain_id.to_bytes(8, "big")
        found = self._kv.get(_CHAIN)
        if found is None:
            self._kv.commit([(_CHAIN, name)])
        elif found != name:
            number = int.from_bytes(found, "big")
            raise WrongLedgerError(
                f"what is kept is ledger {number}, not {self.settings.chain_id}",
                hint=f"say --chain-id {number}, or choose another folder",
            )

    def _fetch_waiting(self) -> None:
        """Let transactions wait again that waited when the node ended."""
        for _, raw in self._kv.scan(_WAITING):
            signed = self.read(raw)
            if signed.tx.nonce >= self.nonce(signed.sender):
                self.pool.add(signed)

    # --- what it shows ----------------------------------------------------------------------------

    @property
    def coinbase(self) -> bytes:
        """Who gets the fees."""
        return self.settings.maker.address

    @property
    def interval_s(self) -> int:
        """Seconds after which the next block comes by itself; 0 for none.

        Messages for which a block had no room have the next one soon.
        """
        return self._interval_s or int(self.ledger.pending > 0)

    @interval_s.setter
    def interval_s(self, seconds: int) -> None:
        _ = self.scratch
        self._interval_s = seconds

    @property
    def automine(self) -> bool:
        """Whether each transaction has a block at once."""
        return self._automine

    @automine.setter
    def automine(self, is_wanted: bool) -> None:
        _ = self.scratch
        self._automine = is_wanted

    @property
    def told(self) -> frozenset[Kind]:
        """What its clients can subscribe to."""
        return frozenset(Kind)

    def warm(self) -> None:
        """Nothing has to be made beforehand."""

    def take_events(self) -> list[Event]:
        """What has happened since the last time, for whoever listens."""
        events, self._events = self._events, []
        return events

    def _note(self, event: Event) -> None:
        self._events.append(event)
        del self._events[:-EVENTS_MAX]

    @property
    def next_ms(self) -> int:
        """The time that the next block would have, in milliseconds since 1970."""
        now_ms, last_ms = self.now_s * 1000, self.ledger.time_ms
        if self._scratch is not None:
            now_ms = self._scratch.time_ms(self.now_s, last_ms)
        return max(now_ms, last_ms + 1)

    def next_block(self) -> Block:
        """What the next block would be like if it were made now."""
        return Block(
            number=self.ledger.height + 1,
            timestamp=self.next_ms // 1000,
            coinbase=self.coinbase,
            gas_limit=WORK_MAX,
            base_fee=self.settings.price,
            chain_id=self.ledger.chain,
        )

    def open_block(self) -> Sealed:
        """The block that would be made now, without the transactions that wait."""
        header = Header(self.next_block(), self.chain.latest.hash, bytes(32))
        height = self.ledger.height
        return Sealed(header, (), b"", header.encode(FORK), height, height, 0)

    def nonce(self, address: bytes) -> int:
        """The next nonce of an account, as the last block left it."""
        return self.world.peek(address).nonce

    def next_nonce(self, address: bytes) -> int:
        """The same behind the transactions that wait."""
        return self.pool.next_nonce(address, self.nonce(address))

    def moment(self, sealed: Sealed) -> Moment:
        """What calls at a block see: at the last one, the next."""
        if sealed.number >= self.ledger.height:
            return Moment(None, self.ledger.height + 1, self.next_ms)
        return Moment(self.version(sealed), sealed.number, sealed.block.timestamp * 1000)

    def version(self, sealed: Sealed) -> int:
        """The version of the state after a block."""
        return self.version_at(sealed.number)

    def version_at(self, height: int) -> int:
        """The version of the state after the block of a height."""
        beside = self._scratch.versions_beside(height) if self._scratch is not None else 0
        return height + self._older + beside

    def queued(self) -> Iterator[Message]:
        """Messages for which the last block had no room, in order."""
        return queue.waiting(self.world.cell(NOBODY))

    def estimate(self, call: Call) -> int:
        """Work with which a request, and all that follows, ends as with all that there is.

        Raises:
            EvmError: There is none; see `Calls.estimate`.
            TransactionError: No block would take it.
        """
        return self.calls.estimate(call, self.next_ms)

    # --- transactions -----------------------------------------------------------------------------

    def read(self, raw: bytes) -> Signed:
        """Read a signed transaction from anyone, in Ethereum's form or the ledger's.

        Raises:
            InvalidTransactionError: It is none of Ethereum.
            BadTransactionError: It is none, or cannot be on a ledger.
        """
        try:
            admitted = admit(raw, self.ledger.chain)
            tx = shown(raw, admitted) if raw[:1] == MARK else decode(raw, FORK)
            return Signed(tx, admitted.sender, raw, admitted.id)
        except BadTransactionError as error:
            if isinstance(error.__cause__, InvalidTransactionError):
                raise error.__cause__ from None
            raise

    def sign(self, tx: Transaction, sender: bytes) -> Signed:
        """Sign with a key of the node, or impersonate.

        Raises:
            NoKeyError: There is no key, and nobody impersonates the sender.
        """
        key = self.keys.get(sender)
        if key is not None:
            return Signed.of(tx.sign(key), sender)
        if self._scratch is None or not self._scratch.may_act(sender):
            raise NoKeyError(sender)
        raw = unsigned.write(tx, sender)
        return Signed(tx, sender, raw, keccak256(raw), is_impersonated=True)

    def submit(self, signed: Signed) -> bytes:
        """Take a transaction, and make a block at once if that is wanted; gives its id.

        Raises:
            InvalidTransactionError: No block may have it, or not next.
            TransactionError: The same, of what only a ledger knows.
            MissingKeysError: It is for a contract whose keys are not here.
            PoolError: The pool does not take it.
            StorageError: The disk refuses.
        """
        self._check(signed)
        to = signed.tx.to
        if to is not None and self.world.is_locked(to):
            raise MissingKeysError(to)
        before = self.pool.of(signed.sender).get(signed.tx.nonce)
        self.pool.add(signed)
        self._note(WaitingEvent(signed))
        self.filters.note_waiting([signed.hash])
        if self._automine:
            self._mine_with(signed)
        if self.pool.get(signed.hash) is not None:
            replaced = [(_WAITING + before.hash, None)] if before is not None else []
            self._kv.commit([*replaced, (_WAITING + signed.hash, signed.raw)])
        return signed.hash

    def _mine_with(self, signed: Signed) -> None:
        try:
            refusals = self._mine()[1]
        except NumenError:  # whoever sent it is told, and it does not come back by itself
            self.pool.drop(signed.hash)
            raise
        if signed.hash in refusals:
            raise RefusedError(refusals[signed.hash])

    def _check(self, signed: Signed) -> None:
        """Refuse what no later block can have either."""
        if self.archive.place(signed.hash) is not None:
            raise KnownError
        tx, account = signed.tx, self.world.peek(signed.sender)
        if tx.nonce < account.nonce:
            detail = f"next nonce {account.nonce}, tx nonce {tx.nonce}"
            raise InvalidTransactionError(Reason.NONCE_MISMATCH_TOO_LOW, detail, field="nonce")
        if tx.gas_limit > WORK_MAX:
            detail = f"{tx.gas_limit} of {WORK_MAX}"
            raise InvalidTransactionError(Reason.GAS_ALLOWANCE_EXCEEDED, detail, field="gas")
        if tx.max_fee < self.settings.price:
            detail = f"maxFeePerGas: {tx.max_fee}, baseFee: {self.settings.price}"
            raise InvalidTransactionError(
                Reason.INSUFFICIENT_MAX_FEE_PER_GAS, detail, field="max_fee"
            )
        most = cost(self.admit(signed.raw, self.ledger.chain).transaction)
        if account.balance < most:
            raise InvalidTransactionError(
                Reason.INSUFFICIENT_ACCOUNT_FUNDS,
                f"balance {account.balance}, tx cost {most}",
                field="sender",
            )

    # --- blocks -----------------------------------------------------------------------------------

    def mine(self) -> Sealed:
        """Make a block of what waits."""
        return self._mine()[0]

    def _mine(self) -> tuple[Sealed, dict[bytes, str]]:
        price = self.settings.price
        ready = self.pool.ready(self.nonce, price)[:TRANSACTIONS_MAX]
        try:
            made = self._make(ready)
        except MissingKeysError:
            self._make_without(ready)
            raise
        refusals = {ready[refusal.index].hash: refusal.reason for refusal in made.refused}
        return self._end([each.hash for each in ready]), refusals

    def _make(self, ready: list[Signed]) -> Made:
        raws = [each.raw for each in ready]
        return self.ledger.make(raws, self.next_ms, self.settings.price, self.settings.maker)

    def _make_without(self, ready: list[Signed]) -> None:
        """Drop what comes to contracts whose keys are not here: no block of ours can have it."""
        for each in ready:
            try:
                self.ledger.attempt(self.admit(each.raw, self.ledger.chain), self.next_ms)
            except MissingKeysError:
                self._forget([each.hash])
            except TransactionError:  # not next, or not now
                continue

    def take(self, block: LedgerBlock) -> Made:
        """Check a block that another node made by carrying it out, and keep it.

        Raises:
            BadBlockError: Something is not as it should be; nothing has changed.
        """
        made = self.ledger.take(block)
        senders = {self.admit(raw, self.ledger.chain).sender for raw in block.transactions}
        self._end([
            each.hash
            for sender in senders
            for nonce, each in self.pool.of(sender).items()
            if nonce < self.nonce(sender)
        ])  # fmt: skip
        return made

    def _end(self, done: list[bytes]) -> Sealed:
        """Forget transactions that wait no more, and tell of the block."""
        self._forget(done)
        if self._scratch is not None:
            self._scratch.pass_block(self.now_s)
        sealed = self.chain.latest
        self._note(SealedEvent(sealed))
        return sealed

    def _forget(self, done: list[bytes]) -> None:
        dropped = [each for each in done if self.pool.drop(each) is not None]
        kept = [each for each in dropped if self._kv.get(_WAITING + each) is not None]
        if kept:
            self._kv.commit([(_WAITING + each, None) for each in kept])

    # --- what tests turn, where the ledger is kept in memory --------------------------------------

    @property
    def scratch(self) -> Scratch:
        """What may be turned.

        Raises:
            DurableError: Nothing: the ledger is kept on disk.
        """
        if self._scratch is None:
            raise DurableError
        return self._scratch

    @property
    def clock(self) -> Clock:
        """How far its time is from the time of day."""
        return self.scratch.clock

    @property
    def impersonated(self) -> set[bytes]:
        """Addresses that may send without a signature."""
        return self.scratch.impersonated

    @property
    def impersonates_all(self) -> bool:
        """Whether everybody may send without a signature."""
        return self.scratch.impersonates_all

    @impersonates_all.setter
    def impersonates_all(self, is_wanted: bool) -> None:
        self.scratch.impersonates_all = is_wanted

    def set_next_timestamp(self, timestamp: int) -> None:
        """Choose the next block's time, in seconds; as `surface.Played`."""
        self.scratch.choose_time(timestamp, self.ledger.time_ms)

    def drop(self, tx_hashes: Iterable[bytes]) -> list[bytes]:
        """Forget transactions that wait; gives those that did."""
        _ = self.scratch
        dropped = [each for each in tx_hashes if self.pool.drop(each) is not None]
        self._kv.commit([(_WAITING + each, None) for each in dropped])
        return dropped

    def snapshot(self) -> int:
        """Name the present; as `surface.Played`."""
        return self.scratch.snapshot(self.ledger.height, self.pool)

    def revert(self, to: int) -> bool:
        """Come back to a snapshot; as `surface.Played`."""
        kept = self.scratch.go_back(to)
        if kept is None:
            return False
        self.world.reread(self.settings.keyring(self._kv))
        self.ledger.reread()
        self.pool = kept.waiting
        self._show()
        self.filters.rewind(kept.height + 1)
        return True

    def reset(self, now_s: int) -> None:
        """Begin again."""
        _ = self.scratch
        self._open(ScratchKV(), now_s)
        self.filters.rewind(1)

    def set_balance(self, address: bytes, coins: int) -> None:
        """Give an account so many coins, outside of any block."""
        self._turn(by_hand.put, address, balance=coins)

    def set_nonce(self, address: bytes, nonce: int) -> None:
        """Give an account a nonce, outside of any block."""
        self._turn(by_hand.put, address, nonce=nonce)

    def set_code(self, address: bytes, code: bytes) -> None:
        """Put code at an address, outside of any block: bytecode, or the bytes of a code."""
        self._turn(by_hand.put_code, address, code)

    def set_storage(self, address: bytes, key: int, value: int) -> None:
        """Write a word of a contract's storage, outside of any block; as `eth_getStorageAt`."""
        self._turn(by_hand.put_word, address, key, value)

    def _turn(self, put: Callable[..., bool], *given: Any, **fields: Any) -> None:
        scratch = self.scratch
        if put(self.world, *given, **fields):
            scratch.beside.append(self.ledger.height)

    def balance(self, address: bytes) -> int:
        """Coins that an account has, as the last block left it."""
        return self.world.peek(address).balance
