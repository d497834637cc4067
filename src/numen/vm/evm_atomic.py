"""A whole synchronous EVM as one service: contracts in it call each other as on Ethereum.

Whoever wants atomic composition of many contracts has it inside; to the rest of the ledger they are
one contract, in whose slots all their accounts lie. What it is asked, ABI-encoded:

    call(address to, bytes data)       run a message; coins sent along go to ``to``
    create(bytes initcode)             make a contract; returns its address
    withdraw(uint256 coins)            send coins of the caller's account in here to the caller

Where it is made with a first contract, that lives at the service's own address, and whatever is
asked is asked of it: to everybody outside the service is that contract, which may make and call
others in here. Coins that reach an account without code leave at once for the ledger's.

The rules are Ethereum's to the letter, but for what is no part of a message: the caller's account
has no transactions, so its nonce counts contracts that it made.
"""

from collections.abc import Callable, Iterator
from functools import partial
from typing import Any, Final

import msgspec

from numen.base.crypto import keccak256
from numen.evm import abi, engines, forks
from numen.evm.block import Block, Context
from numen.evm.errors import ResourceLimitError
from numen.evm.halt import Halt
from numen.evm.message import Log, Message, Result
from numen.evm.state import AccountDiff, Source, StateDiff
from numen.evm.substate import Substate
from numen.vm.evm_failures import failure_of
from numen.vm.host import (
    VALUE_MAX,
    Address,
    Delivery,
    Effect,
    Event,
    Failure,
    Key,
    Kind,
    Outcome,
    Reason,
    Send,
    Slot,
    Slots,
)
from numen.vm.long_values import long_writes, place, read_long

CALL: Final = abi.selector("call(address,bytes)")
CREATE: Final = abi.selector("create(bytes)")
WITHDRAW: Final = abi.selector("withdraw(uint256)")

_WORD_BYTES: Final = 32
_NONCE_SHIFT: Final = 128
_RESERVED: Final = b"\xef"
"""First byte that no code has (EIP-3541)."""


class AtomicService:
    """Many EVM contracts that share one state.

    A machine is used by one thread at a time, and so is a service.

    Args:
        fork: Whose rules hold, by name.
        engine: A name in `numen.evm.engines.ENGINES`.
        initcode: What a compiler gives to be deployed, for the first contract; or nothing.
        watcher: Who is told of every instruction, where the engine is the reference.
    """

    def __init__(
        self,
        fork: str = "prague",
        engine: str = "hot",
        initcode: bytes = b"",
        watcher: Any = None,
    ) -> None:
        self._fork = forks.fork(fork)
        self._make = partial(engines.make, engine, self._fork, watcher=watcher)
        self._initcode = initcode
        self._world: _World | None = None

    def handle(self, delivery: Delivery, slots: Slots) -> Outcome:
        """Carry out one delivery; see `Service`."""
        if delivery.kind is Kind.CREATE and not self._initcode:
            return Outcome()
        try:
            message = _message_to_first(delivery) if self._initcode else _message(delivery)
        except abi.AbiError as error:
            failure = Failure(Reason.ABSENT, detail=f"not a call of an atomic EVM: {error}")
            return Outcome(failure=failure)
        world = self._world
        if world is None or world.is_stale(slots):
            own = delivery.to if self._initcode else None
            world = self._world = _World(self._fork, self._make, slots, own)
        try:
            if delivery.kind is Kind.CREATE:
                return world.create_first(delivery, self._initcode)
            if message is None:
                return world.withdraw(delivery)
            return world.run(delivery, message)
        except ResourceLimitError as error:
            self._world = None
            failure = Failure(Reason.OUT_OF_WORK, detail=str(error))
            return Outcome(work=delivery.work, failure=failure)


def _message(delivery: Delivery) -> Message | None:
    """What a request asks to run; None for a withdrawal."""
    selector, arguments = delivery.payload[:4], delivery.payload[4:]
    is_static = delivery.kind is Kind.VIEW
    if delivery.kind not in (Kind.REQUEST, Kind.VIEW):
        raise abi.AbiError("it waits for nobody")
    if selector == CALL:
        to, data = abi.decode(["address", "bytes"], arguments)
        return Message(
            delivery.sender, abi.address(to), delivery.value, data, delivery.work, is_static
        )
    if selector == CREATE and not is_static:
        (initcode,) = abi.decode(["bytes"], arguments)
        return Message(delivery.sender, None, delivery.value, initcode, delivery.work)
    if selector == WITHDRAW and not is_static:
        return None
    raise abi.AbiError("no such function")


