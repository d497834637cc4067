"""The EVM as a Python object: accounts, transactions, calls, snapshots, traces.

    evm = EVM(fork="prague")
    token = evm.deploy(artifact, "Coin", 10**18, sender=alice)
    token.transact("transfer", bob, 5, sender=alice)
    assert token.call("balanceOf", bob) == 5

Whoever is named as sender has signed, unless a signed transaction is given. Unless asked for, gas
has no price, and a transaction may use all the gas of a block.
"""

from collections.abc import Callable, Mapping
from copy import copy
from typing import Any, Final

import msgspec

from numen.base.crypto import keccak256
from numen.evm import abi, alloc, engines, fees, forks, transition
from numen.evm.authority import delegate
from numen.evm.block import Block, Context
from numen.evm.contract import Abi, Contract, artifact_of, with_arguments
from numen.evm.forks import BLOCK_HASHES_MAX
from numen.evm.message import Log, Message, Result
from numen.evm.reference.machine import ReferenceMachine
from numen.evm.requests import Request, RequestError, raw_transaction, request_of
from numen.evm.results import Outcome, RevertedError
from numen.evm.revert import decode_revert
from numen.evm.snapshots import UnknownSnapshotError, difference
from numen.evm.state import Account, State, StateDiff
from numen.evm.substate import Substate
from numen.evm.trace import Line, Tracer
from numen.evm.transaction import Transaction, decode

GAS_LIMIT: Final = 100_000_000
"""Gas of a block unless it is chosen."""

TRACE_LINES_MAX: Final = 1_000_000
"""Most lines of a trace that are kept."""


class Trace(msgspec.Struct, frozen=True):
    """A run, instruction by instruction.

    Attributes:
        outcome: What it came to.
        lines: What each instruction found (EIP-3155); the first `TRACE_LINES_MAX` of them.
    """

    outcome: Outcome
    lines: tuple[Line, ...]


