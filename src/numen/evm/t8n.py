"""The state transition of one block, as the tools of others ask for it.

    system calls -> transactions -> reward -> withdrawals -> requests -> roots

In the manner of geth's ``evm t8n``. Sources: yellow paper, section 11; EIP-658, 4788, 2935, 4895,
7685.
"""

from collections.abc import Mapping, Sequence

import msgspec

from numen.evm import engines, rlp, roots, system
from numen.evm.beacon_requests import requests
from numen.evm.block import Block
from numen.evm.forks import BYZANTIUM, Fork
from numen.evm.invalid import InvalidTransactionError
from numen.evm.message import Log
from numen.evm.state import State
from numen.evm.substate import Substate
from numen.evm.system import InvalidBlockError
from numen.evm.transaction import Transaction
from numen.evm.transition import Receipt, apply
from numen.evm.trie import root_of_list
from numen.evm.validity import Allowance

_GWEI = 10**9


class Withdrawal(msgspec.Struct, frozen=True):
    """Stake that comes back from the beacon chain (EIP-4895).

    Attributes:
        index: Withdrawals before it.
        validator_index: Whose stake it is.
        address: 20 bytes, where it goes.
        gwei: How much.
    """

    index: int
    validator_index: int
    address: bytes
    gwei: int


class Ommer(msgspec.Struct, frozen=True):
    """A block that was found too late, and is named by this one.

    Attributes:
        delta: Blocks that it is older, 1 to 7.
        address: 20 bytes, its coinbase.
    """

    delta: int
    address: bytes


class Input(msgspec.Struct, frozen=True):
    """A block to be made.

    Attributes:
        fork: Its rules.
        block: What code sees of it.
        transactions: Each a transaction, or why its bytes are none.
        reward: Wei for the coinbase; below 0 for no reward at all. Nothing once the beacon chain
            makes the blocks.
        ommers: Late blocks to reward.
        withdrawals: None where the fork has none.
        parent_hash: 32 bytes, or None where it is not known.
        beacon_root: 32 bytes, or None where it is not known.
        excess_blob_gas: None where the fork has no blobs.
    """

    fork: Fork
    block: Block
    transactions: Sequence[Transaction | InvalidTransactionError] = ()
    reward: int = 0
    ommers: tuple[Ommer, ...] = ()
    withdrawals: tuple[Withdrawal, ...] | None = None
    parent_hash: bytes | None = None
    beacon_root: bytes | None = None
    excess_blob_gas: int | None = None


class Included(msgspec.Struct, frozen=True):
    """A transaction that is in the block.

    Attributes:
        tx: The transaction.
        sender: 20 bytes, who signed it.
        receipt: What it came to.
        root: State root after it, before Byzantium; else empty.
        cumulative_gas: Gas used in the block up to its end.
    """

    tx: Transaction
    sender: bytes
    receipt: Receipt
    root: bytes
    cumulative_gas: int

    def encode_receipt(self) -> bytes:
        """Write the receipt as the receipts' trie holds it."""
        outcome: bytes | int = self.root or int(self.receipt.success)
        return roots.encode_receipt(self.tx.kind, outcome, self.cumulative_gas, self.receipt.logs)


class Output(msgspec.Struct, frozen=True):
    """The block that was made.

    Attributes:
        root: State root at its end.
        included: Its transactions.
        rejected: Why the others are not in it, by their place in the input.
        requests: To the beacon chain; None where the fork has none.
        gas_used: By all transactions.
        blob_gas_used: By all transactions.
        error: Why no block can be made of this after all, or empty.
    """

    root: bytes
    included: tuple[Included, ...]
    rejected: Mapping[int, str]
    requests: tuple[bytes, ...] | None
    gas_used: int
    blob_gas_used: int
    error: str = ""

    @property
    def logs(self) -> tuple[Log, ...]:
        """Of all transactions, in order."""
        return tuple(log for each in self.included for log in each.receipt.logs)

    def transactions_root(self) -> bytes:
        return root_of_list([each.tx.encode() for each in self.included])

    def receipts_root(self) -> bytes:
        return root_of_list([each.encode_receipt() for each in self.included])

    def body(self) -> bytes:
        """The transactions in the block, as one list of RLP."""
        return rlp.wrap(
            b"".join(
                rlp.encode_bytes(each.tx.encode()) if each.tx.kind else each.tx.encode()
                for each in self.included
            )
        )