def _message_to_first(delivery: Delivery) -> Message:
    if delivery.kind not in (Kind.CREATE, Kind.REQUEST, Kind.VIEW):
        raise abi.AbiError("it waits for nobody")
    is_static = delivery.kind is Kind.VIEW
    payload = b"" if delivery.kind is Kind.CREATE else delivery.payload
    return Message(delivery.sender, delivery.to, delivery.value, payload, delivery.work, is_static)


class Accounts:
    """Accounts of an EVM in the slots of one contract; a `Source`."""

    def __init__(self, slots: Slots) -> None:
        self._slots = slots

    def account(self, address: bytes) -> tuple[int, int, bytes] | None:
        """Nonce, balance and code, or None where there is no account."""
        found = self._slots.load(_account_at(address))
        digest = self._slots.load(_code_digest_at(address))
        if not found and not digest:
            return None
        return found >> _NONCE_SHIFT, found & VALUE_MAX, self._code(digest)

    def slot(self, address: bytes, key: int) -> int:
        """A word of storage; 0 where there is none."""
        return self._slots.load(storage_at(address, key))

    def has_storage(self, address: bytes) -> bool:
        """Whether storage lies where no contract does: never, in a world that began empty."""
        return bool(self._slots.load(_code_digest_at(address)))

    def _code(self, digest: int) -> bytes:
        if not digest:
            return b""
        return read_long(self._slots, _code_at(digest))


