"""EVM bytecode as a service: CALL writes a request, and nothing waits.

The contract runs on the ordinary engines, on its own storage, alone. What it calls is not there:
see `mailbox`. What differs from Ethereum, and why, is in ``docs/guides/contracts.md``.
"""

from collections import OrderedDict
from collections.abc import Callable
from functools import partial
from typing import Any, Final

import msgspec

from numen.base.crypto import keccak256
from numen.evm import engines, forks
from numen.evm.block import Block, Context
from numen.evm.errors import ResourceLimitError
from numen.evm.message import Log, Message, Result
from numen.evm.state import AccountDiff, Source, StateDiff
from numen.evm.substate import Substate
from numen.vm import mailbox
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

CODE_AT: Final = place(keccak256(b"\x0cnumen/code/1"))
"""Where a contract keeps its code."""

MACHINES_MAX: Final = 16
"""Most contracts of one code that are kept ready to run."""


class EvmService:
    """A contract whose code is EVM bytecode, run event by event.

    A machine is used by one thread at a time, and so is a service.

    Args:
        initcode: What a compiler gives to be deployed, without arguments.
        fork: Whose rules hold, by name.
        engine: A name in `numen.evm.engines.ENGINES`.
        watcher: Who is told of every instruction, where that is the reference.
    """

    def __init__(
        self, initcode: bytes, fork: str = "prague", engine: str = "hot", watcher: Any = None
    ) -> None:
        self._initcode = initcode
        self._fork = forks.fork(fork)
        self._make = partial(engines.make, engine, self._fork, watcher=watcher)
        self._machines: OrderedDict[Address, _Machine] = OrderedDict()

    def handle(self, delivery: Delivery, slots: Slots) -> Outcome:
        """Carry out one delivery; see `Service`."""
        if delivery.kind not in (Kind.CREATE, Kind.REQUEST, Kind.VIEW):
            return Outcome(failure=Failure(Reason.ABSENT, detail="this contract waits for nobody"))
        try:
            if delivery.kind is Kind.CREATE:
                return self._create(delivery, slots)
            machine = self._machine(delivery.to, slots)
            if machine is None:
                return Outcome(failure=Failure(Reason.ABSENT, detail="the contract has no code"))
            return machine.run(delivery, slots)
        except ResourceLimitError as error:
            self._machines.pop(delivery.to, None)
            failure = Failure(Reason.OUT_OF_WORK, detail=str(error))
            return Outcome(work=delivery.work, failure=failure)

    def _create(self, delivery: Delivery, slots: Slots) -> Outcome:
        """Run the initcode where the contract will live; what it returns is the code."""
        code = self._initcode + delivery.payload
        machine = _Machine(self._make, delivery.to, slots, code)
        outcome = machine.run(msgspec.structs.replace(delivery, payload=b""), slots)
        return outcome if outcome.failure is not None else self._deposit(delivery, outcome)

    def _deposit(self, delivery: Delivery, outcome: Outcome) -> Outcome:
        code = outcome.result
        size_max = self._fork.code_size_max
        work = outcome.work + self._fork.gas.code_deposit * len(code)
        if work > delivery.work or 0 < size_max < len(code):
            return Outcome(work=delivery.work, failure=Failure(Reason.OUT_OF_WORK, detail="code"))
        writes = dict(outcome.writes) | dict(long_writes(CODE_AT, code))
        return Outcome(writes=tuple(sorted(writes.items())), effects=outcome.effects, work=work)

    def _machine(self, address: Address, slots: Slots) -> "_Machine | None":
        """The machine of a contract, or None where it has no code."""
        found = self._machines.get(address)
        if found is None or found.is_stale(slots):
            code = read_long(slots, CODE_AT)
            if not code:
                return None
            found = _Machine(self._make, address, slots, code)
            self._machines[address] = found
            if len(self._machines) > MACHINES_MAX:
                self._machines.popitem(last=False)
        self._machines.move_to_end(address)
        return found


class _Alone:
    """A world in which one contract lives, and mailboxes everywhere else; a `Source`."""

    def __init__(self, address: Address, code: bytes, slots: Slots) -> None:
        self._address = address
        self._code = code
        self.slots = slots

    def account(self, address: bytes) -> tuple[int, int, bytes] | None:
        """Nonce, balance and code."""
        if address == self._address:
            return 1, 0, self._code
        is_precompile = not any(address[:18])
        return None if is_precompile else (1, 0, mailbox.CODE)

    def slot(self, address: bytes, key: int) -> int:
        """A word of the contract's storage."""
        return self.slots.load(key) if address == self._address else 0

    def has_storage(self, address: bytes) -> bool:
        """Whether any word may not be zero."""
        return address == self._address


