"""A backend of eth-tester, so that web3.py's test provider runs on this machine.

    from eth_tester import EthereumTester
    from numen.evm.testers.backend import NumenBackend
    from web3 import EthereumTesterProvider, Web3

    w3 = Web3(EthereumTesterProvider(EthereumTester(NumenBackend())))

It keeps the customs of eth-tester's own backend: ten accounts of the keys 1 to 10 with a million
ether each, the same chain, gas limit and first base fee; blocks a second apart. Only the value of
PREVRANDAO differs, which follows from the parent's hash and not from chance.
"""

import time
from collections.abc import Callable, Mapping, Sequence
from importlib import import_module
from typing import Any, Final, TypeVar

from eth_tester.backends.base import BaseChainBackend
from eth_tester.exceptions import (
    BlockNotFound,
    TransactionFailed,
    TransactionNotFound,
    ValidationError,
)

from numen.base.crypto import SigningKey
from numen.evm.evm import EVM
from numen.evm.invalid import InvalidTransactionError, Reason
from numen.evm.results import Outcome, RevertedError
from numen.evm.revert import ERROR_SELECTOR
from numen.evm.state import Account, State
from numen.evm.testers import forms
from numen.evm.testers.chain import Chain, Sealed, UnknownBlockError
from numen.evm.testers.forms import Form
from numen.evm.transaction import Transaction, decode

ACCOUNTS: Final = 10
BALANCE: Final = 10**6 * 10**18
"""Wei of each account."""

BlockId = int | str
"""A number, or one of eth-tester's words for a block."""

T = TypeVar("T")


class NumenBackend(BaseChainBackend):  # type: ignore[misc]  # it has no types
    """A chain for tests, on this machine.

    Args:
        fork: Whose rules hold.
        engine: A name in `engines.ENGINES`.
        genesis_state: Accounts by address (20 bytes), each with any of balance, nonce, code and
            storage; those of the ten keys by default.
        keys: Private keys, 32 bytes each, of the accounts that sign for themselves.
    """

    def __init__(
        self,
        fork: str = "prague",
        engine: str = "hot",
        genesis_state: Mapping[bytes, Mapping[str, Any]] | None = None,
        keys: Sequence[bytes] | None = None,
    ) -> None:
        self._fork, self._engine, self._genesis = fork, engine, genesis_state
        secrets = keys or [n.to_bytes(32, "big") for n in range(1, ACCOUNTS + 1)]
        self._keys = {key.address: key for key in map(SigningKey, secrets)}
        self.reset_to_genesis()

    # --- blocks -----------------------------------------------------------------------------------

    def reset_to_genesis(self) -> None:
        if self._genesis is None:
            accounts = {address: Account(balance=BALANCE) for address in self._keys}
        else:
            accounts = {a: Account(**dict(fields)) for a, fields in self._genesis.items()}
        self.chain = Chain(State(accounts), self._fork, self._engine, int(time.time()))

    def take_snapshot(self) -> bytes:
        return self.chain.latest.hash

    def revert_to_snapshot(self, snapshot: bytes) -> None:
        self.chain.rewind(snapshot)

    def time_travel(self, to_timestamp: int) -> int:
        # The block that this seals is followed by one at the time asked for.
        self.chain.seal(timestamp=to_timestamp - 1)
        return to_timestamp

    def mine_blocks(self, num_blocks: int = 1, coinbase: bytes = bytes(20)) -> tuple[bytes, ...]:
        return tuple(self.chain.seal(coinbase).hash for _ in range(num_blocks))

    def get_block_by_number(self, block_number: BlockId, full_transaction: bool = True) -> Form:
        return forms.block_form(self._block(block_number), self.chain.fork, full=full_transaction)

    def get_block_by_hash(self, block_hash: bytes, full_transaction: bool = True) -> Form:
        found = _found(lambda: self.chain.by_hash(block_hash))
        return forms.block_form(found, self.chain.fork, full=full_transaction)

    def _block(self, block_number: BlockId) -> Sealed:
        if block_number in {"latest", "safe", "finalized"}:
            return self.chain.latest
        if block_number == "pending":
            return self.chain.pending
        number = 0 if block_number == "earliest" else block_number
        if not isinstance(number, int):
            raise BlockNotFound(f"No block found for block number: {block_number}")
        return _found(lambda: self.chain.by_number(number))

    def get_fee_history(
        self,
        block_count: int = 1,
        newest_block: BlockId = "latest",
        reward_percentiles: Sequence[int] = (),  # noqa: ARG002 - rewards are not kept
    ) -> Form:
        if not 1 <= block_count <= 1024:
            raise ValidationError("block_count must be between 1 and 1024")
        newest = self._block("latest" if newest_block == "pending" else newest_block)
        # As in eth-tester's own backend: the blocks before the newest, and no rewards.
        before = [self.chain.by_number(n) for n in range(newest.block.number)][-block_count:]
        return {
            "oldest_block": 1,
            "base_fee_per_gas": [each.block.base_fee for each in reversed(before)],
            "gas_used_ratio": [_ratio(each) for each in reversed(before)],
            "reward": [],
        }

    # --- accounts ---------------------------------------------------------------------------------

    def get_accounts(self) -> tuple[bytes, ...]:
        return tuple(self._keys)

    def add_account(self, private_key: bytes) -> None:
        key = SigningKey(private_key)
        self._keys[key.address] = key

    def _account(self, account: bytes, block_number: BlockId) -> Account:
        return self._block(block_number).state.accounts.get(account, Account())

    def get_nonce(self, account: bytes, block_number: BlockId = "latest") -> int:
        return self._account(account, block_number).nonce

    def get_balance(self, account: bytes, block_number: BlockId = "latest") -> int:
        return self._account(account, block_number).balance

    def get_code(self, account: bytes, block_number: BlockId = "latest") -> bytes:
        return self._account(account, block_number).code

    def get_storage(self, account: bytes, slot: int, block_number: BlockId = "latest") -> int:
        return self._account(account, block_number).storage.get(slot, 0)

    def get_base_fee(self, block_number: BlockId = "latest") -> int:
        return self._block(block_number).block.base_fee

    # --- transactions -----------------------------------------------------------------------------

    def get_transaction_by_hash(self, transaction_hash: bytes) -> Form:
        return forms.transaction_form(*self._place(transaction_hash))

    def get_transaction_receipt(self, transaction_hash: bytes) -> Form:
        return forms.receipt_form(*self._place(transaction_hash))

    def _place(self, transaction_hash: bytes) -> tuple[Sealed, int]:
        found = self.chain.holding(transaction_hash)
        if found is None:
            digits = transaction_hash.hex()
            raise TransactionNotFound(f"No transaction found for transaction hash: 0x{digits}")
        return found

    def send_transaction(self, transaction: Form) -> bytes:
        sender = transaction["from"]
        if sender not in self._keys:
            raise ValidationError(
                'No valid "from" key was provided in the transaction '
                "which is required for transaction signing."
            )
        tx, _ = self._read(transaction)
        return self._include(tx.sign(self._keys[sender]), sender)

    def send_signed_transaction(self, signed_transaction: Form) -> bytes:
        tx, _ = self._read(signed_transaction)
        return self._send(forms.signed(tx, signed_transaction))

    def send_raw_transaction(self, raw_transaction: bytes) -> bytes:
        try:
            tx = decode(bytes(raw_transaction), self.chain.fork)
        except InvalidTransactionError as error:
            raise _undecodable(error, raw_transaction) from error
        return self._send(tx)

    def _send(self, tx: Transaction) -> bytes:
        sender = _valid(lambda: tx.sender(self.chain.fork, self.chain.evm.block.chain_id))
        return self._include(tx, sender)

    def _include(self, tx: Transaction, sender: bytes) -> bytes:
        return _valid(lambda: self.chain.include(tx, sender)).tx.hash()

    def _read(self, transaction: Form) -> tuple[Transaction, bytes]:
        block = self.chain.evm.block
        return forms.transaction_of(
            transaction,
            fork=self.chain.fork,
            chain_id=block.chain_id,
            nonce=self.chain.evm.nonce(transaction["from"]) if "from" in transaction else 0,
            base_fee=block.base_fee,
        )

    # --- calls ------------------------------------------------------------------------------------

    def call(self, transaction: Form, block_number: BlockId = "latest") -> bytes:
        machine = self._machine(block_number)
        outcome = machine.call(self._fields(transaction))
        if not outcome.success:
            raise TransactionFailed(_complaint(outcome))
        return outcome.output

    def estimate_gas(self, transaction: Form, block_number: BlockId = "latest") -> int:
        fields = self._fields({k: v for k, v in transaction.items() if k != "gas"})
        try:
            return self._machine(block_number).estimate_gas(fields)
        except RevertedError as error:
            raise TransactionFailed(_complaint(error.outcome)) from None

    def _machine(self, block_number: BlockId) -> EVM:
        return self.chain.machine_at(self._block(block_number))

    def _fields(self, transaction: Form) -> Form:
        """What a call needs of a transaction; it pays nothing."""
        kept = ("from", "to", "gas", "value", "data", "access_list")
        return {name: transaction[name] for name in kept if name in transaction}