class _World:
    """An engine over the slots, and what it made of them last.

    Args:
        fork: Whose rules hold.
        make: Makes what runs code.
        slots: Where the accounts lie.
        own: Where the first contract lives; None where there is none.
    """

    def __init__(
        self,
        fork: forks.Fork,
        make: Callable[[Source], Substate],
        slots: Slots,
        own: Address | None = None,
    ) -> None:
        self._fork = fork
        self._own = own
        self._accounts = Accounts(slots)
        self._engine = make(self._accounts)
        self._slots = slots
        self._taken_back = slots.taken_back
        self._written: tuple[tuple[Key, Slot], ...] = ()

    def is_stale(self, slots: Slots) -> bool:
        """Whether the slots are not what the engine made of them."""
        if slots is not self._slots or slots.taken_back != self._taken_back:
            return True
        return any(slots.load(key) != value for key, value in self._written)

    def create_first(self, delivery: Delivery, initcode: bytes) -> Outcome:
        """Run a constructor where the first contract will live; what it returns is the code."""
        engine, own = self._engine, delivery.to
        self._begin(delivery)
        start = engine.snapshot()
        engine.add_balance(delivery.sender, delivery.value)
        engine.set_code(own, initcode + delivery.payload)
        engine.set_nonce(own, 1)
        result = engine.run(_message_to_first(delivery))
        if not result.success:
            engine.revert(start)
            return self._end(delivery, result)
        code, size_max = result.output, self._fork.code_size_max
        gas_left = result.gas_left - self._fork.gas.code_deposit * len(code)
        if gas_left < 0 or 0 < size_max < len(code) or code[:1] == _RESERVED:
            engine.revert(start)
            failed = msgspec.structs.replace(
                result, halt=Halt.OUT_OF_GAS, gas_left=0, output=b"", created=None
            )
            return self._end(delivery, failed)
        engine.set_code(own, code)
        return self._end(delivery, msgspec.structs.replace(result, gas_left=gas_left, output=b""))

    def run(self, delivery: Delivery, message: Message) -> Outcome:
        """Run a message."""
        engine = self._engine
        self._begin(delivery)
        start = engine.snapshot()
        engine.add_balance(delivery.sender, delivery.value)
        if message.to is None:
            engine.set_nonce(delivery.sender, engine.nonce(delivery.sender) + 1)
        else:
            engine.warm(message.to)
        result = engine.run(message)
        if not result.success or message.is_static:
            engine.revert(start)
        return self._end(delivery, result)

    def _end(self, delivery: Delivery, result: Result) -> Outcome:
        engine = self._engine
        logs = engine.logs()
        engine.finish()
        diff = engine.take_diff()
        if not result.success:
            self._written = ()
            work = delivery.work - result.gas_left
            return Outcome(work=work, failure=failure_of(result))
        written = _writes(diff, self._slots)
        leaving = self._leaving(diff)
        if leaving:
            engine.begin()
            for send in leaving:
                engine.set_balance(send.to, 0)
            engine.finish()
            written |= _writes(engine.take_diff(), self._slots)
        self._written = tuple(sorted(written.items()))
        return self._outcome(delivery, result, logs, leaving)

    def _leaving(self, diff: StateDiff) -> tuple[Send, ...]:
        """Coins that came to accounts without code, where the contract is one of the ledger's."""
        if self._own is None:
            return ()
        paid = [each for each in diff.accounts if each.balance is not None and each.balance[1]]
        return tuple(
            Send(each.address, each.balance[1], b"", 0)
            for each in paid
            if each.balance is not None and not self._engine.code(each.address)
        )

    def withdraw(self, delivery: Delivery) -> Outcome:
        """Send coins of the caller's account in here to the caller, with what came along."""
        (coins,) = abi.decode(["uint256"], delivery.payload[4:])
        engine = self._engine
        self._begin(delivery)
        balance = engine.balance(delivery.sender) + delivery.value
        if coins > balance:
            engine.finish()
            engine.take_diff()
            detail = f"the account has {balance} coins in here"
            return Outcome(failure=Failure(Reason.UNPAID, detail=detail))
        engine.set_balance(delivery.sender, balance - coins)
        engine.finish()
        self._written = tuple(sorted(_writes(engine.take_diff(), self._slots).items()))
        return Outcome(writes=self._written, effects=(Send(delivery.sender, coins, b"", 0),))

    def _begin(self, delivery: Delivery) -> None:
        engine = self._engine
        engine.set_block(
            Block(delivery.height, delivery.time_ms // 1000, gas_limit=max(delivery.work, 1))
        )
        engine.set_context(Context(delivery.sender, 0))
        engine.begin()
        engine.warm(delivery.sender)

    def _outcome(
        self, delivery: Delivery, result: Result, logs: tuple[Log, ...], leaving: tuple[Send, ...]
    ) -> Outcome:
        work = delivery.work - result.gas_left
        events: tuple[Effect, ...] = tuple(map(self._event, logs))
        output = result.output
        if result.created is not None:
            output = result.created.rjust(_WORD_BYTES, b"\0")
        return Outcome(output, self._written, events + leaving, work)

    def _event(self, log: Log) -> Event:
        """An event of the one contract that the ledger sees; the data of others' names them."""
        if log.address == self._own:
            return Event(log.topics, log.data)
        return Event(log.topics, log.address.rjust(_WORD_BYTES, b"\0") + log.data)


def _writes(diff: StateDiff, slots: Slots) -> dict[Key, Slot]:
    found: dict[Key, Slot] = {}
    for account in diff.accounts:
        found.update(_account_writes(account, slots))
    return found


def _account_writes(account: AccountDiff, slots: Slots) -> Iterator[tuple[Key, Slot]]:
    address = account.address
    if account.nonce is not None or account.balance is not None:
        at = _account_at(address)
        before = slots.load(at)
        nonce = account.nonce[1] if account.nonce is not None else before >> _NONCE_SHIFT
        balance = account.balance[1] if account.balance is not None else before & VALUE_MAX
        yield at, nonce << _NONCE_SHIFT | balance
    if account.code is not None:
        yield from _code_writes(address, account.code[1])
    for key, (_, now) in account.storage.items():
        yield storage_at(address, key), now


def _code_writes(address: Address, code: bytes) -> Iterator[tuple[Key, Slot]]:
    digest = int.from_bytes(keccak256(code), "big") if code else 0
    yield _code_digest_at(address), digest
    if code:
        yield from long_writes(_code_at(digest), code)


def _account_at(address: Address) -> Key:
    return _place(b"account", address)


def _code_digest_at(address: Address) -> Key:
    return _place(b"code of", address)


def _code_at(digest: int) -> Key:
    return place(keccak256(b"numen/atomic/1/code", digest.to_bytes(_WORD_BYTES, "big")))


def storage_at(address: Address, key: int) -> Key:
    """The slot that holds a word of an account's storage."""
    return _place(b"storage", address + key.to_bytes(_WORD_BYTES, "big"))


def _place(what: bytes, name: bytes) -> Key:
    return int.from_bytes(keccak256(b"numen/atomic/1/", what, name), "big")