_Make = Callable[[Source], Substate]


class _Machine:
    """One contract, ready to run."""

    def __init__(self, make: _Make, address: Address, slots: Slots, code: bytes) -> None:
        self._address = address
        self._engine = make(_Alone(address, code, slots))
        self._taken_back = slots.taken_back
        self._slots = slots
        # What the last run left here, though the ledger may not have wanted it.
        self._written: tuple[tuple[Key, Slot], ...] = ()
        self._paid: tuple[Address, ...] = ()

    def is_stale(self, slots: Slots) -> bool:
        """Whether its storage was changed behind it."""
        return slots is not self._slots or slots.taken_back != self._taken_back

    def run(self, delivery: Delivery, slots: Slots) -> Outcome:
        """Run a delivery."""
        engine = self._engine
        engine.set_block(_block(delivery))
        engine.set_context(Context(delivery.sender, 0))
        self._prepare(delivery, slots)
        engine.begin()
        engine.warm_all((self._address, delivery.sender))
        result = engine.run(
            Message(
                delivery.sender, delivery.to, delivery.value, delivery.payload,
                delivery.work, is_static=delivery.kind is Kind.VIEW,
            )
        )  # fmt: skip
        logs = engine.logs()
        engine.finish()
        diff = engine.take_diff()
        mine, others = _split(diff, self._address)
        self._written = tuple(sorted((k, now) for k, (_, now) in mine.storage.items()))
        self._paid = tuple(account.address for account in others)
        return self._outcome(delivery, result, logs, others)

    def _prepare(self, delivery: Delivery, slots: Slots) -> None:
        """Let the engine hold what is true now: storage, and the coins of two accounts alone."""
        engine = self._engine
        engine.begin()
        for key, _ in self._written:
            engine.set_storage(self._address, key, slots.load(key))
        for address in self._paid:
            engine.set_balance(address, 0)
        engine.set_balance(self._address, delivery.balance - delivery.value)
        engine.set_balance(delivery.sender, delivery.value)
        engine.finish()
        engine.take_diff()

    def _outcome(
        self,
        delivery: Delivery,
        result: Result,
        logs: tuple[Log, ...],
        others: tuple[AccountDiff, ...],
    ) -> Outcome:
        work = delivery.work - result.gas_left
        if not result.success:
            return Outcome(work=work, failure=failure_of(result))
        try:
            found = tuple(mailbox.sort(logs, self._address))
        except mailbox.ForeignCodeError as error:
            return Outcome(work=work, failure=Failure(Reason.TRAPPED, detail=str(error)))
        if any(account.code is not None for account in others):
            detail = "a contract cannot make another while it runs"
            return Outcome(work=work, failure=Failure(Reason.TRAPPED, detail=detail))
        effects = tuple(_effect(one) for one in found)
        silent = _silent_coins(delivery, effects, others)
        return Outcome(result.output, self._written, effects + silent, work)


def _split(diff: StateDiff, own: Address) -> tuple[AccountDiff, tuple[AccountDiff, ...]]:
    """What became of a contract's own account, and of all others."""
    mine = AccountDiff(own, existed=True, exists=True)
    others = []
    for account in diff.accounts:
        if account.address == own:
            mine = account
        else:
            others.append(account)
    return mine, tuple(others)


def _silent_coins(
    delivery: Delivery, effects: tuple[Effect, ...], others: tuple[AccountDiff, ...]
) -> tuple[Send, ...]:
    """Coins that left without a call: SELFDESTRUCT gives them, and precompiles take them."""
    written: dict[Address, int] = {}
    for effect in effects:
        if isinstance(effect, Send):
            written[effect.to] = written.get(effect.to, 0) + effect.value
    sends = []
    for account in others:
        before, after = account.balance or (0, 0)
        paid = delivery.value if account.address == delivery.sender else 0
        coins = after - before + paid - written.get(account.address, 0)
        if coins > 0:
            sends.append(Send(account.address, coins, b"", 0))
    return tuple(sends)


def _effect(found: mailbox.Letter | Log) -> Effect:
    if isinstance(found, Log):
        return Event(found.topics, found.data)
    return Send(found.to, min(found.value, VALUE_MAX), found.payload, 0)


def _block(delivery: Delivery) -> Block:
    return Block(
        number=delivery.height,
        timestamp=delivery.time_ms // 1000,
        gas_limit=max(delivery.work, 1),
    )
