"""The ledger: blocks are made, checked, and change the state, whole or not at all.

LedgerError
├── BadBlockError        it does not follow, or is not what its header says
└── LateClockError       the clock stands before that of the last block

Whoever makes a block and whoever checks it carry out the same transactions and compare roots; who
has the block's diff applies it instead. What came of it is kept at once (`make`, `take`), or when
others agreed (`draft`, `check` or `adopt`, and then `keep`): until then a block can be abandoned.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Final, Protocol, TypeAlias

import msgspec

from numen.base.codec import decode, encode
from numen.base.crypto import BadSignatureError, SigningKey
from numen.base.errors import NumenError
from numen.ledger import archive, penalty, queue, tariff
from numen.ledger.block import (
    EVIDENCE_MAX,
    NO_BLOCK,
    TRANSACTIONS_MAX,
    Block,
    Header,
    block_id,
    has_own_body,
    is_signed_by_maker,
    receipts_root,
    seal,
    transactions_root,
)
from numen.ledger.cell import Account, Cell
from numen.ledger.deliver import Moment, Services
from numen.ledger.due import note_due, wake_ups
from numen.ledger.ethereum import Admit, admit
from numen.ledger.lanes import Lanes
from numen.ledger.messages import NOBODY
from numen.ledger.penalty import PenaltyError
from numen.ledger.receipts import Receipt
from numen.ledger.rounds import Alone, Crew, Run, run
from numen.ledger.sealed.errors import MissingKeysError
from numen.ledger.stakes import Stakes
from numen.ledger.state.diff import Diff
from numen.ledger.state.errors import StateError
from numen.ledger.state.kv import Writes
from numen.ledger.transactions import (
    Admitted,
    Begun,
    RefusedError,
    TransactionError,
    begin,
    identities,
    publishing_fee,
    requests,
)
from numen.vm.host import Address, Service

HEAD: Final = b"lh"
"""Name of the record of the last header."""

ATTEMPT_DELIVERIES_MAX: Final = 4_096
"""Most deliveries of an attempt."""


class LedgerError(NumenError):
    """Root of why a block is not taken."""


class BadBlockError(LedgerError):
    """A block that does not follow the last, or is not what its header says."""


class LateClockError(LedgerError):
    """A block is made later than the one before."""


class State(Protocol):
    """Where cells live, and the root that commits to them."""

    def cell(self, address: Address) -> Cell:
        """The cell of an address, which may change from now on."""
        ...

    def peek(self, address: Address) -> Account:
        """What an address has, for somebody who only looks."""
        ...

    def entrust(self, admitted: Admitted) -> None:
        """Have the keys of the contracts with private state that a transaction will create."""
        ...

    def publish(self, code: bytes) -> None:
        """Keep the code of a contract, by its digest."""
        ...

    def service(self, digest: bytes, lane: int = 0) -> Service | None:
        """A code ready to run, for one lane; None where nobody published it."""
        ...

    def stakes(self) -> Stakes | None:
        """Bonds, as the last block left them; None where nobody has one."""
        ...

    def root(self) -> bytes:
        """Commit to the cells as they are now; 32 bytes."""
        ...

    def diff(self) -> Diff:
        """What the present block changed so far."""
        ...

    def adopt(self, diff: Diff) -> None:
        """Let the present block be what a diff of somebody else says."""
        ...

    def settle(self, also: Writes = ()) -> Diff:
        """Keep what the present block changed with some records of the node, all or nothing."""
        ...

    def record(self, name: bytes) -> bytes:
        """A record that was kept beside the state; empty where there is none."""
        ...

    def abandon(self) -> None:
        """Forget what the present block changed."""
        ...


class Refusal(msgspec.Struct, frozen=True):
    """A transaction that was left out, and why.

    Attributes:
        index: Its place among those that were handed in.
        reason: One line.
    """

    index: int
    reason: str


class Made(msgspec.Struct, frozen=True):
    """A block that was made.

    Attributes:
        block: The block.
        receipts: What became of its messages; nothing where they were not handed over here.
        refused: Transactions that were left out.
        diff: What it changed.
    """

    block: Block
    receipts: tuple[Receipt, ...]
    refused: tuple[Refusal, ...]
    diff: Diff


class _Executed(msgspec.Struct, frozen=True):
    taken: tuple[bytes, ...]
    evidence: tuple[bytes, ...]
    refused: tuple[Refusal, ...]
    receipts: tuple[Receipt, ...]


Hands: TypeAlias = Callable[[Callable[[Address], Cell], Services], Crew]
"""Makes who hands messages over of what gives cells and codes."""


class Ledger:
    """A chain of blocks and the state after the last.

    Args:
        chain: Number of this ledger, in every transaction.
        state: Where cells live.
        lanes: Threads that read signatures and hand over messages; the outcome does not depend
            on them.
        is_indexed: Whether it is kept where blocks, transactions and messages are, by their ids.
        admit: Reads transactions.
        hands: Makes who hands messages over where there is one lane.

    Attributes:
        head: Digest of the last block.
        height: Of the last block, 0 before the first.
        time_ms: Of the last block.
    """

    def __init__(
        self,
        chain: int,
        state: State,
        lanes: int = 1,
        *,
        is_indexed: bool = False,
        admit: Admit = admit,
        hands: Hands = Alone,
    ) -> None:
        self.chain = chain
        self._admit, self._hands = admit, hands
        self._lanes = lanes
        self._is_indexed = is_indexed
        self._pool = ThreadPoolExecutor(lanes) if lanes > 1 else None
        self._state = state
        self.reread()

    def reread(self) -> None:
        """Begin from what is kept now: somebody put back what was there before."""
        raw = self._state.record(HEAD)
        last = decode(Header, raw) if raw else None
        self.head = block_id(last) if last is not None else NO_BLOCK
        self.height = last.height if last is not None else 0
        self.time_ms = last.time_ms if last is not None else 0

    @property
    def pending(self) -> int:
        """Messages that wait for the next block."""
        return queue.length(self._state.cell(NOBODY))

    def block(self, height: int) -> Block | None:
        """A block of this chain; None where it has none of this height."""
        return archive.block_at(self._state.record, height)

    def raw_block(self, height: int) -> bytes:
        """The bytes of a block of this chain; empty where it has none of this height."""
        return archive.raw_block_at(self._state.record, height)

    def receipts(self, height: int) -> tuple[Receipt, ...]:
        """What became of the messages of a block; nothing where there is none."""
        return archive.receipts_at(self._state.record, height)

    def make(
        self, transactions: Sequence[bytes], time_ms: int, price: int, key: SigningKey
    ) -> Made:
        """Make the next block, and keep it.

        Args:
            transactions: From anyone; what is not right, or not right now, is left out.
            time_ms: The present moment, later than that of the last block.
            price: Coins a unit of work, at least.
            key: Of the maker, who has the fees.

        Raises:
            LateClockError: The moment is not later.
        """
        made = self.draft(transactions, time_ms, price, key)
        with self._or_nothing():
            self.keep(made)
        return made

    def attempt(self, admitted: Admitted, time_ms: int) -> Run:
        """Find what would come of a transaction if it were the next; nothing of it stays.

        Nobody's signature is looked at, and the block has no price of its own. Messages that wait
        and timers that are due do not come before it.

        Args:
            admitted: The transaction.
            time_ms: Of the block, in milliseconds since 1970.

        Raises:
            TransactionError: It would not be carried out.
            MissingKeysError: It comes to a contract whose keys are not here.
        """
        moment = Moment(self.height + 1, time_ms, 0)
        try:
            self._state.entrust(admitted)
            begun = begin(self._state.cell(admitted.sender), admitted, moment)
            for code in admitted.transaction.codes:
                self._state.publish(code)
            first = requests(begun, moment)
            return run(self._crew(), first, moment, ATTEMPT_DELIVERIES_MAX)
        finally:
            self._state.abandon()

    def take(self, block: Block) -> Made:
        """Check a block from somebody else by carrying it out, and keep it.

        Raises:
            BadBlockError: Something is not as it should be; nothing has changed.
        """
        made = self.check(block)
        with self._or_nothing():
            self.keep(made)
        return made

    def draft(
        self, transactions: Sequence[bytes], time_ms: int, price: int, key: SigningKey,
        evidence: Sequence[bytes] = (),
    ) -> Made:  # fmt: skip
        """Make the next block without keeping it; as `make` otherwise.

        Of evidence against liars, as `numen.ledger.penalty` writes it, what takes no bond is left
        out.

        Raises:
            LateClockError: The moment is not later.
            MissingKeysError: It comes to a contract whose keys are not here.
        """
        if time_ms <= self.time_ms:
            raise LateClockError(f"{time_ms} ms is not after {self.time_ms} ms")
        moment = Moment(self.height + 1, time_ms, price)
        with self._or_nothing():
            chosen = transactions[:TRANSACTIONS_MAX], evidence[:EVIDENCE_MAX]
            done = self._execute(*chosen, moment, key.address, is_ours=True)
            header = self._header(done, moment, key.address)
        block = seal(header, done.taken, key, done.evidence)
        return Made(block, done.receipts, done.refused, self._state.diff())

    def check(self, block: Block) -> Made:
        """Carry out a block from somebody else without keeping it.

        Raises:
            MissingKeysError: It comes to a contract whose keys are not here: nothing is found out.
            BadBlockError: Something is not as it should be; nothing has changed.
        """
        header = block.header
        self._check_link(block)
        moment = Moment(header.height, header.time_ms, header.price)
        with self._or_nothing():
            try:
                done = self._execute(block.transactions, block.evidence, moment, header.maker)
            except PenaltyError as error:
                raise BadBlockError(error.message) from error
            if done.refused:
                refusal = done.refused[0]
                raise BadBlockError(f"transaction {refusal.index}: {refusal.reason}")
            _compare(header, self._header(done, moment, header.maker))
        return Made(block, done.receipts, (), self._state.diff())

    def adopt(self, block: Block, diff: Diff) -> Made:
        """Take over what a block changed without carrying it out, and without keeping it.

        That the maker signed the block, that it follows, and that the diff leads from the state
        here to the block's is checked, and so are the bonds that it takes; that it is what the
        transactions come to is not: whoever asks for this has a reason to believe it.

        Raises:
            BadBlockError: Something is not as it should be; nothing has changed.

        Cost: that of the diff, whatever was carried out to make it.
        """
        self._check_link(block)
        if not has_own_body(block):
            raise BadBlockError("its transactions are not those of its header")
        if diff.post_root != block.header.state:
            raise BadBlockError("the diff does not lead to its state")
        try:
            penalty.check_unseen(block, diff, self._state.stakes())
            self._state.adopt(diff)
        except (StateError, PenaltyError) as error:
            raise BadBlockError(str(error)) from error
        return Made(block, (), (), diff)

    def keep(self, made: Made, also: Writes = ()) -> None:
        """Keep the block that was drafted, checked or adopted last, at once and for good.

        Args:
            made: What came of that.
            also: Records of the node to be written in the same batch.

        Raises:
            StorageError: The disk refuses; nothing was written.
        """
        header = made.block.header
        name = block_id(header)
        writes = [*last_header(header).items(), *archive.kept(made.block, made.receipts)]
        if self._is_indexed:
            writes += archive.places(made.block, made.receipts, self._state.record, self._admit)
        settled = self._state.settle([*writes, *also])
        assert settled.post_root == header.state, "another block was carried out since"
        self.head, self.height, self.time_ms = name, header.height, header.time_ms

    def abandon(self) -> None:
        """Forget the block that was drafted, checked or adopted and not kept."""
        self._state.abandon()

    @contextmanager
    def _or_nothing(self) -> Iterator[None]:
        try:
            yield
        except BaseException:
            self._state.abandon()
            raise

    def _check_link(self, block: Block) -> None:
        header = block.header
        if header.chain != self.chain:
            raise BadBlockError(f"it is of ledger {header.chain}, and this is {self.chain}")
        if header.height != self.height + 1 or header.parent != self.head:
            raise BadBlockError(f"block {header.height} does not follow block {self.height}")
        if header.time_ms <= self.time_ms:
            raise BadBlockError(f"its time is not after {self.time_ms} ms")
        try:
            is_signed = is_signed_by_maker(block)
        except BadSignatureError as error:
            raise BadBlockError(str(error)) from error
        if not is_signed:
            raise BadBlockError("it is not signed by its maker")

    def _execute(
        self,
        transactions: Sequence[bytes],
        evidence: Sequence[bytes],
        moment: Moment,
        maker: Address,
        *,
        is_ours: bool = False,
    ) -> _Executed:
        cells = self._state.cell
        own = cells(NOBODY)
        stakes, height = self._state.stakes() if evidence else None, moment.height
        judged = penalty.sentence(evidence, stakes, self.chain, height, maker, is_ours=is_ours)
        if judged is not None:
            penalty.carry_out(judged, own, cells(maker))
        first = queue.take(own)
        first += wake_ups(own, cells, moment.height, moment.price, tariff.DUE_MAX)
        taken: list[bytes] = []
        refused: list[Refusal] = []
        begun: list[Begun] = []
        fees = 0
        for index, admitted in enumerate(self._read_all(transactions)):
            try:
                if isinstance(admitted, TransactionError):
                    raise admitted
                self._entrust(admitted, is_ours=is_ours)
                begun += begin(cells(admitted.sender), admitted, moment)
            except TransactionError as error:
                refused.append(Refusal(index, str(error)))
            else:
                taken.append(transactions[index])
                fees += publishing_fee(admitted.priced(moment.price))
                for code in admitted.transaction.codes:
                    self._state.publish(code)
        first += requests(begun, moment)
        done = run(self._crew(), first, moment, tariff.DELIVERIES_MAX)
        if fees + done.fees:
            cells(maker).credit(fees + done.fees)
        note_due(own, done.due, moment.height)
        queue.leave(own, done.left)
        punished = judged.taken if judged is not None else ()
        return _Executed(tuple(taken), punished, tuple(refused), done.receipts)

    def _entrust(self, admitted: Admitted, *, is_ours: bool) -> None:
        """Have the keys of what a transaction creates; what we make, we make without it."""
        try:
            self._state.entrust(admitted)
        except MissingKeysError as error:
            if is_ours:
                raise RefusedError(f"{error.message}: {error.hint}") from error
            raise

    def _crew(self) -> Crew:
        cells, service = self._state.cell, self._state.service
        if self._pool is None:
            return self._hands(cells, service)

        def services(lane: int) -> Services:
            return lambda digest: service(digest, lane)

        return Lanes(cells, services, self._pool, self._lanes)

    def _read_all(self, transactions: Sequence[bytes]) -> Iterable[Admitted | TransactionError]:
        # Recovering a signature lets go of Python's lock.
        each = self._pool.map if self._pool is not None else map
        return each(self._read, transactions, identities(transactions))

    def _read(self, raw: bytes, identity: bytes) -> Admitted | TransactionError:
        try:
            return self._admit(raw, self.chain, identity)
        except TransactionError as error:
            return error

    def _header(self, done: _Executed, moment: Moment, maker: Address) -> Header:
        return Header(
            self.chain,
            moment.height,
            self.head,
            moment.time_ms,
            moment.price,
            maker,
            transactions_root(done.taken, done.evidence),
            receipts_root(done.receipts),
            self._state.root(),
        )


def last_header(header: Header | None) -> dict[bytes, bytes | None]:
    """The record of the last header, None where there is no block."""
    return {HEAD: encode(header) if header is not None else None}


def _compare(claimed: Header, found: Header) -> None:
    for name in Header.__struct_fields__:
        if getattr(claimed, name) != getattr(found, name):
            raise BadBlockError(f"its {name} is not what its transactions come to")
