"""The development node: a chain, transactions that wait for it, keys, and what tests may turn.

It is pure: every request gives the time of day, and what it causes for others is left as events.
"""

from collections.abc import Callable, Iterable, Mapping
from typing import Final

import msgspec

from numen.base.crypto import SigningKey, keccak256
from numen.evm import validity
from numen.evm.block import Block
from numen.evm.header import Header
from numen.evm.invalid import InvalidTransactionError, Reason
from numen.evm.state import Account
from numen.evm.substate import Substate
from numen.evm.transaction import Kind, Transaction, decode
from numen.node import simulate
from numen.node.blocks import Included, Sealed, Signed, bytes_or
from numen.node.chain import Chain, Refused
from numen.node.clock import Clock
from numen.node.execution import Work, fill
from numen.node.filters import Filters
from numen.node.filters import Kind as Subject
from numen.node.pool import KnownError, Pool
from numen.node.sidecar import without_blobs
from numen.node.simulate import Call, Ground
from numen.node.sources import Changed
from numen.node.surface import (
    SNAPSHOTS_MAX,
    Event,
    NoKeyError,
    SealedEvent,
    TimestampError,
    TooManySnapshotsError,
    WaitingEvent,
)

EVENTS_MAX: Final = 65_536
"""Most events that wait to be taken; with more, the oldest are lost."""


class Next(msgspec.Struct):
    """What the next block is to have; None where it is to follow from its parent.

    Attributes:
        base_fee: Wei.
        prev_randao: A word.
    """

    base_fee: int | None = None
    prev_randao: int | None = None


class Snapshot(msgspec.Struct, frozen=True):
    """A moment to come back to."""

    number: int
    moment: int
    clock: Clock
    next: Next
    waiting: Pool


class Settings(msgspec.Struct, frozen=True):
    """How a development chain begins.

    Attributes:
        accounts: What there is from the beginning.
        keys: Of accounts that the node signs for.
        fork: Whose rules hold.
        chain_id: Number of the chain.
        engine: What runs code.
        gas_limit: Of every block.
        automine: Whether each transaction has a block at once.
        interval_s: Seconds from block to block; 0 for none by itself.
    """

    accounts: Mapping[bytes, Account]
    keys: tuple[SigningKey, ...] = ()
    fork: str = "prague"
    chain_id: int = 31337
    engine: str = "hot"
    gas_limit: int = 30_000_000
    automine: bool = True
    interval_s: int = 0


