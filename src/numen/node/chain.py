"""The development chain: blocks, the accounts after each of them, and machines that run on these.

Nobody agrees on anything here, and nothing is found by work: a block is sealed when it is asked
for. Time comes in as an argument, chance follows from the parent's hash, so that the same requests
make the same chain.

    EvmError
    ├── UnknownBlockError    no such block, or its state is not kept any more
    └── TooManyBlocksError   the chain is as long as it may become
"""

from collections import OrderedDict
from collections.abc import Callable, Iterable, Mapping
from typing import Final

import msgspec

from numen.base.crypto import keccak256
from numen.evm import blobs, engines, fees, forks
from numen.evm.block import ZERO_ADDRESS, Block
from numen.evm.errors import EvmError
from numen.evm.state import Account, Source, State, StateDiff
from numen.evm.substate import Substate
from numen.node.blocks import Ancestors, Sealed, Signed, seal
from numen.node.execution import GivenUpError, Work, fill
from numen.node.history import History, View
from numen.node.logs import LogQuery

GAS_LIMIT: Final = 30_000_000
"""Of every block, unless it is chosen."""

FIRST_BASE_FEE: Final = 10**9
"""Wei; of the first block."""

BLOCKS_MAX: Final = 1_000_000
"""Most blocks of a chain."""

_MACHINES_MAX: Final = 4
"""Machines on older states that are kept; each has reserved memory."""

Refused = dict[bytes, EvmError]
"""Why transactions were refused, by hash."""


class UnknownBlockError(EvmError):
    """There is no such block, or its state is not kept any more."""


class TooManyBlocksError(EvmError):
    """The chain is as long as it may become."""