def transition(state: State, given: Input, engine: str = "interpreter") -> Output:
    """Make a block.

    Args:
        state: Before the block; after it when this returns.
        given: The block to be made.
        engine: A name in `numen.evm.engines.ENGINES`.

    Raises:
        ResourceLimitError: This machine cannot run a transaction of it.
    """
    machine = engines.make(engine, given.fork, state)
    _before(machine, given)
    state.apply(machine.take_diff())
    included, rejected = _transactions(machine, state, given)
    machine.set_block(given.block)
    _pay(machine, given)
    found, error = _requests(machine, given, included)
    state.apply(machine.take_diff())
    return Output(
        root=state.root(),
        included=tuple(included),
        rejected=rejected,
        requests=found,
        gas_used=included[-1].cumulative_gas if included else 0,
        blob_gas_used=sum(each.receipt.blob_gas_used for each in included),
        error=error,
    )


def _before(machine: Substate, given: Input) -> None:
    if given.fork.has_block_hash_history and given.parent_hash is not None:
        system.store_parent_hash(machine, given.block, given.parent_hash)
    if given.fork.has_beacon_root and given.beacon_root is not None:
        system.store_beacon_root(machine, given.block, given.beacon_root)


def _transactions(
    machine: Substate, state: State, given: Input
) -> tuple[list[Included], dict[int, str]]:
    """Carry out the transactions that can be, and say why the others cannot."""
    included: list[Included] = []
    rejected: dict[int, str] = {}
    fork, block = given.fork, given.block
    left = Allowance(block.gas_limit, fork.max_blobs)
    for index, tx in enumerate(given.transactions):
        try:
            if isinstance(tx, InvalidTransactionError):
                raise tx
            sender = tx.sender(fork, block.chain_id)
            receipt = apply(machine, block, tx, sender, left)
        except InvalidTransactionError as error:
            rejected[index] = error.message
            continue
        left = Allowance(left.gas - receipt.gas_used, left.blobs - len(tx.blob_hashes))
        state.apply(machine.take_diff())
        root = b"" if fork.number >= BYZANTIUM.number else state.root()
        used = block.gas_limit - left.gas
        included.append(Included(tx, sender, receipt, root, used))
    return included, rejected


def _pay(machine: Substate, given: Input) -> None:
    """Pay the reward for the block and its ommers, and the withdrawals."""
    machine.begin()
    if given.reward >= 0 and not given.fork.has_prev_randao:
        for ommer in given.ommers:
            machine.add_balance(ommer.address, given.reward * (8 - ommer.delta) // 8)
        extra = given.reward // 32 * len(given.ommers)
        machine.add_balance(given.block.coinbase, given.reward + extra)
    for withdrawal in given.withdrawals or ():
        machine.add_balance(withdrawal.address, withdrawal.gwei * _GWEI)
    machine.finish()


def _requests(
    machine: Substate, given: Input, included: list[Included]
) -> tuple[tuple[bytes, ...] | None, str]:
    if not given.fork.has_requests:
        return None, ""
    logs = [log for each in included for log in each.receipt.logs]
    try:
        return tuple(requests(machine, given.block, logs)), ""
    except InvalidBlockError as error:
        return (), error.message


def withdrawals_root(withdrawals: Sequence[Withdrawal]) -> bytes:
    """Commit to the withdrawals of a block; 32 bytes."""
    return root_of_list(
        [
            roots.encode_withdrawal(each.index, each.validator_index, each.address, each.gwei)
            for each in withdrawals
        ]
    )