class EVM:
    """A machine with a state, in a block.

    Addresses are given as 20 bytes, as 0x and 40 digits, or as anything with an ``address``; they
    are returned as 20 bytes.
    """

    def __init__(
        self,
        fork: str = "prague",
        state: State | Mapping[Any, Any] | None = None,
        *,
        chain_id: int = 1,
        engine: str = "hot",
        block: Block | None = None,
    ) -> None:
        """Make a machine.

        Args:
            fork: Whose rules hold.
            state: The accounts: a `State`, which is copied; accounts by address; or the ``alloc``
                of a genesis file. None for none.
            chain_id: Which chain it is.
            engine: A name in `engines.ENGINES`.
            block: The block that transactions run in; the first after genesis by default.

        Raises:
            UnknownForkError: There is no such fork.
            RequestError: There is no such engine.
        """
        if engine not in engines.ENGINES:
            raise RequestError(f"no engine {engine!r}; there are {', '.join(engines.ENGINES)}")
        self.fork = forks.fork(fork)
        self.engine = engine
        self.block = block or Block(
            number=1, timestamp=1, gas_limit=GAS_LIMIT, chain_id=chain_id, blob_base_fee=1
        )
        self._state = _state_of(state)
        self._start = self._state.copy()
        self._snapshots: list[tuple[State, Block]] = []
        self._machine = self._new_machine()

    def _new_machine(self) -> Substate:
        return engines.make(self.engine, self.fork, self._state)

    # --- accounts ---------------------------------------------------------------------------------

    @property
    def state(self) -> State:
        """The accounts as they are; changing it behind the machine's back breaks both."""
        return self._state

    def balance(self, address: Any) -> int:
        """Wei that an account has."""
        return self._account(address).balance

    def nonce(self, address: Any) -> int:
        """Transactions that an account has sent."""
        return self._account(address).nonce

    def code(self, address: Any) -> bytes:
        """Code of an account."""
        return self._account(address).code

    def storage(self, address: Any, key: int) -> int:
        """A word of an account's storage."""
        return self._state.slot(abi.address(address), key)

    def _account(self, address: Any) -> Account:
        return self._state.accounts.get(abi.address(address), _NOBODY)

    def set_balance(self, address: Any, wei: int) -> None:
        """Give an account so many wei."""
        self._set(lambda machine: machine.set_balance(abi.address(address), wei))

    def set_nonce(self, address: Any, nonce: int) -> None:
        """Give an account a nonce."""
        self._set(lambda machine: machine.set_nonce(abi.address(address), nonce))

    def set_code(self, address: Any, code: bytes) -> None:
        """Put code at an address."""
        self._set(lambda machine: machine.set_code(abi.address(address), code))

    def set_storage(self, address: Any, key: int, value: int) -> None:
        """Write a word of an account's storage."""
        self._set(lambda machine: machine.set_storage(abi.address(address), key, value))

    def _set(self, change: Callable[[Substate], None]) -> None:
        self._machine.begin()
        change(self._machine)
        self._machine.finish()
        self._keep()

    # --- running ----------------------------------------------------------------------------------

    def transact(self, tx: Any = None, /, **fields: Any) -> Outcome:
        """Carry out a transaction, and keep what it changes.

        Args:
            tx: Signed bytes, eth-account's signed transaction, a `Transaction` (then ``sender`` is
                a field), a dictionary as web3.py takes it, or nothing.
            fields: The fields of `requests.Request`: sender, to, value, data, gas, gas_price, ….

        Raises:
            InvalidTransactionError: It may not be in a block. Nothing has changed.
            RequestError: It is no transaction.
            ResourceLimitError: This machine cannot run it. Nothing has changed.
        """
        transaction, sender = self._read_transaction(tx, fields)
        try:
            receipt = transition.apply(self._machine, self.block, transaction, sender)
        except BaseException:
            self._machine = self._new_machine()
            raise
        return Outcome(
            success=receipt.success,
            output=receipt.output,
            gas_used=receipt.gas_used,
            logs=receipt.logs,
            created=receipt.created,
            halt=receipt.halt,
            revert=decode_revert(receipt.output) if receipt.halt.name == "REVERT" else None,
            refunded=receipt.refunded,
            gas_price=receipt.gas_price,
            diff=self._keep(),
        )

    def call(self, tx: Any = None, /, **fields: Any) -> Outcome:
        """Run a call or a creation as if in a transaction, and keep nothing.

        Gas is that of the message alone; the sender pays no fees and needs no nonce.

        Args:
            tx: A dictionary as web3.py takes it, or nothing.
            fields: The fields of `requests.Request`; ``is_static=True`` forbids changes.

        Raises:
            RequestError: It is no call.
            ResourceLimitError: This machine cannot run it.
        """
        outcome, moment = self._run(request_of(tx, fields))
        self._machine.revert(moment)
        return outcome

    def execute(self, tx: Any = None, /, **fields: Any) -> Outcome:
        """Run a call or a creation as `call` does, and keep what it changes if it succeeds.

        It is a transaction without signature, price and intrinsic gas, as test tools like it; only
        a creation counts the sender's nonce up.
        """
        outcome, _ = self._run(request_of(tx, fields))
        refunded = self._machine.refund() if outcome.success else 0
        self._machine.finish()
        return msgspec.structs.replace(outcome, refunded=refunded, diff=self._keep())

    def _run(self, request: Request) -> tuple[Outcome, int]:
        """Run a message; give what it came to, and the moment before it."""
        message, machine = self._message(request), self._machine
        try:
            moment = self._begin(machine, request, message)
            result = machine.run(message)
        except BaseException:
            self._machine = self._new_machine()
            raise
        logs = machine.logs() if result.success else ()
        return _outcome_of(message, result, logs), moment

    def deploy(self, code: Any, *args: Any, **fields: Any) -> Contract:
        """Deploy a contract.

        Args:
            code: Bytecode, or what vyper or solc made (`contract.artifact_of` names the forms).
            args: Arguments of its constructor, by its ABI.
            fields: More of the transaction, as ``sender`` or ``value``.

        Raises:
            RevertedError: The constructor failed.
            AbiError: There is no code in it, or the arguments are not its constructor's.
            InvalidTransactionError: The sender may not send it.
        """
        artifact = artifact_of(code)
        outcome = self.transact(data=with_arguments(artifact, args), **fields)
        if outcome.created is None:
            raise RevertedError(outcome)
        return Contract(self, outcome.created, artifact.abi, outcome)

    def contract(self, address: Any, entries: Abi) -> Contract:
        """A contract that is there already, with its ABI."""
        return Contract(self, abi.address(address), entries)

    def estimate_gas(self, tx: Any = None, /, **fields: Any) -> int:
        """Find the least gas limit of a transaction that lets it succeed as things are.

        Raises:
            RevertedError: It does not succeed with all the gas of a block.
        """
        request = request_of(tx, fields)
        shell = self._transaction(request)
        intrinsic, floor = fees.intrinsic_gas(shell, self.fork)
        most = max(shell.gas_limit - intrinsic, 0)
        outcome = self.call(tx, **{**fields, "gas": most})
        outcome.unwrap()
        least = outcome.gas_used - 1
        while most - least > 1:
            middle = (least + most) // 2
            if self.call(tx, **{**fields, "gas": middle}).success:
                most = middle
            else:
                least = middle
        return max(intrinsic + most, floor)

    def trace(self, tx: Any = None, /, **fields: Any) -> Trace:
        """Run a call as `call` does, on the readable engine, and note every instruction."""
        request = request_of(tx, fields)
        message = self._message(request)
        lines: list[Line] = []

        def note(line: str) -> None:
            if len(lines) < TRACE_LINES_MAX:
                lines.append(msgspec.json.decode(line, type=Line))

        machine = ReferenceMachine(self.fork, self._state, Tracer(note))
        self._begin(machine, request, message)
        result = machine.run(message)
        logs = machine.logs() if result.success else ()
        return Trace(_outcome_of(message, result, logs), tuple(lines))

    def _read_transaction(self, tx: Any, fields: Mapping[str, Any]) -> tuple[Transaction, bytes]:
        """The transaction, and who sends it."""
        raw = raw_transaction(tx)
        if raw is not None:
            signed = decode(raw, self.fork)
            return signed, signed.sender(self.fork, self.block.chain_id)
        if isinstance(tx, Transaction):
            return tx, abi.address(fields["sender"])
        request = request_of(tx, fields)
        return self._transaction(request), request.sender

    def _transaction(self, request: Request) -> Transaction:
        return request.transaction(
            chain_id=self.block.chain_id,
            nonce=self.nonce(request.sender),
            gas=self._gas_limit,
            gas_price=self.block.base_fee,
        )

    @property
    def _gas_limit(self) -> int:
        return min(self.block.gas_limit, self.fork.tx_gas_max or self.block.gas_limit)

    def _message(self, request: Request) -> Message:
        gas = self._gas_limit if request.gas is None else request.gas
        static = request.is_static
        return Message(request.sender, request.to, request.value, request.data, gas, static)

    def _begin(self, machine: Substate, request: Request, message: Message) -> int:
        """Start a transaction around a message; give the moment before it."""
        price = self.block.base_fee if request.gas_price is None else request.gas_price
        machine.set_block(self.block)
        machine.set_context(Context(message.caller, price, request.blob_hashes))
        machine.begin()
        moment = machine.snapshot()
        if message.to is None:
            machine.set_nonce(message.caller, machine.nonce(message.caller) + 1)
        if self.fork.has_access_lists:
            listed = request.access_list or ()
            transition.warm_up(machine, self.block, message.caller, message.to, listed)
        if self.fork.has_delegations and message.to is not None:
            target = delegate(machine.code(message.to))
            if target is not None:
                machine.warm(target)
        return moment

    def _keep(self) -> StateDiff:
        diff = self._machine.take_diff()
        self._state.apply(diff)
        return diff

    # --- time -------------------------------------------------------------------------------------

    def snapshot(self) -> int:
        """Name the present state and block, so that `revert` can come back to them."""
        self._snapshots.append((self._state.copy(), self.block))
        return len(self._snapshots) - 1

    def revert(self, to: int) -> None:
        """Come back to a snapshot; it and those after it are ended.

        Raises:
            UnknownSnapshotError: There is no such snapshot.
        """
        if not 0 <= to < len(self._snapshots):
            raise UnknownSnapshotError(f"no snapshot {to}")
        self._state, self.block = self._snapshots[to]
        del self._snapshots[to:]
        self._machine = self._new_machine()

    def diff(self, since: int | None = None) -> StateDiff:
        """What has changed since a snapshot, or since the machine was made.

        Raises:
            UnknownSnapshotError: There is no such snapshot.
        """
        if since is None:
            return difference(self._start, self._state)
        if not 0 <= since < len(self._snapshots):
            raise UnknownSnapshotError(f"no snapshot {since}")
        return difference(self._snapshots[since][0], self._state)

    def mine(self, blocks: int = 1, seconds: int = 12) -> None:
        """Go on to a later block.

        The hash of a block is that of its number and its parent: there are no headers here.

        Args:
            blocks: How many blocks on.
            seconds: Between two blocks.
        """
        for _ in range(blocks):
            block = self.block
            parent = block.block_hashes.get(block.number - 1, bytes(32))
            hashes = dict(block.block_hashes)
            hashes[block.number] = keccak256(block.number.to_bytes(32, "big"), parent)
            hashes.pop(block.number - BLOCK_HASHES_MAX, None)
            self.set_block(
                number=block.number + 1,
                timestamp=block.timestamp + seconds,
                block_hashes=hashes,
            )

    def seeing(self, block: Block) -> "EVM":
        """The same machine and accounts, looking at another block; good for calls only.

        It is for as long as this one does not change.
        """
        twin = copy(self)
        twin.block = block
        return twin

    def set_block(self, **fields: Any) -> None:
        """Change some fields of the block that transactions run in, by the names of `Block`."""
        self.block = msgspec.structs.replace(self.block, **fields)


_NOBODY: Final = Account()


def _state_of(given: State | Mapping[Any, Any] | None) -> State:
    if isinstance(given, State):
        return given.copy()
    accounts = {}
    for address, account in (given or {}).items():
        if isinstance(account, Account):
            accounts[abi.address(address)] = account
        else:
            try:
                form = msgspec.convert(account, alloc.AccountForm)
            except msgspec.ValidationError as error:
                raise RequestError(f"state: {error}") from None
            accounts |= alloc.accounts({"0x" + abi.address(address).hex(): form}, "state")
    return State(accounts)


def _outcome_of(message: Message, result: Result, logs: tuple[Log, ...]) -> Outcome:
    return Outcome(
        success=result.success,
        output=result.output,
        gas_used=message.gas - result.gas_left,
        logs=logs,
        created=result.created,
        halt=result.halt,
        revert=decode_revert(result.output) if result.halt.name == "REVERT" else None,
    )
