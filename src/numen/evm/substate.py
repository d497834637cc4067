"""What every engine of the EVM offers: state that can be undone, and the running of messages."""

from collections.abc import Sequence
from typing import Protocol

from numen.evm.block import Block, Context
from numen.evm.forks import Fork
from numen.evm.message import Log, Message, Result
from numen.evm.state import StateDiff


class Substate(Protocol):
    """The world as one transaction after another changes it, over a `Source` that never changes.

    Addresses are 20 bytes, words are integers below 2**256. A change that an uncaught
    `ResourceLimitError` interrupted leaves the substate unusable but for `revert`.
    """

    fork: Fork

    def set_block(self, block: Block) -> None:
        """Give the block that following messages see."""

    def set_context(self, context: Context) -> None:
        """Give the transaction that following messages see."""

    def begin(self) -> None:
        """Start a transaction.

        Everything is cold, every slot's original value is its present one, and there are no logs,
        no refund, no transient storage, and nothing created, destroyed or touched.
        """

    def finish(self) -> None:
        """End it: destroyed accounts go, and touched empty ones where the fork says so."""

    def exists(self, address: bytes) -> bool:
        """Whether there is such an account, empty or not."""

    def is_empty(self, address: bytes) -> bool:
        """Whether nonce, balance and code are nothing, or there is no account (EIP-161)."""

    def account(self, address: bytes) -> tuple[int, int, bytes]:
        """Nonce, balance and code; 0, 0 and no bytes where there is no account."""

    def nonce(self, address: bytes) -> int: ...

    def balance(self, address: bytes) -> int: ...

    def code(self, address: bytes) -> bytes: ...

    def storage(self, address: bytes, key: int) -> int: ...

    def set_nonce(self, address: bytes, nonce: int) -> None: ...

    def set_balance(self, address: bytes, wei: int) -> None: ...

    def add_balance(self, address: bytes, wei: int) -> None:
        """Add wei, 0 or more; the account is touched, and made where there is none."""

    def set_code(self, address: bytes, code: bytes) -> None: ...

    def set_storage(self, address: bytes, key: int, value: int) -> None: ...

    def warm(self, address: bytes) -> None:
        """Count an account as accessed (EIP-2929)."""

    def warm_all(self, addresses: Sequence[bytes]) -> None:
        """Count accounts as accessed, as `warm` does each."""

    def warm_slot(self, address: bytes, key: int) -> None:
        """Count a storage slot as accessed (EIP-2929)."""

    def snapshot(self) -> int:
        """Name the present moment, so that `revert` can come back to it."""

    def revert(self, to: int) -> None:
        """Undo everything since a moment that `snapshot` named in this transaction."""

    def logs(self) -> tuple[Log, ...]:
        """The logs of this transaction so far."""

    def refund(self) -> int:
        """Gas to give back at the end of this transaction, not capped; below 0 never at its end."""

    def run(self, message: Message) -> Result:
        """Run a whole tree of calls.

        Moves the value, runs precompiles, makes contracts (address from the caller's nonce *minus
        one*: the transition has counted it up). A message that fails has undone its own effects.
        Warms nothing at depth 0 but the address of a new contract: origin, target, the account that
        it delegates to, coinbase, precompiles and access list are the transition's to warm.
        Without the balance for its value a message fails with `Halt.BALANCE` and all its gas left.

        Raises:
            ResourceLimitError: This machine cannot go on.
        """

    def take_diff(self) -> StateDiff:
        """Everything that changed since the last take; the caller applies it to its state."""