class Chain:
    """Blocks, and the accounts after the last one.

    Attributes:
        fork: Whose rules hold in every block.
        engine: A name in `engines.ENGINES`.
        state: The present accounts.
        history: The accounts at every moment.
        blocks: All blocks, by number.
    """

    def __init__(
        self,
        accounts: Mapping[bytes, Account],
        *,
        fork_name: str = "prague",
        chain_id: int = 31337,
        engine: str = "hot",
        timestamp: int = 0,
        gas_limit: int = GAS_LIMIT,
    ) -> None:
        """Start with a first block.

        Args:
            accounts: What there is from the beginning.
            fork_name: Whose rules hold.
            chain_id: Number of the chain.
            engine: What runs code.
            timestamp: Of the first block, in seconds since 1970.
            gas_limit: Of every block.

        Raises:
            UnknownForkError: There is no such fork.
        """
        self.fork = forks.fork(fork_name)
        self.engine = engine
        self.state = State(accounts)
        self.history = History(accounts)
        self._hashes: list[bytes] = []
        self._numbers: dict[bytes, int] = {}
        self._places: dict[bytes, tuple[int, int]] = {}
        self._machine: Substate | None = None
        self._older: OrderedDict[int, Substate] = OrderedDict()
        first = Block(
            number=0,
            timestamp=timestamp,
            gas_limit=gas_limit,
            base_fee=FIRST_BASE_FEE if self.fork.has_dynamic_fee else 0,
            chain_id=chain_id,
            blob_base_fee=1,
            block_hashes=Ancestors(self._hashes),
        )
        root = self.state.root()
        self.blocks: list[Sealed] = []
        genesis = seal(first, bytes(32), (), root, self.fork, excess_blob_gas=0, moments=(0, 0))
        self._append(genesis)

    def _append(self, sealed: Sealed) -> None:
        self.blocks.append(sealed)
        self._hashes.append(sealed.hash)
        self._numbers[sealed.hash] = sealed.number
        for index, each in enumerate(sealed.included):
            self._places[each.signed.hash] = (sealed.number, index)

    # --- what there is ----------------------------------------------------------------------------

    @property
    def latest(self) -> Sealed:
        """The last block."""
        return self.blocks[-1]

    @property
    def chain_id(self) -> int:
        """Number of the chain."""
        return self.latest.block.chain_id

    def by_number(self, number: int) -> Sealed | None:
        """A block, if there is one."""
        return self.blocks[number] if 0 <= number < len(self.blocks) else None

    def by_hash(self, block_hash: bytes) -> Sealed | None:
        """A block, if there is one."""
        number = self._numbers.get(block_hash)
        return None if number is None else self.blocks[number]

    def holding(self, tx_hash: bytes) -> tuple[Sealed, int] | None:
        """The block that a transaction is in, and its place there."""
        place = self._places.get(tx_hash)
        return None if place is None else (self.blocks[place[0]], place[1])

    def between(self, first: int, last: int, _query: LogQuery) -> list[Sealed]:
        """Blocks of a range, both ends included."""
        is_all = first == 0 and last >= len(self.blocks) - 1
        return self.blocks if is_all else self.blocks[first : last + 1]

    # --- states and machines ----------------------------------------------------------------------

    def moment_of(self, sealed: Sealed) -> int:
        """When in the history the state after a block holds; the last block's is the present.

        Raises:
            UnknownBlockError: It is not kept any more.
        """
        moment = self.history.moment if sealed is self.latest else sealed.moment
        return self._kept(moment, sealed.number)

    def _kept(self, moment: int, number: int) -> int:
        if moment < self.history.first:
            raise UnknownBlockError(f"the state of block {number} is not kept any more")
        return moment

    def view_before(self, sealed: Sealed) -> View:
        """The accounts that the transactions of a block began with.

        Raises:
            UnknownBlockError: They are not kept any more.
        """
        return self.history.at(self._kept(sealed.moment_before, sealed.number))

    @property
    def machine(self) -> Substate:
        """The machine on the present accounts; it is made when it is first needed."""
        if self._machine is None:
            self._machine = self.machine_on(self.state)
        return self._machine

    def machine_on(self, source: Source) -> Substate:
        """A machine on any accounts."""
        return engines.make(self.engine, self.fork, source)

    def machine_at(self, sealed: Sealed) -> Substate:
        """A machine for calls on the state after a block.

        Raises:
            UnknownBlockError: It is not kept any more.
        """
        moment = self.moment_of(sealed)
        if moment == self.history.moment:
            return self.machine
        found = self._older.pop(moment, None)
        if found is None:
            found = self.machine_on(self.history.at(moment))
        self._older[moment] = found
        if len(self._older) > _MACHINES_MAX:
            self._older.popitem(last=False)
        return found

    def forget_machines(self) -> None:
        """Make machines anew, because one was interrupted or what it knows is not true any more."""
        self._machine = None
        self._older.clear()

    def state_at(self, sealed: Sealed) -> State:
        """The accounts after a block, with their trie.

        Cost: that of a copy, and of what changed since, where it is not the last block.

        Raises:
            UnknownBlockError: It is not kept any more.
        """
        moment = self.moment_of(sealed)
        if moment == self.history.moment:
            return self.state
        state = self.state.copy()
        state.apply(self.history.back_to(moment))
        return state

    # --- changing it ------------------------------------------------------------------------------

    def next_block(self, timestamp: int, **fields: int | bytes | None) -> Block:
        """What code of the next block will see.

        Args:
            timestamp: Its time.
            fields: Of `Block`, where they are not to follow from the parent; None counts as absent.
        """
        latest, rules = self.latest, self.fork
        parent = latest.block
        base_fee = 0
        if rules.has_dynamic_fee:
            base_fee = fees.next_base_fee(parent.base_fee, latest.header.gas_used, parent.gas_limit)
        block = msgspec.structs.replace(
            parent,
            number=parent.number + 1,
            timestamp=timestamp,
            coinbase=ZERO_ADDRESS,
            prev_randao=int.from_bytes(keccak256(latest.hash), "big"),
            base_fee=base_fee,
            blob_base_fee=(
                blobs.blob_base_fee(self.next_excess(), rules) if rules.has_blobs else 0
            ),
        )
        chosen = {name: value for name, value in fields.items() if value is not None}
        return msgspec.structs.replace(block, **chosen) if chosen else block

    def next_excess(self) -> int:
        """Excess blob gas of the next block."""
        header = self.latest.header
        if not self.fork.has_blobs:
            return 0
        return blobs.next_excess(
            header.excess_blob_gas, header.blob_gas_used, self.fork, header.block.base_fee
        )

    def mine(self, block: Block, candidates: Iterable[Signed]) -> tuple[Sealed, Refused]:
        """Seal a block of what is possible of some transactions, in order.

        Args:
            block: What its code sees; as `next_block` gives it.
            candidates: Transactions; those of one sender by ascending nonce.

        Raises:
            TooManyBlocksError: The chain is as long as it may become.
        """
        if len(self.blocks) >= BLOCKS_MAX:
            raise TooManyBlocksError(f"the chain has {BLOCKS_MAX} blocks already")
        before, left = self.history.moment, list(candidates)
        given_up: Refused = {}
        while True:
            work = Work(self.machine, block, self.latest.hash)
            try:
                refused = fill(work, left)
                break
            except GivenUpError as error:
                self.forget_machines()
                given_up[error.signed.hash] = error
                left = [each for each in left if each.hash != error.signed.hash]
        excess = self.next_excess()
        self._keep(self.machine.take_diff())
        sealed = seal(
            block,
            self.latest.hash,
            work.included,
            self.state.root(),
            self.fork,
            excess_blob_gas=excess,
            moments=(before, self.history.moment),
        )
        self._append(sealed)
        return sealed, {**given_up, **refused}

    def change(self, change: Callable[[Substate], None]) -> None:
        """Change accounts by hand, outside of any block."""
        self.machine.begin()
        change(self.machine)
        self.machine.finish()
        self._keep(self.machine.take_diff())

    def _keep(self, diff: StateDiff) -> None:
        self.state.apply(diff)
        self.history.commit(diff)

    def rewind(self, number: int, moment: int) -> None:
        """Come back to a block, and to a moment when it was the last one.

        Raises:
            UnknownBlockError: It is not kept any more.
        """
        self.state.apply(self.history.rewind(self._kept(moment, number)))
        for sealed in self.blocks[number + 1 :]:
            del self._numbers[sealed.hash]
            for each in sealed.included:
                del self._places[each.signed.hash]
        del self.blocks[number + 1 :], self._hashes[number + 1 :]
        self.forget_machines()