def _found(look: Callable[[], T]) -> T:
    """Look for a block, with eth-tester's error if there is none."""
    try:
        return look()
    except UnknownBlockError as error:
        raise BlockNotFound(error.message) from None


def _valid(act: Callable[[], T]) -> T:
    """Do something with a transaction, with eth-tester's error if it is refused."""
    try:
        return act()
    except InvalidTransactionError as error:
        raise ValidationError(error.message) from None


def _complaint(outcome: Outcome) -> str:
    """What eth-tester says of a run that failed, in the form that web3.py reads."""
    if outcome.revert is None:
        return outcome.halt.name
    if outcome.output.startswith(ERROR_SELECTOR) and outcome.revert.name:
        return outcome.reason
    return str(outcome.output) if outcome.output else ""


def _undecodable(error: InvalidTransactionError, raw: bytes) -> Exception:
    """The exception that eth-tester's own backend raises for bytes that are no transaction."""
    is_typed = error.reason is Reason.TYPE_NOT_SUPPORTED and raw[0] < 0x80
    module, name = "rlp.exceptions", "DecodingError"
    if is_typed:
        module, name = "eth.exceptions", "UnrecognizedTransactionType"
    try:
        kind: type[Exception] = getattr(import_module(module), name)
    except ImportError:  # neither is needed to run
        return ValidationError(error.message)  # type: ignore[no-any-return]
    return kind(raw[0] if is_typed else error.message, error.message if is_typed else raw)


def _ratio(block: Sealed) -> float:
    """Gas used by gas there was; the interface asks for a fraction."""
    return block.gas_used / block.block.gas_limit