class DevNode:
    """A chain and everything around it.

    Attributes:
        chain: The blocks.
        pool: Transactions that wait.
        filters: What clients ask for piece by piece.
        clock: The chain's time.
        now_s: The time of day, as the present request gave it.
        automine: Whether each transaction has a block at once.
        interval_s: Seconds from block to block; 0 for none by itself.
        coinbase: Who gets the fees.
        gas_limit: Of the next blocks.
        next: What the next block is to have.
        keys: Keys by address.
        impersonated: Addresses that may send without a signature.
        impersonates_all: Whether everybody may.
    """

    def __init__(self, settings: Settings, now_s: int) -> None:
        self.settings = settings
        self.keys = {key.address: key for key in settings.keys}
        self.filters = Filters()
        self._events: list[Event] = []
        self.reset(now_s)

    def reset(self, now_s: int) -> None:
        """Begin again."""
        self.now_s = now_s
        given = self.settings
        self.chain = Chain(
            given.accounts,
            fork_name=given.fork,
            chain_id=given.chain_id,
            engine=given.engine,
            timestamp=now_s,
            gas_limit=given.gas_limit,
        )
        self.pool, self.clock, self.next = Pool(), Clock(), Next()
        self.automine, self.interval_s = given.automine, given.interval_s
        self.gas_limit = given.gas_limit
        self.coinbase = bytes(20)
        self.impersonated: set[bytes] = set()
        self.impersonates_all = False
        self._snapshots: dict[int, Snapshot] = {}
        self._snapshot_count = 0
        self._draft: tuple[Block, list[Included], Ground] | None = None
        self.filters.rewind(1)

    @property
    def told(self) -> frozenset[Subject]:
        """What its clients can subscribe to: everything but messages, which it has not."""
        return frozenset(Subject) - {Subject.MESSAGES}

    def warm(self) -> None:
        """Make the machine, so that the first call need not wait for it."""
        _ = self.chain.machine

    def take_events(self) -> list[Event]:
        """What has happened since the last time, for whoever listens."""
        events, self._events = self._events, []
        return events

    def _note(self, event: Event) -> None:
        self._events.append(event)
        del self._events[:-EVENTS_MAX]

    # --- blocks -----------------------------------------------------------------------------------

    def next_block(self) -> Block:
        """What code of the next block would see if it were sealed now."""
        timestamp = self.clock.peek(self.now_s, self.chain.latest.block.timestamp)
        return self._block_at(timestamp)

    def _block_at(self, timestamp: int) -> Block:
        return self.chain.next_block(
            timestamp,
            coinbase=self.coinbase,
            gas_limit=self.gas_limit,
            base_fee=self.next.base_fee,
            prev_randao=self.next.prev_randao,
        )

    def mine(self) -> Sealed:
        """Seal a block of what waits.

        Raises:
            TooManyBlocksError: The chain is as long as it may become.
        """
        return self._mine()[0]

    def _mine(self) -> tuple[Sealed, Refused]:
        parent = self.chain.latest.block
        block = self._block_at(self.clock.take(self.now_s, parent.timestamp))
        candidates = self.pool.ready(self.nonce, block.base_fee) if len(self.pool) else []
        sealed, refused = self.chain.mine(block, candidates)
        self.next, self._draft = Next(), None
        for each in sealed.included:
            self.pool.drop(each.signed.hash)
        for tx_hash in refused:
            self.pool.drop(tx_hash)
        self._note(SealedEvent(sealed))
        return sealed, refused

    def set_next_timestamp(self, timestamp: int) -> None:
        """Choose the next block's time.

        Raises:
            TimestampError: It is not later than the last block's.
        """
        last = self.chain.latest.block.timestamp
        if timestamp <= last:
            raise TimestampError(f"timestamp {timestamp} is not later than the last one, {last}")
        self.clock.next_s = timestamp

    def draft(self) -> tuple[Block, list[Included], Ground]:
        """The block that would be sealed now: what it sees, what is in it, and where calls run."""
        block = self.next_block()
        if self._draft is not None and self._draft[0] == block:
            return self._draft
        chain = self.chain
        if not len(self.pool):
            return block, [], Ground(chain.machine, block, self._words)
        machine = chain.machine_on(chain.state)
        work = Work(machine, block, chain.latest.hash)
        fill(work, self.pool.ready(self.nonce, block.base_fee))
        above = Changed(chain.state, self._words)
        above.put(machine.take_diff())
        ground = Ground(chain.machine_on(above), block, self._words)
        self._draft = block, work.included, ground
        return self._draft

    def open_block(self) -> Sealed:
        """The block that would be sealed now; it has no hash, and its roots are not worked out."""
        block, included, _ = self.draft()
        bloom = bytes_or(each.bloom for each in included)
        header = Header(
            block=block,
            parent_hash=self.chain.latest.hash,
            state_root=bytes(32),
            bloom=bloom.to_bytes(256, "big"),
            gas_used=included[-1].gas_after if included else 0,
            blob_gas_used=sum(each.receipt.blob_gas_used for each in included),
            excess_blob_gas=self.chain.next_excess(),
        )
        moment = self.chain.history.moment
        return Sealed(
            header, tuple(included), b"", header.encode(self.chain.fork), moment, moment, bloom
        )

    def estimate(self, call: Call) -> int:
        """The least gas limit with which a call succeeds behind the transactions that wait.

        Raises:
            RevertedError: It reverts with all the gas it may use.
            CallError: It fails with it, or its sender has not what it sends.
        """
        return simulate.estimate(self.draft()[2], call)

    def _words(self, address: bytes) -> Mapping[int, int]:
        return self.chain.state.accounts.get(address, _NOBODY).storage

    def ground(self, sealed: Sealed) -> Ground:
        """Where calls on the state after a block run; they see that block.

        Raises:
            UnknownBlockError: It is not kept any more.
        """
        moment = self.chain.moment_of(sealed)
        words = self.chain.history.at(moment).words
        return Ground(self.chain.machine_at(sealed), sealed.block, words)

    def change(self, change: Callable[[Substate], None]) -> None:
        """Change accounts by hand, outside of any block."""
        self.chain.change(change)
        self._draft = None

    def set_balance(self, address: bytes, coins: int) -> None:
        """Give an account so many wei, outside of any block."""
        self.change(lambda machine: machine.set_balance(address, coins))

    def set_nonce(self, address: bytes, nonce: int) -> None:
        """Give an account a nonce, outside of any block."""
        self.change(lambda machine: machine.set_nonce(address, nonce))

    def set_code(self, address: bytes, code: bytes) -> None:
        """Put code at an address, outside of any block."""
        self.change(lambda machine: machine.set_code(address, code))

    def set_storage(self, address: bytes, key: int, value: int) -> None:
        """Write a word of an account's storage, outside of any block."""
        self.change(lambda machine: machine.set_storage(address, key, value))

    # --- accounts ---------------------------------------------------------------------------------

    def balance(self, address: bytes) -> int:
        """Wei that an account has, as the last block left it."""
        return self.chain.state.accounts.get(address, _NOBODY).balance

    def nonce(self, address: bytes) -> int:
        """The next nonce of an account, as the last block left it."""
        return self.chain.state.accounts.get(address, _NOBODY).nonce

    def next_nonce(self, address: bytes) -> int:
        """The same behind the transactions that wait."""
        return self.pool.next_nonce(address, self.nonce(address))

    def may_impersonate(self, address: bytes) -> bool:
        """Whether an account may send without a signature."""
        return self.impersonates_all or address in self.impersonated

    # --- transactions -----------------------------------------------------------------------------

    def read(self, raw: bytes) -> Signed:
        """Read a signed transaction from anyone; blobs beside it are compared and forgotten.

        Raises:
            InvalidTransactionError: It is none.
        """
        payload = without_blobs(raw)
        tx = decode(payload, self.chain.fork)
        sender = tx.sender(self.chain.fork, self.chain.chain_id)
        return Signed(tx, sender, payload, keccak256(payload))

    def sign(self, tx: Transaction, sender: bytes) -> Signed:
        """Sign with a key of the node, or impersonate.

        Raises:
            NoKeyError: There is no key, and nobody impersonates the sender.
        """
        key = self.keys.get(sender)
        if key is not None:
            return Signed.of(tx.sign(key), sender)
        if self.may_impersonate(sender):
            return Signed.impersonated(tx, sender)
        raise NoKeyError(sender)

    def submit(self, signed: Signed) -> bytes:
        """Take a transaction, and seal a block at once if that is wanted; gives its hash.

        Raises:
            InvalidTransactionError: No block may have it, or not next.
            PoolError: The pool does not take it.
            GivenUpError: This machine cannot carry it out.
        """
        self._check(signed)
        self.pool.add(signed)
        self._draft = None
        self._note(WaitingEvent(signed))
        self.filters.note_waiting([signed.hash])
        if self.automine:
            refused = self._mine()[1]
            if signed.hash in refused:
                raise refused[signed.hash]
        return signed.hash

    def _check(self, signed: Signed) -> None:
        """Refuse what no later block can have either."""
        tx, chain = signed.tx, self.chain
        if chain.holding(signed.hash):
            raise KnownError
        validity.check_alone(tx, chain.fork)
        account = chain.state.accounts.get(signed.sender, _NOBODY)
        if tx.nonce < account.nonce:
            detail = f"next nonce {account.nonce}, tx nonce {tx.nonce}"
            raise InvalidTransactionError(Reason.NONCE_MISMATCH_TOO_LOW, detail, field="nonce")
        if tx.gas_limit > self.gas_limit:
            raise InvalidTransactionError(
                Reason.GAS_ALLOWANCE_EXCEEDED, f"{tx.gas_limit} of {self.gas_limit}", field="gas"
            )
        blob_gas = chain.fork.gas.blob * len(tx.blob_hashes)
        cost = tx.gas_limit * tx.max_fee + tx.value + blob_gas * tx.max_fee_per_blob_gas
        if account.balance < cost:
            raise InvalidTransactionError(
                Reason.INSUFFICIENT_ACCOUNT_FUNDS,
                f"balance {account.balance}, tx cost {cost}",
                field="sender",
            )
        if self.automine:
            self._check_next(tx)

    def _check_next(self, tx: Transaction) -> None:
        """Refuse what the next block cannot have, where it would come at once."""
        block = self.next_block()
        if tx.max_fee < block.base_fee:
            detail = f"maxFeePerGas: {tx.max_fee}, baseFee: {block.base_fee}"
            raise InvalidTransactionError(
                Reason.INSUFFICIENT_MAX_FEE_PER_GAS, detail, field="max_fee"
            )
        if tx.kind is Kind.BLOB and tx.max_fee_per_blob_gas < block.blob_base_fee:
            raise InvalidTransactionError(
                Reason.INSUFFICIENT_MAX_FEE_PER_BLOB_GAS, field="max_fee_per_blob_gas"
            )

    def drop(self, tx_hashes: Iterable[bytes]) -> list[bytes]:
        """Forget transactions that wait; gives those that did."""
        self._draft = None
        return [each for each in tx_hashes if self.pool.drop(each)]

    # --- coming back ------------------------------------------------------------------------------

    def snapshot(self) -> int:
        """Name the present, so that `revert` can come back to it.

        Raises:
            TooManySnapshotsError: There are too many.
        """
        if len(self._snapshots) >= SNAPSHOTS_MAX:
            raise TooManySnapshotsError
        number = self._snapshot_count
        self._snapshot_count += 1
        self._snapshots[number] = Snapshot(
            self.chain.latest.number,
            self.chain.history.moment,
            msgspec.structs.replace(self.clock),
            msgspec.structs.replace(self.next),
            self.pool.copy(),
        )
        return number

    def revert(self, to: int) -> bool:
        """Come back to a snapshot, which ends it and those after it; whether it was there.

        Raises:
            UnknownBlockError: Its state is not kept any more.
        """
        kept = self._snapshots.get(to)
        if kept is None:
            return False
        self.rewind(kept.number, kept.moment)
        self.clock, self.next, self.pool = kept.clock, kept.next, kept.waiting
        self._snapshots = {n: each for n, each in self._snapshots.items() if n < to}
        return True

    def rewind(self, number: int, moment: int) -> None:
        """Take away the blocks after one."""
        self.chain.rewind(number, moment)
        self.filters.rewind(number + 1)
        self._draft = None
        kept = self._snapshots.items()
        self._snapshots = {n: each for n, each in kept if each.moment <= moment}


_NOBODY: Final = Account()
